"""DEEP R: as many connections after every step, drift and noise as stated, delays from their prior, seeds that decide."""

import json

import numpy as np
import pytest

from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.plasticity.distance_prior import DistancePrior
from ranvier.recipes import RECIPES, initial_network

CONFIG = CoreConfig(inputs=8, neurons=12, outputs=3, recurrent=True, max_delay=20)
RECIPE = RECIPES["yinyang"].replace(weight_mean=0.0, recurrent_std=0.3)
#: Active connections at 25 %: of 8 * 12 among inputs, of 12 * 11 among neurons.
INPUTS, RECURRENT = 24, 33


def network(config: CoreConfig = CONFIG, seed: int = 0) -> FloatNetwork:
    return RECIPE.draw(config, np.random.default_rng(seed))


def counts(weight: np.ndarray, config: CoreConfig = CONFIG) -> tuple[int, int]:
    return np.count_nonzero(weight[: config.inputs]), np.count_nonzero(weight[config.inputs :])


# -------------------------------------------------------------------- connections come and go


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
def test_as_many_connections_after_every_step(delays: str) -> None:
    """While learning pushes every weight about, dormant ones too."""
    config = CONFIG.replace(delays=delays)
    plasticity = DeepR(config, Rewiring(connectivity=0.25, eta=0.1, l1=0.1, temperature=0.01, start=0.1), seed=1)
    sparse = plasticity.start(network(config))
    weight, delay = sparse.weight, sparse.delay
    assert counts(weight) == (INPUTS, RECURRENT)
    rng, before, formed = np.random.default_rng(2), delay.copy(), 0
    for _ in range(200):
        sign = np.sign(weight)
        weight += rng.normal(0, 0.3, weight.shape)
        crossed = (sign != 0) & (sign * weight < -0.2)
        plasticity.step(weight, delay)
        assert counts(weight) == (INPUTS, RECURRENT)
        assert not weight[CONFIG.inputs :].diagonal().any()
        np.testing.assert_array_equal(plasticity.sign, np.sign(weight))
        again = np.abs(weight[crossed])
        assert ((again == 0) | (again == 0.1)).all(), "dormant, or by chance formed again"
        formed += np.count_nonzero(crossed)
    assert plasticity.formed > formed > 100
    assert (delay != before).mean() > 0.5 if delays == "synaptic" else (delay == before).all()


def test_signs_stay_and_dormant_weights_stay_zero() -> None:
    plasticity = DeepR(CONFIG, Rewiring(connectivity=0.25, eta=1e-4, temperature=1e-4))
    sparse = plasticity.start(network())
    weight, delay, sign = sparse.weight, sparse.delay, plasticity.sign.copy()
    weight[sign != 0] = 2.0 * sign[sign != 0]
    before = delay.copy()
    for _ in range(50):
        weight += np.where(sign, 0.01, 0.5)
        plasticity.step(weight, delay)
        np.testing.assert_array_equal(np.sign(weight), sign)
    assert plasticity.formed == 0
    np.testing.assert_array_equal(delay, before)
    assert set(np.unique(sign)) == {-1, 0, 1}


def test_a_weight_that_the_core_would_round_away_is_dormant() -> None:
    config = CONFIG.replace(recurrent=False)
    plasticity = DeepR(config, Rewiring(connectivity=0.25, start=0.5))
    sparse = plasticity.start(network(config))
    weight = sparse.weight
    first, second, third = np.argwhere(weight)[:3]
    lsb = 1 / config.weight.one
    weight[*first], weight[*second], weight[*third] = 0.0, 0.99 * lsb * np.sign(weight[*second]), -weight[*third]
    plasticity.step(weight, sparse.delay)
    assert plasticity.formed == 3
    assert all(abs(weight[*where]) in (0, 0.5) for where in (first, second, third))
    assert np.abs(weight[weight != 0]).min() >= lsb


def test_all_connections() -> None:
    """Nothing is dormant, so that what crosses zero is formed again with another sign and delay."""
    plasticity = DeepR(CONFIG, Rewiring(connectivity=1.0, start=0.2))
    sparse = plasticity.start(network())
    assert counts(sparse.weight) == (96, 132)
    weight = -sparse.weight
    plasticity.step(weight, sparse.delay)
    assert plasticity.formed == 228
    assert (np.abs(weight[weight != 0]) == 0.2).all()


def test_at_least_one_connection() -> None:
    plasticity = DeepR(CONFIG, Rewiring(connectivity=0.001))
    assert counts(plasticity.start(network()).weight) == (1, 1)


def test_start_scales_what_it_keeps() -> None:
    dense = network()
    sparse = DeepR(CONFIG, Rewiring(connectivity=0.25)).start(dense)
    kept = sparse.weight != 0
    np.testing.assert_allclose(sparse.weight[kept], 2 * dense.weight[kept])
    np.testing.assert_array_equal(sparse.readout, dense.readout)
    assert dense.weight[:, 0].all(), "the dense network is left alone"


def test_start_of_a_network_without_recurrent_weights() -> None:
    silent = RECIPE.replace(recurrent_std=0.0).draw(CONFIG, np.random.default_rng(0))
    weight = DeepR(CONFIG, Rewiring(connectivity=0.25, start=0.3)).start(silent).weight[CONFIG.inputs :]
    assert set(np.unique(weight)) == {-0.3, 0, 0.3}


# -------------------------------------------------------------------- drift and noise


def test_drift_and_noise_of_one_step() -> None:
    config = CoreConfig(inputs=100, neurons=100, outputs=2)
    plasticity = DeepR(config, Rewiring(connectivity=0.5, eta=0.5, l1=0.2, temperature=0.04, decay=0.25))
    sparse = plasticity.start(network(config))
    for eta in (0.5, 0.125):
        weight = np.where(plasticity.sign, 5.0 * plasticity.sign, 0.0)
        plasticity.step(weight, sparse.delay)
        moved = (plasticity.sign * weight)[plasticity.sign != 0] - 5.0
        std = np.sqrt(2 * eta * 0.04)
        assert len(moved) == 5000
        assert abs(moved.mean() + eta * 0.2) < 4 * std / np.sqrt(len(moved))
        assert abs(moved.std() / std - 1) < 4 / np.sqrt(2 * len(moved))
    assert plasticity.formed == 0


def test_langevin_on_a_quadratic() -> None:
    """``E = h/2 (theta - centre)^2``: mean ``centre - l1 / h``, variance ``T / h / (1 - eta h / 2)`` of such steps."""
    config = CoreConfig(inputs=20, neurons=50, outputs=2)
    eta, l1, temperature, slope, centre = 0.1, 0.5, 0.02, 2.0, 3.0
    plasticity = DeepR(config, Rewiring(connectivity=1.0, eta=eta, l1=l1, temperature=temperature))
    sparse = plasticity.start(network(config))
    weight, sign = sparse.weight, plasticity.sign.copy()
    weight[...] = sign * centre
    seen = []
    for step in range(300):
        weight -= eta * slope * (weight - sign * centre)
        plasticity.step(weight, sparse.delay)
        if step >= 100 and step % 20 == 0:  # memory of a step: 0.8^20
            seen.append(sign * weight)
    assert plasticity.formed == 0
    theta = np.array(seen)
    variance = temperature / slope / (1 - eta * slope / 2)
    assert theta.size == 10_000
    assert abs(theta.mean() - (centre - l1 / slope)) < 4 * np.sqrt(variance / theta.size)
    assert abs(theta.var() / variance - 1) < 4 * np.sqrt(2 / theta.size)


# -------------------------------------------------------------------- delays and signs of new connections


def drawn(prior: DistancePrior | None, config: CoreConfig, connectivity: float = 0.5, **changes: float) -> tuple:
    """Where 20 steps formed connections, and with which weights and delays: every step gives up all there are."""
    plasticity = DeepR(config, Rewiring(connectivity=connectivity, start=0.1, **changes), seed=5, prior=prior)
    sparse = plasticity.start(network(config))
    weight, delay = sparse.weight, sparse.delay
    rows, columns, weights, delays = [], [], [], []
    for _ in range(20):
        weight *= -1
        plasticity.step(weight, delay)
        i, j = np.nonzero(weight)
        rows.append(i), columns.append(j), weights.append(weight[i, j]), delays.append(delay[i, j])
    return tuple(np.concatenate(values) for values in (rows, columns, weights, delays))


def test_new_connections_are_spread_evenly() -> None:
    config = CoreConfig(inputs=30, neurons=40, outputs=2, max_delay=20)
    rows, columns, weight, delay = drawn(None, config, delay_span=0.75)
    n = len(delay)
    assert n == 20 * 600
    assert 0 <= delay.min() < 0.1
    assert 14.9 < delay.max() <= 15
    for values, most in ((delay, 15), (rows, 30), (columns, 40)):
        expected = n / 10
        shares = np.histogram(values, 10, (0, most))[0]
        assert (abs(shares - expected) < 4 * np.sqrt(expected)).all()
    assert abs(np.mean(weight > 0) - 0.5) < 4 * 0.5 / np.sqrt(n)
    assert (np.abs(weight) == 0.1).all()


def test_delays_follow_the_distance() -> None:
    config = CoreConfig(inputs=4, neurons=40, outputs=2, recurrent=True, max_delay=30)
    prior = DistancePrior.square(40, velocity=0.05, spread=1.0, seed=2)
    rows, columns, _, delay = drawn(prior, config)
    recurrent = rows >= config.inputs
    distance = prior.distances()[rows - config.inputs, columns]
    expected = np.clip(distance / 0.05, 0, 30)
    inner = recurrent & (expected > 4) & (expected < 26)
    assert inner.sum() > 5000
    assert abs((delay - expected)[inner].std() - 1) < 4 / np.sqrt(2 * inner.sum())
    assert np.corrcoef(distance[recurrent], delay[recurrent])[0, 1] > 0.95
    assert 0 <= delay.min() <= delay.max() <= 30
    assert abs(np.corrcoef(rows[~recurrent], delay[~recurrent])[0, 1]) < 0.15, "inputs have no place"
    assert delay[~recurrent].max() > 29


def test_connections_are_local() -> None:
    config = CoreConfig(inputs=1, neurons=60, outputs=2, recurrent=True)
    near, far = (
        np.mean(prior.distances()[rows[rows > 0] - 1, columns[rows > 0]])
        for prior in (DistancePrior.square(60, 1.0, reach=reach, seed=1) for reach in (0.1, None))
        for rows, columns, *_ in [drawn(prior, config, 0.02)]
    )
    assert near < 0.25 < 0.4 < far


@pytest.mark.parametrize("reach", [None, 0.01])
def test_no_neuron_projects_onto_itself(reach: float | None) -> None:
    rows, columns, *_ = drawn(DistancePrior.square(12, 1.0, reach=reach), CONFIG, 0.9)
    assert len(rows) > 3000
    assert (rows - CONFIG.inputs != columns).all()


# -------------------------------------------------------------------- networks of raw integers


def test_raw_networks() -> None:
    """Rounded once, in range, with the step sizes they had and new random numbers for the core."""
    plasticity = DeepR(CONFIG, Rewiring(connectivity=0.25, eta=0.01, l1=0.1, temperature=1.0, start=0.02))
    before = initial_network(CONFIG, RECIPE, 3)
    sparse = plasticity.start(before)
    assert counts(sparse.weight) == (INPUTS, RECURRENT)
    seeds = {sparse.seed}
    for _ in range(20):
        sparse = plasticity.rewire(sparse)
        assert counts(sparse.weight) == (INPUTS, RECURRENT)
        seeds.add(sparse.seed)
    assert plasticity.formed > 50
    assert len(seeds) == 21
    assert (sparse.eta_weight, sparse.eta_delay) == (before.eta_weight, before.eta_delay)
    np.testing.assert_array_equal(sparse.readout, before.readout)


def test_raw_and_real_networks_are_rewired_alike() -> None:
    real, raw = (DeepR(CONFIG, Rewiring(connectivity=0.25, l1=0.2, start=0.5), seed=4) for _ in range(2))
    start = initial_network(CONFIG, RECIPE, 3)
    one, other = real.start(FloatNetwork.of(start)), raw.start(start)
    one, other = real.rewire(one), raw.rewire(other)
    assert real.formed == raw.formed > 3
    np.testing.assert_allclose(one.weight, other.real("weight"), atol=1 / CONFIG.weight.one)
    np.testing.assert_allclose(one.delay, other.real("delay"), atol=1 / CONFIG.delay.one)


def test_a_seed_decides_everything() -> None:
    def run(seed: int) -> Network:
        plasticity = DeepR(CONFIG, Rewiring(connectivity=0.25, l1=0.3, temperature=0.01), seed)
        sparse = plasticity.start(initial_network(CONFIG, RECIPE, 3))
        for _ in range(5):
            sparse = plasticity.rewire(sparse)
        return sparse

    first, second, other = run(1), run(1), run(2)
    np.testing.assert_array_equal(first.weight, second.weight)
    np.testing.assert_array_equal(first.delay, second.delay)
    assert first.seed == second.seed != other.seed
    assert (first.weight != other.weight).any()


# -------------------------------------------------------------------- networks that are sparse, states that go on


@pytest.mark.parametrize("connectivity", [0.25, 0.1, 0.4])
def test_a_sparse_network_keeps_its_connections(connectivity: float) -> None:
    """Weights and delays of those that stay are left alone; of too many the strongest stay, missing ones are formed."""
    before = DeepR(CONFIG, Rewiring(connectivity=0.25), seed=1).start(network())
    plasticity = DeepR(CONFIG, Rewiring(connectivity=connectivity, start=0.125), seed=2)
    after = plasticity.adopt(before)
    wanted = (round(connectivity * 96), round(connectivity * 132))
    assert counts(after.weight) == wanted
    np.testing.assert_array_equal(plasticity.sign, np.sign(after.weight))
    for rows, had, count in ((slice(0, 8), INPUTS, wanted[0]), (slice(8, 20), RECURRENT, wanted[1])):
        old, new = before.weight[rows], after.weight[rows]
        stayed = (old != 0) & (new == old)
        assert stayed.sum() == min(had, count)
        np.testing.assert_array_equal(before.delay[rows][stayed], after.delay[rows][stayed])
        gone = np.abs(old[(old != 0) & ~stayed])
        assert gone.max(initial=0) <= np.abs(old[stayed]).min()
        assert (np.abs(new[(new != 0) & ~stayed]) == 0.125).all()
    raw = DeepR(CONFIG, Rewiring(connectivity=0.25), seed=2).adopt(
        Network.zeros(CONFIG).replace(weight=np.ones((20, 12), int))
    )
    assert counts(raw.weight) == (INPUTS, RECURRENT)


def test_a_restored_state_continues_bit_for_bit() -> None:
    recipe = Rewiring(connectivity=0.25, eta=0.1, l1=0.1, temperature=0.05, decay=0.98, start=0.1)
    one, other = DeepR(CONFIG, recipe, seed=1), DeepR(CONFIG, recipe, seed=99)
    sparse = one.start(network())
    for _ in range(5):
        one.step(sparse.weight, sparse.delay)
    copy, formed = sparse.replace(), one.formed
    other.restore(json.loads(json.dumps(one.state())))
    for _ in range(20):
        one.step(sparse.weight, sparse.delay)
        other.step(copy.weight, copy.delay)
    np.testing.assert_array_equal(sparse.weight, copy.weight)
    np.testing.assert_array_equal(sparse.delay, copy.delay)
    assert (one.formed, one.eta) == (other.formed, other.eta)
    assert one.formed > formed + 10


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"connectivity": 0.0}, "connectivity=0 is out of range"),
        ({"connectivity": 1.5}, "connectivity=1.5"),
        ({"connectivity": float("nan")}, "connectivity=nan"),
        ({"eta": -1.0}, "eta=-1.0"),
        ({"l1": float("inf")}, "l1=inf"),
        ({"temperature": -0.1}, "temperature=-0.1"),
        ({"start": -0.1}, "start=-0.1"),
        ({"decay": 1.1}, "decay=1.1"),
        ({"delay_span": 2.0}, "delay_span=2"),
        ({"every": 0}, "every=0"),
    ],
    ids=str,
)
def test_impossible_recipe(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Rewiring(**{"connectivity": 0.5} | changes)


def test_space_of_another_size() -> None:
    with pytest.raises(ConfigError, match="5 neurons but this core holds 12"):
        DeepR(CONFIG, Rewiring(connectivity=0.5), prior=DistancePrior.square(5, 1.0))

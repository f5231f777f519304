"""EventProp on the grid: forwards the core's model, backwards what it says, and on a fine grid the exact gradient."""

import inspect
import time

import numpy as np
import pytest

from ranvier.golden.float_core import FloatCore
from ranvier.learners import eventprop_continuous as eventprop_exact
from ranvier.learners import eventprop_gradient as eventprop
from ranvier.learners.eventprop_gradient import EventRule, batch_gradient, trajectory
from ranvier.parameters.config import CHOICES, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample, SampleError

STEPS = 30
EVERY_KIND = [(delays, recurrent) for delays in ("synaptic", "axonal", "none") for recurrent in (False, True)]


def case(delays="synaptic", recurrent=True, seed=0, beta=0.0, **changes):
    """A busy random network, a sample with some steps scored, and its class."""
    config = CoreConfig(inputs=6, neurons=8, outputs=3, max_delay=6, delays=delays, recurrent=recurrent, **changes)
    rng = np.random.default_rng(seed)
    shape = (config.rows, 8)
    weight = rng.normal(0.4, 0.5, shape) * (1 - beta)
    weight[6:] -= 0.4 * (1 - beta)
    delay = rng.uniform(0, 6, {"synaptic": shape, "axonal": (config.rows, 1), "none": (0, 0)}[delays])
    net = FloatNetwork(config, weight, delay, rng.normal(0, 0.5, (8, 3)), alpha=0.85, kappa=0.8, beta=beta)
    return net, Sample.from_raster(rng.random((STEPS, 6)) < 0.25, rng.random(STEPS) < 0.6), seed % 3


def arrivals(net, sample, spikes):
    """Every arrival as (row, neuron, step sent, step felt), a neuron onto itself left out."""
    c, hop = net.config, 1 + net.arrivals()
    sent = [*zip(sample.times, sample.units, strict=True)]
    if c.recurrent:
        sent += [(t, c.inputs + j) for t, j in np.argwhere(spikes)]
    return [(i, j, t, t + hop[i, j]) for t, i in sent for j in range(c.neurons) if j != i - c.inputs]


# -------------------------------------------------------------------- forwards


@pytest.mark.parametrize("reset", CHOICES["reset"])
@pytest.mark.parametrize(("delays", "recurrent"), EVERY_KIND)
def test_what_is_trained_is_what_the_core_runs(delays, recurrent, reset):
    """Potentials, spikes and readouts of the float core, to the last bit, and the loss that its learning descends."""
    fired = 0
    for seed, (beta, synapse) in enumerate([(0.0, "delta"), (0.6, "exponential")]):
        net, sample, target = case(delays, recurrent, seed, beta, reset=reset, synapse=synapse)
        core = FloatCore(net.config)
        core.load_real(net)
        core.run(sample)
        h, loss = trajectory(net, sample, target, EventRule())
        for name in ("potential", "spikes", "readout"):
            np.testing.assert_array_equal(getattr(h, name), getattr(core.history, name), name)
        chosen = core.history.probability[sample.scored, target]
        assert loss == pytest.approx(-np.log(chosen).sum(), rel=1e-12)
        fired += h.spikes.sum()
    assert fired > 40


def test_samples_grow_by_the_lag_of_the_network():
    net, sample, target = case()
    late, later, rule, labels = net.replace(lag=4), sample.later(4), EventRule(), np.array([target])
    (got, loss), (expected, same) = trajectory(late, sample, target, rule), trajectory(net, later, target, rule)
    np.testing.assert_array_equal(got.potential, expected.potential)
    assert loss == same != trajectory(net, sample, target, rule)[1]
    sums = [batch_gradient(n, [s], labels, rule) for n, s in ((late, sample), (net, later))]
    for name in ("weight", "delay", "readout"):
        np.testing.assert_array_equal(*(getattr(batch, name) for batch in sums))
        assert getattr(sums[0], name).any()
    assert sums[0].loss == loss


def test_exponential_current():
    net, sample, target = case(beta=0.6)
    h, _ = trajectory(net, sample, target, EventRule())
    current, v, z = np.zeros((STEPS + 8, 8)), np.zeros(8), np.zeros(8)
    for i, j, _, felt in arrivals(net, sample, h.spikes):
        current[felt, j] += net.weight[i, j]
    for t in range(STEPS):
        current[t] += 0.6 * current[t - 1] if t else 0
        v = 0.85 * v - z + current[t]
        z = v >= 1
        np.testing.assert_allclose(h.potential[t], v, atol=1e-12)
    assert h.spikes.sum() > 40


# -------------------------------------------------------------------- backwards, written out


def written_out(net, sample, target, rule):
    """lam, mu [steps + 9, neurons], Lam and the gradient, as the docstring of `eventprop` puts them."""
    c, (h, _) = net.config, trajectory(net, sample, target, rule)
    y, z, current = h.readout, h.spikes, h.current
    onehot = np.arange(3) == target
    softmax = [np.exp(row) / np.exp(row).sum() for row in y]
    if rule.accumulated:
        total = np.exp(y[sample.scored].sum(axis=0))
        softmax = [total / total.sum()] * STEPS
    big = np.zeros((STEPS + 9, 3))
    for t in range(STEPS - 1, -1, -1):
        big[t] = net.kappa * big[t + 1] + sample.scored[t] * (softmax[t] - onehot)
    lam, mu = np.zeros((STEPS + 9, 8)), np.zeros((STEPS + 9, 8))

    a, hop = -np.log(net.alpha), 1 + net.arrivals()
    for t in range(STEPS - 1, -1, -1):
        lam[t] = net.alpha * lam[t + 1]
        mu[t] = net.beta * mu[t + 1] + lam[t]
        jump = np.zeros(8)
        for j in np.flatnonzero(z[t]):
            worth = net.readout[j] @ (big[t + 1] - (big[t - 1] if t else 0)) / 2
            for m in range(8) if c.recurrent else ():
                worth += net.weight[6 + j, m] * (mu[t + hop[6 + j, m] + 1, m] - mu[t + hop[6 + j, m], m]) * (m != j)
            slope = max(a * (current[t, j] / (1 - net.alpha) - 1), rule.least_slope)
            felt = net.alpha if c.reset == "soft now" else 1
            jump[j] = (felt * (1 - net.alpha) * lam[t + 1, j] - worth) / slope
            jump[j] += rule.pull * max(0, z[:, j].sum() - rule.most)
        lam[t] += jump
        mu[t] += jump
    weight, delay = np.zeros(net.weight.shape), np.zeros(net.weight.shape)
    for i, j, _, felt in arrivals(net, sample, z):
        weight[i, j] += mu[felt, j]
        delay[i, j] += net.weight[i, j] * (mu[felt + 1, j] - mu[felt, j])
    return lam, mu, big, weight, delay, z.T @ big[:STEPS]


@pytest.mark.parametrize("rule", [EventRule(), EventRule(True, 0.5, most=4, pull=0.2)], ids=["core", "accumulated"])
@pytest.mark.parametrize("beta", [0.0, 0.6])
@pytest.mark.parametrize(("delays", "recurrent"), EVERY_KIND)
def test_adjoint_is_the_one_of_the_docstring(delays, recurrent, beta, rule):
    compared = 0
    for seed, reset in enumerate(CHOICES["reset"]):
        net, sample, target = case(delays, recurrent, seed, beta, reset=reset)
        h, _ = trajectory(net, sample, target, rule)
        got = batch_gradient(net, [sample], np.array([target]), rule)
        lam, mu, big, weight, delay, readout = written_out(net, sample, target, rule)
        assert h.spikes.sum() > 20
        for name, actual, expected in (
            ("lam", h.potential_adjoint, lam[: STEPS + 1]),
            ("mu", h.current_adjoint.T, mu[: h.current_adjoint.shape[1]]),
            ("Lam", h.readout_adjoint, big[: STEPS + 1]),
            ("W", got.weight, weight),
            ("D", got.delay, delay),
            ("Wout", got.readout, readout),
        ):
            assert np.count_nonzero(expected) > expected.size / 5, name
            np.testing.assert_allclose(actual, expected, atol=1e-12 * max(1, abs(expected).max()), err_msg=name)
            compared += expected.size
    assert compared > 1000


# -------------------------------------------------------------------- backwards, against slopes


def spikes_held(net, sample, spikes, jump, weight, shift):
    """``sum_tj jump_j[t] v_j[t]`` with spikes held; a current delayed by a part of a step is shared between two."""
    current, total, v, i = np.zeros((STEPS + 12, 8)), 0.0, np.zeros(8), np.zeros(8)
    for row, j, _, felt in arrivals(net, sample, spikes):
        current[felt, j] += (1 - shift[row, j]) * weight[row, j]
        current[felt + 1, j] += shift[row, j] * weight[row, j]
    for t in range(STEPS):
        i = net.beta * i + current[t]
        before = spikes[t - 1] if t else 0
        v = (net.alpha * (v - before) if net.config.reset == "soft now" else net.alpha * v - before) + i
        total += jump[t] @ v
    return total


@pytest.mark.parametrize("beta", [0.0, 0.6])
def test_between_jumps_the_adjoint_is_exact(beta):
    """With spikes held, v is linear in W and D: central differences have no error."""
    compared = 0
    for seed, reset in enumerate(("soft", "soft now")):
        net, sample, target = case(seed=seed, beta=beta, reset=reset)
        h, _ = trajectory(net, sample, target, EventRule())
        got = batch_gradient(net, [sample], np.array([target]), EventRule())
        jump = h.potential_adjoint[:STEPS] - net.alpha * h.potential_adjoint[1:]
        still = np.zeros(net.weight.shape)
        for at in [*np.ndindex(net.weight.shape)][:: 7 - seed]:
            for name, value in (("weight", got.weight[at]), ("delay", got.delay[at])):
                ends = []
                for side in (0.5, -0.5):
                    weight, shift = net.weight.copy(), still.copy()
                    (weight if name == "weight" else shift)[at] += side
                    ends.append(spikes_held(net, sample, h.spikes, jump, weight, shift))
                assert value == pytest.approx(ends[0] - ends[1], abs=1e-11), (name, at)
                compared += value != 0
    assert compared > 50


@pytest.mark.parametrize("rule", [EventRule(), EventRule(accumulated=True)], ids=["core", "accumulated"])
def test_readout_gradient_is_the_slope_of_the_loss(rule):
    net, sample, target = case()
    got = batch_gradient(net, [sample], np.array([target]), rule).readout
    for at in np.ndindex(got.shape):
        ends = []
        for side in (1e-5, -1e-5):
            readout = net.readout.copy()
            readout[at] += side
            ends.append(trajectory(net.replace(readout=readout), sample, target, rule)[1])
        assert got[at] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-8)
    assert np.count_nonzero(got) > got.size / 2


# -------------------------------------------------------------------- against the exact gradient


def exact_case(seed, recurrent):
    """A network in continuous time whose inputs and delays fall on every grid that is tried (multiples of 0.2)."""
    rng, exists = np.random.default_rng(seed), np.ones((10, 6), bool)
    exists[4:] = recurrent & ~np.eye(6, dtype=bool)
    weight = rng.normal(1.5, 1.0, (10, 6))
    weight[4:] = rng.normal(-0.2, 0.6, (6, 6))
    delay, readout = rng.integers(1, 6, (10, 6)) * 0.2, rng.normal(0, 0.1, (6, 3))
    net = eventprop_exact.ExactNetwork(weight * exists, delay, exists, readout, tau_mem=2.0, tau_syn=1.0, tau_out=3.0)
    return net, rng.integers(0, 40, 10) * 0.2, rng.integers(0, 4, 10)


def on_grid(exact, times, units, dt, recurrent):
    """The same network and sample in steps of dt: ``W = w dt / tau_mem``, and a synapse costs one step."""
    delay = np.round(exact.delay / dt) - 1
    config = CoreConfig(inputs=4, neurons=6, outputs=3, recurrent=recurrent, max_delay=round(1 / dt))
    decays = {"alpha": exact.tau_mem, "beta": exact.tau_syn, "kappa": exact.tau_out}
    net = FloatNetwork(
        config,
        exact.weight[: config.rows] * dt / exact.tau_mem,
        delay[: config.rows],
        exact.readout * dt,
        **{name: np.exp(-dt / tau) for name, tau in decays.items()},
    )
    steps, order = np.round(times / dt).astype(int), np.argsort(times, kind="stable")
    return net, Sample(steps[order], units[order], np.arange(round(12 / dt)) >= round(5 / dt))


@pytest.mark.parametrize(("seed", "recurrent"), [(6, False), (8, False), (9, False), (10, True), (11, True)])
def test_a_fine_grid_leads_to_the_exact_gradient(seed, recurrent, record_property):
    exact, times, units = exact_case(seed, recurrent)
    events = eventprop_exact.run(exact, times, units, 12.0)
    assert events.slope[events.spikes].min() > 0.25  # no spike is about to vanish
    want = eventprop_exact.gradient(exact, events, eventprop_exact.readout_integral(exact, events, 1, 5.0))
    rule, errors, ratios = EventRule(accumulated=True, least_slope=0.0), [], []
    for dt in (0.01, 0.0025, 0.001):
        net, sample = on_grid(exact, times, units, dt, recurrent)
        got = batch_gradient(net, [sample], np.array([1]), rule)
        assert got.counts.sum() == len(events.spikes) > 10
        pairs = [
            (got.weight * dt / exact.tau_mem, want.weight[: len(net.weight)]),
            (got.delay / dt, want.delay[: len(net.weight)]),
        ]
        ratios.append([(a * b).sum() / (b * b).sum() for a, b in pairs])
        errors.append([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs])
    line = " ".join(f"{w:.4f}/{d:.4f}" for w, d in ratios)
    record_property("evidence", f"EventProp on grids of 0.01, 0.0025, 0.001 over exact, W/D, seed {seed}: {line}")
    assert (np.array(errors[2]) < 0.5 * np.array(errors[1])).all()
    assert (np.array(errors[1]) < 0.5 * np.array(errors[0])).all()
    np.testing.assert_allclose(ratios[2], 1, atol=0.01)


# -------------------------------------------------------------------- against the loss itself


@pytest.mark.parametrize(
    ("beta", "weight_fit", "delay_fit"),
    [(0.0, (0.5, 1.5, 3.5), (0.15, 0.3, 2.0)), (0.6, (0.6, 0.8, 1.6), (0.25, 0.5, 1.8))],  # least correlation, slopes
)
def test_sign_and_size_are_those_of_the_smoothed_loss(beta, weight_fit, delay_fit, record_property):
    """How the loss really changes when one parameter moves by a sizeable step, over many networks: on average, it follows.

    On a coarse grid the loss is a staircase; what is asked is whether the gradient says where it leads. W moves by
    0.1 (1 - beta), D by one step to either side.
    """
    rule = EventRule(accumulated=True, least_slope=0.3 if beta else 1.0)
    said, seen = {"weight": [], "delay": []}, {"weight": [], "delay": []}
    for seed in range(70):
        net, sample, target = case("synaptic", False, seed, beta)
        net = net.replace(delay=np.clip(net.delay, 1, 5), readout=0.3 * net.readout)
        got, rng = batch_gradient(net, [sample], np.array([target]), rule), np.random.default_rng(seed)
        for name, step in (("weight", 0.1 * (1 - beta)), ("delay", 1.0)):
            for at in zip(rng.integers(0, 6, 12), rng.integers(0, 8, 12), strict=True):
                losses = []
                for side in (step, -step):
                    moved = getattr(net, name).copy()
                    moved[at] += side
                    losses.append(trajectory(net.replace(**{name: moved}), sample, target, rule)[1])
                seen[name].append((losses[0] - losses[1]) / (2 * step))
                said[name].append(getattr(got, name)[at])
    for name, (least, low, high) in (("weight", weight_fit), ("delay", delay_fit)):
        g, f = np.array(said[name]), np.array(seen[name])
        together, size = np.corrcoef(g, f)[0, 1], (g @ f) / (g @ g)
        record_property(
            "evidence",
            f"EventProp, beta {beta}, {name}: loss changes by {size:.2f} of what the gradient says, correlation "
            f"{together:.2f}, {np.count_nonzero(g * f)} pairs",
        )
        assert np.count_nonzero(g * f) > 200
        assert together > least
        assert low < size < high


FAULTS = {
    "sign of what a spike is worth": ("(own - moved(", "(own + moved("),
    "no reset": ("lam += (own - ", "lam += (-"),
    "adjoint of the current without its memory": ("m.beta * h.current_adjoint[j, t + 1] + ", ""),
    "slope without the leak": ("/ slope(rule, m, h, t, j)", "/ h.current[t, j]"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_adjoint_is_caught(fault):
    good, bad = FAULTS[fault]
    source = inspect.getsource(eventprop.backwards.py_func).replace("@njit\n", "")
    assert source.count(good) == 1
    space = dict(vars(eventprop))
    exec(source.replace(good, bad), space)
    net, sample, target = case(beta=0.6)
    rule = EventRule()
    h, _ = trajectory(net, sample, target, rule)
    for line in (h.potential_adjoint, h.current_adjoint, h.readout_adjoint):
        line[:] = 0
    model = eventprop.Model.of(net)
    eventprop.judged(rule, h, sample.scored, target)
    space["backwards"](rule, model, h, h.spikes.sum(axis=0))
    right = written_out(net, sample, target, rule)[1][:STEPS]
    assert abs(h.current_adjoint[:, :STEPS].T - right).max() > 0.01 * abs(right).max()


# -------------------------------------------------------------------- batches and what shapes them


def test_a_batch_is_the_sum_of_its_samples():
    net, first, _ = case()
    samples = [first, case(seed=1)[1], Sample(np.array([3]), np.array([2]), np.ones(7, bool))]  # of other lengths
    labels, rule = np.array([0, 2, 1]), EventRule()
    whole = batch_gradient(net, samples, labels, rule)
    parts = [batch_gradient(net, [s], np.array([label]), rule) for s, label in zip(samples, labels, strict=True)]
    for name in ("weight", "delay", "readout", "counts", "loss", "correct"):
        np.testing.assert_allclose(getattr(whole, name), sum(getattr(part, name) for part in parts), rtol=1e-12)
    assert whole.counts.sum() > 40
    assert whole.correct in (0, 1, 2, 3)


def test_counts_are_held_in_their_band():
    net, sample, target = case(recurrent=False)
    labels = np.array([target])
    plain = batch_gradient(net, [sample], labels, EventRule())
    middle = float(np.median(plain.counts))
    assert 0 < (plain.counts > middle).sum() < 8
    assert (plain.counts < middle).any()
    pulled = batch_gradient(net, [sample], labels, EventRule(most=middle, pull=0.5)).weight - plain.weight
    assert (pulled.sum(axis=0)[plain.counts > middle] > 0).all()  # descending it lowers their weights
    assert not pulled[:, plain.counts <= middle].any()
    raised = batch_gradient(net, [sample], labels, EventRule(least=middle, rescue=2.0)).weight - plain.weight
    expected = np.broadcast_to(-2.0 * np.maximum(0, middle - plain.counts), raised.shape)
    np.testing.assert_allclose(raised, expected, atol=1e-9)


def test_a_slope_is_bounded_from_below():
    net, sample, target = case(seed=3)
    sizes = [
        abs(batch_gradient(net, [sample], np.array([target]), EventRule(least_slope=least)).weight).max()
        for least in (0.1, 1.0, 100.0)
    ]
    assert sizes[0] > sizes[1] > 20 * sizes[2] > 0


def test_bad_samples_are_refused():
    net, sample, _ = case()
    with pytest.raises(SampleError, match="outputs=3"):
        batch_gradient(net, [sample], np.array([3]), EventRule())
    with pytest.raises(SampleError, match="inputs=6"):
        trajectory(net, Sample(np.array([0]), np.array([6]), np.ones(2, bool)), 0, EventRule())


def test_speed(record_property):
    """Braille's size: 24 inputs, 64 neurons, 27 outputs, 76 steps, about 250 spikes in and 80 hidden ones."""
    config = CoreConfig(inputs=24, neurons=64, outputs=27, max_delay=62)
    rng = np.random.default_rng(0)
    net = FloatNetwork(
        config,
        rng.normal(0.1, 0.3, (24, 64)),
        rng.uniform(0, 62, (24, 64)),
        rng.normal(0, 0.15, (64, 27)),
        alpha=0.9,
        kappa=0.875,
    )
    scored = np.arange(76) >= 72
    samples = [Sample.from_raster(rng.random((76, 24)) < 0.14, scored) for _ in range(200)]
    labels = np.arange(200) % 27
    batch_gradient(net, samples[:1], labels[:1], EventRule())
    start = time.process_time()
    got = batch_gradient(net, samples, labels, EventRule())
    rate = 200 / (time.process_time() - start)
    record_property("evidence", f"EventProp on the grid: {rate:.0f} samples per CPU second")
    assert got.counts.sum() > 2000
    assert rate > 500

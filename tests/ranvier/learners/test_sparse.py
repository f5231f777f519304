"""Sparse networks: how they are rewired, by offline learners after every mini-batch, and what `Way.train` makes of them."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import ranvier.recipes
from ranvier.data import Dataset, yin_yang
from ranvier.device import open_device
from ranvier.learners import LEARNERS, Offline, Sparse, Trained, Way
from ranvier.learners.offline import Gradient, OfflineRecipe, fit
from ranvier.learners.online import evaluate
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.plasticity.deep_r import DeepR
from ranvier.recipes import REWIRED, rewiring

#: Connections of 5 * 60 at 20 %.
ACTIVE = 60


def test_rewiring_comes_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in all, however many steps there are: drift adds up, variances of the noise do."""
    monkeypatch.setattr(ranvier.recipes, "NOISE", 0.7)
    for recipe, steps in (
        (rewiring(0.1, 12, samples=864), 12 * REWIRED),
        (rewiring(0.1, 3, steps=400), 1200),
    ):
        etas = recipe.eta * recipe.decay ** np.arange(steps)
        assert recipe.l1 * etas.sum() == pytest.approx(ranvier.recipes.DRIFT, rel=1e-3)
        assert 2 * recipe.temperature * etas.sum() == pytest.approx(ranvier.recipes.NOISE**2, rel=1e-3)
        assert etas[-1] < 1e-3
    assert rewiring(0.1, 12, samples=864).every == 108
    assert rewiring(0.1, 1, samples=5).every == 1
    assert rewiring(0.1, 1, steps=5).every is None


# -------------------------------------------------------------------- offline learners


class Guess:
    """A learner with gradients out of thin air."""

    def __init__(self, config: CoreConfig):
        self.rng = np.random.default_rng(0)

    def gradient(
        self, network: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], done: float
    ) -> Gradient:
        draws = [self.rng.normal(size=getattr(network, name).shape) for name in ("weight", "delay", "readout")]
        return Gradient(*draws, loss=1.0, correct=0, spikes=0)


GUESSED = OfflineRecipe(
    epochs=2, batch=10, eta_weight=0.3, eta_delay=0.3, eta_readout=0.1,
    alpha=0.9, kappa=0.9, weight_mean=0.0, weight_std=0.5, readout_std=0.1,
)  # fmt: skip


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
def test_rewiring_after_every_mini_batch(delays: str) -> None:
    config = preset("yinyang").replace(delays=delays, recurrent=True, neurons=10)
    plasticity = DeepR(config, rewiring(0.4, 2, steps=4), seed=1)
    start = plasticity.start(GUESSED.replace(recurrent_std=0.2).draw(config, np.random.default_rng(0)))
    active = []

    def step(weight: NDArray[np.float64], delay: NDArray[np.float64]) -> None:
        plasticity.step(weight, delay)
        active.append(weight != 0)

    result = fit(Guess(config), start, yin_yang(train=40, test=10), GUESSED, after_step=step)
    assert [(a[:5].sum(), a[5:].sum()) for a in active] == [(20, 36)] * 8
    assert len({a.tobytes() for a in active}) > 3
    assert plasticity.formed > 10
    np.testing.assert_array_equal(result.network.weight != 0, active[-1])
    assert (result.network.weight != start.weight).sum() > 20


@pytest.fixture
def guess(monkeypatch: pytest.MonkeyPatch) -> Offline:
    """An offline learner that guesses."""
    way = Offline("guess", "ranvier.learners.eventprop", lambda config, recipe, data: Guess(config), {}, ())
    monkeypatch.setattr(way, "recipe", lambda data, from_zero: GUESSED)
    return way


def trained(way: Way, sparse: Sparse | None, data: Dataset) -> Trained:
    return way.train(*way.parts(preset("yinyang"), "yinyang", "synaptic", 2, sparse), data, 0, sparse=sparse)


@pytest.mark.parametrize("rewired", [False, True])
@pytest.mark.parametrize("learner", ["online", "guess"])
def test_sparse_networks_of_both_kinds_of_learners(learner: str, rewired: bool, guess: Offline) -> None:
    data = yin_yang(train=40, test=10)
    result = trained(guess if learner == "guess" else LEARNERS[learner], Sparse(0.2, rewired), data)
    first, last = result.learned.initial.weight, result.learned.network.weight
    assert np.count_nonzero(last) == result.synapses == result.summary()["synapses"] == ACTIVE
    assert ((first != 0) == (last != 0)).all() == (not rewired)
    assert (first != last).sum() > 20
    assert result.plasticity
    assert (result.plasticity.formed > 10) == rewired
    assert f"{ACTIVE} synapses are active, {result.plasticity.formed:,} were formed anew" in result.text()
    assert result.network.config.learning == result.network.config.dormant == (learner == "online")
    assert (result.real is None) == (learner == "online")
    with open_device("golden", result.network.config) as device:
        device.load(result.network)
        assert result.golden(data).accuracy == evaluate(device, data).accuracy
    if learner == "online":
        assert result.golden(data).accuracy == result.learned.accuracy


def test_a_dense_network_has_no_plasticity(guess: Offline) -> None:
    result = trained(guess, None, yin_yang(train=40, test=10))
    assert result.synapses is result.plasticity is None
    assert "synapses" not in result.summary()
    assert np.count_nonzero(result.learned.network.weight) == 5 * ACTIVE

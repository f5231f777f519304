"""Backpropagation through time: its forward pass against float64 core and equations, its gradient against slopes."""

import runpy
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ranvier.data import Dataset, yin_yang
from ranvier.extras import ExtraError
from ranvier.golden.float_core import FloatCore
from ranvier.learners.offline import evaluate_float, train_offline
from ranvier.parameters.config import CHOICES, ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.recipes import RECIPES_OF, Initialisation, OfflineRecipe

torch = pytest.importorskip("torch", reason="PyTorch is missing: install ranvier[offline]")

from ranvier.learners import bptt  # noqa: E402 (needs PyTorch)
from ranvier.learners.bptt import SHARP, Bptt, spread  # noqa: E402

TINY = CoreConfig(inputs=3, neurons=4, outputs=3, max_delay=5, threshold=0.5)
START = Initialisation(alpha=0.9, kappa=0.8, weight_mean=0.2, weight_std=0.4, recurrent_std=0.3, readout_std=0.5)
KINDS = [
    TINY.replace(delays=delays, recurrent=recurrent, reset=reset)
    for delays in ("none", "axonal", "synaptic")
    for recurrent in (False, True)
    for reset in CHOICES["reset"]
]
LABELS = np.array([2, 0, 1])
BPTT_RECIPES = RECIPES_OF["bptt"]


def kind(c: CoreConfig) -> str:
    return f"{c.delays}-{'recurrent' if c.recurrent else 'feedforward'}-{c.reset}"


def samples(c: CoreConfig, seed: int = 5, lengths: tuple[int, ...] = (20, 33, 9)) -> list[Sample]:
    """Of different lengths, scored on some steps."""
    rng = np.random.default_rng(seed)
    return [Sample.from_raster(rng.poisson(0.4, (steps, c.inputs)), rng.random(steps) < 0.5) for steps in lengths]


def drawn(c: CoreConfig, **start: float) -> FloatNetwork:
    return START.replace(**start).draw(c, np.random.default_rng(2))


# -------------------------------------------------------------------- forward


def equal_spikes(c: CoreConfig, beta: float = 0.0) -> int:
    """Spikes that the float64 core and rounded BPTT agree on."""
    network = drawn(c, beta=beta)
    core = FloatCore(c)
    core.load_real(network)
    play, count = Bptt(double=True).play(network, samples(c)), 0
    for n, sample in enumerate(samples(c)):
        core.run(sample)
        np.testing.assert_array_equal(play.spikes[: sample.steps, n].numpy(), core.history.spikes)
        np.testing.assert_allclose(play.readout[: sample.steps, n].numpy(), core.history.readout, atol=1e-10)
        count += int(core.history.spikes.sum())
    return count


@pytest.mark.parametrize("beta", [0.0, 0.7])
@pytest.mark.parametrize("c", KINDS, ids=kind)
def test_rounded_forward_pass_is_the_core_s(c: CoreConfig, beta: float) -> None:
    assert equal_spikes(c, beta) > 30


def test_samples_grow_by_the_lag_of_the_network() -> None:
    network, given = drawn(TINY.replace(recurrent=True)), samples(TINY)
    later, late = [sample.later(4) for sample in given], network.replace(lag=4)
    rule = Bptt(double=True)
    np.testing.assert_array_equal(rule.play(late, given).spikes, rule.play(network, later).spikes)
    expected, got = (rule.gradient(net, batch, LABELS, 0.0) for net, batch in ((network, later), (late, given)))
    for name in ("weight", "delay", "readout"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
        assert getattr(got, name).any()
    assert (got.loss, got.correct, got.spikes) == (expected.loss, expected.correct, expected.spikes)
    assert got.loss != rule.gradient(network, given, LABELS, 0.0).loss


@pytest.mark.parametrize("c", [k for k in KINDS if k.reset == "soft" and k.delays != "none"], ids=kind)
def test_delay_off_by_one_step_is_seen(c: CoreConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bptt, "spread", lambda *arguments: spread(*arguments).roll(1, -1))
    with pytest.raises(AssertionError, match="not equal"):
        equal_spikes(c)


def test_spread_by_hand() -> None:
    delay = torch.tensor([0.0, 0.5, 1.49, 3.0], dtype=torch.float64)
    np.testing.assert_array_equal(spread(delay, 3, 0.0), np.eye(4)[[0, 1, 1, 3]])
    soft = spread(delay, 3, 1.0)
    np.testing.assert_allclose(soft.sum(-1), 1)
    np.testing.assert_allclose(soft[0] / soft[0, 0], np.exp([0, -0.5, -2, -4.5]))
    np.testing.assert_allclose(soft[1, 0], soft[1, 1])


def test_sigma_shrinks_to_whole_steps() -> None:
    learner = Bptt(sigma=8.0, spreading=0.5)
    sigmas = [learner.sigma_at(done) for done in np.linspace(0, 1, 21)]
    assert sigmas[0] == 8
    assert all(later < sigma for sigma, later in pairwise(sigmas[:11]))
    assert sigmas[9] > SHARP
    assert not any(sigmas[10:])
    assert spread(torch.tensor(2.0), 5, SHARP)[2] > 0.999
    assert learner.replace(sigma=0.0).sigma_at(0.0) == 0


# -------------------------------------------------------------------- gradient


class Smooth(Bptt):
    """Neurons that fire a little more the higher they stand: everything has a slope."""

    def fire(self, above: object, threshold: float) -> object:
        return torch.sigmoid(above / (0.3 * threshold))

    def psi(self, above: object, threshold: float) -> object:
        z = self.fire(above, threshold)
        return z * (1 - z) / (0.3 * threshold)


def entries(network: FloatNetwork, each: int) -> list[tuple[str, tuple[int, ...]]]:
    """Some of every parameter array."""
    rng = np.random.default_rng(4)
    places = {name: list(np.ndindex(getattr(network, name).shape)) for name in ("weight", "delay", "readout")}
    return [(name, place[n]) for name, place in places.items() for n in rng.permutation(len(place))[:each]]


@pytest.mark.parametrize("loss", ["steps", "mean"])
@pytest.mark.parametrize("c", [k for k in KINDS if k.recurrent or k.delays == "synaptic"], ids=kind)
def test_gradient_is_the_slope_of_the_loss(c: CoreConfig, loss: bptt.Loss) -> None:
    learner = Smooth(sigma=1.5, loss=loss, quiet=3.0, busy=3.5, regularisation=0.1, double=True)
    network, batch, step, compared = drawn(c, beta=0.4), samples(c, 5, (8, 12, 10)), 2e-6, 0
    network.delay.clip(0.1, c.max_delay - 0.1, out=network.delay)
    chosen, found = entries(network, 6), learner.gradient(network, batch, LABELS, 0.0)
    for name, index in chosen:
        losses = []
        for sign in (1, -1):
            moved = network.replace()
            getattr(moved, name)[index] += sign * step
            losses.append(learner.gradient(moved, batch, LABELS, 0.0).loss)
        slope = (losses[0] - losses[1]) / (2 * step)
        assert getattr(found, name)[index] == pytest.approx(slope, rel=1e-6, abs=1e-7), (name, index)
        compared += abs(slope) > 1e-4
    assert compared > 0.6 * len(chosen)


def test_gradient_of_the_readout_is_the_core_s() -> None:
    network, core = drawn(TINY), FloatCore(TINY)
    core.load_real(network)
    found = Bptt(sigma=0.0, double=True).gradient(network, samples(TINY), LABELS, 0.0)
    each = [core.gradient(sample, int(label)).readout for sample, label in zip(samples(TINY), LABELS, strict=True)]
    np.testing.assert_allclose(found.readout, np.mean(each, axis=0), atol=1e-12)
    assert (abs(found.readout) > 1e-3).all()
    assert not found.delay.any()


@pytest.mark.parametrize(
    ("surrogate", "psi"), [("triangle", [0, 0.5, 1, 0.75, 0]), ("sigmoid", [1 / 9, 4 / 9, 1, 0.64, 1 / 9])]
)
def test_surrogate_by_hand(surrogate: bptt.Surrogate, psi: list[float]) -> None:
    above = torch.tensor([-2.0, -0.5, 0.0, 0.25, 2.0], dtype=torch.float64)
    learner = Bptt(surrogate=surrogate, width=2.0)
    np.testing.assert_array_equal(learner.fire(above, 0.5), [0, 0, 1, 1, 1])
    np.testing.assert_allclose(learner.psi(above, 0.5), psi)


def test_batch_is_the_mean_of_its_samples() -> None:
    network, learner = drawn(TINY.replace(recurrent=True)), Bptt(double=True)
    batch = samples(TINY)
    whole = learner.gradient(network, batch, LABELS, 0.3)
    each = [learner.gradient(network, [batch[n]], LABELS[n : n + 1], 0.3) for n in range(3)]
    for name in ("weight", "delay", "readout", "loss"):
        mean = np.mean([getattr(one, name) for one in each], axis=0)
        np.testing.assert_allclose(getattr(whole, name), mean, atol=1e-12)
        assert np.any(mean)
    assert whole.correct == sum(one.correct for one in each)


@pytest.mark.parametrize("prediction", ["softmax", "readout"])
def test_correct_predictions_are_the_core_s(prediction: str) -> None:
    network = drawn(TINY.replace(prediction=prediction))
    batch = [sample for seed in range(20) for sample in samples(TINY, seed) if sample.scored.any()]
    labels = np.arange(len(batch)) % 3
    found = Bptt(sigma=0.0, double=True).gradient(network, batch, labels, 0.0)
    data = Dataset(
        "drawn", TINY.inputs, ("a", "b", "c"), train=[], train_labels=labels[:0], test=batch, test_labels=labels
    )
    assert found.correct == round(evaluate_float(network, data).accuracy * len(batch))
    assert 0.1 < found.correct / len(batch) < 0.9


# -------------------------------------------------------------------- training


@pytest.fixture(scope="module")
def data() -> Dataset:
    return yin_yang(train=300, test=200)


def recipe(**changes: float) -> OfflineRecipe:
    return BPTT_RECIPES["yinyang"].replace(epochs=4, batch=30, **changes)


def test_training_learns_and_repeats(data: Dataset) -> None:
    config = preset("yinyang").replace(neurons=12, recurrent=True)
    threads = torch.get_num_threads()
    start = recipe(recurrent_std=0.1).draw(config, np.random.default_rng(0))
    first, again = (train_offline(Bptt(), start, data, recipe(), seed=1) for _ in range(2))
    assert first.accuracy > 0.5
    assert first.epochs[-1].loss < 0.8 * first.epochs[0].loss
    assert abs(first.network.delay - start.delay).mean() > 0.1
    assert np.array_equal(first.network.delay, again.network.delay)
    assert torch.get_num_threads() == threads


def test_restraint_moves_the_rate(data: Dataset) -> None:
    config = preset("yinyang").replace(neurons=12)
    start = recipe().draw(config, np.random.default_rng(0))
    busy, quiet = (
        train_offline(Bptt(quiet=low, busy=high, regularisation=1.0), start, data, recipe()).epochs[-1].rate
        * data.test[0].steps
        for low, high in ((3.0, 4.0), (0.0, 0.5))
    )
    assert busy > 2 > 1 > quiet


@pytest.mark.parametrize("name", BPTT_RECIPES)
def test_recipes_fit_their_presets(name: str) -> None:
    network = BPTT_RECIPES[name].draw(preset(name), np.random.default_rng(0))
    assert network.weight.std() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": -1.0}, "sigma=-1.0 is out of range: give at least 0"),
        ({"width": 0.0}, "width=0.0 is out of range: give more than 0"),
        ({"spreading": 0.0}, "spreading=0.0 is out of range"),
        ({"surrogate": "box"}, "surrogate='box' is unknown: choose one of triangle, sigmoid"),
        ({"loss": "hinge"}, "loss='hinge' is unknown: choose one of steps, mean"),
    ],
)
def test_learner_refuses(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Bptt(**options)


def test_missing_pytorch_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ranvier.learners.bptt")
    with pytest.raises(ExtraError, match=r"install ranvier\[offline\]"):
        import ranvier.learners.bptt  # noqa: F401


def test_table_of_the_sweep_by_hand() -> None:
    path = Path(__file__).parents[3] / "examples" / "delays_at_small_sizes.py"
    sweep = runpy.run_path(str(path))
    cell = {"neurons": 8, "epochs": 20, "span": 0.25, "moved": 2.0}
    runs = [
        cell | {"kind": kind, "seed": seed, "accuracy": accuracy}
        for kind, accuracies in (("fixed", (0.8, 0.9)), ("learned", (0.88, 0.96, 0.5)))
        for seed, accuracy in enumerate(accuracies)
    ]
    line = sweep["table"](runs).splitlines()[-1]
    assert line == "| 8 | 20 | 0 to 25% of 62 | 85.0 ± 7.1 % | 92.0 ± 5.7 % | +7.0 ± 12.7 | 2.0 | 2 |"

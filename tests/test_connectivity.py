"""Accuracy against connectivity: what is run, what is kept, how the table reads; and rewiring by offline learners."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ranvier.connectivity
from ranvier.cli import main
from ranvier.connectivity import DELAYS, Run, Study, study
from ranvier.data import DataError, yin_yang
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.deep_r import DeepR
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.presets import preset
from ranvier.golden.spikes import Sample
from ranvier.learners import Offline
from ranvier.offline import Gradient, OfflineRecipe, fit
from ranvier.recipes import RECIPES, REWIRED, rewiring

RUN = Run("yinyang", "online", 0.2, "rewired", "synaptic", 0, epochs=1, samples=40)
#: Connections of 5 * 60 at 20 %.
ACTIVE = 60


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    """Two seeds of everything on 40 samples."""
    cache = tmp_path_factory.mktemp("connectivity") / "cache.json"
    return cache, study("yinyang", levels=(1.0, 0.2), seeds=2, epochs=1, samples=40, cache=cache)


def test_rows(quick: tuple[Path, Study]) -> None:
    _, result = quick
    assert [(row["connectivity"], row["structure"], row["delays"]) for row in result.rows] == [
        (level, structure, delays)
        for level, structure in ((1.0, "static"), (0.2, "static"), (0.2, "rewired"))
        for delays in DELAYS
    ]
    for row in result.rows:
        assert len(row["runs"]) == 2
        assert row["mean"] == pytest.approx(np.mean(row["runs"]))
        assert row["synapses"] == 300 * row["connectivity"]
        assert (row["formed"] > 10) == (row["structure"] == "rewired")
    assert result.arithmetic == "golden"
    json.dumps(result.summary())


def test_table(quick: tuple[Path, Study]) -> None:
    head, _, dense, sparse = quick[1].markdown().splitlines()
    assert head.count("static") == head.count("rewired") == 3
    assert {line.count("|") for line in (head, dense, sparse)} == {10}
    assert dense.startswith("| 100% | 300 |")
    assert dense.count("–") == 4
    assert sparse.startswith("| 20% | 60 |")
    assert sparse.count("±") == 6


def test_finished_runs_are_not_repeated(
    quick: tuple[Path, Study], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, result = quick
    out = cache.with_name("table.md")
    monkeypatch.setattr(Run, "result", lambda run: pytest.fail("there is a result"))
    options = [
        "--data",
        "yinyang",
        "--level",
        "1",
        "--level",
        "0.2",
        "--seeds",
        "2",
        "--epochs",
        "1",
        "--samples",
        "40",
    ]
    assert main(["connectivity", *options, "--cache", str(cache), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == result.rows
    assert out.read_text() == result.markdown() + "\n"


@pytest.mark.parametrize(
    "changes",
    [{"connectivity": 0.3}, {"structure": "static"}, {"delays": "fixed"}, {"seed": 1}, {"epochs": 2}, {"samples": 41}],
    ids=str,
)
def test_key_follows_the_settings(changes: dict) -> None:
    assert RUN.key() == RUN.key() != replace(RUN, **changes).key()


def test_key_follows_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    key = RUN.key()
    monkeypatch.setitem(RECIPES, "yinyang", RECIPES["yinyang"].replace(eta_weight=0.5))
    assert RUN.key() != key


@pytest.mark.parametrize("content", ["[]", "{"])
def test_not_a_cache(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache.json").write_text(content)
    with pytest.raises(DataError, match="not a cache"):
        study("yinyang", cache=tmp_path / "cache.json")


def test_unknown_learner(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose one of online"):
        study("yinyang", learner="magic", cache=tmp_path / "cache.json")


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


@pytest.mark.parametrize("structure", ["static", "rewired"])
def test_offline_learner_in_the_study(monkeypatch: pytest.MonkeyPatch, structure: str) -> None:
    way = Offline("guess", "ranvier.eventprop", lambda config, recipe, data: Guess(config), {}, ())
    monkeypatch.setattr(way, "recipe", lambda data, from_zero: GUESSED)
    monkeypatch.setitem(ranvier.connectivity.LEARNERS, "eventprop", way)
    seen = []
    monkeypatch.setattr(
        ranvier.connectivity, "fit", lambda *args, **named: seen.append(fit(*args, **named)) or seen[-1]
    )
    run = replace(RUN, learner="eventprop", structure=structure, epochs=2)
    row = run.result()
    (outcome,) = seen
    assert row["accuracy"] == outcome.accuracy
    assert np.count_nonzero(outcome.network.weight) == row["synapses"] == ACTIVE
    stayed = (outcome.network.weight != 0) == (outcome.initial.weight != 0)
    assert stayed.all() == (structure == "static")
    assert (row["formed"] > 0) == (structure == "rewired")
    assert run.key() == run.key()

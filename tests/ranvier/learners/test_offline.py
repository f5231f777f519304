"""The loop that offline learners share: what is not a number ends it, in the epoch where it appears."""

from pathlib import Path

import numpy as np
import pytest

from ranvier.cli import main
from ranvier.data import yin_yang
from ranvier.learners import LEARNERS, OfflineLearner
from ranvier.learners.eventprop import EventProp
from ranvier.learners.eventprop_gradient import EventRule
from ranvier.learners.offline import Diverged, Gradient, train_offline
from ranvier.parameters.config import ConfigError
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES_OF, RULES_OF, OfflineRecipe

CONFIG = preset("yinyang").replace(neurons=6)
RECIPE = OfflineRecipe(
    epochs=3, batch=10, eta_weight=0.01, eta_delay=0.1, eta_readout=0.01,
    alpha=0.9, kappa=0.9, weight_mean=0.5, weight_std=0.3, readout_std=0.2,
)  # fmt: skip


class Running:
    """Small gradients, but in the second batch of the second epoch one of them, or the loss, is what it should not be."""

    def __init__(self, name: str, value: float):
        self.name, self.value, self.batches = name, value, 0

    def gradient(self, network, samples, labels, done):
        self.batches += 1
        names = ("weight", "delay", "readout")
        arrays = {name: np.full_like(getattr(network, name), 0.1) for name in names}
        loss = 1.0
        if self.batches == 3 + 2:
            if self.name == "loss":
                loss = self.value
            else:
                arrays[self.name].flat[3] = self.value
        return Gradient(**arrays, loss=loss, correct=0, spikes=0)


def test_a_learner_is_given_samples_as_they_are_and_prolongs_them_once() -> None:
    """Under `train_offline` too: the loss of an epoch is that of the prolonged samples."""
    start = RECIPE.draw(CONFIG, np.random.default_rng(0)).replace(lag=3)
    data, rule = yin_yang(train=10, test=4), EventRule(**RULES_OF["eventprop"]["yinyang"])
    expected = EventProp(CONFIG, rule).gradient(start, data.train, data.train_labels, 0.0).loss
    later = [sample.later(3) for sample in data.train]
    assert expected == EventProp(CONFIG, rule).gradient(start.replace(lag=0), later, data.train_labels, 0.0).loss
    result = train_offline(EventProp(CONFIG, rule), start, data, RECIPE.replace(epochs=1))
    assert result.epochs[0].loss == pytest.approx(expected, rel=1e-12)


NAMES = ("loss", "weight", "delay", "readout")
LOST = [(name, value) for name in NAMES for value in (np.nan, np.inf, -np.inf)] + [(name, 1e200) for name in NAMES[1:]]


@pytest.mark.parametrize(("name", "value"), LOST)
def test_no_number_is_an_error(name: str, value: float) -> None:
    """Of gradients also what Adam cannot square, which would freeze a parameter forever."""
    start = RECIPE.draw(CONFIG, np.random.default_rng(0))
    data = yin_yang(train=30, test=10)
    with np.errstate(all="raise"), pytest.raises(Diverged) as error:
        train_offline(Running(name, value), start, data, RECIPE)
    text = str(error.value)
    assert text.startswith("epoch 2, after 10 of 30 samples: ")
    assert name in text
    assert "train with smaller step sizes" in text
    assert "\n" not in text


def test_parameters_that_run_away() -> None:
    with pytest.raises(Diverged, match="epoch 1, after 0 of 30 samples: weight is not finite"):
        train_offline(
            Running("loss", 1.0),
            RECIPE.draw(CONFIG, np.random.default_rng(0)),
            yin_yang(train=30, test=10),
            RECIPE.replace(eta_weight=float("inf")),
        )


def test_one_line_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ranvier.data.open_dataset", lambda text: yin_yang(train=30, test=10))
    running = OfflineLearner("eventprop", "running", lambda *_: Running("weight", np.nan))
    monkeypatch.setitem(RECIPES_OF["eventprop"], "yinyang", RECIPE)
    monkeypatch.setitem(LEARNERS, "eventprop", running)
    options = ["train", "--data", "yinyang", "--learner", "eventprop", "--validation", "0", "--checkpoint", "c"]
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert err.startswith("ranvier: epoch 2, after 10 of 30 samples: gradient of weight is not finite")
    assert err.count("\n") == 1
    assert out.splitlines()[-1].split()[0] == "1", "the epoch before was finished"
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert issubclass(Diverged, ValueError)
    assert not issubclass(Diverged, ConfigError)

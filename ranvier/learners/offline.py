"""Training offline, in real numbers: one loop over mini-batches for every rule that yields a gradient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.errors import shown
from ranvier.golden.float_core import FloatCore
from ranvier.learners import diagnosis
from ranvier.learners.checkpoint import Checkpoint, fingerprint, network_arrays, network_from, plain
from ranvier.learners.online import LEGEND, Tally, evaluate, kept_text
from ranvier.learners.validation import best, check_dataset, check_kept, column, hold_out
from ranvier.parameters.config import ConfigError
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample
from ranvier.plasticity.deep_r import DeepR
from ranvier.quantisation.quantise import Behaviour
from ranvier.recipes import Course

__all__ = [
    "AfterStep",
    "Diverged",
    "Fit",
    "FitEpoch",
    "Gradient",
    "Learner",
    "OfflineRecipe",
    "fit",
    "judge",
]

Real = NDArray[np.float64]

#: Called after every optimiser step with W [rows, neurons] and D, to change in place.
AfterStep = Callable[[Real, Real], None]


@dataclass(frozen=True, kw_only=True)
class OfflineRecipe(Course):
    """Recipe of an offline learner, in real units; its step sizes are those of Adam (Kingma and Ba 2015).

    Parameters
    ----------
    batch : int
        Samples per optimiser step.
    Others
        Of `Course`.

    Raises
    ------
    ConfigError
        If `batch` is not positive.
    """

    batch: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise ConfigError(f"batch={self.batch} is out of range: give at least 1")

    def steps(self, samples: int) -> int:
        """Optimiser steps of an epoch over so many training samples."""
        return -(-samples // self.batch)


@dataclass(frozen=True)
class Gradient:
    """What a mini-batch yields.

    Parameters
    ----------
    weight, delay, readout : float arrays
        Mean gradient of the loss over the batch, shaped as in `FloatNetwork`.
    loss : float
        Mean loss.
    correct, spikes : int
        Samples predicted correctly, and hidden spikes.
    """

    weight: Real
    delay: Real
    readout: Real
    loss: float
    correct: int
    spikes: int


class Learner(Protocol):
    """A rule that yields gradients."""

    def gradient(
        self, network: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], done: float
    ) -> Gradient:
        """Gradient of a mini-batch, its samples prolonged by the network's lag.

        `done` is the share of the training that lies behind, for annealing.
        """


class Diverged(ValueError):
    """A training that ran away to values that are no numbers; the message says in which epoch, and what to do."""


@dataclass(frozen=True)
class FitEpoch:
    """One epoch.

    Parameters
    ----------
    loss : float
        Mean over the training samples.
    trained : float
        Accuracy on the training samples while they are learned.
    tested : float
        Test accuracy afterwards.
    rate : float
        Spikes per neuron and step in the test.
    validated : float or None
        Accuracy afterwards on held-out training samples; None without them.
    """

    loss: float
    trained: float
    tested: float
    rate: float
    validated: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], validated: bool) -> "FitEpoch":
        """From what `dataclasses.asdict` made of one, with or without validation.

        `TypeError` or `ValueError` if it is not that.
        """
        epoch = cls(**values)
        shares = [epoch.trained, epoch.tested, epoch.rate, *([epoch.validated] if validated else [])]
        if not all(type(share) in (int, float) and 0 <= share <= 1 for share in shares):  # type: ignore[operator]
            raise ValueError("shares that are none")
        if type(epoch.loss) is not float or not isfinite(epoch.loss) or (epoch.validated is not None) != validated:
            raise ValueError("a loss that is none, or a validation that there was not")
        return epoch

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "loss": self.loss,
            "accuracy_while_learning": self.trained,
            "validated": self.validated,
            "tested": self.tested,
            "rate": self.rate,
        }


@dataclass(frozen=True)
class Fit:
    """Outcome of `fit`.

    Parameters
    ----------
    initial, network : FloatNetwork
        Before the first epoch, and after the one that was kept.
    epochs : list of FitEpoch
        Finished epochs, in order.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    kept : int
        Index of the epoch whose network this is: the best one on the validation samples, the last one without them.
    warnings : list of str
        What it suffered from, one line for each cause; see `ranvier.learners.diagnosis`.
    """

    initial: FloatNetwork
    network: FloatNetwork
    epochs: list[FitEpoch]
    interrupted: bool = False
    kept: int = -1
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", range(len(self.epochs))[self.kept])

    @property
    def accuracy(self) -> float:
        """Test accuracy of `network`."""
        return self.epochs[self.kept].tested

    @property
    def curve(self) -> list[float]:
        """Test accuracy after every epoch."""
        return [epoch.tested for epoch in self.epochs]

    @property
    def validated(self) -> list[float]:
        """Accuracy on the validation samples after every epoch; empty if there are none."""
        return [epoch.validated for epoch in self.epochs if epoch.validated is not None]

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "accuracy": self.accuracy,
            "interrupted": self.interrupted,
            "kept_epoch": self.kept + 1,
            "warnings": self.warnings,
            "epochs": [epoch.summary() for epoch in self.epochs],
        }

    def head(self) -> list[str]:
        """Heading of the table of epochs."""
        return [*LEGEND, "epoch     loss  learned  validated  tested  spikes/neuron/step, all in float"]

    def row(self, number: int) -> str:
        """Line of the table for the epoch of this index."""
        epoch, validated = self.epochs[number], column(self.validated, number)
        line = f"{number + 1:5}  {epoch.loss:7.4f}  {epoch.trained:7.1%}  {validated}"
        return f"{line}  {epoch.tested:6.1%}  {epoch.rate:18.4f}"

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        return [kept_text(self)]

    def text(self) -> list[str]:
        """Lines for people, warnings aside."""
        return [*self.head(), *(self.row(n) for n in range(len(self.epochs))), *self.closing()]


class Adam:
    """Adam (Kingma and Ba 2015) on one array.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    """

    MEAN, SQUARE, SMALL = 0.9, 0.999, 1e-8

    def __init__(self, shape: tuple[int, ...]):
        self.mean, self.square, self.steps = np.zeros(shape), np.zeros(shape), 0

    def restore(self, mean: Real, square: Real, steps: int) -> None:
        """Go on with what another one had; `ValueError` if that was on another array."""
        if mean.shape != self.mean.shape or square.shape != self.square.shape:
            raise ValueError(f"moments of shape {mean.shape}, expected {self.mean.shape}")
        if not np.isfinite(mean).all() or not (np.isfinite(square) & (square >= 0)).all():
            raise ValueError("moments that are none")
        self.mean, self.square, self.steps = mean.astype(np.float64), square.astype(np.float64), int(steps)

    def change(self, gradient: Real, eta: float) -> Real:
        """What to add to the array."""
        self.steps += 1
        self.mean += (1 - self.MEAN) * (gradient - self.mean)
        self.square += (1 - self.SQUARE) * (gradient**2 - self.square)
        mean = self.mean / (1 - self.MEAN**self.steps)
        square = self.square / (1 - self.SQUARE**self.steps)
        change: Real = -eta * mean / (np.sqrt(square) + self.SMALL)
        return change


def judge(network: FloatNetwork, dataset: Dataset) -> Tally:
    """Run all test samples on `network` in float64 with rounded delays."""
    return evaluate(_core(network), dataset)


def _core(network: FloatNetwork) -> FloatCore:
    core = FloatCore(network.config)
    core.load_real(network)
    return core


#: Called with the training so far after every epoch, and with what a checkpoint held.
Report = Callable[[Fit], None]


def fit(
    learner: Learner,
    network: FloatNetwork,
    dataset: Dataset,
    recipe: OfflineRecipe,
    seed: int = 0,
    *,
    after_step: AfterStep | None = None,
    plasticity: DeepR | None = None,
    validation: float = 0.0,
    checkpoint: str | Path | None = None,
    report: Report | None = None,
    progress: bool = False,
) -> Fit:
    """Descend the gradient of `learner` with Adam, mini-batch by mini-batch, and test after every epoch.

    Parameters
    ----------
    learner : Learner
        Where the gradients come from.
    network : FloatNetwork
        Where to start, usually from ``recipe.draw``.
    dataset : Dataset
        Learned from and, after every epoch, tested on.
    recipe : OfflineRecipe
        Step sizes, batches, epochs.
    seed : int
        Of the samples' order, augmentation and validation.
    after_step : callable, optional
        Called after every optimiser step with W and D to change in place: structural plasticity.
    plasticity : DeepR, optional
        Whose `step` or `hold` that is, so that a checkpoint holds its state.
    validation : float
        Share of the training samples that is not learned but tested after every epoch, see
        `ranvier.learners.validation.hold_out`; the network of the epoch that does best there is returned (the latest of
        equally good ones). With 0 all samples are learned and the network of the last epoch is returned.
    checkpoint : path, optional
        File that is written after every epoch. If it exists, the training in it goes on from there, and ends with the same
        network to the bit as one that was never stopped (on the same machine and with the same libraries).
    report : callable, optional
        Called with the `Fit` so far after every epoch, and at first with what was in the checkpoint.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Returns
    -------
    Fit
        Ctrl-C ends it after the last finished epoch; before that there is nothing to keep and it raises
        `KeyboardInterrupt`.

    Raises
    ------
    ConfigError
        If the core has other inputs or outputs than the data.
    DataError
        If no validation samples can be held out.
    Diverged
        If loss, gradients or parameters are not finite.
    CheckpointError
        If the checkpoint is damaged or belongs to another training.
    OutputError
        If the checkpoint cannot be written.
    """
    check_dataset(dataset)
    dataset.require("train", "test")
    if not isinstance(recipe, OfflineRecipe):
        raise ConfigError(f"recipe={shown(recipe)} is none: give an OfflineRecipe, such as RECIPES of the learner")
    if not isinstance(network, FloatNetwork):
        raise ConfigError(f"network={shown(network)} is none in real numbers: give a FloatNetwork")
    dataset.check(network.config)
    learned, held = hold_out(dataset, validation, seed)
    course = _Course(learner, network, dataset, learned, held, recipe, seed, after_step)
    saved = _checkpoint(checkpoint, course, plasticity, validation) if checkpoint else None
    if saved:
        course.begin(saved)
    if report and course.result:
        report(course.result)
    bar = tqdm(total=recipe.epochs, initial=course.finished, unit=" epochs", leave=False, disable=not progress or None)
    try:
        with bar:
            for number in range(course.finished, recipe.epochs):
                result = course.learn(number)
                if saved:
                    course.keep(saved)
                if report:
                    report(result)
                bar.update()
                bar.set_postfix(accuracy=f"{result.curve[-1]:.1%}")
        return course.end()
    except KeyboardInterrupt:
        if not course.result:
            raise
        return replace(course.result, interrupted=True, warnings=course.warnings())


@dataclass
class _Course:
    """A training under way: `result` after `finished` epochs, `last` being the network that the next one goes on with."""

    learner: Learner
    initial: FloatNetwork
    dataset: Dataset
    learned: Dataset
    held: Dataset | None
    recipe: OfflineRecipe
    seed: int
    after_step: AfterStep | None
    result: Fit | None = None

    def __post_init__(self) -> None:
        self.last = self.initial
        self.etas = {
            "weight": self.recipe.eta_weight,
            "delay": self.recipe.eta_delay,
            "readout": self.recipe.eta_readout,
        }
        self.adam = {name: Adam(getattr(self.initial, name).shape) for name in self.etas}

    @property
    def finished(self) -> int:
        """Epochs."""
        return len(self.result.epochs) if self.result else 0

    def learn(self, number: int) -> Fit:
        """One pass over the training samples, and the tests."""
        with np.errstate(all="ignore"):  # what overflows is found below
            network, loss, correct = self._pass(number)
        tested, epochs = judge(network, self.dataset), list(self.result.epochs if self.result else [])
        validated = judge(network, self.held).accuracy if self.held else None
        count = len(self.learned.train)
        epochs.append(FitEpoch(loss / count, correct / count, tested.accuracy, tested.rate, validated))
        self.last = network
        seen = [epoch.validated for epoch in epochs if epoch.validated is not None]
        kept = best(seen) if seen else number
        chosen = network if kept == number or not self.result else self.result.network
        self.result = Fit(self.initial, chosen, epochs, kept=kept)
        return self.result

    def _pass(self, number: int) -> tuple[FloatNetwork, float, int]:
        """Network, loss summed over the samples, and how many were predicted correctly while they were learned."""
        network, recipe = self.last.replace(), self.recipe
        factor = recipe.decay**number
        order = np.random.default_rng([self.seed, number]).permutation(len(self.learned.train))
        today = self.learned.epoch([self.seed, number])
        loss, correct = 0.0, 0
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            done = (number + first / len(order)) / recipe.epochs
            samples = [today.train[n] for n in chosen]
            step = self.learner.gradient(network, samples, today.train_labels[chosen], done)
            self._check(number, first, {"loss": np.array(step.loss)})
            for name, eta in self.etas.items():
                if eta:
                    gradient = getattr(step, name)
                    self._check(number, first, {f"gradient of {name}": gradient**2})  # whose square Adam keeps
                    getattr(network, name)[...] += self.adam[name].change(gradient, eta * factor)
            np.clip(network.delay, 0, network.config.max_delay, out=network.delay)
            if self.after_step:
                self.after_step(network.weight, network.delay)
            self._check(number, first, {name: getattr(network, name) for name in self.etas})
            loss, correct = loss + step.loss * len(chosen), correct + step.correct
        return network.replace(), loss, correct

    def _check(self, number: int, first: int, values: Mapping[str, Real]) -> None:
        """`Diverged` if a value is not finite."""
        for name, array in values.items():
            if not np.isfinite(array).all():
                raise Diverged(
                    f"epoch {number + 1}, after {first} of {len(self.learned.train)} samples: {name} is not finite: the "
                    "training diverged: train with smaller step sizes (eta_weight, eta_delay, eta_readout of the recipe), "
                    "or with fewer epochs"
                )

    def end(self) -> Fit:
        """What is returned, and what it suffered from."""
        assert self.result, "a recipe has at least one epoch"
        result = replace(self.result, warnings=self.warnings())
        silent = Behaviour.of("float", _core(result.network), self.held or self.dataset).silent
        firing = diagnosis.firing_warnings(
            self.learned.train, self.dataset.inputs, silent, result.network.config.neurons
        )
        return replace(result, warnings=[*result.warnings, *firing])

    def warnings(self) -> list[str]:
        """What is known without running anything."""
        assert self.result, "an epoch is finished"
        result, train, sparse = self.result, self.learned.train, self.after_step is not None
        curve = result.validated or result.curve
        return [
            *diagnosis.accuracy_warnings(curve, result.kept, result.accuracy, self.dataset, self.held),
            *diagnosis.moving_warnings(self.initial, result.network, self.etas, train, sparse),
        ]

    # ---------------------------------------------------------------- checkpoint

    def begin(self, saved: Checkpoint) -> None:
        """Go on with what a checkpoint holds, if there is one."""
        found = saved.read()
        if not found:
            return
        values, arrays = found
        with saved.damage():
            self.last = network_from("last", arrays, self.initial)
            epochs = [FitEpoch.of(epoch, self.held is not None) for epoch in values["epochs"]]
            self.result = Fit(self.initial, network_from("kept", arrays, self.initial), epochs, kept=values["kept"])
            check_kept(self.result, values, self.recipe.epochs)
            steps = len(epochs) * self.recipe.steps(len(self.learned.train))
            for name, adam in self.adam.items():
                if values["steps"][name] != (steps if self.etas[name] else 0):
                    raise ValueError(f"{values['steps'][name]} steps of {name} in {len(epochs)} epochs")
                adam.restore(arrays[f"{name}_mean"], arrays[f"{name}_square"], values["steps"][name])

    def keep(self, saved: Checkpoint) -> None:
        """Write the checkpoint of the last epoch."""
        assert self.result, "an epoch is finished"
        steps = {name: adam.steps for name, adam in self.adam.items()}
        values = {"epochs": [asdict(epoch) for epoch in self.result.epochs], "kept": self.result.kept, "steps": steps}
        values["finished"] = self.finished
        arrays = network_arrays("last", self.last) | network_arrays("kept", self.result.network)
        for name, adam in self.adam.items():
            arrays |= {f"{name}_mean": adam.mean, f"{name}_square": adam.square}
        saved.write(values, arrays)


def _checkpoint(path: str | Path, course: _Course, plasticity: DeepR | None, validation: float) -> Checkpoint:
    """The checkpoint of a training, which knows what it belongs to."""
    learner, network = course.learner, course.initial
    named = type(learner).__repr__ is not object.__repr__
    about = plain(
        learner=str(learner) if named else type(learner).__qualname__,
        data=f"{course.dataset.name} {course.dataset.digest()[:16]}",
        start=fingerprint(network),
        seed=course.seed,
        validation=validation,
        core=network.config.to_dict(),
        recipe=asdict(course.recipe),
        rewiring=str(plasticity.recipe) if plasticity else None,
        after_step=getattr(course.after_step, "__name__", None),
    )
    return Checkpoint(path, about, network, plasticity)

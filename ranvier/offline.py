"""Training offline, in real numbers: one loop over mini-batches for every rule that yields a gradient."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.golden.config import ConfigError
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.spikes import Sample
from ranvier.recipes import Course
from ranvier.training import Tally, evaluate

__all__ = ["AfterStep", "Fit", "FitEpoch", "Gradient", "Learner", "OfflineRecipe", "fit", "judge"]

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
        """Gradient of a mini-batch; `done` is the share of the training that lies behind, for annealing."""


@dataclass(frozen=True)
class FitEpoch:
    """One epoch: mean loss, accuracy while learning, test accuracy afterwards, spikes per neuron and step in the test."""

    loss: float
    trained: float
    tested: float
    rate: float


@dataclass(frozen=True)
class Fit:
    """Outcome of `fit`.

    Parameters
    ----------
    initial, network : FloatNetwork
        Before the first epoch, and after the last finished one.
    epochs : list of FitEpoch
        Finished epochs, in order.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    """

    initial: FloatNetwork
    network: FloatNetwork
    epochs: list[FitEpoch]
    interrupted: bool = False

    @property
    def accuracy(self) -> float:
        """Test accuracy of `network`."""
        return self.epochs[-1].tested

    @property
    def curve(self) -> list[float]:
        """Test accuracy after every epoch."""
        return [epoch.tested for epoch in self.epochs]

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "accuracy": self.accuracy,
            "interrupted": self.interrupted,
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }

    def text(self) -> list[str]:
        """Lines for people."""
        lines = ["epoch     loss  learned  tested  spikes/neuron/step, all in float"]
        for n, epoch in enumerate(self.epochs, 1):
            lines.append(f"{n:5}  {epoch.loss:7.4f}  {epoch.trained:7.1%}  {epoch.tested:6.1%}  {epoch.rate:18.4f}")
        return lines


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
    from ranvier.golden.reference import FloatCore

    core = FloatCore(network.config)
    core.load_real(network)
    return evaluate(core, dataset)


def fit(
    learner: Learner,
    network: FloatNetwork,
    dataset: Dataset,
    recipe: OfflineRecipe,
    seed: int = 0,
    *,
    after_step: AfterStep | None = None,
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
        Of the samples' order and augmentation.
    after_step : callable, optional
        Called after every optimiser step with W and D to change in place: structural plasticity.
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
    """
    dataset.require("train", "test")
    dataset.check(network.config)
    result = Fit(network, network, [])
    adam = {name: Adam(getattr(network, name).shape) for name in ("weight", "delay", "readout")}
    with tqdm(total=recipe.epochs, unit=" epochs", leave=False, disable=None if progress else True) as bar:
        try:
            for number in range(recipe.epochs):
                result = _epoch(learner, result, dataset, recipe, number, seed, adam, after_step)
                bar.update()
                bar.set_postfix(accuracy=f"{result.accuracy:.1%}")
        except KeyboardInterrupt:
            if not result.epochs:
                raise
            result = replace(result, interrupted=True)
    return result


def _epoch(
    learner: Learner,
    before: Fit,
    dataset: Dataset,
    recipe: OfflineRecipe,
    number: int,
    seed: int,
    adam: dict[str, Adam],
    after_step: AfterStep | None,
) -> Fit:
    """One pass over the training samples, and the test."""
    network = before.network.replace()
    factor = recipe.decay**number
    etas = {"weight": recipe.eta_weight, "delay": recipe.eta_delay, "readout": recipe.eta_readout}
    order = np.random.default_rng([seed, number]).permutation(len(dataset.train))
    today = dataset.epoch([seed, number])
    loss, correct = 0.0, 0
    for first in range(0, len(order), recipe.batch):
        chosen = order[first : first + recipe.batch]
        done = (number + first / len(order)) / recipe.epochs
        step = learner.gradient(
            network, [today.train[n].later(network.lag) for n in chosen], today.train_labels[chosen], done
        )
        for name, eta in etas.items():
            if eta:
                getattr(network, name)[...] += adam[name].change(getattr(step, name), eta * factor)
        np.clip(network.delay, 0, network.config.max_delay, out=network.delay)
        if after_step:
            after_step(network.weight, network.delay)
        loss, correct = loss + step.loss * len(chosen), correct + step.correct
    network = network.replace()  # validated: values that ran away end here
    tested = judge(network, dataset)
    epoch = FitEpoch(loss / len(order), correct / len(order), tested.accuracy, tested.rate)
    return Fit(before.initial, network, [*before.epochs, epoch])

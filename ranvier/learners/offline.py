"""Training offline, in real numbers: mini-batches with any gradient rule, then quantisation of the network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.errors import RanvierError, shown
from ranvier.golden.base import CoreBase
from ranvier.learners.checkpoint import Arrays
from ranvier.learners.evaluation import Evaluation, evaluate
from ranvier.learners.learner import Learner, Sparse, Trained, with_connections
from ranvier.learners.training import LEGEND, Report, Training, TrainingLoop
from ranvier.learners.validation import check_dataset
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.qformat import Real
from ranvier.parameters.sample import Sample
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.quantisation.quantise import Behaviour, quantise, quantised
from ranvier.quantisation.widen import widened
from ranvier.recipes import RULES_OF, OfflineRecipe, rewiring

__all__ = [
    "Adam",
    "AfterStep",
    "Diverged",
    "Gradient",
    "GradientRule",
    "OfflineEpoch",
    "OfflineLearner",
    "OfflineTraining",
    "evaluate_float",
    "train_offline",
]


#: Called after every optimiser step with W [rows, neurons] and D, which it may change in place.
AfterStep = Callable[[Real, Real], None]


@dataclass(frozen=True)
class Gradient:
    """Gradient of a mini-batch, with its loss and activity.

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


class GradientRule(Protocol):
    """Source of the gradients of an offline learner."""

    def gradient(
        self, network: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], done: float
    ) -> Gradient:
        """Gradient of a mini-batch, its samples extended by the network's lag.

        `done` is the finished share of the training, for annealing.
        """


class Diverged(RanvierError, ValueError):
    """A training that diverged to values that are not finite; the message says in which epoch, and what to do."""


@dataclass(frozen=True)
class OfflineEpoch:
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
    def of(cls, values: Mapping[str, Any], validated: bool) -> "OfflineEpoch":
        """From the result of `dataclasses.asdict`, with or without validation.

        `TypeError` or `ValueError` if the values are invalid.
        """
        epoch = cls(**values)
        shares = [epoch.trained, epoch.tested, epoch.rate, *([epoch.validated] if validated else [])]
        if not all(type(share) in (int, float) and 0 <= share <= 1 for share in shares):  # type: ignore[operator]
            raise ValueError("invalid shares")
        if type(epoch.loss) is not float or not isfinite(epoch.loss) or (epoch.validated is not None) != validated:
            raise ValueError("an invalid loss, or an unexpected validation")
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


@dataclass(frozen=True, kw_only=True)
class OfflineTraining(Training):
    """Outcome of `train_offline`: epochs are `OfflineEpoch`, networks those in real numbers. See `Training`."""

    def head(self) -> list[str]:
        """Heading of the table of epochs."""
        return [*LEGEND, "epoch     loss  learned  validated  tested  spikes/neuron/step, all in float"]

    def row(self, number: int) -> str:
        """Line of the table for the epoch of this index."""
        epoch: OfflineEpoch = self.epochs[number]
        line = f"{number + 1:5}  {epoch.loss:7.4f}  {epoch.trained:7.1%}  {self.cell(number)}"
        return f"{line}  {epoch.tested:6.1%}  {epoch.rate:18.4f}"


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
        """Restore the state of another instance; `ValueError` if it was for another array."""
        if mean.shape != self.mean.shape or square.shape != self.square.shape:
            raise ValueError(f"moments of shape {mean.shape}, expected {self.mean.shape}")
        if not np.isfinite(mean).all() or not (np.isfinite(square) & (square >= 0)).all():
            raise ValueError("invalid moments")
        self.mean, self.square, self.steps = mean.astype(np.float64), square.astype(np.float64), int(steps)

    def change(self, gradient: Real, eta: float) -> Real:
        """Change of the array."""
        self.steps += 1
        self.mean += (1 - self.MEAN) * (gradient - self.mean)
        self.square += (1 - self.SQUARE) * (gradient**2 - self.square)
        mean = self.mean / (1 - self.MEAN**self.steps)
        square = self.square / (1 - self.SQUARE**self.steps)
        change: Real = -eta * mean / (np.sqrt(square) + self.SMALL)
        return change


def evaluate_float(network: FloatNetwork, dataset: Dataset) -> Evaluation:
    """Run all test samples on `network` in float64 with rounded delays."""
    return evaluate(_core(network), dataset)


def _core(network: FloatNetwork) -> CoreBase:
    from ranvier.golden.float_core import FloatCore  # imports Numba, which help texts do not need

    core = FloatCore(network.config)
    core.load_real(network)
    return core


def train_offline(
    rule: GradientRule,
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
    keep_partial: bool = True,
) -> OfflineTraining:
    """Descend the gradient of `rule` with Adam, mini-batch by mini-batch, and test after every epoch.

    Parameters
    ----------
    rule : GradientRule
        Source of the gradients.
    network : FloatNetwork
        Where to start, usually from ``recipe.draw``.
    dataset : Dataset
        Learned from and, after every epoch, tested on.
    recipe : OfflineRecipe
        Step sizes, batches, epochs.
    seed : int
        Seed of the order of samples, augmentation and validation.
    after_step : callable, optional
        Called after every optimiser step with W and D, which it may change in place: structural plasticity.
    plasticity : DeepR, optional
        Owner of `after_step` (its `step` or `hold`), so that a checkpoint includes its state.
    validation : float
        Share of the training samples to hold out and test after every epoch, see
        `ranvier.learners.validation.hold_out`; the network of the epoch with the best accuracy on them is returned (the
        latest of equals). With 0 all samples are learned and the network of the last epoch is returned.
    checkpoint : path, optional
        File that is written after every epoch. If it exists, its training is resumed, and ends with the same
        bits as one that was never stopped (on the same machine and with the same libraries).
    report : callable, optional
        Called with the `OfflineTraining` so far after every epoch, and once with that of an existing checkpoint.
    progress : bool
        Show a progress bar if stderr is a terminal.
    keep_partial : bool
        If False, Ctrl-C raises `KeyboardInterrupt` at any time, without further work.

    Returns
    -------
    OfflineTraining
        Ctrl-C ends it after the last finished epoch; before that it raises `KeyboardInterrupt`.

    Raises
    ------
    ConfigError
        If inputs or outputs of the core differ from those of the data.
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
        raise ConfigError(
            f"recipe={shown(recipe)} is not a recipe: give an OfflineRecipe, such as recipe_of('bptt', 'yinyang')"
        )
    if not isinstance(network, FloatNetwork):
        raise ConfigError(f"network={shown(network)} is not a network in real numbers: give a FloatNetwork")
    dataset.check(network.config)
    result: OfflineTraining = OfflineLoop(rule, after_step, network, dataset, recipe, seed, validation, plasticity).run(
        checkpoint, report, progress, keep_partial
    )
    return result


class OfflineLoop(TrainingLoop):
    """Epochs of mini-batches.

    Parameters
    ----------
    rule : GradientRule
        Source of the gradients.
    after_step : callable or None
        Called after every optimiser step.
    Others
        Of `TrainingLoop`.
    """

    unit = "epochs"
    recipe: OfflineRecipe

    def __init__(self, rule: GradientRule, after_step: AfterStep | None, *others: Any):
        super().__init__(*others)
        self.rule, self.after_step = rule, after_step
        self.adam = {name: Adam(getattr(self.initial, name).shape) for name in self.etas()}

    def begin(self) -> None:
        return

    def epoch(self, number: int, bar: "tqdm[Any]", resumable: bool) -> OfflineEpoch:
        with np.errstate(all="ignore"):  # overflows are found below
            self.last, loss, correct = self._pass(number)
        tested = evaluate_float(self.last, self.dataset)
        validated = evaluate_float(self.last, self.held).accuracy if self.held else None
        count = len(self.learned.train)
        bar.update()
        return OfflineEpoch(loss / count, correct / count, tested.accuracy, tested.rate, validated)

    def _pass(self, number: int) -> tuple[FloatNetwork, float, int]:
        """Network, loss summed over the samples, and number predicted correctly while they were learned."""
        network, recipe, etas = self.last.replace(), self.recipe, self.etas()
        factor = recipe.decay**number
        order = np.random.default_rng([self.seed, number]).permutation(len(self.learned.train))
        today = self.learned.epoch([self.seed, number])
        loss, correct = 0.0, 0
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            done = (number + first / len(order)) / recipe.epochs
            samples = [today.train[n] for n in chosen]
            step = self.rule.gradient(network, samples, today.train_labels[chosen], done)
            self._check(number, first, {"loss": np.array(step.loss)})
            for name, eta in etas.items():
                if eta:
                    gradient = getattr(step, name)
                    self._check(number, first, {f"gradient of {name}": gradient**2})  # Adam keeps its square
                    getattr(network, name)[...] += self.adam[name].change(gradient, eta * factor)
            np.clip(network.delay, 0, network.config.max_delay, out=network.delay)
            if self.after_step:
                self.after_step(network.weight, network.delay)
            self._check(number, first, {name: getattr(network, name) for name in etas})
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

    def training(self, network: FloatNetwork, epochs: Sequence[Any], kept: int) -> OfflineTraining:
        return OfflineTraining(initial=self.initial, network=network, epochs=epochs, kept=kept)

    def silent(self, network: FloatNetwork, dataset: Dataset) -> int:
        return Behaviour.of("float", _core(network), dataset).silent

    def end(self, result: Training) -> None:
        return

    def etas(self) -> dict[str, float]:
        recipe = self.recipe
        return {"weight": recipe.eta_weight, "delay": recipe.eta_delay, "readout": recipe.eta_readout}

    @property
    def sparse(self) -> bool:
        return self.after_step is not None

    # ---------------------------------------------------------------- checkpoint

    def about(self) -> tuple[str, dict[str, Any]]:
        named = type(self.rule).__repr__ is not object.__repr__
        name = str(self.rule) if named else type(self.rule).__qualname__
        return name, {"after_step": getattr(self.after_step, "__name__", None)}

    def read_epoch(self, values: Mapping[str, Any]) -> OfflineEpoch:
        return OfflineEpoch.of(values, self.held is not None)

    def resume(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        epochs, etas = len(values["epochs"]), self.etas()
        steps = epochs * self.recipe.steps(len(self.learned.train))
        for name, adam in self.adam.items():
            if values["steps"][name] != (steps if etas[name] else 0):
                raise ValueError(f"{values['steps'][name]} steps of {name} in {epochs} epochs")
            adam.restore(arrays[f"{name}_mean"], arrays[f"{name}_square"], values["steps"][name])

    def state(self) -> tuple[dict[str, Any], Arrays]:
        arrays: Arrays = {}
        for name, adam in self.adam.items():
            arrays |= {f"{name}_mean": adam.mean, f"{name}_square": adam.square}
        return {"steps": {name: adam.steps for name, adam in self.adam.items()}}, arrays


#: Configuration, recipe and arguments of the rule -> rule.
MakeRule = Callable[[CoreConfig, OfflineRecipe, Mapping[str, Any]], GradientRule]


class OfflineLearner(Learner):
    """A `GradientRule` in real numbers, quantised at the end for a core that needs no learning units.

    Its formats get as many integer bits as the network needs on training samples, see `ranvier.quantisation.widen`.

    Parameters
    ----------
    recipes, label : str
        Of `Learner`.
    rule : str or callable
        Module whose `gradient_rule` makes the rule, imported when a training begins; or a function that makes it.
    needs : mapping, optional
        Of `Learner`.
    """

    arithmetic = "float"
    indifferent = frozenset(field.name for field in fields(CoreConfig)) - {
        "inputs", "neurons", "outputs", "recurrent", "delays", "max_delay", "threshold", "reset",
    }  # fmt: skip

    def __init__(self, recipes: str, label: str, rule: str | MakeRule, needs: Mapping[str, str] | None = None):
        self.recipes, self.label, self.rule, self.needs = recipes, label, rule, needs or {}
        self.modules = ("ranvier.learners.offline", *([rule] if isinstance(rule, str) else []))

    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """A core for inference only, with exponential synapses if the recipe has them."""
        synapse = {"synapse": "exponential"} if recipe.beta else {}
        return config.replace(learning=False, dormant=False, **synapse)

    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """After every mini-batch."""
        return rewiring(sparse.connectivity, recipe.epochs, steps=recipe.steps(samples))

    def _learn(
        self,
        config: CoreConfig,
        recipe: Any,
        data: Dataset,
        seed: int,
        start: Any,
        plasticity: DeepR | None,
        rewired: bool,
        **options: Any,
    ) -> Trained:
        network = start.replace(config=config) if start else recipe.draw(config, np.random.default_rng(seed))
        network, change = with_connections(plasticity, network, start), None
        if plasticity:
            change = plasticity.step if rewired else plasticity.hold
        make: MakeRule = import_module(self.rule).gradient_rule if isinstance(self.rule, str) else self.rule
        rule = make(config, recipe, RULES_OF[self.recipes].get(data.name, {}))
        training = train_offline(rule, network, data, recipe, seed, after_step=change, plasticity=plasticity, **options)
        core = widened(training.network, data.train)
        result = quantise(training.network, core, dataset=data)
        return Trained(
            training,
            quantised(training.initial, core),
            result.network,
            "float",
            quantisation=result,
            plasticity=plasticity,
        )

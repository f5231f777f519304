"""The learning rule of the core: a device learns a data set, one sample at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.device import Device, open_device
from ranvier.errors import shown
from ranvier.golden.base import CoreBase
from ranvier.learners import diagnosis
from ranvier.learners.checkpoint import Arrays
from ranvier.learners.delay_change import DelayChange
from ranvier.learners.evaluation import MOST_COUNTED, Evaluation, check_device, run_samples
from ranvier.learners.learner import Learner, Sparse, Trained, with_connections
from ranvier.learners.training import LEGEND, Report, Training, TrainingLoop
from ranvier.learners.validation import check_dataset
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.network import Network, check_network
from ranvier.parameters.record import COUNTERS
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.quantisation.quantise import Behaviour
from ranvier.recipes import Recipe, initial_network, rewiring

__all__ = ["Epoch", "OnlineLearner", "OnlineTraining", "train"]

#: Distinguishes the seeds of single epochs, beside seed and number.
RESEEDED = 2**32 - 2

#: Counters by the names that earlier checkpoints have for them.
RENAMED = {"ring_saturated": "delay_line_saturated"}


@dataclass(frozen=True)
class Epoch:
    """One pass of learning and the tests that followed it, on held-out training samples too if there are any."""

    train: Evaluation
    test: Evaluation
    validation: Evaluation | None = None

    @property
    def tested(self) -> float:
        """Accuracy on the test samples."""
        return self.test.accuracy

    @property
    def validated(self) -> float | None:
        """Accuracy on held-out training samples; None without them."""
        return self.validation.accuracy if self.validation else None

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "accuracy_while_learning": self.train.accuracy,
            "train": self.train.summary(),
            "validation": self.validation.summary() if self.validation else None,
            "test": self.test.summary(),
        }

    @classmethod
    def of(cls, values: Mapping[str, Any], neurons: int, samples: Mapping[str, int]) -> "Epoch":
        """From the result of `dataclasses.asdict`; `samples` is the number of samples of each evaluation, 0 for none.

        `TypeError` or `ValueError` if the values are invalid.
        """
        parts = {name: None if part is None else Evaluation.of(part, neurons) for name, part in values.items()}
        if {name: part.samples if part else 0 for name, part in parts.items()} != samples:
            raise ValueError(f"other samples than {samples}")
        return cls(**parts)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class OnlineTraining(Training):
    """Outcome of `train`.

    Parameters
    ----------
    counters : dict
        Activity and saturation counters after the last finished epoch.
    Others
        Of `Training`; epochs are `Epoch`, networks those of the core.
    """

    counters: dict[str, int] = field(default_factory=dict)

    @property
    def saturated(self) -> dict[str, int]:
        """Counters of quantities that saturated."""
        return {name: count for name, count in self.counters.items() if name.endswith("saturated") and count}

    @property
    def delays(self) -> DelayChange | None:
        """How far the delays moved; None without delays."""
        return DelayChange.between(self.initial, self.network)

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        values = super().summary()
        epochs = values.pop("epochs")
        delays = self.delays.summary() if self.delays else None
        return values | {"delays": delays, "counters": self.counters, "epochs": epochs}

    def head(self) -> list[str]:
        """Heading of the table of epochs."""
        return [*LEGEND, "epoch  learned  validated  tested  spikes/neuron/step  samples/s"]

    def row(self, number: int) -> str:
        """Line of the table for the epoch of this index."""
        epoch: Epoch = self.epochs[number]
        test, speed = epoch.test, epoch.train.samples / epoch.train.seconds
        line = f"{number + 1:5}  {epoch.train.accuracy:7.1%}  {self.cell(number)}"
        return f"{line}  {test.accuracy:6.1%}  {test.rate:18.4f}  {speed:9.0f}"

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        lines = super().closing()
        if delays := self.delays:
            lines += [f"delays moved by {delays.mean:.2f} steps on average", *delays.lines()]
        return lines + [f"{name}: {count:,}" for name, count in self.saturated.items()]


def train(
    device: Device,
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    seed: int = 0,
    *,
    rewiring: DeepR | None = None,
    validation: float = 0.0,
    checkpoint: str | Path | None = None,
    report: Report | None = None,
    progress: bool = False,
    keep_partial: bool = True,
) -> OnlineTraining:
    """Teach `device` the training samples, `recipe.epochs` times, each time in a new random order.

    Parameters
    ----------
    device : Device
        Loaded with `network`; holds the learned network afterwards (if not interrupted).
    network : Network
        Where to start, usually from `ranvier.recipes.initial_network`.
    dataset : Dataset
        Training samples, with a new augmentation in every epoch if it has one, and test samples.
    recipe : Recipe
        Step sizes and number of epochs.
    seed : int
        Seed of the order of samples, augmentation and validation. The same seed gives the same bits on every device.
    rewiring : DeepR, optional
        Rewires the network every ``rewiring.recipe.every`` samples, and at the end of every epoch before its test, by
        reading it from the device and loading it again. `network` must be the result of its `start`.
    validation : float
        Share of the training samples to hold out and test after every epoch, see
        `ranvier.learners.validation.hold_out`; the network of the epoch with the best accuracy on them is returned (the
        latest of equals). With 0 all samples are learned and the network of the last epoch is returned.
    checkpoint : path, optional
        File that is written after every epoch. If it exists, its training is resumed, and ends with the same
        bits as one that was never stopped. A device whose random generators cannot be read (simulated RTL,
        boards) is then loaded with a new seed for every epoch, and its bits differ from those without a checkpoint.
    report : callable, optional
        Called with the `OnlineTraining` so far after every epoch, and once with that of an existing checkpoint.
    progress : bool
        Show a progress bar if stderr is a terminal.
    keep_partial : bool
        If False, Ctrl-C raises `KeyboardInterrupt` at any time, without further work.

    Returns
    -------
    OnlineTraining
        Ctrl-C ends it after the last finished epoch; before that it raises `KeyboardInterrupt`.

    Raises
    ------
    ConfigError
        If inputs or outputs of the core differ from those of the data, or it changes dormant synapses that are rewired.
    DataError
        If there are no training or test samples, or no validation samples can be held out.
    CheckpointError
        If the checkpoint is damaged or belongs to another training.
    OutputError
        If the checkpoint cannot be written.
    """
    check_device(device)
    check_dataset(dataset)
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"recipe={shown(recipe)} is not a recipe: give a Recipe, such as RECIPES['yinyang']")
    dataset.require("train", "test")
    dataset.check(device.config)
    check_network(network, device.config)
    if rewiring and not device.config.dormant:
        raise ConfigError("this core changes synapses of weight 0: rewiring needs a configuration with dormant=true")
    result: OnlineTraining = OnlineLoop(device, network, dataset, recipe, seed, validation, rewiring).run(
        checkpoint, report, progress, keep_partial
    )
    return result


class OnlineLoop(TrainingLoop):
    """Epochs on a device.

    Parameters
    ----------
    device : Device
        Device that learns; holds the returned network at the end.
    Others
        Of `TrainingLoop`.
    """

    unit = "samples"
    recipe: Recipe

    def __init__(self, device: Device, *others: Any):
        super().__init__(*others)
        self.device, self.counts = device, dict[str, int]()
        self.before = Counter[str]()  # counts from before the device was loaded again

    def begin(self) -> None:
        self.device.load(self.initial)

    def work(self) -> int:
        return len(self.learned.train) + len(self.dataset.test) + (len(self.held.test) if self.held else 0)

    def epoch(self, number: int, bar: "tqdm[Any]", resumable: bool) -> Epoch:
        device, order = self.device, np.random.default_rng([self.seed, number]).permutation(len(self.learned.train))
        if resumable and number and not self.plasticity and not isinstance(device, CoreBase):
            self.before.update(device.counters())
            draw = np.random.default_rng([self.seed, number, RESEEDED])
            device.load(self.last.replace(seed=int(draw.integers(1, 2**32))))
        device.step_sizes(*self.recipe.step_sizes(device.config, number))
        taught = self._teach(self.learned.epoch([self.seed, number]), order.tolist(), bar)
        held, data = self.held, self.dataset
        validated = run_samples(device, held, "test", range(len(held.test)), False, bar) if held else None
        tested = run_samples(device, data, "test", range(len(data.test)), False, bar)
        self.counts = {name: self.before[name] + count for name, count in device.counters().items()}
        self.last = device.network()
        return Epoch(taught, tested, validated)

    def _teach(self, today: Dataset, order: list[int], bar: "tqdm[Any]") -> Evaluation:
        """Learn the training samples in the given order, with rewiring."""
        device, plasticity = self.device, self.plasticity
        if not plasticity:
            return run_samples(device, today, "train", order, True, bar)
        taught, every = Evaluation(device.config.neurons), plasticity.recipe.every or len(order)
        for first in range(0, len(order), every):
            taught += run_samples(device, today, "train", order[first : first + every], True, bar)
            self.before.update(device.counters())
            device.load(plasticity.rewire(device.network()))
        return taught

    def training(self, network: Network, epochs: Sequence[Any], kept: int) -> OnlineTraining:
        return OnlineTraining(initial=self.initial, network=network, epochs=epochs, counters=self.counts, kept=kept)

    def silent(self, network: Network, dataset: Dataset) -> int:
        with open_device("golden", network.config) as golden:
            golden.load(network)
            return Behaviour.of("golden", golden, dataset).silent

    def end(self, result: Training) -> None:
        if result.kept != len(result.epochs) - 1:
            self.device.load(result.network)

    def etas(self) -> dict[str, float]:
        recipe = self.recipe
        eta_delay = recipe.eta_axonal if self.device.config.delays == "axonal" else recipe.eta_delay
        return {"weight": recipe.eta_weight, "delay": eta_delay, "readout": recipe.eta_readout}

    @property
    def sparse(self) -> bool:
        return self.device.config.dormant

    def counted(self) -> list[str]:
        result, c = self.result, self.device.config
        learned = sum((epoch.train for epoch in result.epochs), Evaluation(c.neurons))
        tests = [part for epoch in result.epochs for part in (epoch.train, epoch.validation, epoch.test) if part]
        steps = sum(part.steps for part in tests)
        possible = diagnosis.opportunities(c, result.counters, steps, learned.steps, learned.scored)
        return list(diagnosis.saturation_warnings(result.counters, possible))

    # ---------------------------------------------------------------- checkpoint

    def about(self) -> tuple[str, dict[str, Any]]:
        device = self.device
        state = ", ".join(sorted(device.SNAPSHOT)) if isinstance(device, CoreBase) else "a seed for every epoch"
        return "online", {"state": state}  # devices with equal state are interchangeable

    def read_epoch(self, values: Mapping[str, Any]) -> Epoch:
        samples = {"train": len(self.learned.train), "test": len(self.dataset.test)}
        samples["validation"] = len(self.held.test) if self.held else 0
        return Epoch.of(values, self.device.config.neurons, samples)

    def resume(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        counters = {RENAMED.get(name, name): count for name, count in values["counters"].items()}
        self.counts = {name: counters[name] for name in COUNTERS}
        if not all(type(count) is int and 0 <= count < MOST_COUNTED for count in self.counts.values()):
            raise ValueError("invalid counters")
        self.before = Counter(self.counts)
        if isinstance(self.device, CoreBase):
            self.device.resume(self.last, arrays)
        else:
            self.device.load(self.last)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"counters": self.counts}, self.device.snapshot() if isinstance(self.device, CoreBase) else {}


class OnlineLearner(Learner):
    """The three-factor rule, one sample at a time, on the core's arithmetic or the same rule in float64.

    Parameters
    ----------
    device : str
        Device that learns, by its name for `ranvier.device.open_device`.
    """

    recipes = "online"
    modules = ("ranvier.learners.online",)

    def __init__(self, device: str):
        self.device, self.arithmetic = device, "float" if device == "float64" else "golden"
        self.label = "online three-factor" + (" in float64" if device == "float64" else "")

    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """A core that learns, and does not change dormant synapses of a sparse network."""
        return config.replace(dormant=config.dormant or bool(sparse))

    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """By the host, a few times per epoch."""
        return rewiring(sparse.connectivity, recipe.epochs, samples=samples)

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
        network = initial_network(config, recipe, seed)
        if start:  # not with the random numbers of the earlier training again
            network = start.replace(config=config, seed=network.seed)
        network = with_connections(plasticity, network, start)
        changes = plasticity if rewired else None
        with open_device(self.device, config) as device:
            training = train(device, network, data, recipe, seed, rewiring=changes, **options)
        return Trained(training, training.initial, training.network, self.arithmetic, plasticity=plasticity)

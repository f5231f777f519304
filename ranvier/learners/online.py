"""Teaching a device a data set, one sample at a time, and judging it on samples it never learned from."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.device import Device, DeviceError, open_device
from ranvier.errors import shown
from ranvier.golden.base import CoreBase
from ranvier.learners import diagnosis
from ranvier.learners.checkpoint import Checkpoint, fingerprint, network_arrays, network_from, plain
from ranvier.learners.validation import best, check_dataset, check_kept, column, hold_out
from ranvier.parameters.config import ConfigError
from ranvier.parameters.network import Network, check_network
from ranvier.parameters.record import COUNTERS
from ranvier.plasticity.deep_r import DeepR
from ranvier.quantisation.quantise import Behaviour
from ranvier.recipes import Recipe

__all__ = ["LEGEND", "DelayChange", "Epoch", "Tally", "Training", "evaluate", "train"]

#: What the columns of a table of epochs mean.
LEGEND = (
    "learned: share of the training samples predicted correctly while they were being learned, over the epoch",
    "tested, validated: afterwards, without learning, on test samples and held-out training samples; *: best so far",
)

#: More than anything is ever counted to.
MOST_COUNTED = 1 << 62

#: Of the seeds of single epochs, beside seed and number.
RESEEDED = 2**32 - 2


@dataclass
class Tally:
    """What a pass over samples added up to.

    Parameters
    ----------
    neurons : int
        Hidden neurons of the device.
    samples, correct : int
        Samples run, and those predicted correctly (while learning: before the sample's own update ends).
    spikes, steps : int
        Hidden spikes and steps, those by which the network prolongs samples included.
    cycles : int or None
        Clock cycles of the device; None if it has no clock.
    seconds : float
        Wall-clock time.
    scored : int
        Scored steps.
    """

    neurons: int
    samples: int = 0
    correct: int = 0
    spikes: int = 0
    steps: int = 0
    cycles: int | None = 0
    seconds: float = 0.0
    scored: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        cycles = None if self.cycles is None or other.cycles is None else self.cycles + other.cycles
        return Tally(
            self.neurons,
            self.samples + other.samples,
            self.correct + other.correct,
            self.spikes + other.spikes,
            self.steps + other.steps,
            cycles,
            self.seconds + other.seconds,
            self.scored + other.scored,
        )

    @classmethod
    def of(cls, values: Mapping[str, Any], neurons: int) -> "Tally":
        """From what `dataclasses.asdict` made of one; `TypeError` or `ValueError` if that cannot have been counted."""
        tally = cls(**values)
        cycles = 0 if tally.cycles is None else tally.cycles
        for count in (tally.samples, tally.correct, tally.spikes, tally.steps, tally.scored, cycles):
            if type(count) is not int or not 0 <= count < MOST_COUNTED:
                raise ValueError(f"{shown(count)} is no count")
        whole = tally.correct <= tally.samples <= tally.steps and tally.scored <= tally.steps
        if not (tally.neurons == neurons and tally.samples and whole and tally.spikes <= tally.steps * neurons):
            raise ValueError("counts that contradict each other")
        if type(tally.seconds) is not float or not 0 < tally.seconds < inf:
            raise ValueError(f"{shown(tally.seconds)} is no time")
        return tally

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return self.correct / self.samples

    @property
    def rate(self) -> float:
        """Mean firing rate: spikes per neuron and step."""
        return self.spikes / (self.steps * self.neurons)

    @property
    def cycles_per_sample(self) -> float | None:
        """Mean clock cycles of a sample, None without a clock."""
        return None if self.cycles is None else self.cycles / self.samples

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "accuracy": self.accuracy,
            "samples": self.samples,
            "firing_rate": self.rate,
            "cycles_per_sample": self.cycles_per_sample,
            "samples_per_second": self.samples / self.seconds,
        }


@dataclass(frozen=True)
class DelayChange:
    """How far training moved the delays.

    Parameters
    ----------
    mean : float
        Mean of ``|D - D_initial|`` in steps.
    edges : float array [bins + 1]
        Bin edges in steps.
    before, after : int array [bins]
        Delays per bin.
    """

    mean: float
    edges: NDArray[np.float64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @classmethod
    def between(cls, before: Network, after: Network, bins: int = 10) -> "DelayChange | None":
        """From two networks of one configuration; None if their core has no delays.

        Delays of dormant synapses do not count, and only a synapse that is active in both networks has moved its delay.
        """
        c = before.config
        if c.delays == "none":
            return None
        old, new = before.real("delay"), after.real("delay")
        was, active = (
            net.weight != 0 if c.dormant and c.delays == "synaptic" else np.ones(old.shape, bool)
            for net in (before, after)
        )
        moved = np.abs(new - old)[was & active]
        edges = np.linspace(0, c.max_delay, bins + 1)
        return cls(
            float(moved.mean()) if len(moved) else 0.0,
            edges,
            np.histogram(old[was], edges)[0],
            np.histogram(new[active], edges)[0],
        )

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "mean_steps": self.mean,
            "histogram": {
                "edges": self.edges.tolist(),
                "before": self.before.tolist(),
                "after": self.after.tolist(),
            },
        }

    def text(self, width: int = 30) -> list[str]:
        """The two histograms as lines of text, bars up to `width` characters long."""
        most = max(self.before.max(), self.after.max())
        lines = [f"{'delay in steps':>15}  {'before':<{width + 5}}  after"]
        for n, (old, new) in enumerate(zip(self.before, self.after, strict=True)):
            bars = [f"{'█' * round(width * count / most)} {count}" for count in (old, new)]
            lines.append(f"{self.edges[n]:6.1f} - {self.edges[n + 1]:6.1f}  {bars[0]:<{width + 5}}  {bars[1]}")
        return lines


@dataclass(frozen=True)
class Epoch:
    """One pass of learning and the tests that followed it, on held-out training samples too if there are any."""

    train: Tally
    test: Tally
    validation: Tally | None = None

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
        """From what `dataclasses.asdict` made of one; `samples` are how many each tally has, 0 for none.

        `TypeError` or `ValueError` if it is not that.
        """
        tallies = {name: None if tally is None else Tally.of(tally, neurons) for name, tally in values.items()}
        if {name: tally.samples if tally else 0 for name, tally in tallies.items()} != samples:
            raise ValueError(f"other samples than {samples}")
        return cls(**tallies)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Training:
    """Outcome of `train`.

    Parameters
    ----------
    initial, network : Network
        Before the first epoch, and after the one that was kept.
    epochs : list of Epoch
        Finished epochs, in order.
    counters : dict
        Activity and saturation counters after the last finished epoch.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    kept : int
        Index of the epoch whose network this is: the best one on the validation samples, the last one without them.
    warnings : list of str
        What it suffered from, one line for each cause; see `ranvier.learners.diagnosis`.
    """

    initial: Network
    network: Network
    epochs: list[Epoch]
    counters: dict[str, int]
    interrupted: bool = False
    kept: int = -1
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", range(len(self.epochs))[self.kept])

    @property
    def accuracy(self) -> float:
        """Test accuracy of `network`."""
        return self.epochs[self.kept].test.accuracy

    @property
    def curve(self) -> list[float]:
        """Test accuracy after every epoch."""
        return [epoch.test.accuracy for epoch in self.epochs]

    @property
    def validated(self) -> list[float]:
        """Accuracy on the validation samples after every epoch; empty if there are none."""
        return [epoch.validation.accuracy for epoch in self.epochs if epoch.validation]

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
        return {
            "accuracy": self.accuracy,
            "interrupted": self.interrupted,
            "kept_epoch": self.kept + 1,
            "warnings": self.warnings,
            "delays": self.delays.summary() if self.delays else None,
            "counters": self.counters,
            "epochs": [epoch.summary() for epoch in self.epochs],
        }

    def head(self) -> list[str]:
        """Heading of the table of epochs."""
        return [*LEGEND, "epoch  learned  validated  tested  spikes/neuron/step  samples/s"]

    def row(self, number: int) -> str:
        """Line of the table for the epoch of this index."""
        epoch, validated = self.epochs[number], column(self.validated, number)
        test, speed = epoch.test, epoch.train.samples / epoch.train.seconds
        line = f"{number + 1:5}  {epoch.train.accuracy:7.1%}  {validated}"
        return f"{line}  {test.accuracy:6.1%}  {test.rate:18.4f}  {speed:9.0f}"

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        lines = [kept_text(self)]
        if delays := self.delays:
            lines += [f"delays moved by {delays.mean:.2f} steps on average", *delays.text()]
        return lines + [f"{name}: {count:,}" for name, count in self.saturated.items()]

    def text(self) -> list[str]:
        """Lines for people, warnings aside."""
        return [*self.head(), *(self.row(n) for n in range(len(self.epochs))), *self.closing()]


def kept_text(learned: Any) -> str:
    """Which epoch's network a `Training` or `Fit` returns, and why."""
    why = f"the best on validation ({learned.validated[learned.kept]:.1%})" if learned.validated else "the last one"
    return f"kept the network of epoch {learned.kept + 1}, {why}: {learned.accuracy:.1%} of the test samples are right"


def _run(device: Device, dataset: Dataset, part: str, order: Iterable[int], learn: bool, bar: "tqdm[Any]") -> Tally:
    samples, labels = getattr(dataset, part), getattr(dataset, f"{part}_labels")
    tally = Tally(device.config.neurons)
    start = perf_counter()
    for n in order:
        sample = samples[n]
        record = device.run(sample, target=int(labels[n]), learn=learn)
        tally.samples += 1
        tally.correct += int(record.prediction == labels[n])
        tally.spikes += record.spikes
        tally.steps += sample.steps if record.length is None else record.length
        tally.scored += int(np.count_nonzero(sample.scored))
        tally.cycles = None if tally.cycles is None or record.cycles is None else tally.cycles + record.cycles
        bar.update()
    tally.seconds = perf_counter() - start
    return tally


def _bar(total: int, progress: bool) -> "tqdm[Any]":
    """A progress bar on stderr, only if asked for and only on a terminal."""
    return tqdm(total=total, unit=" samples", leave=False, disable=None if progress else True)


def evaluate(
    device: Device, dataset: Dataset, split: str = "test", *, classes: Sequence[str] = (), progress: bool = False
) -> Tally:
    """Run samples on the network that `device` holds, without learning.

    Parameters
    ----------
    device : Device
        Loaded with a network.
    dataset : Dataset
        What is not asked for may be missing, and classes may be unequal.
    split : {"test", "train", "all"}
        Which samples.
    classes : sequence of str, optional
        What the outputs stand for (`Network.read_classes`): labels go to the output of their name. Without it they go by
        number, or for a data set with published names, such as Braille, by these.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Raises
    ------
    ConfigError
        If the core has other inputs or outputs than the data.
    DataError
        If there are no such samples, or a class is none of `classes`.
    """
    check_device(device)
    check_dataset(dataset)
    tested = dataset.evaluated(device.config, split, classes)
    with _bar(len(tested.test), progress) as bar:
        return _run(device, tested, "test", range(len(tested.test)), False, bar)


def check_device(device: Any) -> None:
    """`DeviceError` unless it is something that runs samples."""
    if not hasattr(device, "config") or not callable(getattr(device, "run", None)):
        raise DeviceError(f"device={shown(device)} is no open device: give open_device(name, config)")


def _learn(
    device: Device, dataset: Dataset, order: list[int], rewiring: DeepR | None, counters: Counter[str], bar: "tqdm[Any]"
) -> Tally:
    """Learn the training samples in this order, rewiring on the way; what is counted before a load goes to `counters`."""
    if not rewiring:
        return _run(device, dataset, "train", order, True, bar)
    tally, every = Tally(device.config.neurons), rewiring.recipe.every or len(order)
    for first in range(0, len(order), every):
        tally += _run(device, dataset, "train", order[first : first + every], True, bar)
        counters.update(device.counters())
        device.load(rewiring.rewire(device.network()))
    return tally


#: Called with the training so far after every epoch, and with what a checkpoint held.
Report = Callable[[Training], None]


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
) -> Training:
    """Teach `device` the training samples, `recipe.epochs` times, each time in a new random order.

    Parameters
    ----------
    device : Device
        Is loaded with `network` and holds the learned one afterwards (if not interrupted).
    network : Network
        Where to start, usually from `ranvier.recipes.initial_network`.
    dataset : Dataset
        Learned from, augmented afresh in every epoch if it is, and tested on after every epoch.
    recipe : Recipe
        Step sizes and number of epochs.
    seed : int
        Of the samples' order, augmentation and validation. The same seed gives the same result to the bit on every device.
    rewiring : DeepR, optional
        Rewires the network every ``rewiring.recipe.every`` samples, and at the end of every epoch before its test: it is
        read from the device, changed, and loaded again. `network` is what its `start` returned.
    validation : float
        Share of the training samples that is not learned but tested after every epoch, see
        `ranvier.learners.validation.hold_out`; the network of the epoch that does best there is returned (the latest of
        equally good ones). With 0 all samples are learned and the network of the last epoch is returned.
    checkpoint : path, optional
        File that is written after every epoch. If it exists, the training in it goes on from there, and ends with the same
        network to the bit as one that was never stopped. A device whose random generators cannot be read (simulated RTL,
        boards) is loaded with a seed of its own for every epoch then, so that it has other bits than without a checkpoint.
    report : callable, optional
        Called with the `Training` so far after every epoch, and at first with what was in the checkpoint.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Returns
    -------
    Training
        Ctrl-C ends it after the last finished epoch; before that there is nothing to keep and it raises
        `KeyboardInterrupt`.

    Raises
    ------
    ConfigError
        If the core has other inputs or outputs than the data, or teaches dormant synapses although they are rewired.
    DataError
        If there is nothing to learn from or to test on, or no validation samples can be held out.
    CheckpointError
        If the checkpoint is damaged or belongs to another training.
    OutputError
        If the checkpoint cannot be written.
    """
    check_device(device)
    check_dataset(dataset)
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"recipe={shown(recipe)} is none: give a Recipe, such as RECIPES['yinyang']")
    dataset.require("train", "test")
    dataset.check(device.config)
    check_network(network, device.config)
    if rewiring and not device.config.dormant:
        raise ConfigError("this core teaches synapses of weight 0: rewiring needs a configuration with dormant=true")
    learned, held = hold_out(dataset, validation, seed)
    course = _Course(device, network, dataset, learned, held, recipe, seed, rewiring)
    saved = _checkpoint(checkpoint, course, validation) if checkpoint else None
    course.begin(saved)
    if report and course.result:
        report(course.result)
    try:
        with course.bar(progress) as bar:
            for number in range(course.finished, recipe.epochs):
                bar.set_description(f"epoch {number + 1} of {recipe.epochs}")
                course.learn(number, bar, reseed=saved is not None)
                if saved:
                    course.keep(saved)
                if report and course.result:
                    report(course.result)
        return course.end()
    except KeyboardInterrupt:
        if not course.result:
            raise
        return replace(course.result, interrupted=True, warnings=course.warnings())


@dataclass
class _Course:
    """A training under way: `result` after `finished` epochs, `last` being the network that the next one goes on with."""

    device: Device
    initial: Network
    dataset: Dataset
    learned: Dataset
    held: Dataset | None
    recipe: Recipe
    seed: int
    rewiring: DeepR | None
    result: Training | None = None
    counters: Counter[str] = field(default_factory=Counter)  # of what was counted before the device was loaded again

    def __post_init__(self) -> None:
        self.last = self.initial

    @property
    def finished(self) -> int:
        """Epochs."""
        return len(self.result.epochs) if self.result else 0

    def bar(self, progress: bool) -> "tqdm[Any]":
        """A progress bar over all samples that are left."""
        samples = len(self.learned.train) + len(self.dataset.test) + (len(self.held.test) if self.held else 0)
        return _bar((self.recipe.epochs - self.finished) * samples, progress)

    def learn(self, number: int, bar: "tqdm[Any]", reseed: bool) -> None:
        """One epoch and what follows it."""
        device, order = self.device, np.random.default_rng([self.seed, number]).permutation(len(self.learned.train))
        if reseed and number and not self.rewiring and not isinstance(device, CoreBase):
            self.counters.update(device.counters())
            draw = np.random.default_rng([self.seed, number, RESEEDED])
            device.load(self.last.replace(seed=int(draw.integers(1, 2**32))))
        device.step_sizes(*self.recipe.step_sizes(device.config, number))
        today = self.learned.epoch([self.seed, number])
        taught = _learn(device, today, order.tolist(), self.rewiring, self.counters, bar)
        validated = _run(device, self.held, "test", range(len(self.held.test)), False, bar) if self.held else None
        tested = _run(device, self.dataset, "test", range(len(self.dataset.test)), False, bar)
        counts = {name: self.counters[name] + count for name, count in device.counters().items()}
        self.last = device.network()
        self._add(Epoch(taught, tested, validated), counts)
        bar.set_postfix(accuracy=f"{tested.accuracy:.1%}")

    def _add(self, epoch: Epoch, counters: dict[str, int]) -> None:
        epochs = [*(self.result.epochs if self.result else []), epoch]
        validated = [e.validation.accuracy for e in epochs if e.validation]
        kept = best(validated) if validated else len(epochs) - 1
        network = self.last if kept == len(epochs) - 1 or not self.result else self.result.network
        self.result = Training(self.initial, network, epochs, counters, kept=kept)

    def end(self) -> Training:
        """Leave the device with the network that is kept, and say what it suffered from."""
        assert self.result, "a recipe has at least one epoch"
        result = replace(self.result, warnings=self.warnings())
        judged = self.held or self.dataset
        with open_device("golden", result.network.config) as golden:
            golden.load(result.network)
            silent = Behaviour.of("golden", golden, judged).silent
        firing = diagnosis.firing_warnings(
            self.learned.train, self.dataset.inputs, silent, result.network.config.neurons
        )
        if result.kept != len(result.epochs) - 1:
            self.device.load(result.network)
        return replace(result, warnings=[*result.warnings, *firing])

    def warnings(self) -> list[str]:
        """What is known without running anything."""
        assert self.result, "at least one epoch is finished"
        result, c, recipe = self.result, self.device.config, self.recipe
        learned = sum((epoch.train for epoch in result.epochs), Tally(c.neurons))
        tests = [t for epoch in result.epochs for t in (epoch.train, epoch.validation, epoch.test) if t]
        steps = sum(tally.steps for tally in tests)
        possible = diagnosis.opportunities(c, result.counters, steps, learned.steps, learned.scored)
        eta_delay = recipe.eta_axonal if c.delays == "axonal" else recipe.eta_delay
        etas = {"weight": recipe.eta_weight, "delay": eta_delay, "readout": recipe.eta_readout}
        return [
            *diagnosis.accuracy_warnings(
                result.validated or result.curve, result.kept, result.accuracy, self.dataset, self.held
            ),
            *diagnosis.saturation_warnings(result.counters, possible),
            *diagnosis.moving_warnings(self.initial, result.network, etas, self.learned.train, c.dormant),
        ]

    # ---------------------------------------------------------------- checkpoint

    def begin(self, saved: Checkpoint | None) -> None:
        """Load the device: with the initial network, or with what a checkpoint goes on with."""
        found = saved.read() if saved else None
        if not (saved and found):
            self.device.load(self.initial)
            return
        values, arrays = found
        with saved.damage():
            self.last = network_from("last", arrays, self.initial)
            kept = network_from("kept", arrays, self.initial)
            samples = {"train": len(self.learned.train), "test": len(self.dataset.test)}
            samples["validation"] = len(self.held.test) if self.held else 0
            epochs = [Epoch.of(epoch, self.device.config.neurons, samples) for epoch in values["epochs"]]
            counters = {name: values["counters"][name] for name in COUNTERS}
            if not all(type(count) is int and 0 <= count < MOST_COUNTED for count in counters.values()):
                raise ValueError("counters that are no counts")
            self.result = Training(self.initial, kept, epochs, counters, kept=values["kept"])
            check_kept(self.result, values, self.recipe.epochs)
            self.counters = Counter(counters)
            if isinstance(self.device, CoreBase):
                self.device.resume(self.last, arrays)
            else:
                self.device.load(self.last)

    def keep(self, saved: Checkpoint) -> None:
        """Write the checkpoint of the last epoch."""
        assert self.result, "an epoch is finished"
        values = {
            "epochs": [asdict(epoch) for epoch in self.result.epochs],
            "counters": self.result.counters,
            "kept": self.result.kept,
            "finished": self.finished,
        }
        arrays = network_arrays("last", self.last) | network_arrays("kept", self.result.network)
        state = self.device.snapshot() if isinstance(self.device, CoreBase) else {}
        saved.write(values, arrays | state)


def _checkpoint(path: str | Path, course: _Course, validation: float) -> Checkpoint:
    """The checkpoint of a training, which knows what it belongs to."""
    device, rewiring = course.device, course.rewiring
    state = ", ".join(sorted(device.SNAPSHOT)) if isinstance(device, CoreBase) else "a seed for every epoch"
    about = plain(
        learner="online",
        data=f"{course.dataset.name} {course.dataset.digest()[:16]}",
        start=fingerprint(course.initial),
        seed=course.seed,
        validation=validation,
        core=device.config.to_dict(),
        recipe=asdict(course.recipe),
        rewiring=str(rewiring.recipe) if rewiring else None,
        state=state,  # devices with the same one may take turns
    )
    return Checkpoint(path, about, course.initial, rewiring)

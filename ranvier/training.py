"""Teaching a device a data set, one sample at a time, and judging it on samples it never learned from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.device import Device
from ranvier.golden.config import ConfigError
from ranvier.golden.deep_r import DeepR
from ranvier.golden.network import Network
from ranvier.recipes import Recipe

__all__ = ["DelayChange", "Epoch", "Tally", "Training", "evaluate", "train"]


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
        Hidden spikes and steps.
    cycles : int or None
        Clock cycles of the device; None if it has no clock.
    seconds : float
        Wall-clock time.
    """

    neurons: int
    samples: int = 0
    correct: int = 0
    spikes: int = 0
    steps: int = 0
    cycles: int | None = 0
    seconds: float = 0.0

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
        )

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
    """One pass of learning and the test that followed it."""

    train: Tally
    test: Tally

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {"train": self.train.summary(), "test": self.test.summary()}


@dataclass(frozen=True)
class Training:
    """Outcome of `train`.

    Parameters
    ----------
    initial, network : Network
        Before the first epoch, and after the last finished one.
    epochs : list of Epoch
        Finished epochs, in order.
    counters : dict
        Activity and saturation counters after the last finished epoch.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    """

    initial: Network
    network: Network
    epochs: list[Epoch]
    counters: dict[str, int]
    interrupted: bool = False

    @property
    def accuracy(self) -> float:
        """Test accuracy of `network`."""
        return self.epochs[-1].test.accuracy

    @property
    def curve(self) -> list[float]:
        """Test accuracy after every epoch."""
        return [epoch.test.accuracy for epoch in self.epochs]

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
            "delays": self.delays.summary() if self.delays else None,
            "counters": self.counters,
            "epochs": [epoch.summary() for epoch in self.epochs],
        }

    def text(self) -> list[str]:
        """Lines for people."""
        lines = ["epoch  learned  tested  spikes/neuron/step  samples/s"]
        for n, epoch in enumerate(self.epochs, 1):
            test, speed = epoch.test, epoch.train.samples / epoch.train.seconds
            lines.append(f"{n:5}  {epoch.train.accuracy:7.1%}  {test.accuracy:6.1%}  {test.rate:18.4f}  {speed:9.0f}")
        if delays := self.delays:
            lines += [f"delays moved by {delays.mean:.2f} steps on average", *delays.text()]
        return lines + [f"{name}: {count:,}" for name, count in self.saturated.items()]


def _run(device: Device, dataset: Dataset, part: str, order: Iterable[int], learn: bool, bar: "tqdm[Any]") -> Tally:
    samples, labels = getattr(dataset, part), getattr(dataset, f"{part}_labels")
    tally = Tally(device.config.neurons)
    start = perf_counter()
    for n in order:
        record = device.run(samples[n], target=int(labels[n]), learn=learn)
        tally.samples += 1
        tally.correct += int(record.prediction == labels[n])
        tally.spikes += record.spikes
        tally.steps += samples[n].steps
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
    tested = dataset.evaluated(device.config, split, classes)
    with _bar(len(tested.test), progress) as bar:
        return _run(device, tested, "test", range(len(tested.test)), False, bar)


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


def train(
    device: Device,
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    seed: int = 0,
    *,
    rewiring: DeepR | None = None,
    progress: bool = False,
) -> Training:
    """Teach `device` all training samples, `recipe.epochs` times, each time in a new random order.

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
        Of the samples' order and augmentation. The same seed gives the same result to the bit on every device.
    rewiring : DeepR, optional
        Rewires the network every ``rewiring.recipe.every`` samples, and at the end of every epoch before its test: it is
        read from the device, changed, and loaded again. `network` is what its `start` returned.
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
        If there is nothing to learn from or to test on.
    """
    dataset.require("train", "test")
    dataset.check(device.config)
    if rewiring and not device.config.dormant:
        raise ConfigError("this core teaches synapses of weight 0: rewiring needs a configuration with dormant=true")
    device.load(network)
    counters: Counter[str] = Counter()
    result: Training | None = None
    with _bar(recipe.epochs * (len(dataset.train) + len(dataset.test)), progress) as bar:
        try:
            for number in range(recipe.epochs):
                bar.set_description(f"epoch {number + 1} of {recipe.epochs}")
                device.step_sizes(*recipe.step_sizes(device.config, number))
                order = np.random.default_rng([seed, number]).permutation(len(dataset.train)).tolist()
                taught = _learn(device, dataset.epoch([seed, number]), order, rewiring, counters, bar)
                tested = _run(device, dataset, "test", range(len(dataset.test)), False, bar)
                epochs = [*(result.epochs if result else []), Epoch(taught, tested)]
                counts = {name: counters[name] + count for name, count in device.counters().items()}
                result = Training(network, device.network(), epochs, counts)
                bar.set_postfix(accuracy=f"{tested.accuracy:.1%}")
        except KeyboardInterrupt:
            if not result:
                raise
            result = replace(result, interrupted=True)
    assert result, "a recipe has at least one epoch"
    return result

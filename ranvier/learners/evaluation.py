"""Running samples on a device and counting the results."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from ranvier.data.dataset import Dataset
from ranvier.device import Device, DeviceError
from ranvier.errors import shown
from ranvier.learners.validation import check_dataset

__all__ = ["MOST_COUNTED", "Evaluation", "check_device", "evaluate", "run_samples", "sample_bar"]

#: More than anything is ever counted to.
MOST_COUNTED = 1 << 62


@dataclass
class Evaluation:
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

    def __add__(self, other: "Evaluation") -> "Evaluation":
        cycles = None if self.cycles is None or other.cycles is None else self.cycles + other.cycles
        return Evaluation(
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
    def of(cls, values: Mapping[str, Any], neurons: int) -> "Evaluation":
        """From what `dataclasses.asdict` made of one; `TypeError` or `ValueError` if that cannot have been counted."""
        found = cls(**values)
        cycles = 0 if found.cycles is None else found.cycles
        for count in (found.samples, found.correct, found.spikes, found.steps, found.scored, cycles):
            if type(count) is not int or not 0 <= count < MOST_COUNTED:
                raise ValueError(f"{shown(count)} is not a count")
        whole = found.correct <= found.samples <= found.steps and found.scored <= found.steps
        if not (found.neurons == neurons and found.samples and whole and found.spikes <= found.steps * neurons):
            raise ValueError("counts that contradict each other")
        if type(found.seconds) is not float or not 0 < found.seconds < inf:
            raise ValueError(f"{shown(found.seconds)} is not a time")
        return found

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


def run_samples(
    device: Device, dataset: Dataset, part: str, order: Iterable[int], learn: bool, bar: "tqdm[Any]"
) -> Evaluation:
    """Run samples of "train" or "test" in this order, learning from them or not."""
    samples, labels = getattr(dataset, part), getattr(dataset, f"{part}_labels")
    done = Evaluation(device.config.neurons)
    start = perf_counter()
    for n in order:
        sample = samples[n]
        record = device.run(sample, target=int(labels[n]), learn=learn)
        done.samples += 1
        done.correct += int(record.prediction == labels[n])
        done.spikes += record.spikes
        done.steps += sample.steps if record.length is None else record.length
        done.scored += int(np.count_nonzero(sample.scored))
        done.cycles = None if done.cycles is None or record.cycles is None else done.cycles + record.cycles
        bar.update()
    done.seconds = perf_counter() - start
    return done


def sample_bar(total: int, progress: bool) -> "tqdm[Any]":
    """A progress bar on stderr, only if asked for and only on a terminal."""
    return tqdm(total=total, unit=" samples", leave=False, disable=None if progress else True)


def evaluate(
    device: Device, dataset: Dataset, split: str = "test", *, classes: Sequence[str] = (), progress: bool = False
) -> Evaluation:
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
    with sample_bar(len(tested.test), progress) as bar:
        return run_samples(device, tested, "test", range(len(tested.test)), False, bar)


def check_device(device: Any) -> None:
    """`DeviceError` unless it is something that runs samples."""
    if not hasattr(device, "config") or not callable(getattr(device, "run", None)):
        raise DeviceError(f"device={shown(device)} is not an open device: give open_device(name, config)")

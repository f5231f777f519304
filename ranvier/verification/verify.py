"""Holding one device against another, value by value: usually the simulated RTL against the golden model."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from ranvier.closing import Closing
from ranvier.data.dataset import Dataset
from ranvier.device import Device, DeviceError
from ranvier.errors import RanvierError
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.record import Record, Traced
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.recipes import RECIPES, initial_network
from ranvier.verification.stimulus import random_network, random_sample
from ranvier.verification.waveform import write_waveform

#: Everything that can be compared after each step, what comes first in a step first.
DATA_PATH: tuple[Traced, ...] = ("potential", "spikes", "readout", "trace", "surrogate", "readout_trace")

#: Samples that share a network: enough for state to leak from one to the next.
GROUP = 4

__all__ = ["Difference", "Mismatch", "Twin", "Verification", "verify"]


@dataclass(frozen=True)
class Difference:
    """The first value on which two devices disagree.

    Parameters
    ----------
    sample : int
        Number of the sample, counted from 0.
    step : int or None
        Step within it; None for what is read once the sample has ended (scores, parameters, counters).
    quantity : str
        What differs.
    unit : tuple of int
        Index of the value: neuron, output, or row and neuron.
    expected, actual : int
        Raw values of the reference and of the device under test.
    names : tuple of str
        Names of the two.
    """

    sample: int
    step: int | None
    quantity: str
    unit: tuple[int, ...]
    expected: int
    actual: int
    names: tuple[str, str]

    def __str__(self) -> str:
        step = "after its end" if self.step is None else f"step {self.step}"
        unit = f"[{', '.join(map(str, self.unit))}]" if self.unit else ""
        values = f"{self.names[0]} {self.expected}, {self.names[1]} {self.actual}"
        return f"sample {self.sample}, {step}: {self.quantity}{unit}: {values}"


class Mismatch(RanvierError):
    """Two devices disagree.

    Attributes
    ----------
    first : Difference
        The earliest difference.
    records : tuple of Record
        Of the sample in question, reference first; empty if parameters were read outside any sample.
    """

    def __init__(self, first: Difference, records: tuple[Record, ...]):
        super().__init__(str(first))
        self.first = first
        self.records = records

    def waveform(self, path: str | Path) -> Path | None:
        """Write both devices around the difference to a VCD file; None if the sample's steps were not traced."""
        if not any(record.steps for record in self.records):
            return None
        write_waveform(path, dict(zip(self.first.names, self.records, strict=True)), around=self.first.step)
        return Path(path)


class Twin(Closing):
    """Two devices driven as one; everything that they return is compared.

    Is a `Device` itself, so that it can be trained and evaluated like any other: what it returns comes from the device
    under test.

    Parameters
    ----------
    reference, device : Device
        Two cores of one configuration.
    trace : collection of str
        What is compared after every step, see `ranvier.parameters.record.TRACED`.
    every : int
        Steps and parameters are compared once in this many samples; scores, spike counts and counters on each.
    names : tuple of str
        Names of the two in reports.

    Attributes
    ----------
    compared, mismatches : int
        Values compared so far, and those that differed.

    Raises
    ------
    Mismatch
        From `run` and `network`, on the first sample with a difference.
    """

    def __init__(
        self,
        reference: Device,
        device: Device,
        *,
        trace: Collection[Traced] = DATA_PATH,
        every: int = 1,
        names: tuple[str, str] = ("golden", "RTL"),
    ) -> None:
        if reference.config != device.config:
            raise DeviceError("the two devices have different configurations")
        self.config = device.config
        self.reference, self.device = reference, device
        self.trace, self.every, self.names = tuple(trace), every, names
        self.compared = self.mismatches = self.samples = 0
        self._differences: list[Difference] = []

    # ---------------------------------------------------------------- device API

    def load(self, network: Network) -> None:
        """Load both."""
        self.reference.load(network)
        self.device.load(network)

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Set both."""
        self.reference.step_sizes(weight, delay, readout)
        self.device.step_sizes(weight, delay, readout)

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run both and compare."""
        thorough = self.samples % self.every == 0
        names = tuple(dict.fromkeys((*self.trace, *record))) if thorough else tuple(record)
        expected = self.reference.run(sample, target=target, learn=learn, record=names)
        actual = self.device.run(sample, target=target, learn=learn, record=names)
        for name in names:
            self._compare(name, expected.steps[name], actual.steps[name], steps=True)
        for result in ("scores", "prediction", "spikes"):
            self._compare(result, getattr(expected, result), getattr(actual, result))
        self._compare_counters()
        if learn and thorough:
            self._compare_networks()
        self._settle(expected, actual)
        self.samples += 1
        return actual

    def network(self) -> Network:
        """Parameters, compared in full."""
        network = self._compare_networks()
        self._settle()
        return network

    def counters(self) -> dict[str, int]:
        """Counters of the device under test; `run` has compared them."""
        return self.device.counters()

    def close(self) -> None:
        """Close both."""
        self.reference.close()
        self.device.close()

    # ---------------------------------------------------------------- comparison

    def _compare_counters(self) -> None:
        expected, actual = self.reference.counters(), self.device.counters()
        for name, value in expected.items():
            self._compare(f"counter {name}", value, actual[name])

    def _compare_networks(self) -> Network:
        expected, actual = self.reference.network(), self.device.network()
        for name in Network.layout(self.config):
            self._compare(name, getattr(expected, name), getattr(actual, name))
        return actual

    def _compare(self, quantity: str, expected: ArrayLike, actual: ArrayLike, *, steps: bool = False) -> None:
        """Count and note differences; with `steps` the first axis is time."""
        expected, actual = np.asarray(expected), np.asarray(actual)
        if expected.shape != actual.shape:
            raise ValueError(f"{quantity} has shape {actual.shape}, expected {expected.shape}")
        self.compared += expected.size
        wrong = np.argwhere(expected != actual)
        self.mismatches += len(wrong)
        if len(wrong):
            where = tuple(int(n) for n in wrong[0])
            step, unit = (where[0], where[1:]) if steps else (None, where)
            self._differences.append(
                Difference(self.samples, step, quantity, unit, int(expected[where]), int(actual[where]), self.names)
            )

    def _settle(self, *records: Record) -> None:
        """Raise the earliest of the differences noted, if any; of one step, the one furthest up the data path."""
        if self._differences:
            raise Mismatch(min(self._differences, key=lambda d: inf if d.step is None else d.step), records)


@dataclass
class Verification:
    """Result of `verify`: what was compared, and how much happened meanwhile.

    Parameters
    ----------
    samples, compared, mismatches : int
        Samples run, values compared, values that differed.
    spikes, weights_moved, delays_moved : int
        Activity of the reference, so that a comparison of silence is not mistaken for evidence.
    first : Difference or None
        The first difference, if any; the run ends with the sample it is in.
    waveform : Path or None
        VCD file with both devices around it.
    """

    samples: int = 0
    compared: int = 0
    mismatches: int = 0
    spikes: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    first: Difference | None = None
    waveform: Path | None = None

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return asdict(self) | {"waveform": None if self.waveform is None else str(self.waveform)}

    def lines(self) -> list[str]:
        """A report."""
        moved = f"{self.weights_moved:,} weights and {self.delays_moved:,} delays moved"
        lines = [
            f"{self.mismatches} mismatches / {self.compared:,} values compared",
            f"{self.samples} samples, {self.spikes:,} spikes, {moved}",
        ]
        if self.first:
            lines.append(f"first difference: {self.first}")
        if self.waveform:
            lines.append(f"waveform: {self.waveform}")
        return lines


def _cases(
    config: CoreConfig, seed: int, samples: int, dataset: Dataset | None
) -> Iterator[tuple[Network, Sample, int]]:
    """Network, sample and target, `GROUP` after `GROUP` of one network; every second group from `dataset`, if any."""
    rng = np.random.default_rng(seed)
    for n in range(samples):
        real = dataset if n // GROUP % 2 else None
        if n % GROUP == 0:
            recipe = RECIPES.get(real.name) if real else None
            draw = int(rng.integers(2**32))
            network = initial_network(config, recipe, draw) if recipe else random_network(config, rng)
        if real:
            pick = int(rng.integers(len(real.train)))
            yield network, real.train[pick], int(real.train_labels[pick])
        else:
            yield network, random_sample(config, rng), int(rng.integers(config.outputs))


def verify(
    reference: Device,
    device: Device,
    *,
    seed: int = 0,
    samples: int = 20,
    dataset: Dataset | None = None,
    waveform: str | Path | None = None,
    names: tuple[str, str] = ("golden", "RTL"),
    progress: bool = False,
) -> Verification:
    """Run two devices on the same networks and samples, learning if they can, and compare every value of every step.

    Networks and samples are random and meant to reach corners. With a `dataset`, every second network is one that could
    learn it and runs on its samples. The last sample of every network runs without learning.

    Parameters
    ----------
    reference, device : Device
        The reference, and the device to check. Both are left with the last network.
    seed : int
        Of networks and samples.
    samples : int
        How many; the run ends early with the first one that differs.
    dataset : Dataset, optional
        Real samples to mix in.
    waveform : path, optional
        VCD file to write if there is a difference.
    names : tuple of str
        Names of the two in reports.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Raises
    ------
    ConfigError
        If the cores have too few inputs or outputs for the data.
    """
    if dataset:
        dataset.require("train")
        dataset.check(device.config, spare=True)
    twin = Twin(reference, device, names=names)
    result = Verification()
    loaded: Network | None = None
    cases = _cases(device.config, seed, samples, dataset)
    for network, sample, target in tqdm(cases, total=samples, leave=False, disable=None if progress else True):
        if network is not loaded:
            twin.load(network)
            loaded = network
        before = reference.network()
        learn = device.config.learning and result.samples % GROUP < GROUP - 1
        result.samples += 1
        try:
            result.spikes += twin.run(sample, target=target, learn=learn).spikes
        except Mismatch as mismatch:
            result.first = mismatch.first
            result.waveform = mismatch.waveform(waveform) if waveform else None
            break
        finally:
            result.compared, result.mismatches = twin.compared, twin.mismatches
        after = reference.network()
        result.weights_moved += sum(int((getattr(after, w) != getattr(before, w)).sum()) for w in ("weight", "readout"))
        result.delays_moved += int((after.delay != before.delay).sum())
    return result

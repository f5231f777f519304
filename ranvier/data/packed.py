"""Spikes binned to steps and channels, stored in two bytes each; samples are made on demand."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.data.dataset import DataError
from ranvier.data.grid import steps_of
from ranvier.data.samples import Samples
from ranvier.parameters.config import LIMITS
from ranvier.parameters.sample import Sample

__all__ = ["STEPS", "Binning", "BinningReport", "Packed"]

#: Limits: steps of a sample, and spikes of a unit on one step.
STEPS = CAP = 1 << 16

#: Largest share of the spikes of a recording that may come after the last step: more means that the times have another unit
#: or start than assumed.
CUT = 0.95

#: Number of spikes that are not all on step 0 by chance: the times then have another unit.
MANY = 20

#: What to do when a window holds nothing.
WAY_OUT = "subtract the start, check their unit, or give more steps or a longer dt"


@dataclass
class BinningReport:
    """Numbers of spikes of a recording that were binned, and that were lost.

    Parameters
    ----------
    spikes : int
        Spikes before binning.
    late : int
        Those after the last step, which were dropped.
    merged : int
        Those beyond the cap of a bin.
    samples, silent : int
        Samples, and those of them without any spikes.
    first, last : float
        Earliest and latest time in seconds.
    """

    spikes: int = 0
    late: int = 0
    merged: int = 0
    samples: int = 0
    silent: int = 0
    first: float = float("inf")
    last: float = float("-inf")

    def text(self, binning: "Binning") -> str:
        """In words."""
        words = [
            f"{self.spikes:,} spikes",
            f"{self.late:,} of them cut after step {binning.steps - 1} ({binning.steps * binning.dt:g} s)",
            f"{self.merged:,} merged in bins that hold {binning.cap}",
        ]
        if self.silent:
            words.append(f"{self.silent:,} of {self.samples:,} samples have no spikes")
        if self._early(binning):
            words.append(f"all on step 0: they run from {self.first:.10g} to {self.last:.10g} s, check their unit")
        return ", ".join(words)

    def _early(self, binning: "Binning") -> bool:
        """Whether all spikes are on step 0, although they are not all at one time."""
        return binning.steps > 1 and self.first < self.last < binning.dt

    def check(self, binning: "Binning") -> None:
        """`DataError`, whose message continues the name of a recording, if hardly any spikes or times remain."""
        if self.samples and not self.spikes:
            raise DataError(f"has no spikes in any of its {self.samples:,} samples: check what was recorded")
        if self.late > CUT * self.spikes:
            raise DataError(f"loses {self.late:,} of {self.spikes:,} spikes: {binning.outside(self.first, self.last)}")
        if self.spikes >= MANY and self._early(binning):
            raise DataError(
                f"has all of its {self.spikes:,} spikes on step 0: its times run from {self.first:.10g} to {self.last:.10g} "
                f"s, a step is {binning.dt:g} s: check their unit, or give a shorter dt"
            )


@dataclass(frozen=True, kw_only=True)
class Binning:
    """Conversion of spikes in seconds on many channels to spikes in steps on fewer channels.

    Parameters
    ----------
    steps : int
        Length of every sample in steps.
    dt : float
        Length of a step in seconds: a spike at time x arrives on step ``floor(x / dt)``, in whole numbers
        (`ranvier.data.grid.steps_of`), and is dropped if there is no such step.
    channels : int
        Input units: channel c of C becomes unit ``floor(c * channels / C)``.
    cap : int
        Most spikes of a unit on one step; 1 makes the samples binary.
    scored : int
        The readout is scored on this many last steps; 0 scores all of them.

    Raises
    ------
    DataError
        If a number is out of range.
    """

    steps: int = 100
    dt: float = 0.01
    channels: int = 140
    cap: int = 1
    scored: int = 0

    def __post_init__(self) -> None:
        text = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
        try:
            for name in ("steps", "channels", "cap", "scored"):
                object.__setattr__(self, name, index(getattr(self, name)))
            window = self.dt * self.steps / 1.0
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{text}: give whole numbers, and dt in seconds") from None
        if min(self.steps, self.channels, self.cap) < 1 or not self.dt > 0 or not 0 <= self.scored <= self.steps:
            raise DataError(f"{text}: all must be positive, scored may be 0 (all steps) and is at most steps")
        if self.steps > STEPS or self.channels > LIMITS["inputs"][1] or self.cap > CAP or not window < float("inf"):
            raise DataError(
                f"{text}: at most {STEPS} steps and {LIMITS['inputs'][1]} channels, a cap of {CAP}, and a finite dt"
            )

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Smallest unsigned type that holds the numbers of the bins."""
        return np.min_scalar_type(self.steps * self.channels - 1)

    def outside(self, first: float, last: float) -> str:
        """Message: times from `first` to `last` seconds are not in the window, and the way out."""
        window = f"the window from 0 to {self.steps * self.dt:g} s"
        return f"its times run from {first:.10g} to {last:.10g} s, {window}: {WAY_OUT}"

    def mask(self) -> NDArray[np.bool_]:
        """Scored steps [steps]."""
        return np.arange(self.steps) >= (self.steps - self.scored if self.scored else 0)

    def bins(
        self,
        times: ArrayLike,
        units: NDArray[np.integer],
        width: int,
        report: BinningReport,
        unit: Fraction = Fraction(1),
    ) -> NDArray[Any]:
        """Bin number ``step * channels + unit`` of every spike, ascending.

        Parameters
        ----------
        times : float or int array [spikes]
            In the type in which they were recorded, which determines their accuracy, see `ranvier.data.grid.steps_of`.
        units : int array [spikes]
            Channels, below `width`.
        width : int
            Channels C of the recording.
        report : BinningReport
            Counts dropped spikes.
        unit : Fraction
            Unit of the times in seconds.

        Raises
        ------
        DataError
            If the lists do not fit together, a time or channel is impossible, or spikes there are all come after the last
            step; the message continues "sample 2".
        """
        times = np.asarray(times)
        if times.dtype.kind not in "iuf":
            raise DataError(f"has times of type {times.dtype}: give numbers")
        if times.shape != units.shape:
            raise DataError(f"has {len(times)} times but {len(units)} units")
        if len(units) and not 0 <= units.min() <= units.max() < width:
            wrong = units.min() if units.min() < 0 else units.max()
            raise DataError(f"has a spike of unit {wrong}: channels are 0 to {width - 1}")
        if not (times >= 0).all():  # also catches what is not a number
            raise DataError(f"has a spike whose time is negative or no number: {times[~(times >= 0)][0]}")
        if not np.isfinite(times).all():
            raise DataError("has a spike whose time is infinite")
        step = steps_of(times, self.dt, self.steps, unit)
        kept = step < self.steps
        self._count(times, kept, report, unit)
        place = units[kept].astype(np.int64) * self.channels // width
        filled, counts = np.unique(step[kept] * self.channels + place, return_counts=True)
        capped = np.minimum(counts, self.cap)
        report.merged += int((counts - capped).sum())
        return np.repeat(filled.astype(self.dtype), capped)

    def _count(self, times: NDArray[Any], kept: NDArray[np.bool_], report: BinningReport, unit: Fraction) -> None:
        """Count the spikes of a sample beyond the window; `DataError` if that is all of them."""
        report.samples += 1
        if not len(times):
            report.silent += 1
            return
        first, last = (float(time) * float(unit) for time in (times.min(), times.max()))
        if not kept.any():
            raise DataError(f"loses all of its {len(times):,} spikes: {self.outside(first, last)}")
        report.spikes += len(times)
        report.late += int((~kept).sum())
        report.first, report.last = min(report.first, first), max(report.last, last)


@dataclass(frozen=True)
class Packed(Samples):
    """Binned samples, all of one length.

    Parameters
    ----------
    bins : unsigned array [spikes]
        Bin of every spike, see `Binning.bins`, sample after sample.
    offsets : int array [samples + 1]
        Sample n has the spikes ``offsets[n]`` up to ``offsets[n + 1]``.
    binning : Binning
        What the bins mean.
    """

    bins: NDArray[Any]
    offsets: NDArray[np.int64]
    binning: Binning

    @classmethod
    def of(cls, bins: Iterable[NDArray[Any]], binning: Binning) -> "Packed":
        """From the bins of every sample."""
        parts = list(bins)
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
        return cls(np.concatenate([np.zeros(0, binning.dtype), *parts]), offsets, binning)

    @property
    def inputs(self) -> int:
        """Channels."""
        return self.binning.channels

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def make(self, index: int) -> Sample:
        """Sample `index`: within a step, units arrive in ascending order."""
        bins = self.bins[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)
        times, units = np.divmod(bins, self.binning.channels)
        return Sample(times, units, self.binning.mask())

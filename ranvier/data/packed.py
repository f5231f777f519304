"""Spikes binned to steps and channels, packed: two bytes each until a sample is asked for."""

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

__all__ = ["Binning", "Packed", "Tally"]

#: Most steps of a sample, and spikes of a unit on one of them.
STEPS = CAP = 1 << 16

#: Largest share of the spikes of a recording that may come after the last step: beyond it the unit of the times, or where
#: they start, is not what was thought.
CUT = 0.95

#: Spikes of a recording that are not on one step by chance: with so many, all on step 0, the unit is another.
MANY = 20

#: What to do when a window holds nothing.
WAY_OUT = "subtract the start, check their unit, or give more steps or a longer dt"


@dataclass
class Tally:
    """What became of the spikes of a recording.

    Parameters
    ----------
    spikes : int
        Spikes before binning.
    late : int
        Those that came after the last step and were cut.
    merged : int
        Those that the cap of a bin took away.
    samples, silent : int
        Samples, and those of them that had no spikes to begin with.
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
        """`DataError`, which continues the name of a recording, if hardly anything of it is left, or nothing of its time."""
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
    """How spikes in seconds on many channels become spikes in steps on fewer.

    Parameters
    ----------
    steps : int
        Length of every sample in steps.
    dt : float
        Length of a step in seconds: a spike at time x arrives on step ``floor(x / dt)``, in whole numbers
        (`ranvier.data.grid.steps_of`), and is cut if there is no such step.
    channels : int
        Input units: channel c of C becomes unit ``floor(c * channels / C)``.
    cap : int
        Most spikes of a unit on one step; 1 makes the samples binary.
    scored : int
        The readout is scored on the last so many steps; 0 scores all of them.

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
        """Smallest unsigned type that numbers the bins, step by step."""
        return np.min_scalar_type(self.steps * self.channels - 1)

    def outside(self, first: float, last: float) -> str:
        """In words: times from `first` to `last` seconds are not in the window, and what helps."""
        window = f"the window from 0 to {self.steps * self.dt:g} s"
        return f"its times run from {first:.10g} to {last:.10g} s, {window}: {WAY_OUT}"

    def mask(self) -> NDArray[np.bool_]:
        """Scored steps [steps]."""
        return np.arange(self.steps) >= (self.steps - self.scored if self.scored else 0)

    def bins(
        self, times: ArrayLike, units: NDArray[np.integer], width: int, tally: Tally, unit: Fraction = Fraction(1)
    ) -> NDArray[Any]:
        """Bin number ``step * channels + unit`` of every spike, ascending.

        Parameters
        ----------
        times : float or int array [spikes]
            As recorded, in the type in which they were recorded: that decides how exact they are, see
            `ranvier.data.grid.steps_of`.
        units : int array [spikes]
            Channels, below `width`.
        width : int
            Channels C of the recording.
        tally : Tally
            Counts what is cut.
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
        self._count(times, kept, tally, unit)
        place = units[kept].astype(np.int64) * self.channels // width
        filled, counts = np.unique(step[kept] * self.channels + place, return_counts=True)
        capped = np.minimum(counts, self.cap)
        tally.merged += int((counts - capped).sum())
        return np.repeat(filled.astype(self.dtype), capped)

    def _count(self, times: NDArray[Any], kept: NDArray[np.bool_], tally: Tally, unit: Fraction) -> None:
        """What the window takes from a sample; `DataError` if that is all of it."""
        tally.samples += 1
        if not len(times):
            tally.silent += 1
            return
        first, last = (float(time) * float(unit) for time in (times.min(), times.max()))
        if not kept.any():
            raise DataError(f"loses all of its {len(times):,} spikes: {self.outside(first, last)}")
        tally.spikes += len(times)
        tally.late += int((~kept).sum())
        tally.first, tally.last = min(tally.first, first), max(tally.last, last)


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

"""Spikes binned to steps and channels, packed: two bytes each until a sample is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.data.dataset import DataError
from ranvier.data.samples import Samples
from ranvier.golden.config import LIMITS
from ranvier.golden.spikes import Sample

__all__ = ["Binning", "Packed", "Tally"]

#: Most steps of a sample.
STEPS = 1 << 16


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
    """

    spikes: int = 0
    late: int = 0
    merged: int = 0

    def text(self, binning: "Binning") -> str:
        """In words."""
        return (
            f"{self.spikes:,} spikes, {self.late:,} of them cut after step {binning.steps - 1} "
            f"({binning.steps * binning.dt:g} s), {self.merged:,} merged in bins that hold {binning.cap}"
        )


@dataclass(frozen=True, kw_only=True)
class Binning:
    """How spikes in seconds on many channels become spikes in steps on fewer.

    Parameters
    ----------
    steps : int
        Length of every sample in steps.
    dt : float
        Length of a step in seconds: a spike at time x arrives on step ``floor(x / dt)``, and is cut if there is no such
        step.
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
        if min(self.steps, self.channels, self.cap) < 1 or not self.dt > 0 or not 0 <= self.scored <= self.steps:
            raise DataError(
                f"steps={self.steps}, dt={self.dt}, channels={self.channels}, cap={self.cap}, scored={self.scored}: "
                f"all must be positive, scored may be 0 (all steps) and is at most steps"
            )
        if self.steps > STEPS or self.channels > LIMITS["inputs"][1]:
            raise DataError(
                f"steps={self.steps}, channels={self.channels}: at most {STEPS} steps and {LIMITS['inputs'][1]} channels"
            )

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Smallest unsigned type that numbers the bins, step by step."""
        return np.min_scalar_type(self.steps * self.channels - 1)

    def mask(self) -> NDArray[np.bool_]:
        """Scored steps [steps]."""
        return np.arange(self.steps) >= (self.steps - self.scored if self.scored else 0)

    def bins(self, times: ArrayLike, units: NDArray[np.integer], width: int, tally: Tally) -> NDArray[Any]:
        """Bin number ``step * channels + unit`` of every spike, ascending.

        Parameters
        ----------
        times : float array [spikes]
            Seconds. Converted to float64 before anything is computed: a float16, which is how the Heidelberg data sets hold
            them, resolves 1 ms beyond 1 s, and its quotient by `dt` would be coarser still.
        units : int array [spikes]
            Channels, below `width`.
        width : int
            Channels C of the recording.
        tally : Tally
            Counts what is cut.

        Raises
        ------
        DataError
            If the lists do not fit together, or a time or channel is impossible; the message continues "sample 2".
        """
        times = np.asarray(times, dtype=np.float64)
        if times.shape != units.shape:
            raise DataError(f"has {len(times)} times but {len(units)} units")
        if len(units) and not 0 <= units.min() <= units.max() < width:
            wrong = units.min() if units.min() < 0 else units.max()
            raise DataError(f"has a spike of unit {wrong}: channels are 0 to {width - 1}")
        if not (times >= 0).all():  # also catches what is not a number
            raise DataError("has a spike whose time is negative or no number")
        step = np.floor(times / self.dt)
        kept = step < self.steps
        unit = units[kept].astype(np.int64) * self.channels // width
        counts = np.bincount(step[kept].astype(np.int64) * self.channels + unit)
        capped = np.minimum(counts, self.cap)
        tally.spikes += len(step)
        tally.late += len(step) - int(counts.sum())
        tally.merged += int((counts - capped).sum())
        return np.repeat(np.arange(len(counts), dtype=self.dtype), capped)


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

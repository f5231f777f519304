"""Training samples that differ a little in every epoch: shifted along the channels, or blended from two of one class.

Both are those of Nowotny, Turner and Knight, "Loss shaping enhances exact gradient learning with Eventprop in spiking
neural networks" (2022, arXiv 2212.01232), applied to binned spikes, so that every displacement is a whole number of steps
and units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from operator import index

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import DataError
from ranvier.data.samples import Samples, Seed
from ranvier.parameters.config import LIMITS
from ranvier.parameters.sample import Sample

__all__ = ["Augmentation", "Augmented", "blend", "shift"]


def shift(sample: Sample, steps: int, units: int, inputs: int) -> Sample:
    """Move every spike by `steps` and `units`; what leaves the steps or the `inputs` units is cut."""
    times, channels = sample.times + steps, sample.units + units
    kept = (times >= 0) & (times < sample.steps) & (channels >= 0) & (channels < inputs)
    return Sample(times[kept], channels[kept], sample.scored)


def _centre(sample: Sample) -> tuple[Fraction, Fraction]:
    """Mean step and mean unit of the spikes, exactly: which way a half is rounded must not depend on their number."""
    return Fraction(int(sample.times.sum()), len(sample.times)), Fraction(int(sample.units.sum()), len(sample.units))


def blend(first: Sample, second: Sample, inputs: int, cap: int, rng: np.random.Generator) -> Sample:
    """A sample between two: their centres of mass are aligned, and each spike of either is taken with probability 1/2.

    Both move halfway, to the mean of the two centres, by whole steps and units; what leaves the sample is cut.

    Parameters
    ----------
    first, second : Sample
        Of one class. If either has no spikes, `first` is returned.
    inputs : int
        Input units.
    cap : int
        Most spikes of a unit on one step.
    rng : Generator
        Decides which spikes are taken.
    """
    if not (len(first.times) and len(second.times)):
        return first
    way = [round((there - here) / 2) for here, there in zip(_centre(first), _centre(second), strict=True)]
    times, units = [], []
    for sample, sign in ((first, 1), (second, -1)):
        moved = shift(sample, sign * way[0], sign * way[1], inputs)
        taken = rng.random(len(moved.times)) < 0.5
        times.append(moved.times[taken])
        units.append(moved.units[taken])
    bins, counts = np.unique(np.concatenate(times) * inputs + np.concatenate(units), return_counts=True)
    return Sample(*np.divmod(np.repeat(bins, np.minimum(counts, cap)), inputs), first.scored)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What happens to a training sample in every epoch.

    Parameters
    ----------
    shift : int
        Largest distance, in input units, by which all spikes of a sample move along the channels; it is drawn uniformly
        from ``-shift`` to ``shift`` for every sample.
    blend : float
        Share of the samples that are replaced by a `blend` with another of their class.

    Raises
    ------
    DataError
        If a number is out of range.
    """

    shift: int = 0
    blend: float = 0.0

    def __post_init__(self) -> None:
        try:
            good = 0 <= index(self.shift) <= LIMITS["inputs"][1] and 0 <= self.blend <= 1
        except TypeError:
            good = False
        if not good:
            raise DataError(
                f"shift={self.shift}, blend={self.blend}: give shift >= 0, a whole number of at most {LIMITS['inputs'][1]}, "
                "and blend from 0 to 1"
            )

    def __bool__(self) -> bool:
        """Whether anything happens at all."""
        return bool(self.shift or self.blend)

    def apply(self, samples: Samples, labels: NDArray[np.int64], cap: int = 1) -> Samples:
        """`samples` as they are in every epoch; the same object if nothing happens to them.

        Raises
        ------
        DataError
            If samples could be shifted out of all channels.
        """
        if samples and self.shift >= samples.inputs:
            raise DataError(
                f"shift={self.shift} moves samples of {samples.inputs} channels out of all of them: give fewer than "
                f"{samples.inputs}"
            )
        return Augmented(samples, labels, self, cap) if self else samples


@dataclass(frozen=True)
class Augmented(Samples):
    """Samples that an `Augmentation` changes. Until `epoch` is called they are as recorded.

    Parameters
    ----------
    source : Samples
        As recorded.
    labels : int array [samples]
        Their classes.
    augmentation : Augmentation
        What happens to them.
    cap : int
        Most spikes of a unit on one step.
    seed : int or list of int, optional
        Of the epoch.
    """

    source: Samples
    labels: NDArray[np.int64]
    augmentation: Augmentation
    cap: int = 1
    seed: Seed | None = None
    _members: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def inputs(self) -> int:
        """Input units of the source."""
        return self.source.inputs

    def __len__(self) -> int:
        return len(self.source)

    def _partner(self, index: int, rng: np.random.Generator) -> int:
        """A random other sample of the same class; the sample itself if there is no other."""
        label = int(self.labels[index])
        if label not in self._members:
            self._members[label] = np.flatnonzero(self.labels == label)
        members = self._members[label]
        if len(members) == 1:
            return index
        pick = int(rng.integers(len(members) - 1))
        return int(members[pick + (members[pick] >= index)])

    def make(self, index: int) -> Sample:
        """Sample `index` of the epoch: depends on the seed and the index only, not on what was asked for before."""
        sample = self.source[index]
        if self.seed is None:
            return sample
        rng = np.random.default_rng([*np.atleast_1d(self.seed).tolist(), index])
        if rng.random() < self.augmentation.blend and (other := self._partner(index, rng)) != index:
            sample = blend(sample, self.source[other], self.inputs, self.cap, rng)
        distance = int(rng.integers(-self.augmentation.shift, self.augmentation.shift, endpoint=True))
        return shift(sample, 0, distance, self.inputs)

    def epoch(self, seed: Seed) -> "Augmented":
        """The same samples, changed by the draw of `seed`."""
        return replace(self, seed=seed)

    def choose(self, indices: Sequence[int]) -> "Augmented":
        """Some of them, blended only with one another."""
        return replace(
            self,
            source=self.source.choose(indices),
            labels=self.labels[np.asarray(indices, dtype=np.int64)],
            _members={},
        )

"""Samples that are made on demand, so that a large data set takes only the memory of its spikes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from ranvier.parameters.sample import Sample

__all__ = ["Chosen", "Joined", "Repeated", "Samples", "Seed", "chosen_from", "epoch_of", "used_inputs"]

#: What `numpy.random.default_rng` takes: a number or a list of numbers.
Seed = int | Sequence[int]


class Samples(Sequence[Sample], ABC):
    """A sequence of samples that are made on demand."""

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Number of input units."""

    @abstractmethod
    def make(self, index: int) -> Sample:
        """Sample `index`, which must be in range."""

    def epoch(self, seed: Seed) -> "Samples":
        """The samples as they are in one epoch; the same in every epoch unless they are augmented."""
        return self

    def choose(self, indices: Sequence[int]) -> "Samples":
        """A selection of samples, independent of the others."""
        return Chosen(self, indices)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "Samples": ...
    def __getitem__(self, index: int | slice) -> "Sample | Samples":
        if isinstance(index, slice):
            return Chosen(self, range(len(self))[index])
        return self.make(range(len(self))[index])


@dataclass(frozen=True)
class Chosen(Samples):
    """A selection of other samples.

    Parameters
    ----------
    source : Samples
        Samples to select from.
    chosen : sequence of int
        Index of each in `source`.
    """

    source: Samples
    chosen: Sequence[int]

    @property
    def inputs(self) -> int:
        """Input units of the source."""
        return self.source.inputs

    def __len__(self) -> int:
        return len(self.chosen)

    def make(self, index: int) -> Sample:
        """Sample ``chosen[index]`` of the source."""
        return self.source[int(self.chosen[index])]

    def epoch(self, seed: Seed) -> "Chosen":
        """The same choice from the source's epoch."""
        return Chosen(self.source.epoch(seed), self.chosen)

    def choose(self, indices: Sequence[int]) -> Samples:
        """A selection of the source."""
        return self.source.choose([self.chosen[index] for index in indices])


@dataclass(frozen=True)
class Joined(Samples):
    """Samples of several sequences, one after the other.

    Parameters
    ----------
    sources : sequence of sequence of Sample
        Sequences to join.
    """

    sources: Sequence[Sequence[Sample]]

    @property
    def inputs(self) -> int:
        """Largest number of input units of a source."""
        return max(map(used_inputs, self.sources), default=0)

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def make(self, index: int) -> Sample:
        """Sample `index` of all, counted through the sources."""
        for source in self.sources:
            if index < len(source):
                return source[index]
            index -= len(source)
        raise IndexError(index)


@dataclass(frozen=True)
class Repeated(Samples):
    """Every spike of other samples on several input units, see `Dataset.repeated`.

    Parameters
    ----------
    source : sequence of Sample
        Samples to repeat.
    width : int
        Input units of the source.
    copies : int
        Number of copies of each unit.
    """

    source: Sequence[Sample]
    width: int
    copies: int

    @property
    def inputs(self) -> int:
        """Input units of the source, times `copies`."""
        return self.width * self.copies

    def __len__(self) -> int:
        return len(self.source)

    def make(self, index: int) -> Sample:
        """A spike of unit i becomes spikes of ``i, i + width, i + 2 width, ...`` on the same step, in this order."""
        sample = self.source[index]
        units = sample.units[:, None] + self.width * np.arange(self.copies)
        return Sample(np.repeat(sample.times, self.copies), units.ravel(), sample.scored)

    def epoch(self, seed: Seed) -> "Repeated":
        """The source's epoch, repeated: augmentation sees every spike once."""
        return Repeated(epoch_of(self.source, seed), self.width, self.copies)

    def choose(self, indices: Sequence[int]) -> "Repeated":
        """A selection of the source, repeated."""
        return Repeated(chosen_from(self.source, indices), self.width, self.copies)


def epoch_of(samples: Sequence[Sample], seed: Seed) -> Sequence[Sample]:
    """`Samples.epoch`, and a plain list as it is."""
    return samples.epoch(seed) if isinstance(samples, Samples) else samples


def chosen_from(samples: Sequence[Sample], indices: Sequence[int]) -> Sequence[Sample]:
    """`Samples.choose`, and of a plain list a list."""
    return samples.choose(indices) if isinstance(samples, Samples) else [samples[index] for index in indices]


def used_inputs(samples: Sequence[Sample]) -> int:
    """One more than the largest input unit of a list; the bound that `Samples` state themselves."""
    if isinstance(samples, Samples):
        return samples.inputs
    return max((int(sample.units.max()) + 1 for sample in samples if len(sample.units)), default=0)

"""What a data set is: labelled samples to learn from and others to be judged by."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ranvier.data.samples import Repeated, Seed, chosen_from, epoch_of, used_inputs
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.spikes import Sample

__all__ = ["DataError", "Dataset", "class_names", "stratified_split"]


class DataError(ValueError):
    """A data set that is unknown, unreadable or malformed; the message names the cause and a way out."""


@dataclass(frozen=True)
class Dataset:
    """Samples with class labels, split once.

    Parameters
    ----------
    name : str
        Which recipe suits it, see `ranvier.recipes`.
    inputs : int
        Input units that the spikes use.
    classes : tuple of str
        Class names; a label is an index into them.
    train, test : sequence of Sample
        Samples to learn from, and samples never learned from: lists, or `ranvier.data.samples.Samples` that are made when
        they are asked for.
    train_labels, test_labels : int array [samples]
        Classes of `train` and `test`.
    notes : tuple of str
        What a reader should know about the samples, one line each: what was cut, what is augmented.
    train_groups : int array [samples], optional
        What training samples belong together, such as a recording and its mirror image: those with one number are never
        separated by `parted`. None: every sample stands for itself.

    Raises
    ------
    DataError
        If counts do not match, a label is out of range or a spike names a unit beyond `inputs`.
    """

    name: str
    inputs: int
    classes: tuple[str, ...]
    train: Sequence[Sample]
    train_labels: NDArray[np.int64]
    test: Sequence[Sample]
    test_labels: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    train_groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            samples = getattr(self, part)
            labels = np.asarray(getattr(self, f"{part}_labels"), dtype=np.int64)
            object.__setattr__(self, f"{part}_labels", labels)
            if labels.shape != (len(samples),):
                raise DataError(f"{self.name}: {len(samples)} {part} samples but labels of shape {list(labels.shape)}")
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
                raise DataError(
                    f"{self.name}: {part} labels run from {labels.min()} to {labels.max()} but there are "
                    f"{len(self.classes)} classes: number them from 0"
                )
            used = used_inputs(samples)
            if used > self.inputs:
                raise DataError(
                    f"{self.name}: a {part} sample uses input {used - 1}: there is no input beyond {self.inputs - 1}"
                )
        if self.train_groups is not None and np.shape(self.train_groups) != (len(self.train),):
            raise DataError(
                f"{self.name}: {len(self.train)} training samples but groups of shape {list(np.shape(self.train_groups))}"
            )

    def check(self, config: CoreConfig, *, spare: bool = False) -> None:
        """`ConfigError` unless a core of this configuration has the inputs and outputs of the data.

        With `spare` it may have more of them, which is enough to run samples; a network with other inputs or outputs
        has learned something else.
        """
        for need, have, what in (
            (self.inputs, config.inputs, "inputs"),
            (len(self.classes), config.outputs, "outputs"),
        ):
            if need > have or (need < have and not spare):
                raise ConfigError(
                    f"{self.name} needs {need} {what} but this core holds {have}: use a configuration with {what}={need}"
                )

    def part(self, train: int, test: int) -> "Dataset":
        """The same data cut to the first `train` and `test` samples."""
        return replace(
            self,
            train=self.train[:train],
            train_labels=self.train_labels[:train],
            test=self.test[:test],
            test_labels=self.test_labels[:test],
            train_groups=None if self.train_groups is None else self.train_groups[:train],
        )

    def parted(self, held: NDArray[np.bool_]) -> tuple["Dataset", "Dataset"]:
        """Two data sets: training samples that are not in `held` [samples], and the same with those in `held` to test on.

        What augments the first never looks at a sample that is held out; held out, samples are as recorded.
        """
        kept, out = np.flatnonzero(~held), np.flatnonzero(held)
        learned = replace(
            self,
            train=chosen_from(self.train, kept.tolist()),
            train_labels=self.train_labels[kept],
            train_groups=None if self.train_groups is None else np.asarray(self.train_groups)[kept],
        )
        test = chosen_from(self.train, out.tolist())
        return learned, replace(learned, test=test, test_labels=self.train_labels[out])

    def digest(self) -> str:
        """SHA-256 of everything in it: spikes, labels, groups, notes, and how the training samples are augmented."""
        total = hashlib.sha256(f"{self.name} {self.inputs} {self.classes} {self.notes}".encode())
        parts = (self.train, self.test) if (today := self.epoch(0)) is self else (self.train, self.test, today.train)
        for part in parts:
            for sample in part:
                total.update(sample.times.tobytes() + sample.units.tobytes() + sample.scored.tobytes())
        total.update(self.train_labels.tobytes() + self.test_labels.tobytes())
        if self.train_groups is not None:
            total.update(np.asarray(self.train_groups).tobytes())
        return total.hexdigest()

    def epoch(self, seed: Seed) -> "Dataset":
        """The data of one epoch: training samples augmented afresh, or the same data where nothing is augmented.

        Parameters
        ----------
        seed : int or list of int
            Of the augmentation; one per epoch, such as ``[seed, number]``. The same seed gives the same samples, in
            whatever order they are asked for.
        """
        train = epoch_of(self.train, seed)
        return self if train is self.train else replace(self, train=train)

    def repeated(self, copies: int) -> "Dataset":
        """The same data on `copies` times the input units: several synapses between an input and each neuron.

        A spike of unit i also arrives on the units ``i + inputs``, ``i + 2 * inputs``, ... on the same step, so that one
        input reaches a neuron through `copies` synapses with weights and delays of their own.

        Parameters
        ----------
        copies : int
            Synapses between an input and a neuron, at least 1.

        Raises
        ------
        DataError
            If `copies` is not positive.
        """
        if copies < 1:
            raise DataError(f"{self.name}: copies={copies}: give at least 1")
        train, test = (Repeated(samples, self.inputs, copies) for samples in (self.train, self.test))
        return replace(self, inputs=self.inputs * copies, train=train, test=test)


def class_names(keys: Iterable[object], count: int) -> tuple[str, ...]:
    """`keys` (text or bytes) as names of `count` classes; numbers if there are not so many of them."""
    names = tuple(key.decode(errors="replace") if isinstance(key, bytes) else str(key) for key in keys)
    return names if len(names) == count else tuple(str(label) for label in range(count))


def stratified_split(labels: NDArray[np.int64], train: int, test: int, seed: int) -> tuple[list[int], list[int]]:
    """Indices of `train` and `test` random members of every class, class by class.

    Raises
    ------
    DataError
        If a class has fewer than ``train + test`` members.
    """
    rng = np.random.default_rng(seed)
    chosen: tuple[list[int], list[int]] = ([], [])
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < train + test:
            raise DataError(f"class {label} has {len(members)} samples: {train} + {test} were asked of each class")
        chosen[0].extend(members[:train].tolist())
        chosen[1].extend(members[train : train + test].tolist())
    return chosen

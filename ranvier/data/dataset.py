"""Data sets: labelled samples for training and for testing."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ranvier.data.samples import Joined, Repeated, Seed, chosen_from, epoch_of, used_inputs
from ranvier.errors import RanvierError, shown
from ranvier.parameters.config import LIMITS, ConfigError, CoreConfig
from ranvier.parameters.sample import Sample
from ranvier.parameters.scalars import whole_numbers

__all__ = ["SPLITS", "DataError", "Dataset", "class_names", "mapped_labels", "stratified_split"]

#: Samples on which a network can be evaluated.
SPLITS = ("test", "train", "all")

#: Parts of a data set.
PARTS = ("train", "test", "rest")

#: Names of the parts in messages.
WORDS = {"train": "training samples", "test": "test samples"}


class DataError(RanvierError, ValueError):
    """A data set that is unknown, unreadable or malformed; the message, one line, names the cause and a way out."""

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


@dataclass(frozen=True)
class Dataset:
    """Samples with class labels, split once.

    Parameters
    ----------
    name : str
        Selects its recipe, see `ranvier.recipes`.
    inputs : int
        Input units that the spikes use.
    classes : tuple of str
        Class names; a label is an index into them.
    train, test : sequence of Sample
        Samples for training, and samples for testing only: lists, or `ranvier.data.samples.Samples`, which are made on
        demand. Either may be empty: a data set without training samples can still be evaluated.
    train_labels, test_labels : int array [samples]
        Classes of `train` and `test`.
    notes : tuple of str
        Information for the user about the samples, one line each, such as dropped spikes and augmentation.
    train_groups : int array [samples], optional
        Group of each training sample, such as a recording and its mirror image: samples of one group are never separated
        by `parted`. With None every sample is a group of its own.
    absent : mapping of str to str
        Why "train" or "test" is empty, and the way out, for error messages.
    alphabet : tuple of str
        All class names of the data set as published, in their order, where these samples may have only some of them.
    rest : sequence of Sample
    rest_labels : int array [samples]
        Samples in neither part: evaluated only if all samples are requested.

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
    absent: Mapping[str, str] = field(default_factory=dict)
    alphabet: tuple[str, ...] = ()
    rest: Sequence[Sample] = ()
    rest_labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if len(self.classes) > LIMITS["outputs"][1]:
            raise DataError(f"{self.name}: {len(self.classes):,} classes: a core has at most {LIMITS['outputs'][1]}")
        for part in PARTS:
            samples = getattr(self, part)
            try:
                labels = whole_numbers(getattr(self, f"{part}_labels"))
            except ValueError as error:  # of which data set and part
                raise DataError(f"{self.name}: {part} labels: {error}") from None
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

        With `spare` it may have more of them, which suffices to run samples; a network with other inputs or outputs has
        learned other data.
        """
        for need, have, what in (
            (self.inputs, config.inputs, "inputs"),
            (len(self.classes), config.outputs, "outputs"),
        ):
            if need > have or (need < have and not spare):
                raise ConfigError(
                    f"{self.name} needs {need} {what} but this core holds {have}: use a configuration with {what}={need}"
                )

    def require(self, *parts: str) -> None:
        """`DataError` with the reason unless all of these parts ("train", "test") have samples."""
        for part in parts:
            if not len(getattr(self, part)):
                raise DataError(f"{self.name} has no {WORDS[part]}: {self.absent.get(part, 'give some')}")

    def learnable(self) -> None:
        """`DataError` unless there are samples for training and testing, of several classes with different names."""
        self.require("train", "test")
        if twice := [name for name in self.classes if self.classes.count(name) > 1]:
            raise DataError(f"{self.name}: two classes are called {shown(twice[0])}: give each a name of its own")
        if len(found := np.unique(self.train_labels)) == 1:
            raise DataError(
                f"{self.name}: all training samples are of class {self.classes[found[0]]!r}: there is nothing to tell apart"
            )

    def split(self, name: str) -> "Dataset":
        """The same data with other test samples: its "test" samples, its "train" samples, or "all" samples.

        Raises
        ------
        DataError
            If there is no such split, or it has no samples.
        """
        if name not in SPLITS:
            raise DataError(f"split={shown(name)}: choose one of {', '.join(SPLITS)}")
        parts = [part for part in PARTS if name in (part, "all") and len(getattr(self, part))]
        if not parts:
            self.require(*(part for part in WORDS if name in (part, "all")))
        if name == "test":
            return self
        samples, labels = ([getattr(self, part + kind) for part in parts] for kind in ("", "_labels"))
        return replace(
            self,
            test=Joined(samples),
            test_labels=np.concatenate(labels),
            absent={},
            rest=(),
            rest_labels=np.zeros(0, np.int64),
        )

    def outputs(self, count: int) -> tuple[str, ...]:
        """Names of `count` outputs of a network without names: as published, else numbers."""
        for names in (self.alphabet, self.classes):
            if len(names) == count:
                return names
        numbered = self.classes == class_names((), len(self.classes)) and count > len(self.classes)
        return class_names((), count) if numbered else self.classes

    def mapped(self, classes: Sequence[str]) -> "Dataset":
        """The same data with labels in the order of `classes`, as `mapped_labels` does it."""
        train, test, rest = (
            mapped_labels(self.name, labels, self.classes, tuple(classes))
            for labels in (self.train_labels, self.test_labels, self.rest_labels)
        )
        return replace(
            self, classes=tuple(classes), alphabet=(), train_labels=train, test_labels=test, rest_labels=rest
        )

    def labelled(self, config: CoreConfig, classes: Sequence[str] = ()) -> "Dataset":
        """The same data `mapped` to the names of a network's outputs, if it has names."""
        return self.mapped(tuple(classes) or self.outputs(config.outputs))

    def evaluated(self, config: CoreConfig, split: str, classes: Sequence[str] = ()) -> "Dataset":
        """Samples on which a network is evaluated: a `split`, `mapped` to the names of its outputs.

        Parameters and errors are those of `ranvier.evaluate`.
        """
        asked = self.split(split).labelled(config, classes)
        asked.check(config)
        return asked

    def part(self, train: int, test: int) -> "Dataset":
        """The same data cut to the first `train` and `test` samples."""
        return replace(
            self,
            train=self.train[:train],
            train_labels=self.train_labels[:train],
            test=self.test[:test],
            test_labels=self.test_labels[:test],
            train_groups=None if self.train_groups is None else self.train_groups[:train],
            rest=(),
            rest_labels=np.zeros(0, np.int64),
        )

    def parted(self, held: NDArray[np.bool_]) -> tuple["Dataset", "Dataset"]:
        """Two data sets: the training samples not in `held` [samples], and one with those in `held` as test samples.

        Augmentation of the first never uses a held-out sample; held-out samples are as recorded.
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
        """SHA-256 of everything that a training depends on, and of its notes.

        Name, inputs, classes, notes, groups, spikes and labels of the training and test samples, and how the former are
        augmented; not `absent`, `alphabet` and `rest`, which no training sees.
        """
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
        """The data of one epoch: training samples augmented anew, or the same data if there is no augmentation.

        Parameters
        ----------
        seed : int or list of int
            Of the augmentation; one per epoch, such as ``[seed, number]``. The same seed gives the same samples, in any
            order of access.
        """
        train = epoch_of(self.train, seed)
        return self if train is self.train else replace(self, train=train)

    def repeated(self, copies: int) -> "Dataset":
        """The same data on `copies` times the input units: several synapses between an input and each neuron.

        A spike of unit i also arrives on the units ``i + inputs``, ``i + 2 * inputs``, ... on the same step, so that an
        input reaches a neuron through `copies` synapses, each with its own weight and delay.

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
        train, test, rest = (Repeated(getattr(self, part), self.inputs, copies) for part in PARTS)
        return replace(self, inputs=self.inputs * copies, train=train, test=test, rest=rest)


def class_names(keys: Iterable[object], count: int) -> tuple[str, ...]:
    """`keys` (text or bytes) as names of the first of `count` classes, numbers as names of the others.

    If there are more keys than classes, they are not trusted, and all names are numbers.
    """
    names = tuple(key.decode(errors="replace") if isinstance(key, bytes) else str(key) for key in keys)
    numbers = tuple(str(label) for label in range(count))
    return names + numbers[len(names) :] if len(names) <= count else numbers


def mapped_labels(
    name: str, labels: NDArray[np.int64], have: tuple[str, ...], want: tuple[str, ...]
) -> NDArray[np.int64]:
    """Labels that are indices into the names `have`, as indices into `want`.

    Classes are matched by name. A class whose name is only its number is matched by number, and so is every class if
    `want` are only numbers, and as many as `have`.

    Raises
    ------
    DataError
        If a label occurs that cannot be matched, or whose name occurs twice.
    """
    if have == want:
        return labels
    numbered = want == class_names((), len(have))
    places = labels.copy()
    for label in np.unique(labels).tolist():
        named = have[label]
        if want.count(named) == have.count(named) == 1:
            places[labels == label] = want.index(named)
        elif not numbered and not (named == str(label) and label < len(want)):
            raise DataError(
                f"{name}: class {shown(named)} is not one of the classes that were learned: {', '.join(want)}"
            )
    return places


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

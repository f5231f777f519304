"""Data sets in the form of tonic (Lenz et al. 2021, doi 10.5281/zenodo.5079802): sequences of events and labels.

tonic is not imported: any sequence of ``(events, label)`` is accepted.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import prod
from operator import index
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset, class_names, mapped_labels
from ranvier.data.grid import whole_numbers
from ranvier.data.packed import Binning, BinningReport, Packed
from ranvier.errors import shown
from ranvier.parameters.config import LIMITS

__all__ = ["Events", "from_tonic"]

#: Unit of an event's time, in seconds.
MICROSECOND = Fraction(1, 10**6)

#: Largest number of channels of a sensor.
CHANNELS = 1 << 31


class Events(Protocol):
    """A data set of tonic: events [spikes] with the fields t (microseconds), x, and optionally y and p, and a label."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


def _size(name: str, given: Any, part: Any) -> tuple[int, int, int]:
    """Size of the sensor: as given, or that of a part."""
    size: Any = getattr(part, "sensor_size", None) if given is None else given
    try:
        width, height, polarities = map(index, size)
    except (TypeError, ValueError):
        width = height = polarities = 0
    if min(width, height, polarities) < 1 or width * height * polarities > CHANNELS:
        raise DataError(
            f"{name}: sensor size {size}: give size=(width, height, polarities), {CHANNELS} channels at most"
        )
    return width, height, polarities


def _units(events: NDArray[Any], size: tuple[int, int, int]) -> NDArray[np.int64]:
    """Channel ``(p * height + y) * width + x`` of every event; a field with a single value may be missing."""
    width, height, _ = size
    units = np.zeros(len(events), np.int64)
    for name, weight, count in zip("xyp", (1, width, width * height), size, strict=True):
        if count > 1:
            place = whole_numbers(events[name])
            if len(place) and not 0 <= place.min() <= place.max() < count:
                raise DataError(f"has an event of {name} from {place.min()} to {place.max()}: there are {count}")
            units += weight * place
    return units


def _label(label: Any) -> int:
    """A label as the number of an output that some core may have."""
    try:
        number = index(label)
    except TypeError:
        raise TypeError(f"label {shown(label)} is not a whole number") from None
    if not 0 <= number < LIMITS["outputs"][1]:
        raise DataError(f"has the label {number}: labels are 0 to {LIMITS['outputs'][1] - 1}, number classes from 0")
    return number


def _bins(
    part: Events, size: tuple[int, int, int], binning: Binning, report: BinningReport, labels: list[int]
) -> Iterator[NDArray[Any]]:
    """Bins of one sample after the other; their labels are appended."""
    for number in range(len(part)):
        events, label = part[number]
        try:
            times = np.asarray(events["t"])
            yield binning.bins(times, _units(events, size), prod(size), report, MICROSECOND)
            labels.append(_label(label))
        except DataError as error:  # of which sample
            raise DataError(f"sample {number} {error}") from None
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DataError(f"sample {number} is not events with fields t, x (y, p) and a label: {error}") from None


def from_tonic(
    train: Events | None,
    test: Events | None,
    *,
    name: str = "tonic",
    size: tuple[int, int, int] | None = None,
    binning: Binning = Binning(),
    augmentation: Augmentation = Augmentation(),
) -> Dataset:
    """Bin two data sets of tonic, all of them at once.

    Parameters
    ----------
    train, test : Events or None
        To learn from, and to test on; without transforms, or with such as return events. One of them may be missing: what
        has no training samples can be evaluated, see `ranvier.evaluate`. Label n is output n of a network; where both
        parts, or data and network, have class names (`train.classes`), the names decide.
    name : str
        Of the data set; a recipe of that name is used, if there is one.
    size : (width, height, polarities), optional
        Of the sensor, by default `train.sensor_size` (`test.sensor_size` if there is no `train`). All of its channels are
        numbered ``(p * height + y) * width + x`` and then binned to `binning.channels`; for an image sensor keep them apart
        with ``channels=width * height * p``.
    binning, augmentation
        As those of `ranvier.data.shd`. Times are microseconds from the start of the sample: whole numbers are
        binned exactly, as in ``t // step``.

    Raises
    ------
    DataError
        If an event or a label is not what it should be, the size is not known, a sample loses all of its events because they
        come after the last step, a part nearly all of them, or there are none.
    """
    given = {part: events for part, events in (("train", train), ("test", test)) if events is not None and len(events)}
    if not given:
        raise DataError(f"{name}: no samples: give a part that is not empty")
    sensor = _size(name, size, test if train is None else train)
    samples, labels, notes = {}, {}, []
    for part, events in given.items():
        report, found = BinningReport(), list[int]()
        try:
            samples[part] = Packed.of(_bins(events, sensor, binning, report, found), binning)
            report.check(binning)
        except DataError as error:
            raise DataError(f"{name}: {part} {error}") from None
        labels[part] = np.array(found, dtype=np.int64)
        notes.append(f"{name} {part}: {report.text(binning)}")
    named = {part: tuple(getattr(events, "classes", ())) for part, events in given.items()}
    count = max(1 + int(max(map(np.max, labels.values()))), *map(len, named.values()))
    classes = class_names(named.get("train") or named.get("test", ()), count)
    if len(given) == 2:
        labels["test"] = mapped_labels(name, labels["test"], class_names(named["test"], count), classes)
    nothing = Packed.of([], binning), np.zeros(0, np.int64)
    return Dataset(
        name=name,
        inputs=binning.channels,
        classes=classes,
        train=augmentation.apply(samples["train"], labels["train"], binning.cap) if "train" in given else nothing[0],
        train_labels=labels.get("train", nothing[1]),
        test=samples.get("test", nothing[0]),
        test_labels=labels.get("test", nothing[1]),
        notes=tuple(notes),
        absent={part: f"give {part}= some" for part in ("train", "test") if part not in given},
    )

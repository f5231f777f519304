"""Data sets in the form of tonic (Lenz et al. 2021, doi 10.5281/zenodo.5079802): sequences of events and labels.

Nothing of tonic is imported: whatever has a length and gives ``(events, label)`` will do.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset, class_names
from ranvier.data.packed import Binning, Packed, Tally

__all__ = ["Events", "from_tonic"]

#: Microseconds, the unit of an event's time, in a second.
SECOND = 1e6


class Events(Protocol):
    """A data set of tonic: events [spikes] with fields t (microseconds), x, y and p where there are any, and a label."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


def _units(events: NDArray[Any], size: tuple[int, int, int]) -> NDArray[np.int64]:
    """Channel ``(p * height + y) * width + x`` of every event; what the sensor has only one of does not count."""
    width, height, _ = size
    units = np.zeros(len(events), np.int64)
    for name, weight, count in zip("xyp", (1, width, width * height), size, strict=True):
        if count > 1:
            place = events[name].astype(np.int64)
            if len(place) and not 0 <= place.min() <= place.max() < count:
                raise DataError(f"has an event of {name} from {place.min()} to {place.max()}: there are {count}")
            units += weight * place
    return units


def _bins(
    part: Events, size: tuple[int, int, int], binning: Binning, tally: Tally, labels: list[int]
) -> Iterator[NDArray[Any]]:
    """Bins of one sample after the other; their labels are appended."""
    for index in range(len(part)):
        events, label = part[index]
        try:
            times = np.asarray(events["t"], dtype=np.float64) / SECOND
            yield binning.bins(times, _units(events, size), int(np.prod(size)), tally)
            labels.append(int(label))
        except DataError as error:
            raise DataError(f"sample {index} {error}") from None
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DataError(f"sample {index} is not events with fields t, x (y, p) and a label: {error}") from None


def from_tonic(
    train: Events,
    test: Events,
    *,
    name: str = "tonic",
    size: tuple[int, int, int] | None = None,
    binning: Binning = Binning(),
    augmentation: Augmentation = Augmentation(),
) -> Dataset:
    """Bin two data sets of tonic, all of them at once.

    Parameters
    ----------
    train, test : Events
        To learn from, and to test on; without transforms, or with such as return events.
    name : str
        Of the data set; a recipe of that name is used, if there is one.
    size : (width, height, polarities), optional
        Of the sensor, by default `train.sensor_size`. All of its channels are numbered ``(p * height + y) * width + x`` and
        then binned to `binning.channels`; for an image sensor keep them apart with ``channels=width * height * p``.
    binning, augmentation
        As those of `ranvier.data.heidelberg.shd`.

    Raises
    ------
    DataError
        If an event or a label is not what it should be, or the size is not known.
    """
    size = getattr(train, "sensor_size", None) if size is None else size
    if size is None or len(size) != 3 or min(size) < 1:
        raise DataError(f"{name}: sensor size {size}: give size=(width, height, polarities)")
    samples, labels, notes = [], [], []
    for part, events in (("train", train), ("test", test)):
        tally, found = Tally(), list[int]()
        try:
            samples.append(Packed.of(_bins(events, size, binning, tally, found), binning))
        except DataError as error:
            raise DataError(f"{name}: {part} {error}") from None
        labels.append(np.array(found, dtype=np.int64))
        notes.append(f"{name} {part}: {tally.text(binning)}")
    names = getattr(train, "classes", ())
    count = max(len(names), 1 + max(int(found.max(initial=0)) for found in labels))
    return Dataset(
        name=name,
        inputs=binning.channels,
        classes=class_names(names, count),
        train=augmentation.apply(samples[0], labels[0], binning.cap),
        train_labels=labels[0],
        test=samples[1],
        test_labels=labels[1],
        notes=tuple(notes),
    )

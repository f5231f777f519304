"""Spiking Heidelberg Digits (SHD) and Spiking Speech Commands (SSC): spoken words as spikes of 700 cochlea channels.

Cramer, Stradmann, Schemmel, Zenke: "The Heidelberg spiking data sets for the systematic evaluation of spiking neural
networks" (IEEE TNNLS 33, 2022, doi 10.1109/TNNLS.2020.3044364), CC BY 4.0, https://zenkelab.org/datasets/. The recordings
are not part of this project: `shd` and `ssc` read the published HDF5 files from a folder that the user names.

A file has `spikes/times` (seconds, float16) and `spikes/units` (channels), one list per sample, `labels`, `extra/speaker`
and `extra/keys` (class names). Where one recording made several samples, `extra/recording` says which.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset, class_names
from ranvier.data.packed import Binning, Packed, Tally
from ranvier.data.samples import Chosen, Samples
from ranvier.data.unpack import unpacked
from ranvier.extras import extra

__all__ = ["CHANNELS", "Recording", "read_recording", "shd", "ssc"]

#: Channels of the artificial cochlea.
CHANNELS = 700

#: Samples read at once.
BLOCK = 256

#: Classes of either data set, if a file does not name them.
CLASSES = {"shd": 20, "ssc": 35}


@dataclass(frozen=True)
class Recording:
    """Contents of one file.

    Parameters
    ----------
    samples : Packed
        Binned spikes.
    labels, speakers : int array [samples]
        Class and speaker of each; speakers are -1 if the file does not tell.
    classes : tuple of str
        Class names.
    note : str
        What binning took away, in words.
    recordings : int array [samples], optional
        What each sample was made from; None if the file does not tell.
    """

    samples: Packed
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    classes: tuple[str, ...]
    note: str
    recordings: NDArray[np.int64] | None = None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An HDF5 file; whatever is wrong with its contents becomes one `DataError`."""
    h5py = extra("h5py", "data")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError):
        raise DataError(f"{path}: not an HDF5 file, or cut short: download it again") from None


def _entry(path: Path, file: Any, name: str) -> Any:
    """Data set `name` of a file."""
    found = file.get(name)
    if found is None or not hasattr(found, "dtype"):
        raise DataError(f"{path}: no list {name} in it: expected spikes/times, spikes/units and labels")
    return found


def _lists(path: Path, file: Any, name: str, kind: type) -> Any:
    """Data set `name` of a file, checked to hold one list of `kind` per sample."""
    h5py = extra("h5py", "data")
    found = _entry(path, file, name)
    inner = h5py.check_vlen_dtype(found.dtype)
    if inner is None or found.ndim != 1 or not np.issubdtype(inner, kind):
        raise DataError(f"{path}: {name} does not hold one list of {kind.__name__} numbers per sample")
    return found


def _numbers(path: Path, file: Any, name: str, count: int) -> NDArray[np.int64]:
    """Data set `name` of a file, checked to hold one whole number per sample."""
    found = np.asarray(_entry(path, file, name))
    if found.shape != (count,) or not np.issubdtype(found.dtype, np.integer):
        raise DataError(f"{path}: {name} is {found.dtype} {list(found.shape)}, expected {count} whole numbers")
    return found.astype(np.int64)


def _bins(path: Path, file: Any, binning: Binning, tally: Tally) -> Iterator[NDArray[Any]]:
    """Bins of one sample after the other, with a progress bar on a terminal."""
    times, units = _lists(path, file, "spikes/times", np.floating), _lists(path, file, "spikes/units", np.integer)
    if len(times) != len(units):
        raise DataError(f"{path}: spikes/times has {len(times)} samples but spikes/units {len(units)}")
    with tqdm(total=len(times), desc=path.name, unit=" samples", leave=False, disable=None) as bar:
        for start in range(0, len(times), BLOCK):
            block = slice(start, start + BLOCK)
            for index, (when, where) in enumerate(zip(times[block], units[block], strict=True), start):
                try:
                    yield binning.bins(when, where, CHANNELS, tally)
                except DataError as error:
                    raise DataError(f"{path}: sample {index} {error}") from None
                bar.update()


def read_recording(path: str | Path, classes: int, binning: Binning) -> Recording:
    """Read and bin one file of either data set.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.
    classes : int
        Labels are below it.
    binning : Binning
        What the spikes become.

    Raises
    ------
    DataError
        If the file is missing, cut short or not in this layout.
    ExtraError
        If h5py is missing.
    """
    path, tally = Path(path), Tally()
    with _opened(path) as file:
        samples = Packed.of(_bins(path, file, binning, tally), binning)
        labels = _numbers(path, file, "labels", len(samples))
        speakers = (
            _numbers(path, file, "extra/speaker", len(samples)) if "extra/speaker" in file else np.full(len(labels), -1)
        )
        recordings = _numbers(path, file, "extra/recording", len(samples)) if "extra/recording" in file else None
        keys = file.get("extra/keys")
        names = class_names(keys if getattr(keys, "ndim", 0) == 1 else (), classes)
    if not len(labels):
        raise DataError(f"{path}: holds no samples")
    if not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"{path}: labels run from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    note = f"{path.name}: {tally.text(binning)}"
    return Recording(samples, labels, speakers, names, note, recordings)


def _part(folder: Path, name: str, part: str, binning: Binning) -> Recording:
    """File ``NAME_PART.h5`` of a folder, unpacked first if only its archive is there."""
    return read_recording(unpacked(folder, f"{name}_{part}.h5", name), CLASSES[name], binning)


def _dataset(
    name: str,
    recordings: Sequence[Recording],
    train: tuple[Samples, NDArray[np.int64]],
    test: tuple[Samples, NDArray[np.int64]],
    binning: Binning,
    augmentation: Augmentation,
    groups: NDArray[np.int64] | None = None,
) -> Dataset:
    """A `Dataset` from samples and labels of either part, and what training samples belong together."""
    return Dataset(
        name=name,
        inputs=binning.channels,
        classes=recordings[0].classes,
        train=augmentation.apply(*train, binning.cap),
        train_labels=train[1],
        test=test[0],
        test_labels=test[1],
        notes=tuple(recording.note for recording in recordings),
        train_groups=groups,
    )


def _held_out(recording: Recording, share: float, speakers: Sequence[int], seed: int) -> NDArray[np.bool_]:
    """Samples [samples] that are kept from training: all of some speakers, or a share of every class."""
    if share and speakers:
        raise DataError(f"share={share}, speakers={list(speakers)}: hold out a share or speakers, not both")
    if not 0 <= share < 1 or seed < 0:
        raise DataError(
            f"share={share}, seed={seed}: give a share of the training samples below 1 and a seed from 0 up"
        )
    held = np.isin(recording.speakers, speakers)
    if missing := sorted(set(speakers) - set(recording.speakers[held].tolist())):
        known = sorted(set(recording.speakers.tolist()))
        raise DataError(
            f"speakers={list(speakers)}: no training sample is by speaker {missing[0]}: choose from {known}"
        )
    rng = np.random.default_rng(seed)
    for label in np.unique(recording.labels) if share else ():
        members = rng.permutation(np.flatnonzero(recording.labels == label))
        held[members[: round(share * len(members))]] = True
    if held.all() or not held.any():
        raise DataError(
            f"share={share}, speakers={list(speakers)}: nothing is left to {'learn' if held.all() else 'test'}"
        )
    return held


def _chosen(recording: Recording, mask: NDArray[np.bool_]) -> tuple[Samples, NDArray[np.int64]]:
    """Some samples of a recording, and their labels."""
    return Chosen(recording.samples, np.flatnonzero(mask).tolist()), recording.labels[mask]


def shd(
    folder: str | Path,
    *,
    binning: Binning = Binning(),
    augmentation: Augmentation = Augmentation(),
    share: float = 0.0,
    speakers: Sequence[int] = (),
    seed: int = 0,
) -> Dataset:
    """Spiking Heidelberg Digits: 20 digits in German and English, about 8,000 samples to learn and 2,000 to test.

    Parameters
    ----------
    folder : str or Path
        Holds `shd_train.h5` and `shd_test.h5`, or their `.gz` or `.zip`, which are unpacked beside them. The test file is
        not needed if some of the training samples are held out.
    binning : Binning
        Steps, channels and scored steps. By default a sample is 1 s in 100 steps and all steps are scored: a word may end
        long before the sample does, and the core does not know when.
    augmentation : Augmentation
        Of the training samples.
    share : float
        Test on this share of every class of the training file, and learn from the rest; 0 tests on the test file.
    speakers : sequence of int
        Test on these speakers of the training file, and learn from the others. The published test file has two speakers
        that are not in the training file at all, so this is the honest way to choose a recipe.
    seed : int
        Of the share.

    Raises
    ------
    DataError
        If a file is missing or malformed, or an option makes no sense.
    """
    train = _part(Path(folder), "shd", "train", binning)
    if not share and not speakers:
        test = _part(Path(folder), "shd", "test", binning)
        return _dataset(
            "shd",
            (train, test),
            (train.samples, train.labels),
            (test.samples, test.labels),
            binning,
            augmentation,
            train.recordings,
        )
    held = _held_out(train, share, speakers, seed)
    groups = None if train.recordings is None else train.recordings[~held]
    return _dataset("shd", (train,), _chosen(train, ~held), _chosen(train, held), binning, augmentation, groups)


def ssc(
    folder: str | Path,
    *,
    binning: Binning = Binning(),
    augmentation: Augmentation = Augmentation(),
    judge: str = "test",
) -> Dataset:
    """Spiking Speech Commands: 35 English words, 75,466 samples to learn, 9,981 to validate and 20,382 to test.

    Parameters
    ----------
    folder : str or Path
        Holds `ssc_train.h5` and `ssc_test.h5` or `ssc_valid.h5`, or their `.gz` or `.zip`.
    binning, augmentation
        As those of `shd`.
    judge : {"test", "valid"}
        File to test on.

    Raises
    ------
    DataError
        If a file is missing or malformed, or an option makes no sense.
    """
    if judge not in ("test", "valid"):
        raise DataError(f"judge={judge!r}: choose test or valid")
    train, test = (_part(Path(folder), "ssc", part, binning) for part in ("train", judge))
    parts = (train.samples, train.labels), (test.samples, test.labels)
    return _dataset("ssc", (train, test), *parts, binning, augmentation, train.recordings)

"""Spiking Heidelberg Digits (SHD) and Spiking Speech Commands (SSC): spoken words as spikes of 700 cochlea channels.

Cramer, Stradmann, Schemmel, Zenke: "The Heidelberg spiking data sets for the systematic evaluation of spiking neural
networks" (IEEE TNNLS 33, 2022, doi 10.1109/TNNLS.2020.3044364), CC BY 4.0, https://zenkelab.org/datasets/. The recordings
are not part of this project: `ranvier.data.shd` and `ranvier.data.ssc` read the published HDF5 files from a folder that the
user names. This is what both share.

A file has `spikes/times` (seconds, float16) and `spikes/units` (channels), one list per sample, `labels`, `extra/speaker`
and `extra/keys` (class names). Where one recording made several samples, `extra/recording` says which.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset, class_names, mapped_labels
from ranvier.data.packed import Binning, BinningReport, Packed
from ranvier.data.published import File, Published
from ranvier.data.registry import Option, real, whole
from ranvier.data.samples import Samples
from ranvier.data.unpack import MissingFile, is_file, unpacked
from ranvier.extras import extra
from ranvier.files.npz import NotPlain, check_plain
from ranvier.files.probe import Killed, apart

__all__ = [
    "BINNED",
    "CHANNELS",
    "Recording",
    "combined",
    "published",
    "read_part",
    "read_parts",
    "read_recording",
    "with_options",
]

#: Channels of the artificial cochlea.
CHANNELS = 700

#: Samples read at once.
BLOCK = 256

#: Largest number of samples of a file: more is not a recording, and would take too long.
SAMPLES = 1 << 20

#: What reading a file may take at most, so that a damaged one ends: CPU time and memory, and as much more for each of its
#: megabytes. A healthy one takes a tenth of it.
SECONDS, SECONDS_PER_MEGABYTE, MEGABYTES, MEMORY_PER_MEGABYTE = 20, 1, 2000, 20


@dataclass(frozen=True)
class Recording:
    """Contents of one file.

    Parameters
    ----------
    samples : Samples
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

    samples: Samples
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    classes: tuple[str, ...]
    note: str
    recordings: NDArray[np.int64] | None = None


def _reason(error: Exception) -> str:
    """Why a file cannot be opened or read, and what helps, from what the HDF5 library says."""
    text = str(error)
    if isinstance(error, PermissionError):
        return "may not be read: ask its owner, or chmod u+r"
    if isinstance(error, BlockingIOError):
        return "another process has it open for writing: wait until that is done, or close it there"
    if "already open for write" in text:
        return "its writer has not closed it: close it there or, if that program crashed, run h5clear -s on it"
    if "unable to lock file" in text:
        return "its file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE, or copy it to another disk"
    if isinstance(error, OSError | RuntimeError):
        return "not an HDF5 file, or cut short: download it again"
    return f"damaged ({type(error).__name__}): download it again"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An HDF5 file; whatever is wrong with its contents becomes one `DataError`."""
    h5py = extra("h5py", "data")
    if path.is_dir():
        raise DataError(f"{path}: a folder, expected an HDF5 file")
    try:
        check_plain(path)
    except NotPlain as error:  # which does not know the path
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise DataError(f"{path}: {reason}") from None
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DataError:
        raise
    except Exception as error:  # what a damaged file raises depends on the damage
        raise DataError(f"{path}: {_reason(error)}") from None


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
    """Data set `name` of a file, checked to hold one whole number per sample before it is read."""
    found = _entry(path, file, name)
    if found.shape != (count,) or not np.issubdtype(found.dtype, np.integer):
        raise DataError(f"{path}: {name} is {found.dtype} {list(found.shape or ())}, expected {count} whole numbers")
    return np.asarray(found).astype(np.int64)


def _bins(path: Path, file: Any, binning: Binning, report: BinningReport) -> Iterator[NDArray[Any]]:
    """Bins of one sample after the other, with a progress bar on a terminal."""
    times, units = _lists(path, file, "spikes/times", np.floating), _lists(path, file, "spikes/units", np.integer)
    if len(times) != len(units):
        raise DataError(f"{path}: spikes/times has {len(times)} samples but spikes/units {len(units)}")
    if len(times) > SAMPLES:
        raise DataError(f"{path}: says it has {len(times):,} samples: at most {SAMPLES:,} are read")
    with tqdm(total=len(times), desc=path.name, unit=" samples", leave=False, disable=None) as bar:
        for start in range(0, len(times), BLOCK):
            block = slice(start, start + BLOCK)
            for number, (when, where) in enumerate(zip(times[block], units[block], strict=True), start):
                try:
                    yield binning.bins(when, where, CHANNELS, report)
                except DataError as error:
                    raise DataError(f"{path}: sample {number} {error}") from None
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
    path = Path(path)
    extra("h5py", "data")
    size = path.stat().st_size >> 20 if is_file(path) else 0
    seconds, megabytes = SECONDS + size * SECONDS_PER_MEGABYTE, MEGABYTES + size * MEMORY_PER_MEGABYTE
    try:
        return apart(partial(_read, path, classes, binning), seconds=seconds, megabytes=megabytes)
    except Killed as error:  # reading what, and the way out
        raise DataError(f"{path}: {error}: download it again") from None


def _read(path: Path, classes: int, binning: Binning) -> Recording:
    """`read_recording` with a limit of time, since a damaged file may keep it busy without end."""
    report = BinningReport()
    with _opened(path) as file:
        samples = Packed.of(_bins(path, file, binning, report), binning)
        labels = _numbers(path, file, "labels", len(samples))
        speakers = (
            _numbers(path, file, "extra/speaker", len(samples)) if "extra/speaker" in file else np.full(len(labels), -1)
        )
        recordings = _numbers(path, file, "extra/recording", len(samples)) if "extra/recording" in file else None
        keys = file.get("extra/keys")
        named = getattr(keys, "ndim", 0) == 1 and len(keys) <= classes
        names = class_names(keys if named else (), classes)
    if not len(labels):
        raise DataError(f"{path}: holds no samples")
    if not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"{path}: labels run from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    try:
        report.check(binning)
    except DataError as error:
        raise DataError(f"{path} {error}") from None
    note = f"{path.name}: {report.text(binning)}"
    return Recording(samples, labels, speakers, names, note, recordings)


def read_part(folder: Path, name: str, classes: int, part: str, binning: Binning) -> Recording:
    """File ``NAME_PART.h5`` of a folder, unpacked first if only its archive is there; a file as it is."""
    path = folder if is_file(folder) else unpacked(folder, f"{name}_{part}.h5", name)
    return read_recording(path, classes, binning)


def read_parts(
    folder: Path, name: str, classes: int, parts: Sequence[str], binning: Binning
) -> dict[str, Recording | str]:
    """Those files of a folder that are there, and for the others where to get them; `DataError` if none is there."""
    if is_file(folder):
        reason = f"{folder} is one file, which is tested on: give a folder that holds {name}_train.h5"
        return {parts[0]: reason, parts[1]: read_part(folder, name, classes, parts[1], binning)}
    found: dict[str, Recording | str] = {}
    missing: list[MissingFile] = []
    for part in parts:
        try:
            found[part] = read_part(folder, name, classes, part, binning)
        except MissingFile as error:
            found[part] = str(error)
            missing.append(error)
    if len(missing) == len(parts):
        raise missing[0]
    return found


def combined(
    name: str, train: Recording | str, test: Recording | str, binning: Binning, augmentation: Augmentation
) -> Dataset:
    """A `Dataset` from recordings, or the reason why one is missing.

    Labels of the test part mean what they mean in the training part: by name, where both files name their classes.
    """
    recordings = [recording for recording in (train, test) if isinstance(recording, Recording)]
    nothing = Packed.of([], binning), np.zeros(0, np.int64)
    learn, evaluated = (
        (part.samples, part.labels) if isinstance(part, Recording) else nothing for part in (train, test)
    )
    classes = recordings[0].classes
    return Dataset(
        name=name,
        inputs=binning.channels,
        classes=classes,
        train=augmentation.apply(*learn, binning.cap),
        train_labels=learn[1],
        test=evaluated[0],
        test_labels=mapped_labels(name, evaluated[1], recordings[-1].classes, classes),
        notes=tuple(dict.fromkeys(recording.note for recording in recordings)),
        absent={part: why for part, why in (("train", train), ("test", test)) if isinstance(why, str)},
        train_groups=train.recordings if isinstance(train, Recording) else None,
    )


# -------------------------------------------------------------------- on the command line

#: Where both are published.
ADDRESS = "https://zenkelab.org/datasets/"


def published(**checksums: str) -> Published:
    """Where files are published, by the MD5 of their archives; other loaders have pinned these for years."""
    files = tuple(File(f"{name}.h5.zip", f"{ADDRESS}{name}.h5.zip", md5) for name, md5 in checksums.items())
    return Published(ADDRESS, "CC BY 4.0", files, ", ".join(f"{name}.h5" for name in checksums))


#: What the fields of `Binning` and `Augmentation` do.
HELP = {
    "steps": "length of a sample in steps; later spikes are cut",
    "dt": "length of a step in seconds",
    "channels": f"input units; channel c of {CHANNELS} becomes unit floor(c channels / {CHANNELS})",
    "cap": "maximum number of spikes of a unit on one step; 1 is binary",
    "scored": (
        "score the readout on this many last steps; 0 scores all, because a word may end long before the sample does"
    ),
    "shift": "augmentation: move each training sample by -shift to shift units along the channels",
    "blend": "augmentation: share of the training samples that become a blend of two of their class",
}


def _options(group: type[Binning | Augmentation]) -> dict[str, Option]:
    return {
        f.name: Option(whole if type(f.default) is int else real, f"{f.default:g}", HELP[f.name]) for f in fields(group)
    }


#: Options of both data sets, besides their own.
BINNED = _options(Binning) | _options(Augmentation)


def with_options(load: Callable[..., Dataset], folder: str, **values: Any) -> Dataset:
    """Call `load` with the values of `BINNED` as a `Binning` and an `Augmentation`, and with all others as they are."""
    groups = {
        name: group(**{f.name: values.pop(f.name) for f in fields(group) if f.name in values})
        for name, group in (("binning", Binning), ("augmentation", Augmentation))
    }
    return load(folder, **groups, **values)

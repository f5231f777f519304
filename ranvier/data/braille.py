"""Braille letters read by a sliding fingertip: real tactile data whose timing carries the class.

Müller-Cleve et al., "Braille letter reading" (2022, arXiv 2205.15864), CC BY 4.0. The recordings are not part of this
project: `braille` reads the file that the user names.
"""

from operator import index
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import DataError, Dataset, class_names, mapped_labels, stratified_split
from ranvier.data.delta import send_on_delta
from ranvier.data.packed import STEPS
from ranvier.data.published import Published
from ranvier.data.registry import NamedDataset, Option, real, register, whole
from ranvier.errors import shown
from ranvier.files.npz import NotPlain, Npz
from ranvier.parameters.sample import Sample

__all__ = ["LETTERS", "braille", "read_taxels"]

#: Letters as published, in the order in which they are numbered.
LETTERS = ("Space", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")

#: Recordings of each letter to learn from, and to test on.
TRAIN, TEST = 32, 8

#: Limits: bytes of an array in a file, values of all recordings, spikes of all samples. More means another kind of file, or
#: a wrong threshold, and would fill the memory.
BYTES, VALUES, SPIKES = 1 << 28, 1 << 25, 1 << 27


def _arrays(path: str | Path, *names: str) -> list[NDArray[np.generic]]:
    """Arrays of an ``.npz``; otherwise a `DataError` with the reason."""
    try:
        with Npz(path) as file:
            if missing := [name for name in names if name not in file.names]:
                raise DataError(f"{path}: {missing[0]}: expected arrays {', '.join(names[:-1])} and {names[-1]}")
            for name in names:
                if (size := file.header(name).size) > BYTES:
                    raise DataError(f"{path}: {name} has {size:,} bytes: at most {BYTES:,} are read")
            return [file.read(name, BYTES) for name in names]
    except DataError:
        raise
    except NotPlain as error:  # which does not know the path
        raise DataError(f"{path}: {error}") from None
    except PermissionError:
        raise DataError(f"{path}: may not be read: ask its owner, or chmod u+r") from None
    except Exception as error:  # what a damaged archive raises depends on the damage
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "not a file of taxel recordings (.npz)"
        )
        raise DataError(f"{path}: {reason}") from None


def read_taxels(path: str | Path) -> tuple[NDArray[np.generic], NDArray[np.int64], tuple[str, ...]]:
    """Read recordings from ``.npz``.

    Returns
    -------
    taxels : float or int array [samples, steps, taxels]
        `taxels` of the file, in its type.
    letters : int array [samples]
        `letter` of the file: index into the names.
    names : tuple of str
        `letters` of the file.

    Raises
    ------
    DataError
        If the file is missing, is not such a file, or its arrays do not fit together.
    """
    taxels, letters, names = _arrays(path, "taxels", "letter", "letters")
    if taxels.ndim != 3 or not taxels.size or taxels.dtype.kind not in "iuf":
        raise DataError(
            f"{path}: taxels is {taxels.dtype} {list(taxels.shape)}, expected numbers [samples, steps, taxels]"
        )
    if taxels.size > VALUES:
        raise DataError(f"{path}: {taxels.size:,} values: at most {VALUES:,} are read")
    if letters.shape != taxels.shape[:1] or letters.dtype.kind not in "iu":
        raise DataError(
            f"{path}: letter is {letters.dtype} {list(letters.shape)}, expected {len(taxels)} whole numbers"
        )
    if names.ndim != 1 or names.dtype.kind not in "US" or len(set(names.tolist())) < names.size:
        raise DataError(
            f"{path}: letters is {names.dtype} {list(names.shape)}, expected one name per letter, none twice"
        )
    if not 0 <= letters.min() <= letters.max() < names.size:
        raise DataError(f"{path}: letter runs from {letters.min()} to {letters.max()} but letters names {names.size}")
    return taxels, letters.astype(np.int64), class_names(names.tolist(), names.size)


def _parts(
    letters: NDArray[np.int64], names: tuple[str, ...], train: int | None, test: int | None, seed: int
) -> tuple[tuple[list[int], list[int]], str]:
    """Recordings for training and for testing, and the reason if there are none for training, otherwise "".

    Unless a number is requested, a file with too few recordings of a letter is held-out data: all of it is for testing.
    """
    try:
        asked = (TRAIN if train is None else index(train)), (TEST if test is None else index(test))
    except TypeError:
        raise DataError(f"train={shown(train)}, test={shown(test)}: give whole numbers") from None
    if min(asked) < 0 or not any(asked) or seed < 0:
        raise DataError(f"train={asked[0]}, test={asked[1]}, seed={seed}: give numbers from 0 up, not both parts 0")
    try:
        return stratified_split(letters, *asked, seed), "" if asked[0] else "train=0 was asked for"
    except DataError:
        if train is not None or test is not None:
            raise
    counts = np.bincount(letters, minlength=len(names))
    few = int(np.where(counts, counts, len(letters)).argmin())
    reason = (
        f"letter {shown(names[few])} has {counts[few]} recordings, {TRAIN} + {TEST} of each are needed: "
        "give a file with more, or ask for fewer with ?train=N&test=N"
    )
    return ([], list(range(len(letters)))), reason


def braille(
    path: str | Path,
    seed: int = 0,
    *,
    threshold: float = 2.5,
    cap: int = 1,
    tail: int = 1,
    scored: int = 4,
    train: int | None = None,
    test: int | None = None,
) -> Dataset:
    """Braille letters as ON and OFF spikes of every taxel (24 input units for 12 taxels).

    Classes are the letters named in the file: in the order of `LETTERS` if all are among them, else in that of the file.

    Parameters
    ----------
    path : str or Path
        File of `read_taxels`.
    seed : int
        Of the split. Training and evaluation must use the same one.
    threshold, cap : float, int
        Of `send_on_delta`, in the file's 8-bit units.
    tail : int
        Silent steps after the recording (whose first value sets the references and takes no step).
    scored : int
        The readout is scored on this many last steps.
    train, test : int, optional
        Recordings of each letter in either part, by default 32 and 8. If neither is given and some letter has fewer, the
        file is held-out data: all of its recordings are test samples, and none are for training.

    Raises
    ------
    DataError
        If the file is malformed, a letter has fewer recordings than requested, or no signal in the file changes by a
        threshold.
    """
    taxels, letters, names = read_taxels(path)
    published = set(names) <= set(LETTERS)
    if published:  # one order of classes and one split, whatever the order in the file
        order = tuple(letter for letter in LETTERS if letter in names)
        letters, names = mapped_labels("braille", letters, names, order), order
    try:
        tail, scored = index(tail), index(scored)
    except TypeError:
        raise DataError(f"{path}: tail={shown(tail)}, scored={shown(scored)}: give whole numbers of steps") from None
    steps = taxels.shape[1] - 1 + tail
    if tail < 0 or not 1 <= scored <= steps:
        raise DataError(f"{path}: tail={tail}, scored={scored}: give tail >= 0 and scored from 1 to {steps}")
    if steps > STEPS:
        raise DataError(f"{path}: {steps} steps: at most {STEPS}")
    try:
        counts = send_on_delta(taxels, threshold, cap)[:, 1:]
        parts, reason = _parts(letters, names, train, test, seed)
    except DataError as error:  # in which file
        raise DataError(f"{path}: {error}") from None
    if not 0 < (spikes := int(counts.sum())) <= SPIKES:
        raise DataError(
            f"{path}: {spikes:,} spikes at threshold={threshold} and cap={cap}: the values run from {taxels.min()} to "
            f"{taxels.max()}, give another threshold"
        )
    mask = np.arange(steps) >= steps - scored
    rest = sorted({*range(len(letters))} - {*parts[0], *parts[1]})
    samples = [
        [Sample.from_raster(np.pad(counts[n], ((0, tail), (0, 0))), mask) for n in part] for part in (*parts, rest)
    ]
    note = f"braille: {len(rest):,} of {len(letters):,} recordings are in neither part: train= and test= ask for more"
    return Dataset(
        name="braille",
        inputs=counts.shape[2],
        classes=names,
        train=samples[0],
        train_labels=letters[parts[0]],
        test=samples[1],
        test_labels=letters[parts[1]],
        notes=(note,) if rest else (f"braille: nothing to learn from: {reason}",) if reason else (),
        absent={"train": reason, "test": "test=0 was asked for"},
        alphabet=LETTERS if published else (),
        rest=samples[2],
        rest_labels=letters[rest],
    )


register(
    NamedDataset(
        spelled="braille:PATH",
        load=braille,
        what="Braille letters read by a fingertip (Müller-Cleve et al. 2022)",
        classes=len(LETTERS),
        samples="864 / 216",
        options={
            "seed": Option(whole, "0", "of the split"),
            "threshold": Option(real, "2.5", "change per spike, in the file's 8-bit units"),
            "cap": Option(whole, "1", "maximum number of spikes of a unit on one step"),
            "tail": Option(whole, "1", "silent steps after the recording"),
            "scored": Option(whole, "4", "score the readout on this many last steps"),
            "train": Option(whole, f"{TRAIN}", "recordings of each letter to learn from"),
            "test": Option(whole, f"{TEST}", "recordings of each letter to test on"),
        },
        published=Published(
            "https://doi.org/10.5281/zenodo.6556273",
            "CC BY 4.0",
            (),
            "braille_taxels.npz with taxels [samples, 76, 12], letter [samples] and letters, made from the recordings there",
        ),
    )
)

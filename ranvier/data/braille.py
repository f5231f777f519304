"""Braille letters read by a sliding fingertip: real tactile data whose timing carries the class.

Müller-Cleve et al., "Braille letter reading" (2022, arXiv 2205.15864), CC BY 4.0. The recordings are not part of this
project: `braille` reads the file that the user names.
"""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import DataError, Dataset, stratified_split
from ranvier.data.delta import send_on_delta
from ranvier.golden.spikes import Sample

__all__ = ["braille", "read_taxels"]


def read_taxels(path: str | Path) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[str, ...]]:
    """Read recordings from ``.npz``.

    Returns
    -------
    taxels : float array [samples, steps, taxels]
        `taxels` of the file.
    letters : int array [samples]
        `letter` of the file: index into the names.
    names : tuple of str
        `letters` of the file.

    Raises
    ------
    DataError
        If the file is missing, is not such a file, or its arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            taxels, letters, names = file["taxels"], file["letter"], file["letters"]
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}: expected arrays taxels, letter and letters") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "not a file of taxel recordings (.npz)"
        )
        raise DataError(f"{path}: {reason}") from None
    if taxels.ndim != 3 or not taxels.size or not np.issubdtype(taxels.dtype, np.number):
        raise DataError(
            f"{path}: taxels is {taxels.dtype} {list(taxels.shape)}, expected numbers [samples, steps, taxels]"
        )
    if letters.shape != taxels.shape[:1] or not np.issubdtype(letters.dtype, np.integer):
        raise DataError(
            f"{path}: letter is {letters.dtype} {list(letters.shape)}, expected {len(taxels)} whole numbers"
        )
    if not 0 <= letters.min() <= letters.max() < names.size:
        raise DataError(f"{path}: letter runs from {letters.min()} to {letters.max()} but letters names {names.size}")
    return taxels, letters.astype(np.int64), tuple(str(name) for name in names)


def braille(
    path: str | Path,
    seed: int = 0,
    *,
    threshold: float = 2.5,
    cap: int = 1,
    tail: int = 1,
    scored: int = 4,
    train: int = 32,
    test: int = 8,
) -> Dataset:
    """Braille letters as ON and OFF spikes of every taxel (24 input units for 12 taxels).

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
        The readout is scored on the last so many steps.
    train, test : int
        Recordings of each letter in either part.

    Raises
    ------
    DataError
        If the file is not what it should be or a letter has too few recordings.
    """
    taxels, letters, names = read_taxels(path)
    steps = taxels.shape[1] - 1 + tail
    if tail < 0 or not 1 <= scored <= steps:
        raise DataError(f"{path}: tail={tail}, scored={scored}: give tail >= 0 and scored from 1 to {steps}")
    try:
        counts = send_on_delta(taxels, threshold, cap)[:, 1:]
        parts = stratified_split(letters, train, test, seed)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    counts = np.pad(counts, ((0, 0), (0, tail), (0, 0)))
    mask = np.arange(steps) >= steps - scored
    samples = [[Sample.from_raster(counts[n], mask) for n in part] for part in parts]
    return Dataset(
        name="braille",
        inputs=counts.shape[2],
        classes=names,
        train=samples[0],
        train_labels=letters[parts[0]],
        test=samples[1],
        test_labels=letters[parts[1]],
    )

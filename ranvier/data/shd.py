"""Spiking Heidelberg Digits (SHD): spoken digits as spikes of 700 cochlea channels, see `ranvier.data.heidelberg`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from operator import index
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranvier.data.augmentation import Augmentation
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.grid import exact
from ranvier.data.heidelberg import BINNED, Recording, combined, published, read_part, read_parts, with_options
from ranvier.data.held import held_share
from ranvier.data.packed import Binning
from ranvier.data.registry import NamedDataset, Option, real, register, whole
from ranvier.data.samples import Chosen

__all__ = ["shd"]

#: Digits in German and English.
CLASSES = 20


def _held_out(recording: Recording, share: float, speakers: Sequence[int], seed: int) -> NDArray[np.bool_]:
    """Samples [samples] that are kept from training: all of some speakers, or a share of every class.

    What was made from one recording stays together.
    """
    if share and speakers:
        raise DataError(f"share={share}, speakers={list(speakers)}: hold out a share or speakers, not both")
    try:
        good = 0 <= share < 1 and index(seed) >= 0
    except TypeError:
        good = False
    if not good:
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
    if share and recording.recordings is not None:
        held = held_share(recording.labels, recording.recordings, len(recording.classes), share, rng)
    elif share:
        for label in np.unique(recording.labels):
            members = rng.permutation(np.flatnonzero(recording.labels == label))
            held[members[: round(exact(share) * len(members))]] = True
    if held.all() or not held.any():
        raise DataError(
            f"share={share}, speakers={list(speakers)}: nothing is left to {'learn' if held.all() else 'test'}"
        )
    return held


def _chosen(recording: Recording, mask: NDArray[np.bool_]) -> Recording:
    """Some samples of a recording."""
    samples = Chosen(recording.samples, np.flatnonzero(mask).tolist())
    recordings = None if recording.recordings is None else recording.recordings[mask]
    labels, speakers = recording.labels[mask], recording.speakers[mask]
    return replace(recording, samples=samples, labels=labels, speakers=speakers, recordings=recordings)


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
        Holds `shd_train.h5` and `shd_test.h5`, or their `.gz` or `.zip`, which are unpacked into the folder. One of them is
        enough to evaluate on; the test file is not needed either if some of the training samples are held out. Or one file
        of any name: all of it is to test on.
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
    if not share and not speakers:
        parts = read_parts(Path(folder), "shd", CLASSES, ("train", "test"), binning)
        return combined("shd", parts["train"], parts["test"], binning, augmentation)
    train = read_part(Path(folder), "shd", CLASSES, "train", binning)
    held = _held_out(train, share, speakers, seed)
    return combined("shd", _chosen(train, ~held), _chosen(train, held), binning, augmentation)


def _speakers(text: str) -> tuple[int, ...]:
    return tuple(map(whole, text.split(",")))


register(
    NamedDataset(
        spelled="shd:FOLDER?OPTIONS",
        load=partial(with_options, shd),
        what="Spiking Heidelberg Digits (Cramer et al. 2020)",
        classes=CLASSES,
        samples="8,156 / 2,264",
        options={
            "share": Option(
                real, "0", "test on this share of every class of the training file, and learn from the rest"
            ),
            "speakers": Option(
                _speakers, "", "test on these speakers of the training file (`speakers=3,7`), and learn from the others"
            ),
            "seed": Option(whole, "0", "of the share"),
            **BINNED,
        },
        published=published(
            shd_train="f3252aeb598ac776c1b526422d90eecb",
            shd_test="1503a5064faa34311c398fb0a1ed0a6f",
        ),
    )
)

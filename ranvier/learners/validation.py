"""Training samples held out to say which epoch was the best: a share of every class, nothing torn apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ranvier.data.dataset import DataError, Dataset
from ranvier.data.held import held_share
from ranvier.errors import shown
from ranvier.parameters.scalars import is_real, is_whole

__all__ = ["DEFAULT_SHARE", "best", "check_dataset", "check_kept", "column", "hold_out"]

#: Share of the training samples that `ranvier train` holds out unless told otherwise. The functions of Python hold out
#: none by default: they learn from what they are given, and published numbers come from all of it.
DEFAULT_SHARE = 0.1

#: A data set that needs no file.
SOME = "yinyang"

#: Of the draw, besides the seed: no epoch has this number.
DRAW = 2**32 - 1


def check_dataset(dataset: Any) -> None:
    """`DataError` unless it is one."""
    if not isinstance(dataset, Dataset):
        raise DataError(f"dataset={shown(dataset)} is not a data set: give a Dataset, such as open_dataset({SOME!r})")


def hold_out(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset | None]:
    """Data to learn from, and the same with the held-out training samples as those to test on; None for a share of 0.

    Whole groups (`Dataset.train_groups`; samples, if there are none) are drawn until every class has about its share. Every
    class of at least two groups has one on either side at least, if groups allow it.

    Parameters
    ----------
    dataset : Dataset
        What is to be divided.
    share : float
        Of the samples of every class, from 0 to below 1.
    seed : int
        Of the draw.

    Raises
    ------
    DataError
        If the share is out of range, nothing can be held out without losing a class, or there is nothing to learn or test.
    """
    check_dataset(dataset)
    for part, samples in (("training", dataset.train), ("test", dataset.test)):
        if not len(samples):
            raise DataError(f"{dataset.name} has no {part} samples: training needs samples to learn and others to test")
    if not is_real(share) or not 0 <= share < 1:
        raise DataError(f"validation={shown(share)}: give a share of the training samples from 0 to below 1")
    if not is_whole(seed) or seed < 0:
        raise DataError(f"seed={shown(seed)}: give a whole number from 0 up")
    if share == 0:
        return dataset, None
    rng = np.random.default_rng([seed, DRAW])
    held = held_share(dataset.train_labels, dataset.train_groups, len(dataset.classes), share, rng)
    if not held.any():
        raise DataError(
            f"{dataset.name}: no training sample can be held out for validation without losing a class: "
            "give more samples, or a validation share of 0"
        )
    return dataset.parted(held)


def best(accuracies: list[float]) -> int:
    """Index of the largest; of several, the last, which has learned most (and is the last of all if none says anything)."""
    return max(range(len(accuracies)), key=lambda n: (accuracies[n], n))


def check_kept(epochs: Sequence[Any], values: Mapping[str, Any], most: int) -> None:
    """`ValueError` unless there are as many epochs as a checkpoint's `values` say, `most` at most, and the best was kept."""
    finished, kept = values.get("finished", len(epochs)), values["kept"]
    if not 1 <= len(epochs) == finished <= most:
        raise ValueError(f"{len(epochs)} of {finished} epochs are there")
    validated = [epoch.validated for epoch in epochs if epoch.validated is not None]
    if type(kept) is not int or kept != (best(validated) if validated else finished - 1):
        raise ValueError(f"epoch {kept} of {finished} was kept")


def column(accuracies: list[float], number: int) -> str:
    """Cell of a table of epochs for the one of this index, marked if it is the best so far; accuracies may be missing."""
    seen = accuracies[: number + 1]
    return f"{seen[-1]:8.1%}{'*' if best(seen) == number else ' '}" if seen else f"{'-':>8} "

"""Selection of samples to hold out: about the same share of every class, without separating groups."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["held_share"]

Numbers = NDArray[np.int64]


def held_share(
    labels: Numbers, groups: Numbers | None, classes: int, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which samples [samples] are held out: group by group, if it brings the classes nearer to their share.

    Parameters
    ----------
    labels : int array [samples]
        Class of each.
    groups : int array [samples], optional
        Group of each; None: every sample is a group of its own.
    classes : int
        Number of classes.
    share : float
        Of the samples of every class.
    rng : numpy.random.Generator
        Draws the order in which groups are considered.
    """
    group = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = np.zeros((group.max(initial=-1) + 1, classes), np.int64)
    np.add.at(members, (group, labels), 1)
    total = members.sum(axis=0)
    several = (members > 0).sum(axis=0) > 1
    wanted = np.where(several, np.maximum(1, share * total), 0)
    have, taken = np.zeros(len(total), np.int64), np.zeros(len(members), np.bool_)
    order = rng.permutation(len(members))
    for n in order:
        after = have + members[n]
        if _left(after, total) and np.abs(wanted - after).sum() < np.abs(wanted - have).sum():
            have, taken[n] = after, True
    if not taken.any():  # groups are large: the one that comes nearest
        possible = [n for n in order if _left(members[n], total)]
        taken[sorted(possible, key=lambda n: float(np.abs(wanted - members[n]).sum()))[:1]] = True
    return taken[group]


def _left(held: Numbers, total: Numbers) -> bool:
    """Whether samples of every class remain for training."""
    return bool((held[total > 0] < total[total > 0]).all())

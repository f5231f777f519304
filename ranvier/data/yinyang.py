"""Yin-Yang: three regions of a disc that no straight line separates, given as spike times.

Kriener, Göltz, Petrovici: "The Yin-Yang dataset" (2021, arXiv 2102.08211). The regions, the radii, the class-balanced
rejection sampling and the random stream are those of the published generator, so seed 42 gives the published training
points and seed 40 the published test points.
"""

from math import hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.data.dataset import DataError, Dataset
from ranvier.golden.spikes import Sample

__all__ = ["yin_yang"]

CLASSES = ("yin", "yang", "dot")
RADIUS, DOT = 0.5, 0.1


def region(x: float, y: float) -> int:
    """Class of a point in the unit square's disc: 0, 1 for the two halves (names as published), 2 for either dot."""
    right, left = hypot(x - 1.5 * RADIUS, y - RADIUS), hypot(x - 0.5 * RADIUS, y - RADIUS)
    if right < DOT or left < DOT:
        return 2
    return int(right <= DOT or DOT < left <= 0.5 * RADIUS or (y > RADIUS and right > 0.5 * RADIUS))


def points(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Coordinates [count, 2] in [0, 1] and classes [count]; every class is equally likely."""
    rng = np.random.RandomState(seed)  # noqa: NPY002  the published data are defined by this generator
    place, label = np.empty((count, 2)), np.empty(count, np.int64)
    for n in range(count):
        label[n] = rng.randint(3)
        while True:
            x, y = rng.rand(2) * 2 * RADIUS
            if hypot(x - RADIUS, y - RADIUS) <= RADIUS and region(x, y) == label[n]:
                break
        place[n] = x, y
    return place, label


def encode(place: ArrayLike, span: int, steps: int) -> list[Sample]:
    """Spikes of points [count, 2]: x, y, 1 - x, 1 - y fire once at step ``round(value * span)``, the bias at step 0."""
    place = np.asarray(place)
    times = np.floor(np.hstack([place, 1 - place, np.zeros((len(place), 1))]) * span + 0.5).astype(np.int64)
    order = np.argsort(times, axis=1, kind="stable")
    return [Sample(t[o], o, np.ones(steps, bool)) for t, o in zip(times, order, strict=True)]


def yin_yang(seed: int = 42, train: int = 5000, test: int = 1000, *, span: int = 30, steps: int = 50) -> Dataset:
    """The Yin-Yang data set on 5 input units: x, y, 1 - x, 1 - y and a bias.

    Parameters
    ----------
    seed : int
        Of the training points; the test points take ``seed - 2``. 42 is the published pair (42 and 40).
    train, test : int
        Points of each part.
    span : int
        Steps from coordinate 0 to coordinate 1.
    steps : int
        Length of a sample, more than `span`: the rest is time for delays and readout.

    Raises
    ------
    DataError
        If a count is not positive, the sample ends before its last spike, or the seed is not a 32-bit number.
    """
    if train < 1 or test < 1:
        raise DataError(f"yinyang: {train} training and {test} test points: give at least 1 of each")
    if not 1 <= span < steps:
        raise DataError(f"yinyang: span={span} does not end within steps={steps}: give a longer sample or a shorter span")
    if not 0 <= seed < 2**32:
        raise DataError(f"yinyang: seed={seed} is not a 32-bit number")
    (learn, learn_labels), (judge, judge_labels) = points(train, seed), points(test, (seed - 2) % 2**32)
    return Dataset(
        name="yinyang",
        inputs=5,
        classes=CLASSES,
        train=encode(learn, span, steps),
        train_labels=learn_labels,
        test=encode(judge, span, steps),
        test_labels=judge_labels,
    )

"""Yin-Yang: three regions of a disc that no straight line separates, encoded as spike times.

Kriener, Göltz, Petrovici: "The Yin-Yang dataset" (2021, arXiv 2102.08211). The regions, the radii, the class-balanced
rejection sampling and the random stream are those of the published generator, so seed 42 gives the published training
points and seed 40 the published test points.
"""

from math import hypot
from operator import index

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import DataError, Dataset
from ranvier.data.grid import floor, slack
from ranvier.data.packed import STEPS
from ranvier.data.registry import NamedDataset, register
from ranvier.parameters.sample import Sample

__all__ = ["CLASSES", "SAMPLES", "yin_yang"]

CLASSES = ("yin", "yang", "dot")
RADIUS, DOT = 0.5, 0.1
#: Steps from coordinate 0 to coordinate 1, by default.
SPAN = 30
BIAS = 4
#: Numbers of points for training and testing, as text.
SAMPLES = "5,000 / 1,000"
#: Largest number of points of a part.
POINTS = 10**7


def region(x: float, y: float) -> int:
    """Class of a point in the unit square's disc: 0, 1 for the two halves (names as published), 2 for either dot."""
    right, left = hypot(x - 1.5 * RADIUS, y - RADIUS), hypot(x - 0.5 * RADIUS, y - RADIUS)
    if right < DOT or left < DOT:
        return 2
    return int(right <= DOT or DOT < left <= 0.5 * RADIUS or (y > RADIUS and right > 0.5 * RADIUS))


def points(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Coordinates [count, 2] in [0, 1] and classes [count]; every class is equally likely."""
    rng = np.random.RandomState(seed)  # the published points are defined by this generator
    place, label = np.empty((count, 2)), np.empty(count, np.int64)
    for n in range(count):
        label[n] = rng.randint(3)
        while True:
            x, y = rng.rand(2) * 2 * RADIUS
            if hypot(x - RADIUS, y - RADIUS) <= RADIUS and region(x, y) == label[n]:
                break
        place[n] = x, y
    return place, label


def encode(place: NDArray[np.float64], span: int, scored: NDArray[np.bool_]) -> list[Sample]:
    """Spikes of points [count, 2]: the bias at step 0; x, y, 1 - x, 1 - y once each, at step ``round(value * span)``."""
    units = np.array([BIAS, 0, 1, 2, 3])
    values = np.hstack([np.zeros((len(place), 1)), place, 1 - place])
    times = floor(values * span + 0.5, span * slack(np.ones(1))).astype(np.int64)  # 1 - place misses by what 1 may miss
    order = np.argsort(times, axis=1, kind="stable")
    return [Sample(t[o], units[o], scored) for t, o in zip(times, order, strict=True)]


def yin_yang(
    seed: int = 42, train: int = 5000, test: int = 1000, *, span: int = SPAN, tail: int = 2, scored: int = 3
) -> Dataset:
    """The Yin-Yang data set on 5 input units: x, y, 1 - x, 1 - y and a bias.

    Its name is ``yinyang``, and ``yinyang60`` on 60 steps: rounding to 30 steps puts points of different classes on the
    same steps, so that even a perfect classifier of the spikes is right on 97.0 % of all points only (98.4 % on 60 steps).

    Parameters
    ----------
    seed : int
        Of the training points; the test points take ``seed - 2``. 42 is the published pair (42 and 40).
    train, test : int
        Points of each part.
    span : int
        Steps from coordinate 0 to coordinate 1.
    tail : int
        Silent steps after the last possible spike: time for delays and readout.
    scored : int
        The readout is scored on this many last steps.

    Raises
    ------
    DataError
        If a count is out of range or the seed is not a 32-bit number.
    """
    try:
        train, test, span, tail, scored, seed = map(index, (train, test, span, tail, scored, seed))
    except TypeError:
        raise DataError("yinyang: give whole numbers") from None
    steps = span + 1 + tail
    if train < 1 or test < 1:
        raise DataError(f"yinyang: {train} training and {test} test points: give at least 1 of each")
    if span < 1 or tail < 0 or not 1 <= scored <= steps:
        raise DataError(
            f"yinyang: span={span}, tail={tail}, scored={scored}: give span >= 1, tail >= 0 and scored from 1 to {steps}"
        )
    if max(train, test) > POINTS or steps > STEPS:
        raise DataError(f"yinyang: {train} + {test} points of {steps} steps: give at most {POINTS} and {STEPS}")
    if not 0 <= seed < 2**32:
        raise DataError(f"yinyang: seed={seed} is not a 32-bit number")
    mask = np.arange(steps) >= steps - scored
    (learn, learn_labels), (held, held_labels) = points(train, seed), points(test, (seed - 2) % 2**32)
    return Dataset(
        name="yinyang" if span == SPAN else f"yinyang{span}",
        inputs=BIAS + 1,
        classes=CLASSES,
        train=encode(learn, span, mask),
        train_labels=learn_labels,
        test=encode(held, span, mask),
        test_labels=held_labels,
    )


register(
    NamedDataset(
        spelled="yinyang",
        load=yin_yang,
        what="Yin-Yang (Kriener et al. 2021), generated exactly as published, on 30 steps",
        classes=len(CLASSES),
        samples=SAMPLES,
    )
)

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from ranvier.golden.fixed import (
    clamp,
    popcount,
    round_half_up,
    round_stochastic,
    saturate,
    scale,
    toward_zero,
    vanished,
)
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.step_size import StepSize


def leak(value, decay, bits):
    return toward_zero(value * decay, bits)


def test_saturate_says_what_it_clips():
    narrow, clipped = saturate(np.array([-9, -8, 0, 7, 8, 100]), QFormat(True, 1, 2))
    np.testing.assert_array_equal(narrow, [-8, -8, 0, 7, 7, 7])
    np.testing.assert_array_equal(clipped, [True, False, False, False, True, True])
    assert popcount(clipped) == 3


def test_clamp_says_what_it_clips():
    narrow, clipped = clamp(np.array([-1, 0, 4, 5, 6]), 5)
    np.testing.assert_array_equal(narrow, [0, 0, 4, 5, 5])
    np.testing.assert_array_equal(clipped, [True, False, False, False, True])


@pytest.mark.parametrize(("value", "expected"), [(7, 1), (-7, -1), (4, 1), (-4, -1), (3, 0), (-3, 0), (0, 0)])
def test_toward_zero_corners(value, expected):
    assert toward_zero(np.array(value), 2) == expected


@pytest.mark.parametrize(
    ("value", "decay", "expected"),
    [
        (15, 8, 7),
        (-15, 8, -7),
        (1, 15, 0),
        (-1, 15, 0),
        (-1, 8, 0),
        (16, 15, 15),
        (-16, 15, -15),
        (1000, 0, 0),
        (-131072, 15, -122880),
        (131071, 15, 122879),
    ],
)
def test_leak_truncates_toward_zero(value, decay, expected):
    assert leak(np.array(value), decay, 4) == expected


@pytest.mark.parametrize("start", [131071, -131072, 1, -1])
def test_leak_reaches_zero_for_every_decay(start):
    decay = np.arange(4096)
    value = np.full(4096, start)
    steps = 0
    while value.any():
        following = leak(value, decay, 12)
        assert (np.abs(following) <= np.maximum(np.abs(value) - 1, 0)).all()
        assert (following * value >= 0).all()
        value, steps = following, steps + 1
    print("slowest decay to 0:", steps, "steps")
    assert steps <= 4096 * (1 + np.log(abs(start) / 4096 + 1)) + 1


def test_leak_loses_less_than_stated_in_steady_state():
    for decay in (128, 230, 250):
        value = np.zeros(1, np.int64)
        for _ in range(2000):
            value = leak(value, decay, 8) + 100
        exact = 100 / (1 - decay / 256)
        assert exact - 1 / (1 - decay / 256) < value[0] <= exact


@pytest.mark.parametrize(
    ("value", "bits", "expected"),
    [(-1, 1, 0), (-1, 4, 0), (-8, 4, 0), (-9, 4, -1), (7, 4, 0), (8, 4, 1), (3, 1, 2), (-3, 1, -1), (5, 0, 5)],
)
def test_round_half_up_corners(value, bits, expected):
    assert round_half_up(np.array(value), bits) == expected


def test_round_half_up_is_floor_of_a_half_more():
    values = np.arange(-300, 300)
    for bits in range(9):
        exact = [floor(Fraction(int(v), 1 << bits) + Fraction(1, 2)) for v in values]
        np.testing.assert_array_equal(round_half_up(values, bits), exact)


def test_round_stochastic_mean_over_all_draws_is_exact():
    values = np.arange(-300, 301)
    for bits in range(1, 11):
        rounded = round_stochastic(values[:, None], bits, np.arange(1 << bits))
        np.testing.assert_array_equal(rounded.sum(axis=1), values)
        assert (rounded.max(axis=1) - rounded.min(axis=1) <= 1).all()


def test_round_stochastic_leaves_whole_values_alone():
    assert (round_stochastic(np.array(-48), 4, np.arange(16)) == -3).all()


def test_round_stochastic_takes_the_low_bits_of_the_draw():
    values, draws = np.meshgrid(np.arange(-40, 41), np.arange(64))
    np.testing.assert_array_equal(round_stochastic(values, 3, draws), round_stochastic(values, 3, draws % 8))
    assert (round_stochastic(np.array([7, 8]), 0, (1 << 32) - 1) == [7, 8]).all()


def test_scale_is_the_product_rounded_by_the_dither():
    rng = np.random.default_rng(0)
    seen = np.zeros(5, np.int64)
    for _ in range(300):
        eta = StepSize(int(rng.integers(256)), int(rng.integers(32)))
        fraction, to = int(rng.integers(0, 20)), QFormat(True, int(rng.integers(4)), int(rng.integers(1, 20)))
        values, dither = rng.integers(-(2**23), 2**23, 50), int(rng.integers(1 << 32))
        narrow, clipped, lost = scale(values, eta, fraction, to, dither)
        drop = eta.shift + max(0, fraction - to.fraction)
        ratio = Fraction(eta.mantissa, 2**eta.shift) * Fraction(2**to.fraction, 2**fraction)
        noise = Fraction((dither + (dither << 32)) % (1 << drop), 1 << drop)
        rounded = np.array([floor(int(v) * ratio + noise) for v in values])
        np.testing.assert_array_equal(narrow, np.clip(rounded, to.min, to.max))
        np.testing.assert_array_equal(clipped, rounded != narrow)
        np.testing.assert_array_equal(lost, (values * eta.mantissa != 0) & (rounded == 0))
        seen += [len(values), popcount(~clipped), popcount(clipped), popcount(lost), drop > 32]
    print(*seen, "compared, in range, clipped, lost, and step sizes that drop more than 32 bits")
    assert (seen > 5).all()


def test_scale_has_the_expectation_of_the_exact_product():
    """Over all dithers of the bits that are dropped: what half-up rounding to s0.17 made 0 forever acts in proportion."""
    values, to = np.arange(-99, 100), QFormat(True, 0, 17)
    for mantissa, shift in [(1, 12), (3, 10), (255, 9), (7, 0)]:
        rounded = [scale(values, StepSize(mantissa, shift), 17, to, dither)[0] for dither in range(1 << shift)]
        np.testing.assert_array_equal(np.sum(rounded, axis=0), values * mantissa)
    assert (np.abs(values) * 1 << 1 < 1 << 12).all()  # all of them below half a bit with the first step size


@pytest.mark.parametrize(
    ("value", "dither", "expected"),
    [(1, 0, 0), (1, (1 << 31) - 1, 1), (-1, 0, -1), (-1, 1, 0), (0, (1 << 32) - 1, 0), (1, 1 << 31, 0)],
)
def test_scale_corners(value, dither, expected):
    rounded, clipped, lost = scale(np.array(value), StepSize(1, 31), 17, QFormat(True, 0, 17), dither)  # drops 31 bits
    assert (rounded, clipped, lost) == (expected, False, value != 0 and expected == 0)


def test_scale_uses_the_dither_twice_beyond_32_bits():
    rounded, _, _ = scale(
        np.array([1, -1]), StepSize(1, 31), 19, QFormat(True, 0, 17), 1
    )  # drops 33: 1 + 2**32 is added
    assert rounded.tolist() == [0, 0]
    rounded, _, _ = scale(np.array([(1 << 32) - 1, 1 << 32]), StepSize(1, 31), 19, QFormat(True, 0, 17), 1)
    assert rounded.tolist() == [1, 1]


def test_vanished_is_what_rounding_made_zero_and_saturation_did_not():
    exact, narrow = np.array([0, 3, -3, 5, 0, 9]), np.array([0, 0, 0, 1, 7, 0])
    lost = vanished(exact != 0, narrow, np.arange(6) == 5)
    np.testing.assert_array_equal(lost, [False, True, True, False, False, False])

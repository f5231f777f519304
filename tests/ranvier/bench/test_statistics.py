"""Deviation and confidence against values from tables and by hand."""

import pytest

from ranvier.bench.statistics import Difference, Spread, student

#: Degrees of freedom -> Student's t that 95 % are within, from printed tables.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 10: 2.228, 30: 2.042, 120: 1.980}


@pytest.mark.parametrize("freedom", TABLE)
def test_student_as_printed(freedom):
    assert student(freedom) == pytest.approx(TABLE[freedom], abs=6e-4)
    assert student(freedom, 0.5) < student(freedom) < student(freedom, 0.99)


def test_spread_by_hand():
    assert Spread.of([1.0, 2.0, 6.0]) == Spread(3.0, pytest.approx(7**0.5), 3)
    assert Spread.of([0.5]) == Spread(0.5, 0.0, 1)


def test_difference_by_hand():
    found = Difference.between([0.9, 0.8, 1.0], [0.7, 0.7, 0.7])  # 0.2, 0.1, 0.3: mean 0.2, deviation 0.1
    assert found.mean == pytest.approx(0.2)
    assert found.half_width == pytest.approx(4.30265 * 0.1 / 3**0.5, rel=1e-5)
    assert (found.count, found.clear) == (3, False)
    assert Difference.between([0.9, 0.8, 0.85], [0.7, 0.6, 0.66]).clear
    assert Difference.between([0.6, 0.5], [0.7, 0.6]).clear, "lower without any doubt"
    one = Difference.between([0.9], [0.7])
    assert (one.half_width, one.clear) == (None, None)

"""Kinds of values that users give: each of Python and of NumPy, and what looks like one and is none."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ranvier.parameters.scalars import is_flag, is_real, is_whole, whole_numbers


@pytest.mark.parametrize(
    ("values", "flag", "whole", "real"),
    [
        ([True, False, np.True_, np.False_], True, False, False),
        ([0, -7, 10**40, np.int8(3), np.uint64(2**64 - 1)], False, True, True),
        ([0.0, 1.0, float("nan"), float("inf"), np.float32(2), np.float64(-1)], False, False, True),
        ([None, "1", b"1", 1j, np.complex128(1), np.array(1), np.array([1]), [1], Fraction(1)], False, False, False),
    ],
)
def test_kinds(values: list[Any], flag: bool, whole: bool, real: bool) -> None:
    for value in values:
        assert (is_flag(value), is_whole(value), is_real(value)) == (flag, whole, real), repr(value)


def test_whole_numbers_or_none() -> None:
    np.testing.assert_array_equal(whole_numbers(np.array([1.0, -2.0])), [1, -2])
    for wrong in ([1.5], [np.nan], [1e30], ["1"], [2**63]):
        with pytest.raises(ValueError, match=r"not (a )?whole number"):
            whole_numbers(wrong)

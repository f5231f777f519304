"""Conversion of real numbers to steps of a grid: exact for whole units, within a stated tolerance otherwise.

Floats cannot represent most grids: 0.07 / 0.01 is 7.000000000000001 and 0.29 / 0.01 is 28.999999999999996, so the floor of a
float quotient puts one number in eight on the wrong side of its border. Here no float quotient is floored directly:

* A step, and any other length given by a user, is the simplest fraction within `CLOSE` of the float: 0.01 is 1/100.
* Whole numbers of a unit, such as microseconds, are compared with borders that are whole numbers too: nothing is rounded.
* A float is compared with the same borders, and belongs to a border that it misses by at most its `slack`, a bound on the
  error of storing and computing it in its type.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["exact", "floor", "slack", "steps_of", "whole_numbers"]

#: Relative distance within which a float represents a simpler fraction: 4 units in the last place of a float64.
CLOSE = Fraction(1, 2**50)

#: Possible error of a float in units in the last place. A float16 is assumed to be only stored, hence correctly rounded, a
#: float32 to result from a few operations, a float64 possibly from a long sum.
ULPS = {np.dtype(np.float16): 0.5, np.dtype(np.float32): 4.0, np.dtype(np.float64): 64.0}

#: Largest slack as a share of a step or threshold: where it would be larger, a float16 no longer determines the step.
MOST = 0.25


def _simple(number: Fraction) -> Iterator[Fraction]:
    """Fractions that a number may represent, the simplest first: a ratio of small numbers, a decimal, any ratio, itself."""
    yield from (number.limit_denominator(10**digits) for digits in range(1, 7))
    yield Fraction(f"{float(number):.15g}")
    yield from (number.limit_denominator(10**digits) for digits in range(7, 19))
    yield number


def exact(value: float | Fraction) -> Fraction:
    """The fraction that a positive finite number represents: the simplest within `CLOSE` of it."""
    if isinstance(value, Fraction):
        return value
    number = Fraction(str(value)) if isinstance(value, np.floating) else Fraction(value)
    return next(simple for simple in _simple(number) if abs(simple - number) <= CLOSE * number)


def slack(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Possible error of each float, see `ULPS`; float64 [as values]."""
    native = values.dtype.newbyteorder("=")
    values = np.abs(values.astype(native if native in ULPS else np.float64))
    return ULPS[values.dtype] * np.spacing(values).astype(np.float64)


def floor(values: NDArray[np.float64], doubt: ArrayLike) -> NDArray[np.float64]:
    """Floor of each value, where a value at most `doubt` below a whole number counts as that number."""
    return np.floor(values + np.minimum(doubt, MOST))


@lru_cache(maxsize=64)
def _borders(dt: Fraction, steps: int, whole: bool) -> NDArray[Any]:
    """Beginning of step 0 to `steps`, in the unit of `dt`: whole numbers, or floats each rounded once."""
    if not whole:
        return np.array([step * dt.numerator / dt.denominator for step in range(steps + 1)])
    largest = np.iinfo(np.int64).max
    return np.array([min(-(-step * dt.numerator // dt.denominator), largest) for step in range(steps + 1)])


def steps_of(times: ArrayLike, dt: float | Fraction, steps: int, unit: Fraction = Fraction(1)) -> NDArray[np.int64]:
    """Step of every time: ``floor(time * unit / dt)`` without rounding errors, and `steps` for all later times.

    Parameters
    ----------
    times : int or float array [spikes]
        Not negative, finite. Whole numbers are taken exactly; a float that is within its `slack` of the beginning of a step
        belongs to that step.
    dt : float or Fraction
        Length of a step in seconds, taken as `exact` takes it.
    steps : int
        Number of steps.
    unit : Fraction
        Unit of the times in seconds.
    """
    times = np.asarray(times)
    length = exact(dt) / unit
    if times.dtype.kind in "iu":
        reach = (times if times.dtype != np.uint64 else np.minimum(times, np.uint64(2**63 - 1))).astype(np.int64)
    else:
        reach = times.astype(np.float64) + np.minimum(slack(times), MOST * float(length))
    return np.searchsorted(_borders(length, steps, times.dtype.kind in "iu"), reach, side="right") - 1


def whole_numbers(values: ArrayLike) -> NDArray[np.int64]:
    """`values` as whole numbers; `ValueError` if one is not, or exceeds 64 bits."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{array.dtype} values are not whole numbers")
    wide = array.astype(np.float64)
    wrong = ~((np.abs(wide) < 2.0**63) & (wide == np.trunc(wide)))
    if wrong.any():
        raise ValueError(f"{array[wrong].ravel()[0]} is not a whole number of 64 bits")
    return array.astype(np.int64, copy=False)

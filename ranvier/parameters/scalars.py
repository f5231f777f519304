"""Types of arguments, from Python or NumPy: True is not a number, 1 is not a flag, and an array of 1.0 is whole."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["is_flag", "is_real", "is_whole", "whole_numbers"]


def is_flag(value: Any) -> bool:
    """True or False."""
    return isinstance(value, bool | np.bool_)


def is_whole(value: Any) -> bool:
    """A whole number, as its type says: 1.0 is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """A real number, whole ones and those that are not finite among them."""
    return is_whole(value) or isinstance(value, float | np.floating)


def whole_numbers(values: ArrayLike) -> NDArray[np.int64]:
    """`values` as whole numbers; `ValueError` if one is not, or exceeds 64 bits."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{array.dtype} values are not whole numbers")
    if array.dtype.kind in "uf":  # of the others, all are
        wide = array.astype(np.float64)
        wrong = ~((np.abs(wide) < 2.0**63) & (wide == np.trunc(wide)))
        if wrong.any():
            raise ValueError(f"{array[wrong].ravel()[0]} is not a whole number of 64 bits")
    return array.astype(np.int64, copy=False)

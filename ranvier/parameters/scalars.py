"""Types of scalar arguments, from Python or NumPy: True is not a number, and 1 is not a flag."""

from typing import Any

import numpy as np

__all__ = ["is_flag", "is_real", "is_whole"]


def is_flag(value: Any) -> bool:
    """True or False."""
    return isinstance(value, bool | np.bool_)


def is_whole(value: Any) -> bool:
    """A whole number, as its type says: 1.0 is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """A real number, whole ones and those that are not finite among them."""
    return is_whole(value) or isinstance(value, float | np.floating)

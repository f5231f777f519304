"""Two's complement fixed point as a type.

A raw integer ``r`` in the format ``QFormat(signed, integer, fraction)`` represents the real number ``r * 2**-fraction``.
Golden model and hardware share these widths and limits, but no arithmetic.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.errors import RanvierError, shown

__all__ = ["FormatError", "QFormat", "Raw", "Real"]

#: Raw integers of a format, and the real numbers that they represent.
Raw = NDArray[np.int64]
Real = NDArray[np.float64]

#: Largest number of bits besides the sign, so that every raw value is a 64-bit integer.
MOST = 62


class FormatError(RanvierError, ValueError):
    """An invalid fixed-point format."""


@dataclass(frozen=True)
class QFormat:
    """Fixed-point format, written ``s5.12`` or ``u0.8``.

    Parameters
    ----------
    signed : bool
        Two's complement if true. The sign bit is not part of ``integer``: ``s5.12`` is 18 bits wide.
    integer : int
        Bits before the binary point.
    fraction : int
        Bits after the binary point.

    Raises
    ------
    FormatError
        If a count of bits is negative or not a whole number, or if there is no bit besides the sign, or more than 62.
    """

    signed: bool
    integer: int
    fraction: int

    def __post_init__(self) -> None:
        if not (type(self.signed) is bool and type(self.integer) is type(self.fraction) is int):
            raise FormatError(f"format {shown((self.signed, self.integer, self.fraction))} is not (bool, int, int)")
        if self.integer < 0 or self.fraction < 0 or self.integer + self.fraction < 1:
            raise FormatError(
                f"format {shown(self, str)} has no usable bits: give at least one integer or fraction bit"
            )
        if self.integer + self.fraction > MOST:
            raise FormatError(
                f"format {shown(self, str)} is too wide: give at most {MOST} integer and fraction bits in all"
            )

    @classmethod
    def parse(cls, text: str) -> "QFormat":
        """Read ``"s5.12"`` or ``"u4.8"``; `FormatError` names what was given instead."""
        match = re.fullmatch(r"([su])([0-9]{1,3})\.([0-9]{1,3})", text) if isinstance(text, str) else None
        if match is None:
            raise FormatError(
                f"{shown(text)} is not a fixed-point format: write s<integer>.<fraction> or u<integer>.<fraction>"
            )
        return cls(match[1] == "s", int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.integer}.{self.fraction}"

    @property
    def width(self) -> int:
        """Bits in hardware, sign included."""
        return self.signed + self.integer + self.fraction

    @property
    def min(self) -> int:
        """Smallest raw value."""
        return -(1 << (self.integer + self.fraction)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest raw value."""
        return (1 << (self.integer + self.fraction)) - 1

    @property
    def one(self) -> int:
        """Raw value of 1.0 (which need not be representable: ``u0.8`` ends at 255/256)."""
        return 1 << self.fraction

    def quantise(self, values: ArrayLike) -> Raw:
        """Nearest raw integers of real `values`, ties to even, saturated to the format."""
        raw = np.rint(np.asarray(values, dtype=np.float64) * self.one)
        return np.minimum(np.clip(raw, self.min, self.max).astype(np.int64), self.max)  # no float64 holds 2**62 - 1

    def to_float(self, raw: ArrayLike) -> Real:
        """Real values of `raw` integers."""
        return np.asarray(raw, dtype=np.float64) / self.one

"""The named roundings of the chip, on NumPy integers. Every narrowing in the golden model is one of these.

`ranvier.hw.fixed` and `ranvier.hw.step_size` have the same functions on Amaranth values, by the same names, with the same
arguments and results.
"""

import numpy as np
from numpy.typing import NDArray

from ranvier.parameters.qformat import QFormat, Raw
from ranvier.parameters.step_size import StepSize

__all__ = [
    "Bits",
    "clamp",
    "popcount",
    "round_half_up",
    "round_stochastic",
    "saturate",
    "scale",
    "toward_zero",
    "vanished",
]

Bits = NDArray[np.bool_]


def saturate(values: Raw, fmt: QFormat) -> tuple[Raw, Bits]:
    """`values` clipped to `fmt`, and whether each was changed."""
    clipped = np.clip(values, fmt.min, fmt.max)
    return clipped, clipped != values


def clamp(values: Raw, most: int) -> tuple[Raw, Bits]:
    """`values` clipped to ``[0, most]``, and whether each was changed."""
    clipped = np.clip(values, 0, most)
    return clipped, clipped != values


def toward_zero(values: Raw, bits: int) -> Raw:
    """Drop `bits` fraction bits, truncating toward zero: how everything leaks.

    Truncation toward zero is symmetric in sign and has no dead zone: whatever the decay below 1, the magnitude shrinks by
    at least one LSB per step, so a silent unit reaches exactly 0. Rounding to nearest would stop at ``1 / (2 (1 - decay))``
    LSB; rounding down never lets a negative value leave -1. The price is a loss of under one LSB per step, in the
    steady state under ``1 / (1 - decay)`` LSB.
    """
    return np.sign(values) * (np.abs(values) >> bits)


def round_half_up(values: Raw, bits: int) -> Raw:
    """Drop `bits` fraction bits; ties go up (toward plus infinity)."""
    return values if bits == 0 else (values + (1 << (bits - 1))) >> bits


def round_stochastic(values: Raw, bits: int, draw: Raw | int) -> Raw:
    """Drop `bits` fraction bits after adding the low `bits` of `draw`.

    If those are uniform random bits, a value is rounded up with a probability equal to what is dropped, and the expected
    result is exact.
    """
    return (values + (draw & ((1 << bits) - 1))) >> bits


def vanished(anything: Bits, narrow: Raw, clipped: Bits) -> Bits:
    """Whether rounding made 0 of a value that was not 0 (`anything`), given the result and whether it clipped."""
    return anything & (narrow == 0) & ~clipped


def scale(values: Raw, eta: StepSize, fraction: int, to: QFormat, dither: int) -> tuple[Raw, Bits, Bits]:
    """``eta * values`` from `fraction` fraction bits into `to`; whether each saturated, and whether it vanished.

    Rounded stochastically by the low bits of `dither` (32 random bits), as many as are dropped, so no step size is too small
    to act: what lies below the last bit becomes the probability of that bit. Where more than 32 bits are dropped, the 32 are
    used twice, one copy above the other.
    """
    left, right = max(0, to.fraction - fraction), max(0, fraction - to.fraction)
    product = values * eta.mantissa << left
    narrow, clipped = saturate(round_stochastic(product, eta.shift + right, dither << 32 | dither), to)
    return narrow, clipped, vanished(product != 0, narrow, clipped)


def popcount(bits: Bits) -> int:
    """Number of one-bit values that are set."""
    return int(np.count_nonzero(bits))

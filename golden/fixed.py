"""The named roundings of the chip, on NumPy integers. Every narrowing in the golden model is one of these."""

import numpy as np
from numpy.typing import NDArray

from ranvier.parameters.qformat import QFormat
from ranvier.parameters.step_size import StepSize

__all__ = ["leak", "round_half_up", "round_stochastic", "saturate", "scale", "underflow"]

Raw = NDArray[np.int64]


def saturate(values: Raw, least: int, most: int) -> tuple[Raw, int]:
    """Clip to ``[least, most]``; also how many values were clipped."""
    clipped = np.clip(values, least, most)
    return clipped, int(np.count_nonzero(clipped != values))


def leak(values: Raw, decay: int, decay_format: QFormat) -> Raw:
    """``values * decay``, truncated toward zero.

    Truncation toward zero is symmetric in sign and has no dead zone: whatever the decay below 1, the magnitude shrinks by
    at least one LSB per step, so a silent unit reaches exactly 0. Rounding to nearest would stop at ``1 / (2 (1 - decay))``
    LSB; rounding down never lets a negative value leave -1. The price is a loss of under one LSB per step, in the
    steady state under ``1 / (1 - decay)`` LSB.
    """
    return np.sign(values) * (np.abs(values) * decay >> decay_format.fraction)


def round_half_up(values: Raw, bits: int) -> Raw:
    """Drop `bits` fraction bits; ties go up (toward plus infinity)."""
    return values if bits == 0 else (values + (1 << (bits - 1))) >> bits


def round_stochastic(values: Raw, bits: int, draw: Raw | int) -> Raw:
    """Drop `bits` fraction bits, rounding up with a probability equal to what is dropped.

    `draw` holds `bits` uniform random bits per value, so the expected result is exact.
    """
    return (values + draw) >> bits


def underflow(exact: Raw, rounded: Raw) -> int:
    """How many values that were not 0 became 0 when they were rounded."""
    return int(np.count_nonzero((exact != 0) & (rounded == 0)))


def scale(values: Raw, eta: StepSize, fraction: int, to: QFormat, dither: int) -> tuple[Raw, Raw]:
    """``eta * values`` from `fraction` fraction bits to those of `to`: the exact product, and the product rounded.

    Rounded stochastically by `dither`, 32 uniform random bits: its low bits, as many as are dropped, are added first. So no
    step size is too small to act: what lies below the last bit becomes the probability of that bit. Where more than 32 bits
    are dropped, the 32 are used twice, one copy above the other. The result is not saturated yet.
    """
    product = values * eta.mantissa << max(0, to.fraction - fraction)
    drop = eta.shift + max(0, fraction - to.fraction)
    return product, round_stochastic(product, drop, (dither << 32 | dither) & ((1 << drop) - 1))

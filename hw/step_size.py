"""Multiplication by a step size ``eta = mantissa * 2**-shift``."""

from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import data

from ranvier.golden.qformat import QFormat
from ranvier.hw.fixed import saturate
from ranvier.hw.pipeline import delayed

__all__ = ["SCALE_LATENCY", "StepSizeLayout", "scale"]

#: A step size as held in its register.
StepSizeLayout = data.StructLayout({"mantissa": unsigned(8), "shift": unsigned(5)})

#: Clocks of `scale`: product, shift, rounding.
SCALE_LATENCY = 3


def scale(m: Module, value: Value, eta: data.View, fraction: int, to: QFormat) -> tuple[Value, Value]:
    """``eta * value`` from `fraction` fraction bits into `to`, rounded half up and saturated; and whether it saturated.

    Pipelined, one value per clock, `SCALE_LATENCY` clocks.
    """
    product = delayed(m, value * eta.mantissa, 1) << max(0, to.fraction - fraction)
    twice = delayed(m, (product << 1) >> eta.shift, 1) >> max(0, fraction - to.fraction)
    rounded, clipped = saturate((twice + 1) >> 1, to)
    return delayed(m, rounded, 1), delayed(m, clipped, 1)

"""Multiplication by a step size ``eta = mantissa * 2**-shift``."""

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data

from ranvier.hw.fixed import saturate, vanished
from ranvier.hw.pipeline import delayed
from ranvier.parameters.qformat import QFormat

__all__ = ["SCALE_LATENCY", "StepSizeLayout", "scale"]

#: A step size as held in its register.
StepSizeLayout = data.StructLayout({"mantissa": unsigned(8), "shift": unsigned(5)})

#: Clocks of `scale`: product, rounding, shift, saturation.
SCALE_LATENCY = 4


def scale(
    m: Module, value: Value, eta: data.View, fraction: int, to: QFormat, dither: Value
) -> tuple[Value, Value, Value]:
    """``eta * value`` from `fraction` fraction bits into `to`; whether it saturated, and whether it vanished.

    Rounded stochastically by the low bits of `dither` (32 random bits, twice where more are dropped).
    Pipelined, one value per clock, `SCALE_LATENCY` clocks; `eta` and `dither` are held meanwhile, and for 2 clocks before.
    """
    left, right = max(0, to.fraction - fraction), max(0, fraction - to.fraction)
    dropped = Cat(
        Const((1 << right) - 1, right), *(n < eta.shift for n in range(31))
    )  # a one for every bit that is dropped
    noise = Signal(len(dropped))
    m.d.sync += noise.eq(Cat(dither, dither) & dropped)

    product = delayed(m, value * eta.mantissa, 1) << left
    total = delayed(m, product + noise, 1)
    rounded = delayed(m, (total >> eta.shift >> right)[: len(product) + 1].as_signed(), 1)
    narrow, clipped = saturate(rounded, to)
    narrow, clipped = delayed(m, narrow, 1), delayed(m, clipped, 1)
    return narrow, clipped, vanished(delayed(m, product.any(), 3), narrow, clipped)

"""Multiplication by a step size ``eta = mantissa * 2**-shift``."""

from amaranth.hdl import Cat, Const, Signal, Value, unsigned
from amaranth.lib import data

from ranvier.hw.fixed import saturate, vanished
from ranvier.hw.pipeline import Timed, join
from ranvier.parameters.qformat import QFormat

__all__ = ["StepSizeLayout", "scale"]

#: A step size as held in its register.
StepSizeLayout = data.StructLayout({"mantissa": unsigned(8), "shift": unsigned(5)})


def scale(value: Timed, eta: data.View, fraction: int, to: QFormat, dither: Value) -> tuple[Timed, Timed, Timed]:
    """``eta * value`` from `fraction` fraction bits into `to`; whether it saturated, and whether it vanished.

    Rounded stochastically by the low bits of `dither` (32 random bits, twice where more are dropped). Pipelined, one value
    per clock cycle: product, rounding, shift, saturation; `eta` and `dither` are held meanwhile, and for 2 clock cycles
    before.
    """
    left, right = max(0, to.fraction - fraction), max(0, fraction - to.fraction)
    dropped = Cat(
        Const((1 << right) - 1, right), *(n < eta.shift for n in range(31))
    )  # a one for every bit that is dropped
    noise = Signal(len(dropped))
    value.pipeline.m.d.sync += noise.eq(Cat(dither, dither) & dropped)

    product = (value * eta.mantissa).registered() << left
    total = (product + noise).registered()
    most = len(product.value) + 1
    rounded = join(lambda total: (total >> eta.shift >> right)[:most].as_signed(), total).registered()
    narrow, clipped = (result.registered() for result in join(saturate, rounded, to))
    return narrow, clipped, join(vanished, product.any(), narrow, clipped)

"""The named roundings of the chip, on Amaranth values. Every narrowing in the hardware is one of these."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from ranvier.parameters.qformat import QFormat

__all__ = [
    "clamp",
    "popcount",
    "round_half_up",
    "round_stochastic",
    "saturate",
    "shape",
    "times",
    "toward_zero",
    "vanished",
]


def shape(fmt: QFormat):
    """Amaranth shape of a raw value in the format `fmt`."""
    return signed(fmt.width) if fmt.signed else unsigned(fmt.width)


def saturate(value: Value, fmt: QFormat) -> tuple[Value, Value]:
    """A signed `value` clipped to `fmt`, and whether it was changed.

    A value fits if every bit above the format's magnitude equals the sign (is zero, for an unsigned format).
    """
    excess = value[
        min(fmt.integer + fmt.fraction, len(value) - 1) :
    ]  # the sign at least: a narrow value may be negative
    fits = (excess.all() | ~excess.any()) if fmt.signed else ~excess.any()
    limit = Mux(value[-1], Const(fmt.min, shape(fmt)), Const(fmt.max, shape(fmt)))
    clipped = Mux(fits, value, limit)[: fmt.width]
    return (clipped.as_signed() if fmt.signed else clipped), ~fits


def clamp(value: Value, most: int) -> tuple[Value, Value]:
    """A signed `value` clipped to ``[0, most]``, and whether it was changed."""
    below, above = value[-1], ~value[-1] & (value > most)
    return Mux(below, 0, Mux(above, most, value.as_unsigned()))[: most.bit_length()], below | above


def toward_zero(value: Value, bits: int) -> Value:
    """Drop `bits` fraction bits of a signed `value`, truncating toward zero."""
    return (value + Mux(value[-1], Const((1 << bits) - 1, bits), 0)) >> bits


def round_half_up(value: Value, bits: int) -> Value:
    """Drop `bits` fraction bits; ties go up."""
    return value if bits == 0 else (value + (1 << (bits - 1))) >> bits


def round_stochastic(value: Value, bits: int, draw: Value) -> Value:
    """Drop `bits` fraction bits after adding `bits` random ones."""
    return (value + draw[:bits]) >> bits


def vanished(anything: Value, narrow: Value, clipped: Value) -> Value:
    """Whether rounding made 0 of a value that was not 0 (`anything`), given the result and whether it clipped."""
    return anything & ~narrow.any() & ~clipped


def times(value: Value, factor: int) -> Value:
    """An unsigned `value` times a positive constant, by shifts and additions: no multiplier is spent on an address."""
    return sum(value << bit for bit in range(factor.bit_length()) if factor >> bit & 1)


def popcount(bits: Sequence[Value]) -> Value:
    """How many of the one-bit values are set."""
    return sum(Cat(*bits)[i] for i in range(len(bits)))

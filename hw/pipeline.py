"""Registers between the stages of a pipeline."""

from amaranth.hdl import Cat, Module, Signal, Value

__all__ = ["delayed", "lately"]


def delayed(m: Module, value: Value, clocks: int) -> Value:
    """`value` as it was `clocks` clocks ago. Must not be called inside ``m.If`` or a state: the registers would stand still.

    Only flags are reset: what they do not announce is never looked at, and multipliers take registers without a reset in.
    """
    _check_unconditional(m)
    for _ in range(clocks):
        late = Signal.like(value, name="late", reset_less=len(Value.cast(value)) > 1)
        m.d.sync += late.eq(value)
        value = late
    return value


def lately(m: Module, value: Value, clocks: int) -> Value:
    """Whether the bit `value` is set, or was within the last `clocks` clocks: whether a pipeline still holds anything.

    Must not be called inside ``m.If`` or a state.
    """
    _check_unconditional(m)
    past = Signal(clocks - 1, name="past")
    recent = Signal(name="recent")
    m.d.sync += [past.eq(Cat(value, past)), recent.eq(value | past.any())]
    return value | recent


def _check_unconditional(m: Module) -> None:
    assert m.domain._depth == 0, "registers of a pipeline inside an m.If or a state stand still while it does not hold"

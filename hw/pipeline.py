"""Registers between the stages of a pipeline."""

from amaranth.hdl import Module, Signal, Value

__all__ = ["delayed"]


def delayed(m: Module, value: Value, clocks: int) -> Value:
    """`value` as it was `clocks` clocks ago."""
    for _ in range(clocks):
        late = Signal.like(value, name="late")
        m.d.sync += late.eq(value)
        value = late
    return value

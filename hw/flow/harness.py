"""A core between two shift registers, so that it can be placed and routed alone on few pins."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Harness"]


class Harness(wiring.Component):
    """Wraps a component with plain ports so that four pins suffice, and all paths through its ports are between registers.

    Inputs are driven from a shift register, outputs are captured in another; bits leave it while nothing is captured.
    For timing measurements only.

    Parameters
    ----------
    inner : Component
        Component to wrap; all its ports are values, not streams.

    Attributes
    ----------
    serial_in, shift : In(1)
        Next bit of the inputs, taken while `shift` is high.
    capture : In(1)
        Take all outputs at once; otherwise they shift by one bit.
    serial_out : Out(1)
        Last bit of the captured outputs.
    """

    def __init__(self, inner: wiring.Component):
        self.inner = inner
        super().__init__({"serial_in": In(1), "shift": In(1), "capture": In(1), "serial_out": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = self.inner
        ports: dict[Any, list[Value]] = {flow: [] for flow in (In, Out)}
        for name, member in inner.signature.members.items():
            ports[member.flow].append(Value.cast(getattr(inner, name)))
        inputs, outputs = Cat(ports[In]), Cat(ports[Out])
        driving, captured = Signal(len(inputs)), Signal(len(outputs))
        m.d.comb += [inputs.eq(driving), self.serial_out.eq(captured[-1])]
        with m.If(self.shift):
            m.d.sync += driving.eq(Cat(self.serial_in, driving))
        m.d.sync += captured.eq(captured << 1)
        with m.If(self.capture):
            m.d.sync += captured.eq(outputs)
        return m

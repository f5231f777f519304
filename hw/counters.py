"""Counters of activity and saturation, which reveal a badly scaled network."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counters"]


class Counters(wiring.Component):
    """One 32-bit counter per name; they wrap.

    Parameters
    ----------
    widths : dict of str to int
        Name -> bits of the number added per clock cycle.

    Attributes
    ----------
    add_<name> : In
        Events in this clock cycle.
    clear : In(1)
        Set all to zero.
    <name> : Out(32)
        Its value.
    """

    def __init__(self, widths: dict[str, int]):
        self.widths = widths
        super().__init__(
            {
                **{f"add_{name}": In(width) for name, width in widths.items()},
                **{name: Out(32) for name in widths},
                "clear": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for name in self.widths:
            counter = getattr(self, name)
            m.d.sync += counter.eq(Mux(self.clear, 0, counter + getattr(self, f"add_{name}")))
        return m

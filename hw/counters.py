"""Counters of activity and saturation, so that a badly scaled network shows."""

from amaranth.hdl import Array, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counters"]


class Counters(wiring.Component):
    """One 32-bit counter per name; they wrap.

    Parameters
    ----------
    widths : dict of str to int
        Name -> bits of what is added per clock.

    Attributes
    ----------
    add_<name> : In
        Events on this clock.
    clear : In(1)
        Set all to zero.
    index, value : In, Out(32)
        Counter to look at, and its value one clock later, in the order of `widths`.
    """

    def __init__(self, widths: dict[str, int]):
        self.widths = widths
        super().__init__(
            {
                **{f"add_{name}": In(width) for name, width in widths.items()},
                "clear": In(1),
                "index": In(range(max(2, len(widths)))),
                "value": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        counters = Array(Signal(unsigned(32), name=name) for name in self.widths)
        for name, counter in zip(self.widths, counters, strict=True):
            m.d.sync += counter.eq(counter + getattr(self, f"add_{name}"))
        with m.If(self.clear):
            m.d.sync += [counter.eq(0) for counter in counters]
        m.d.sync += self.value.eq(counters[self.index])
        return m

"""Random bits behind stochastic rounding: one xorshift32 generator per lane."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.pipeline import delayed

__all__ = ["LaneGenerators"]

_GOLDEN_RATIO = 0x9E3779B9


def _next(state: Value) -> Value:
    """Marsaglia's xorshift32 with the shifts 13, 17, 5."""
    state = state ^ (state << 13)[:32]
    state = state ^ (state >> 17)
    return state ^ (state << 5)[:32]


class LaneGenerators(wiring.Component):
    """`lanes` generators that step together, once per word of synapses handled by an update unit.

    The register of each lane holds the next draw, so that no logic lies between a generator and its user.

    Attributes
    ----------
    seed, load : In(32), In(1)
        With `load`, lane p starts again from ``seed ^ (p + 1) * 2**32 / phi``, or from 1 where that is zero; the first draw
        comes two clock cycles later.
    advance : In(1)
        Step on to the following draw.
    draw : Out(array of lanes x 32)
        The next draw of every lane.
    """

    def __init__(self, lanes: int):
        self.lanes = lanes
        super().__init__(
            {
                "seed": In(32),
                "load": In(1),
                "advance": In(1),
                "draw": Out(data.ArrayLayout(32, lanes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        loaded = delayed(m, self.load, 1)
        for lane in range(self.lanes):
            draw = Signal(32, name=f"draw_{lane}", init=1)
            start = Signal(32, name=f"start_{lane}")
            mixed = self.seed ^ ((lane + 1) * _GOLDEN_RATIO & 0xFFFFFFFF)
            m.d.comb += [start.eq(Mux(mixed == 0, 1, mixed)), self.draw[lane].eq(draw)]
            with m.If(self.load):
                m.d.sync += draw.eq(start)
            with m.Elif(self.advance | loaded):
                m.d.sync += draw.eq(_next(draw))
        return m

"""A register in a stream, also on its way back: a consumer that decides late does not slow down the producer."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """Two places of a stream. All outputs are registers; latency one clock, throughput one word per clock.

    A word that comes while the output is stalled goes to the spare place, which is what `input.ready` tells a clock later.

    Parameters
    ----------
    shape
        Shape of a word.

    Attributes
    ----------
    input, output : stream
        Words in and out, in order.
    """

    def __init__(self, shape):
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        spare, waiting = Signal.like(self.input.payload), Signal()
        m.d.comb += self.input.ready.eq(~waiting)
        with m.If(self.output.ready | ~self.output.valid):
            m.d.sync += [
                self.output.valid.eq(waiting | self.input.valid),
                self.output.payload.eq(Mux(waiting, spare, self.input.payload)),
                waiting.eq(0),
            ]
        with m.Elif(~waiting):
            m.d.sync += [spare.eq(self.input.payload), waiting.eq(self.input.valid)]
        return m

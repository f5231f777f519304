"""A register between the two sides of a stream: neither timing nor handshake errors of one side reach the other."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RegisterSlice"]


class RegisterSlice(wiring.Component):
    """Passes a stream on, one word per clock cycle with a latency of one; no combinational path between the sides.

    A word that has been offered stays until it is taken, even if the source withdraws it.

    Parameters
    ----------
    shape : shape-like
        Of the words.

    Attributes
    ----------
    i, o : In, Out(stream of `shape`)
        Both sides.
    """

    def __init__(self, shape):
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        spare, held = Signal(self.shape), Signal()  # the word that came while `o` was stalled
        m.d.comb += self.i.ready.eq(~held)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(self.i.valid | held),
                self.o.payload.eq(Mux(held, spare, self.i.payload)),
                held.eq(0),
            ]
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += [spare.eq(self.i.payload), held.eq(1)]
        return m

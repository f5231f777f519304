"""From a sweep's words of flags to a stream of unit numbers."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.register_slice import RegisterSlice

__all__ = ["SpikeList"]


class SpikeList(wiring.Component):
    """Queue of flagged units: filled a word of lanes at a time, emptied one unit per clock cycle, in ascending order.

    Words without a flag are not stored, so that a consumer spends no time on them. Unit ``j`` is lane
    ``j mod lanes`` of word ``j // lanes``.

    Parameters
    ----------
    words, lanes : int
        Size of the sweep; the queue holds one sweep.

    Attributes
    ----------
    push : In(1)
        Store `flags` of `word`. The words of a sweep come in ascending order; another sweep begins once the list is `empty`.
    units : Out(stream)
        Unit numbers; latency 4 clock cycles, throughput one per clock cycle; all from registers.
    empty : Out(1)
        Nothing left to emit.
    """

    def __init__(self, words: int, lanes: int):
        self.words, self.lanes = words, lanes
        super().__init__(
            {
                "push": In(1),
                "word": In(range(max(2, words))),
                "flags": In(lanes),
                "units": Out(stream.Signature(range(words * lanes))),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = data.StructLayout({"flags": self.lanes, "word": self.word.shape()})
        bits = ceil_log2(max(2, self.words))
        m.submodules.queue = queue = Memory(shape=layout, depth=1 << bits, init=[])
        read, write = queue.read_port(), queue.write_port()
        pushed, popped, following = (Signal(bits + 1, name=name) for name in ("pushed", "popped", "following"))
        pop, held = Signal(), Signal()  # `held`: the entry at `popped` has been read
        current = Signal(layout)
        m.d.comb += [
            write.addr.eq(pushed),
            write.data.eq(Cat(self.flags, self.word)),
            write.en.eq(self.push & self.flags.any()),
            following.eq(popped + pop),
            read.addr.eq(following),
        ]
        m.d.sync += [pushed.eq(pushed + write.en), popped.eq(following), held.eq(following != pushed)]

        lane = Signal(range(max(2, self.lanes)))
        rest = Signal(self.lanes)  # flags after the lowest one
        for index in reversed(range(self.lanes)):
            with m.If(current.flags[index]):
                m.d.comb += lane.eq(index)
        m.submodules.buffer = buffer = RegisterSlice(self.units.payload.shape())
        wiring.connect(m, buffer.o, wiring.flipped(self.units))
        m.d.comb += [
            rest.eq(current.flags & (current.flags - 1)),
            buffer.i.payload.eq(Cat(lane[: ceil_log2(self.lanes)], current.word)),
            buffer.i.valid.eq(current.flags.any()),
            self.empty.eq((pushed == popped) & ~buffer.i.valid & ~self.units.valid),
        ]
        done = ~buffer.i.valid | (buffer.i.ready & ~rest.any())
        with m.If(done):
            m.d.comb += pop.eq(held)
            m.d.sync += [current.flags.eq(Mux(held, read.data.flags, 0)), current.word.eq(read.data.word)]
        with m.Elif(buffer.i.ready):
            m.d.sync += current.flags.eq(rest)
        return m

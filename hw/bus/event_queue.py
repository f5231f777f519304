"""Events for the core: checked, and held until the core takes them."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ranvier.hw.events import EventKind, event_layout
from ranvier.hw.register_slice import RegisterSlice
from ranvier.hw.registers import Register, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["EventQueue"]


class EventQueue(wiring.Component):
    """Events from the bus and from a stream, in order of arrival, in block RAM.

    An event of a unit or class that the core lacks never enters. Takes an event per clock cycle, the bus first; the core
    sees it three clock cycles later.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Capacity in events.

    Attributes
    ----------
    word : In(`Register.EVENT`)
        An event from the bus.
    put : In(1)
        Add `word`; only while neither `refused` nor `full`.
    stream : In(stream of `Register.EVENT` words)
        Events that do not come over the bus.
    hold : In(1)
        Accept nothing: `refused` is high, the stream waits.
    refused, full : Out(1)
        `word` is no event of this core, or `hold` is set; there is no room.
    stream_refused : Out(1)
        An event of the stream was dropped.
    events : Out(stream of `event_layout`)
        To the core.
    room : Out
        Number of events that still fit.
    empty : Out(1)
        No event is held.
    """

    def __init__(self, config: CoreConfig, depth: int):
        self.config, self.depth = config, depth
        word = register_layout(Register.EVENT)
        super().__init__(
            {
                "word": In(word),
                "put": In(1),
                "stream": In(stream.Signature(word)),
                "hold": In(1),
                "refused": Out(1),
                "full": Out(1),
                "stream_refused": Out(1),
                "events": Out(stream.Signature(event_layout(config))),
                "room": Out(range(depth + 1)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = event_layout(self.config)
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=layout.size, depth=self.depth)
        m.submodules.output = output = RegisterSlice(layout)  # `ready` of the core comes late in a clock cycle
        wiring.connect(m, output.o, wiring.flipped(self.events))
        entered = layout(fifo.w_data)
        m.d.comb += [
            self.refused.eq(self.hold | ~self._fits(self.word)),
            self.full.eq(~fifo.w_rdy),
            self.room.eq(self.depth - fifo.level),
            self.empty.eq((fifo.level == 0) & ~self.events.valid),
            output.i.valid.eq(fifo.r_rdy),
            output.i.payload.as_value().eq(fifo.r_data),
            fifo.r_en.eq(output.i.ready),
        ]
        with m.If(self.put):
            self._enter(m, entered, self.word)
            m.d.comb += fifo.w_en.eq(~self.refused)
        with m.Else():
            fits = self._fits(self.stream.payload)
            self._enter(m, entered, self.stream.payload)
            m.d.comb += [
                self.stream.ready.eq(fifo.w_rdy & ~self.hold),
                fifo.w_en.eq(self.stream.valid & self.stream.ready & fits),
                self.stream_refused.eq(self.stream.valid & self.stream.ready & ~fits),
            ]
        return m

    def _fits(self, word):
        """Whether the core has the unit or class of an event."""
        c = self.config
        spike, step = word.kind == EventKind.SPIKE, word.kind == EventKind.STEP
        return ~(spike & (word.index >= c.inputs)) & ~(step & (word.index >= c.outputs))

    def _enter(self, m, entered, word):
        m.d.comb += [
            entered.kind.eq(word.kind),
            entered.unit.eq(word.index),
            entered.scored.eq(word.scored),
            entered.target.eq(word.index),
        ]

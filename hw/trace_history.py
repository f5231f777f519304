"""Trace history: recent presynaptic traces, from which the eligibility of every synapse is read at its delay."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.parameters.config import CoreConfig

__all__ = ["TraceHistory", "TraceRead", "entry_layout"]


def entry_layout(config: CoreConfig) -> data.StructLayout:
    """The trace at one step and its slope there."""
    return data.StructLayout({"trace": shape(config.trace), "slope": shape(config.trace_slope)})


class TraceRead(wiring.Signature):
    """Read port of the entries of one row, one for each lane, from its reader's side.

    Attributes
    ----------
    row : Out
        Row.
    slots : Out(array of lanes)
        Slot of each lane.
    entries : In(array of lanes of entries)
        Their content, `TraceHistory.LATENCY` clock cycles later, straight from block RAM: register it before any logic.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "row": Out(range(max(2, config.rows))),
                "slots": Out(data.ArrayLayout(ceil_log2(config.slots), config.lanes)),
                "entries": In(data.ArrayLayout(entry_layout(config), config.lanes)),
            }
        )


class TraceHistory(wiring.Component):
    """Circular buffer of (trace, slope) entries per row, addressed by step modulo L.

    Every lane reads at the delay of its own synapse, so with synaptic delays each lane has a copy; with axonal delays or
    none, all lanes share one. One entry is written and one word read per clock cycle; a read answers in the next clock
    cycle.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of delay.

    Attributes
    ----------
    write, write_row, write_slot, entry : In
        Write an entry.
    read : In(`TraceRead`)
        Entries to read.
    """

    LATENCY = 1

    def __init__(self, config: CoreConfig):
        self.config = config
        row, slot = range(max(2, config.rows)), ceil_log2(config.slots)
        super().__init__(
            {
                "write": In(1),
                "write_row": In(row),
                "write_slot": In(slot),
                "entry": In(entry_layout(config)),
                "read": In(TraceRead(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        copies = c.lanes if c.delays == "synaptic" else 1
        read = []
        for copy in range(copies):
            memory = Memory(shape=entry_layout(c), depth=max(2, c.rows) * c.slots, init=[])
            m.submodules[f"copy_{copy}"] = memory
            read_port, write_port = memory.read_port(), memory.write_port()
            m.d.comb += [
                read_port.addr.eq(Cat(self.read.slots[copy], self.read.row)),
                write_port.addr.eq(Cat(self.write_slot, self.write_row)),
                write_port.data.eq(self.entry),
                write_port.en.eq(self.write),
            ]
            read.append(read_port.data)
        m.d.comb += [self.read.entries[lane].eq(read[lane % copies]) for lane in range(c.lanes)]
        return m

"""A memory of saturating sums: one addition per clock cycle, whatever the addresses."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import saturate, shape
from ranvier.parameters.qformat import QFormat

__all__ = ["Accumulator"]


class Accumulator(wiring.Component):
    """Block RAM of `depth` sums with a read-modify-write pipeline in front; a bank of the delay line, or of the readout.

    Throughput is one addition per clock cycle. An addition reads in the clock cycle it is given and writes three clock
    cycles later; a later addition to the same address that comes within those three clock cycles takes the sum from the
    pipeline, so the block RAM's behaviour for simultaneous access to one address never matters.

    Parameters
    ----------
    sum_format : QFormat
        Format of the sums; they saturate.
    addend_format : QFormat
        Format of what is added; its fraction is aligned to the sum's.
    depth : int
        Number of sums.

    Attributes
    ----------
    address : In
        Address to read, and to add to.
    value : Out
        Sum at the address of the clock cycle before; meaningful while no addition is under way.
    add, addend : In
        Add `addend` to the sum at `address`.
    write, write_address, write_value : In
        Overwrite a sum. Additions must have drained (`busy` low), and none may begin in that clock cycle.
    clipped : Out(1)
        An addition saturated.
    busy : Out(1)
        An addition has not been written yet.
    """

    #: Clock cycles from an address to its sum, straight from block RAM, and from an addend to the sum written.
    LATENCY, ADD_LATENCY = 1, 3

    def __init__(self, sum_format: QFormat, addend_format: QFormat, depth: int):
        self.sum_format = sum_format
        self.align = sum_format.fraction - addend_format.fraction
        self.depth = max(2, depth)
        bits = ceil_log2(self.depth)
        super().__init__(
            {
                "address": In(bits),
                "value": Out(shape(sum_format)),
                "add": In(1),
                "addend": In(shape(addend_format)),
                "write": In(1),
                "write_address": In(bits),
                "write_value": In(shape(sum_format)),
                "clipped": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=shape(self.sum_format), depth=self.depth, init=[])
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [read.addr.eq(self.address), self.value.eq(read.data)]

        # Stages of one addition: `asked` while the memory answers, `adding`, `written`; `past` is the write before that.
        stage = data.StructLayout({"valid": 1, "address": self.address.shape(), "addend": self.addend.shape()})
        asked, adding = Signal(stage), Signal(stage)
        result = data.StructLayout({"valid": 1, "address": self.address.shape(), "sum": self.value.shape()})
        written, past = Signal(result), Signal(result)
        base, chained = Signal.like(self.value), Signal()

        def same(older):
            return older.valid & (older.address == asked.address)

        m.d.sync += [
            asked.valid.eq(self.add),
            asked.address.eq(self.address),
            asked.addend.eq(self.addend),
            adding.eq(asked),
            base.eq(Mux(same(written), written.sum, Mux(same(past), past.sum, read.data))),
            chained.eq(same(adding)),
        ]
        total, clipped = saturate(Mux(chained, written.sum, base) + (adding.addend << self.align), self.sum_format)
        m.d.sync += [
            written.valid.eq(adding.valid),
            written.address.eq(adding.address),
            written.sum.eq(total),
            past.eq(written),
            self.clipped.eq(adding.valid & clipped),
            self.busy.eq(self.add | asked.valid | adding.valid),
        ]
        m.d.comb += [
            write.en.eq(written.valid | self.write),
            write.addr.eq(Mux(self.write, self.write_address, written.address)),
            write.data.eq(Mux(self.write, self.write_value, written.sum)),
        ]
        return m

"""A matrix in block RAM: rows of words, a word being one value per lane."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.golden.qformat import QFormat
from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import delayed

__all__ = ["RowMemory"]


class RowMemory(wiring.Component):
    """Dual-ported matrix of `rows` x `words` x `lanes` values: one word read and one written per clock.

    Addresses are summed in a register before the memory, and the memory's output is registered before any logic.

    Parameters
    ----------
    fmt : QFormat
        Format of a value.
    rows, words, lanes : int
        Shape.

    Attributes
    ----------
    row, word : In
        Word to read; the answer comes `LATENCY` clocks later.
    values : Out(array of lanes)
        The answer.
    write : In(lanes)
        Lanes to write; in memory two clocks later.
    write_row, write_word, write_values : In
        Where and what.
    """

    #: Address sum, memory, output register.
    LATENCY = 3

    def __init__(self, fmt: QFormat, rows: int, words: int, lanes: int):
        self.rows, self.words, self.lanes = rows, words, lanes
        row, word, values = range(max(2, rows)), range(max(2, words)), data.ArrayLayout(shape(fmt), lanes)
        super().__init__(
            {
                "row": In(row),
                "word": In(word),
                "values": Out(values),
                "write": In(lanes),
                "write_row": In(row),
                "write_word": In(word),
                "write_values": In(values),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.values.shape(), depth=max(2, self.rows * self.words), init=[])
        read, write = memory.read_port(), memory.write_port(granularity=1)
        m.d.sync += [
            write.addr.eq(self.write_row * self.words + self.write_word),
            write.data.eq(self.write_values),
            write.en.eq(self.write),
        ]
        m.d.comb += [
            read.addr.eq(delayed(m, self.row * self.words + self.word, 1)),
            self.values.eq(delayed(m, read.data, 1)),
        ]
        return m

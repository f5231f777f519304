"""A matrix in block RAM: rows of words, a word being one value per lane."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.golden.qformat import QFormat
from ranvier.hw.fixed import shape, times
from ranvier.hw.pipeline import delayed

__all__ = ["RowMemory"]


class RowMemory(wiring.Component):
    """Dual-ported matrix of `rows` x `words` x `lanes` values: one word read and one written per clock.

    Rows and words are registered before they are summed to an address and the address before the memory, so that a wide
    choice of rows may lie in front; the memory's output is registered before any logic.

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
        Lanes to write; in memory `WRITE_LATENCY` clocks later.
    write_row, write_word, write_values : In
        Where and what.
    """

    #: Input register, address sum, memory, output register.
    LATENCY = 4

    #: Input register, address sum, memory.
    WRITE_LATENCY = 3

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
        m.d.comb += [
            read.addr.eq(self._address(m, self.row, self.word)),
            self.values.eq(delayed(m, read.data, 1)),
            write.addr.eq(self._address(m, self.write_row, self.write_word)),
            write.data.eq(delayed(m, self.write_values, 2)),
            write.en.eq(delayed(m, self.write, 2)),
        ]
        return m

    def _address(self, m, row, word):
        """Place of a word, two clocks later."""
        return delayed(m, times(delayed(m, row, 1), self.words) + delayed(m, word, 1), 1)

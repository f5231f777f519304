"""A matrix in memory: rows of words, a word being one value per lane."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape, times
from ranvier.hw.pipeline import delayed
from ranvier.parameters.config import Memory as Ports
from ranvier.parameters.qformat import QFormat

__all__ = ["SINGLE_PORTED", "RowMemory", "RowRead", "RowWrite", "read_turn", "row_stride", "write_wait"]

#: Attribute by which synthesis puts a memory into SPRAM, and `ranvier.hw.flow.verilog` leaves its content undefined.
SINGLE_PORTED = {"ram_style": "huge"}


def read_turn(m: Module, ports: Ports, hold: Value) -> Value:
    """High on the clocks on which a unit may read while it also writes: all, or with one port every second one.

    While `hold` is high the turn stays, so that a unit that was held begins at once.
    """
    turn = Signal(init=1)
    if ports == "single":
        m.d.sync += turn.eq(~turn | hold)
    return turn


def row_stride(ports: Ports, words: int) -> int:
    """Places from one row to the next: as many as it has words, or with one port a power of two, as room is plenty there."""
    return 1 << ceil_log2(words) if ports == "single" else words


def write_wait(ports: Ports, latency: int) -> int:
    """Clocks to delay writes that come `latency` clocks after their reads, so that with one port none meets a read."""
    return (latency + 1) % 2 if ports == "single" else 0


class RowRead(wiring.Signature):
    """A word of a matrix to read, as its reader sees it.

    Attributes
    ----------
    row, word : Out
        Which.
    values : In(array of lanes)
        What it holds, `RowMemory.LATENCY` clocks later.
    """

    def __init__(self, fmt: QFormat, rows: int, words: int, lanes: int):
        super().__init__(
            {
                "row": Out(range(max(2, rows))),
                "word": Out(range(max(2, words))),
                "values": In(data.ArrayLayout(shape(fmt), lanes)),
            }
        )


class RowWrite(wiring.Signature):
    """A word of a matrix to write, as its writer sees it.

    Attributes
    ----------
    lanes : Out(lanes)
        Lanes to write; in memory `RowMemory.WRITE_LATENCY` clocks later.
    row, word, values : Out
        Where and what.
    """

    def __init__(self, fmt: QFormat, rows: int, words: int, lanes: int):
        super().__init__(
            {
                "lanes": Out(lanes),
                "row": Out(range(max(2, rows))),
                "word": Out(range(max(2, words))),
                "values": Out(data.ArrayLayout(shape(fmt), lanes)),
            }
        )


class RowMemory(wiring.Component):
    """Matrix of `rows` x `words` x `lanes` values: one word read and one written per clock, or one of the two.

    Rows and words are registered before they are summed to an address and the address before the memory, so that a wide
    choice of rows may lie in front; the memory's output is registered before any logic. A word read on the clock on which it
    is written, by the same latency, means nothing: who asks for it must not use it. With one port, a write takes the
    place of the read asked on the same clock, whose answer means nothing; and what was never written is undefined.

    Parameters
    ----------
    fmt : QFormat
        Format of a value.
    rows, words, lanes : int
        Shape.
    ports : {"dual", "single"}
        A port to read and one to write, as block RAM has, or one for both, as iCE40 SPRAM has.

    Attributes
    ----------
    read : In(`RowRead`)
        Word to read; the answer comes `LATENCY` clocks later.
    write : In(`RowWrite`)
        Lanes to write; in memory `WRITE_LATENCY` clocks later.
    """

    #: Input register, address sum, memory, output register.
    LATENCY = 4

    #: Input register, address sum, memory.
    WRITE_LATENCY = 3

    def __init__(self, fmt: QFormat, rows: int, words: int, lanes: int, ports: Ports = "dual"):
        self.rows, self.words, self.lanes, self.ports = rows, words, lanes, ports
        size = (fmt, rows, words, lanes)
        super().__init__({"read": In(RowRead(*size)), "write": In(RowWrite(*size))})

    def elaborate(self, platform):
        m = Module()
        shape, depth = self.read.values.shape(), max(2, self.rows * row_stride(self.ports, self.words))
        attrs = SINGLE_PORTED if self.ports == "single" else {}
        m.submodules.memory = memory = Memory(shape=shape, depth=depth, init=[], attrs=attrs)
        read, write = memory.read_port(), memory.write_port(granularity=1)
        asked = self._address(m, self.read.row, self.read.word)
        written = self._address(m, self.write.row, self.write.word)
        if self.ports == "single":
            address = Signal.like(read.addr)
            m.d.comb += [address.eq(Mux(write.en.any(), written, asked)), read.en.eq(~write.en.any())]
            asked = written = address
        m.d.comb += [
            read.addr.eq(asked),
            self.read.values.eq(delayed(m, read.data, 1)),
            write.addr.eq(written),
            write.data.eq(delayed(m, self.write.values, 2)),
            write.en.eq(delayed(m, self.write.lanes, 2)),
        ]
        return m

    def _address(self, m, row, word):
        """Place of a word, two clocks later."""
        stride = row_stride(self.ports, self.words)
        return delayed(m, times(delayed(m, row, 1), stride) + delayed(m, word, 1), 1)

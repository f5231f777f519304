"""A matrix in memory: rows of words, a word being one value per lane."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape, times
from ranvier.hw.pipeline import Pipeline, join
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.config import Memory as Ports
from ranvier.parameters.qformat import QFormat

__all__ = [
    "SINGLE_PORTED",
    "RowMemory",
    "RowRead",
    "RowWrite",
    "read_turn",
    "readout_memory",
    "readout_size",
    "row_stride",
    "write_wait",
]

#: Attribute by which synthesis puts a memory into SPRAM, and `ranvier.hw.flow.verilog` leaves its content undefined.
SINGLE_PORTED = {"ram_style": "huge"}


def read_turn(m: Module, ports: Ports, hold: Value) -> Value:
    """High in the clock cycles in which a unit that also writes may read: all, or with one port every second one.

    The turn does not advance while `hold` is high, so that a unit that was held begins at once.
    """
    turn = Signal(init=1)
    if ports == "single":
        m.d.sync += turn.eq(~turn | hold)
    return turn


def row_stride(ports: Ports, words: int) -> int:
    """Distance between rows: the words of a row, or with one port the next power of two, as those memories are large."""
    return 1 << ceil_log2(words) if ports == "single" else words


def write_wait(ports: Ports, latency: int) -> int:
    """Delay in clock cycles of writes that follow their reads by `latency`, so that with one port none meets a read."""
    return (latency + 1) % 2 if ports == "single" else 0


class RowRead(wiring.Signature):
    """Read port of a matrix, from its reader's side.

    Attributes
    ----------
    row, word : Out
        Row, and word of it.
    values : In(array of lanes)
        Its content, `RowMemory.latency` clock cycles later.
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
    """Write port of a matrix, from its writer's side.

    Attributes
    ----------
    lanes : Out(lanes)
        Lanes to write; in memory `RowMemory.write_latency` clock cycles later.
    row, word, values : Out
        Row, word and new values.
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
    """Matrix of `rows` x `words` x `lanes` values: one word read and one written per clock cycle, or one of the two.

    Rows and words are registered before they are summed to an address and the address before the memory, so that a wide
    choice of rows may lie in front; the memory's output is registered before any logic. A word that is
    read in the clock cycle in which it is written is undefined, counted by the same latency. With one port, a write takes
    the place of a read requested in the same clock cycle, whose result is undefined, as are words never written.

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
        Word to read; the answer comes `latency` clock cycles later.
    write : In(`RowWrite`)
        Lanes to write; in memory `write_latency` clock cycles later.
    latency, write_latency : int
        Clock cycles of a read (input register, address sum, memory, output register) and of a write (all but the last);
        known once elaborated, see `as_built`.
    """

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
        reads, writes = Pipeline(m), Pipeline(m)
        asked = self._place(reads.timed(self.read.row), reads.timed(self.read.word))
        answer = reads.timed(read.data, asked.clock + 1).registered()
        given = self._place(writes.timed(self.write.row), writes.timed(self.write.word))
        lanes, values = writes.timed(self.write.lanes), writes.timed(self.write.values)
        read_place, write_place = asked.value, given.value
        if self.ports == "single":
            place = Signal.like(read.addr)
            m.d.comb += [place.eq(Mux(write.en.any(), write_place, read_place)), read.en.eq(~write.en.any())]
            read_place = write_place = place
        m.d.comb += [
            read.addr.eq(read_place),
            self.read.values.eq(answer.value),
            write.addr.eq(write_place),
            write.data.eq(values.at(given.clock)),
            write.en.eq(lanes.at(given.clock)),
        ]
        self.latency, self.write_latency = answer.clock, given.clock + 1
        return m

    def _place(self, row, word):
        """Address of a word."""
        return (join(times, row.registered(), row_stride(self.ports, self.words)) + word.registered()).registered()


def readout_size(config: CoreConfig) -> tuple[QFormat, int, int, int]:
    """Format, rows, words and lanes of Wout, and of the feedback weights B: a row per neuron."""
    return config.weight, config.neurons, config.readout_words, config.lanes


def readout_memory(config: CoreConfig) -> RowMemory:
    """Memory of Wout, or of the feedback weights B."""
    return RowMemory(*readout_size(config), config.memory)

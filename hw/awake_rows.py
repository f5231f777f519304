"""The presynaptic units whose trace or history is not zero: the eligibility unit spends time on them alone."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["AwakeRows"]


class AwakeRows(wiring.Component):
    """List of rows in the order in which they woke, in block RAM.

    A walk returns every row once; rows that stay awake are appended again while it goes on, which compacts the list in
    place, since at least as many rows have been read as were written.

    Parameters
    ----------
    rows : int
        Number of presynaptic units.

    Attributes
    ----------
    append, row : In
        Add a row: one that wakes, or during a walk one that stays awake and that the walk has already returned. No row may
        be in the list twice.
    clear : In(1)
        Forget all rows; only when no walk is under way.
    walk : In(1)
        Begin a walk; only when the last one is `done`, and not in a clock cycle of `append`.
    awake : Out(stream)
        The rows of the walk, one every 3 clock cycles.
    done : Out(1)
        All rows of the walk have been returned.
    """

    def __init__(self, rows: int):
        self.rows = max(2, rows)
        super().__init__(
            {
                "append": In(1),
                "row": In(range(self.rows)),
                "clear": In(1),
                "walk": In(1),
                "awake": Out(stream.Signature(unsigned((self.rows - 1).bit_length()))),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=unsigned((self.rows - 1).bit_length()), depth=self.rows, init=[])
        read, write = memory.read_port(), memory.write_port()
        written, given, total = (Signal(range(self.rows + 1), name=n) for n in ("written", "given", "total"))

        m.d.comb += [write.addr.eq(written), write.data.eq(self.row), write.en.eq(self.append)]
        with m.If(self.walk):
            m.d.sync += [total.eq(written), given.eq(0), written.eq(0)]
        with m.Elif(self.append):
            m.d.sync += written.eq(written + 1)

        m.d.comb += read.addr.eq(given)
        with m.FSM():
            with m.State("Done"):
                m.d.comb += self.done.eq(1)
                with m.If(self.walk & (written != 0)):
                    m.next = "Read"
            with m.State("Read"):
                m.next = "Wait"
            with m.State("Wait"):
                m.d.sync += [self.awake.payload.eq(read.data), given.eq(given + 1)]
                m.next = "Give"
            with m.State("Give"):
                m.d.comb += self.awake.valid.eq(1)
                with m.If(self.awake.ready):
                    m.next = "Read"
                    with m.If(given == total):
                        m.next = "Done"
        with m.If(self.clear):
            m.d.sync += [written.eq(0), total.eq(0)]
        return m

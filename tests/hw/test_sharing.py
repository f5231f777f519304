from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped
from pysim import clocked

from ranvier.hw.row_memory import RowRead, RowWrite
from ranvier.hw.sharing import share
from ranvier.parameters.qformat import QFormat

SIZE = (QFormat(True, 2, 3), 8, 4, 2)


class Shared(wiring.Component):
    """A port to read for three users, the first of them without a condition, and one to write for one user."""

    def __init__(self):
        users = {f"user_{n}": In(RowRead(*SIZE)) for n in range(3)} | {f"holds_{n}": In(1) for n in (1, 2)}
        ports = {"read": Out(RowRead(*SIZE)), "write": Out(RowWrite(*SIZE)), "writer": In(RowWrite(*SIZE))}
        super().__init__(users | ports)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        users = [flipped(getattr(self, f"user_{n}")) for n in range(3)]
        share(m, flipped(self.read), (True, users[0]), (self.holds_1, users[1]), (self.holds_2, users[2]))
        share(m, flipped(self.write), (self.holds_2, flipped(self.writer)))
        return m


PLACES = {f"user_{n}": {"row": n + 1, "word": n + 1} for n in range(3)}


def test_the_last_user_whose_condition_holds_has_the_port():
    holds = [(0, 0), (1, 0), (0, 1), (1, 1)]
    stimulus = [PLACES | {"holds_1": one, "holds_2": two} for one, two in holds]
    row, word = clocked(Shared(), stimulus, "read.row", "read.word")
    assert row.tolist() == word.tolist() == [1, 2, 3, 3]


def test_every_user_sees_the_answer():
    answers = clocked(Shared(), [{"read": {"values": [5, -6]}}], *(f"user_{n}.values" for n in range(3)))
    assert [answer.tolist() for answer in answers] == [[[5, -6]]] * 3


def test_nothing_is_written_while_no_condition_holds():
    write = {"writer": {"lanes": 3, "row": 7, "word": 2, "values": [1, 2]}}
    seen = clocked(Shared(), [write | {"holds_2": 0}, {"holds_2": 1}], "write.lanes", "write.row", "write.values")
    assert [port.tolist() for port in seen] == [[0, 3], [0, 7], [[0, 0], [1, 2]]]

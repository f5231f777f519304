import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.pipeline import as_built
from ranvier.hw.row_memory import RowMemory, read_turn, write_wait
from ranvier.parameters.qformat import QFormat

FORMAT = QFormat(True, 2, 3)
IDLE = {"write": {"lanes": 0}}


@pytest.mark.parametrize("ports", ["dual", "single"])
@pytest.mark.parametrize(("rows", "words", "lanes"), [(1, 1, 1), (3, 1, 2), (1, 3, 4), (5, 3, 2)])
def test_reads_what_was_written_before(rows, words, lanes, ports):
    rng = np.random.default_rng(rows)
    clocks, latency = 400, as_built(RowMemory, FORMAT, rows, words, lanes, ports).latency
    where = {name: rng.integers(0, size, clocks) for name, size in (("row", rows), ("word", words))}
    to = {name: rng.integers(0, size, clocks) for name, size in (("row", rows), ("word", words))}
    write = rng.integers(0, 1 << lanes, clocks) * (rng.random(clocks) < 0.6)
    values = rng.integers(FORMAT.min, FORMAT.max + 1, (clocks, lanes))
    stimulus = [
        {
            "read": {name: int(places[n]) for name, places in where.items()},
            "write": {name: int(places[n]) for name, places in to.items()}
            | {"lanes": int(write[n]), "values": values[n].tolist()},
        }
        for n in range(clocks)
    ]
    dut = RowMemory(FORMAT, rows, words, lanes, ports)
    (read,) = clocked(dut, [*stimulus, *[IDLE] * latency], "read.values")
    held, compared = np.zeros((rows, words, lanes), int), 0
    for n in range(clocks):
        at, target = (where["row"][n], where["word"][n]), (to["row"][n], to["word"][n])
        # What one clock's write and read of one word give is the memory's business, and with one port, of any two words.
        if not write[n] or (at != target and ports == "dual"):
            np.testing.assert_array_equal(read[n + latency], held[at], f"clock {n}")
            compared += lanes
        lanes_written = (write[n] >> np.arange(lanes) & 1).astype(bool)
        held[target][lanes_written] = values[n][lanes_written]
    assert compared > 100
    assert held.any()


@pytest.mark.parametrize("ports", ["dual", "single"])
def test_latency(ports):
    place = {"row": 2, "word": 1}
    both = {"read": place, "write": place | {"lanes": 3, "values": [5, -6]}}
    (read,) = clocked(RowMemory(FORMAT, 3, 2, 2, ports), [both, *[IDLE] * 6], "read.values")
    built = as_built(RowMemory, FORMAT, 3, 2, 2, ports)
    asked = built.write_latency - (built.latency - 2)  # an answer was in memory two clocks before
    assert [values.tolist() for values in read].index([5, -6]) == asked + built.latency


def test_with_one_port_a_write_takes_the_place_of_the_read():
    store = {"write": {"lanes": 1, "values": [3]}}
    asks = [IDLE | {"read": {"row": 1}}, {"read": {"row": 0}, "write": {"lanes": 1, "row": 2}}, IDLE]
    (read,) = clocked(RowMemory(FORMAT, 3, 1, 1, "single"), [store, *asks, *[{}] * 5], "read.values")
    assert [values.tolist() for values in read][5:8] == [[0], [0], [3]]  # row 1; nothing, so still that; row 0


class Turn(wiring.Component):
    """`read_turn` of a unit."""

    hold: In(1)
    turn: Out(1)

    def __init__(self, ports):
        self.ports = ports
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.comb += self.turn.eq(read_turn(m, self.ports, self.hold))
        return m


def test_turns():
    stimulus = [{"hold": hold} for hold in (1, 1, 0, 0, 0, 0, 1, 0, 0)]
    assert clocked(Turn("dual"), stimulus, "turn")[0].tolist() == [1] * 9
    assert clocked(Turn("single"), stimulus, "turn")[0].tolist() == [1, 1, 1, 0, 1, 0, 1, 1, 0]


def test_writes_wait_for_a_clock_without_a_read():
    for latency in range(1, 9):
        assert write_wait("dual", latency) == 0
        assert (latency + write_wait("single", latency)) % 2 == 1
        assert write_wait("single", latency) <= 1

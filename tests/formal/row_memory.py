"""A word read is what was last written; only a read on the very clock of a write of its word may see anything."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Signal
from faults import Fault
from prove import Proof, claim, inside, lemma

from ranvier.hw.pipeline import as_built, delayed
from ranvier.hw.row_memory import RowMemory
from ranvier.parameters.qformat import QFormat


def last_written(lane):
    """Any word, in one lane."""

    def claims(m, unit):
        seen, row, word = inside(unit), AnyConst(len(unit.read.row)), AnyConst(len(unit.read.word))
        for rows, words in ((unit.read.row, unit.read.word), (unit.write.row, unit.write.word), (row, word)):
            m.d.comb += [Assume(rows < unit.rows), Assume(words < unit.words)]
        # What reaches memory now: asked, or given to write, `write_latency` - 1 clocks ago.
        built = as_built(RowMemory, BITS, *SHAPE, unit.ports)
        clocks = built.write_latency - 1
        hit = delayed(m, (unit.write.row == row) & (unit.write.word == word), clocks)
        lanes, value = delayed(m, unit.write.lanes, clocks), delayed(m, unit.write.values[lane], clocks)
        asked = delayed(m, (unit.read.row == row) & (unit.read.word == word), clocks)
        last, stored = Signal.like(value), seen.memory.read_port(domain="comb")
        place = row * (1 << (unit.words - 1).bit_length() if unit.ports == "single" else unit.words) + word
        m.d.comb += stored.addr.eq(place)
        with m.If(hit & lanes[lane]):
            m.d.sync += last.eq(value)
        lemma(m, stored.data[lane] == last)
        right, known = Signal(), Signal.like(last)
        taken_from = lanes.any() if unit.ports == "single" else hit & lanes.any()
        m.d.sync += [right.eq(asked & ~taken_from), known.eq(last)]
        right, known = (delayed(m, value, built.latency - built.write_latency) for value in (right, known))
        claim(m, ~right | (unit.read.values[lane] == known))

    return claims


BITS, SHAPE = QFormat(True, 1, 2), (3, 3, 2)
SAYS = "a word read is what was last written, but for a read on the clock of the write"
PROOFS = {
    ports: Proof(lambda ports=ports: RowMemory(BITS, *SHAPE, ports), last_written(1), SAYS, depth=10, induction=6)
    for ports in ("dual", "single")
}
FAULTS = [
    Fault(
        "rows overlap",
        "row_memory.py",
        'return 1 << ceil_log2(words) if ports == "single" else words',
        "return words - 1",
    ),
    Fault(
        "a write lands in every lane",
        "row_memory.py",
        "writes.timed(self.write.lanes)",
        "writes.timed(self.write.lanes.any().replicate(self.lanes))",
    ),
    Fault(
        "a write lands with the values before",
        "row_memory.py",
        "write.data.eq(values.at(given.clock))",
        "write.data.eq(values.at(given.clock + 1))",
    ),
]

"""An entry that counts is what was stored there, whatever is stored on the clock of its reading, and until the list ends."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Cat, Signal
from contracts import credit_list as contract
from faults import Fault
from prove import Proof, assume, claim, inside, lemma

from ranvier.hw.credit_list import CreditList
from ranvier.parameters.config import CoreConfig


def what_was_stored(m, unit):
    """Any entry of any list."""
    assume(m, contract(m, unit))
    seen = inside(unit)
    entry, which = AnyConst(len(unit.entry)), AnyConst(max(1, len(seen.newest)))
    m.d.comb += [Assume(entry < unit.config.words), Assume(which < seen.lists), Assume(unit.entry < unit.config.words)]
    stored, last = seen.memory.read_port(domain="comb"), Signal(len(seen.gathered.as_value()))
    m.d.comb += stored.addr.eq(Cat(entry[: seen.word_bits], which)[: len(stored.addr)])
    here = seen.store & (seen.newest == which) & (seen.count_of[seen.newest] == entry)
    with m.If(here):
        m.d.sync += last.eq(seen.gathered)
    lemma(m, stored.data.as_value() == last, seen.newest < seen.lists)
    oldest = seen.oldest if unit.config.lag else 0
    asked, known = Signal(2), Signal.like(last)
    later = Signal.like(last)
    m.d.sync += asked.eq(Cat((unit.entry == entry) & (oldest == which) & (entry < unit.count), asked))
    m.d.sync += [known.eq(last), later.eq(known)]
    with m.If(asked[1]):
        claim(m, unit.credit.as_value() == later)


CORES = {
    f"lists of {1 + lag} steps": CoreConfig(inputs=1, neurons=5, outputs=2, lanes=2, max_delay=2, kernel_radius=1 + lag)
    for lag in (0, 2)
}
PROOFS = {
    name: Proof(lambda core=core: CreditList(core), what_was_stored, "an entry that counts is what was stored", 10, 4)
    for name, core in CORES.items()
}
FAULTS = [
    Fault(
        "an entry counts before it is stored",
        "credit_list.py",
        "self.count.eq(count_of[oldest])",
        "self.count.eq(count_of[oldest] + store)",
    ),
    Fault(
        "lists lie on each other",
        "credit_list.py",
        "read.addr.eq(Cat(self.entry[:word_bits], oldest))",
        "read.addr.eq(Cat(self.entry[:word_bits], newest))",
    ),
]

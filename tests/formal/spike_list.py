"""Every flagged unit of a sweep comes out once, in ascending order, and nothing else does."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Cat, Mux, Signal
from contracts import spike_list as contract
from faults import Fault
from prove import Proof, assume, claim

from ranvier.hw.spike_list import SpikeList

#: Clocks from a full list to an empty one, for a consumer that takes a unit per clock: a word each, and the latency.
LATENCY = 6


def each_once(m, unit):
    """Any unit, over sweep after sweep."""
    assume(m, contract(m, unit))
    which = AnyConst(len(unit.units.payload))
    taken = unit.units.valid & unit.units.ready
    flags = Cat(unit.push & unit.flags[lane] & (unit.word * unit.lanes + lane == which) for lane in range(unit.lanes))
    due = Signal()
    m.d.sync += due.eq(Mux(flags.any(), 1, due & ~(taken & (unit.units.payload == which))))
    with m.If(taken & (unit.units.payload == which)):
        claim(m, due)
    claim(m, ~(unit.empty & due))
    # In order: none that comes later in a sweep is smaller.
    most, some = Signal.like(unit.units.payload), Signal()
    with m.If(unit.empty):
        m.d.sync += some.eq(0)
    with m.Elif(taken):
        m.d.sync += [most.eq(unit.units.payload), some.eq(1)]
        claim(m, ~some | (unit.units.payload > most))
    # None stays: whoever takes what comes has everything after a clock for each unit.
    size = unit.words * unit.lanes + LATENCY
    waited = Signal(range(size + 2))
    m.d.sync += waited.eq(Mux(unit.units.ready & ~unit.push & ~unit.empty, waited + (waited <= size), 0))
    claim(m, waited <= size)


SAYS = "each flagged unit comes out once, ascending, and nothing else"
#: A sweep is pushed, taken with stalls, and another begins: the base case is long enough for that, at these sizes.
PROOFS = {
    "2 words x 2 lanes": Proof(lambda: SpikeList(2, 2), each_once, SAYS, depth=10, induction=None),
    "3 words x 2 lanes": Proof(lambda: SpikeList(3, 2), each_once, SAYS, depth=13, induction=None, slow=True),
}
FAULTS = [
    Fault("an entry is taken before it is there", "spike_list.py", "held.eq(following != pushed)", "held.eq(1)"),
    Fault(
        "the last flag of a word is lost",
        "spike_list.py",
        "done = ~buffer.i.valid | (buffer.i.ready & ~rest.any())",
        "done = ~buffer.i.valid | (buffer.i.ready & ~(rest & (rest - 1)).any())",
    ),
    Fault("an entry is given twice", "spike_list.py", "pop.eq(held)", "pop.eq(held & self.units.ready)"),
    Fault(
        "the list is said to be empty too early",
        "spike_list.py",
        "(pushed == popped) & ~buffer.i.valid & ",
        "(pushed == popped) & ",
    ),
]

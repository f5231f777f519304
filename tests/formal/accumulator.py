"""What is read while no addition is under way is the saturating sum of everything added, in order."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Mux, Signal, signed
from contracts import accumulator as contract
from faults import Fault
from prove import Proof, assume, claim, inside, lemma

from ranvier.hw.accumulator import Accumulator
from ranvier.hw.fixed import saturate
from ranvier.parameters.qformat import QFormat


def pipeline(m, unit, where, before):
    """The sum at `where` once all additions under way are done, from what is `before` them; claims what that rests on."""
    seen = inside(unit)
    held = seen.memory.read_port(domain="comb")
    m.d.comb += held.addr.eq(where)

    def here(stage):
        return stage.valid & (stage.address == where)

    def after(stage, sum):
        added = Signal.like(unit.value)
        total = saturate(sum + (stage.addend << unit.align), unit.sum_format)[0]
        m.d.comb += added.eq(Mux(here(stage), total, sum))
        return added

    asked, adding, written, past = seen.asked, seen.adding, seen.written, seen.past
    with m.If(here(past)):
        lemma(m, held.data == past.sum)
    with m.If(here(adding)):
        lemma(m, seen.chained == here(written))
        with m.If(~seen.chained):
            lemma(m, seen.base == held.data)
    with m.If(here(asked) & ~here(past)):
        lemma(m, seen.read.data == held.data)
    lemma(m, unit.busy == (asked.valid | adding.valid | written.valid))
    done = before(Mux(here(written), written.sum, held.data))
    return after(asked, after(adding, done))


def sums(m, unit):
    """Every sum, whichever it is."""
    assume(m, contract(m, unit))
    where, right = AnyConst(len(unit.address)), Signal(signed(unit.sum_format.width))
    with m.If(unit.write & (unit.write_address == where)):
        m.d.sync += right.eq(unit.write_value)
    with m.Elif(unit.add & (unit.address == where)):
        m.d.sync += right.eq(saturate(right + (unit.addend << unit.align), unit.sum_format)[0])
    lemma(m, pipeline(m, unit, where, lambda sum: sum) == right)
    # One clock after it is asked for; a collision with the write of the same clock is the asker's own doing.
    readable = Signal()
    m.d.sync += readable.eq((unit.address == where) & ~unit.busy & ~unit.add & ~unit.write)
    with m.If(readable):
        claim(m, unit.value == right)


COARSE = QFormat(True, 1, 1), QFormat(True, 0, 1), 4
FULL = QFormat(True, 5, 12), QFormat(True, 3, 12), 1024

PROOFS = {
    "4 coarse sums": Proof(lambda: Accumulator(*COARSE), sums, "every sum is right", depth=10),
    "1,024 sums of 18 bits": Proof(lambda: Accumulator(*FULL), sums, "every sum is right", depth=5),
}

FAULTS = [
    Fault("an addition misses the one right before", "accumulator.py", "chained.eq(same(adding)),", "chained.eq(0),"),
    Fault("an addition misses that two before", "accumulator.py", "Mux(same(written), written.sum, ", "Mux(0, 0, "),
    Fault(
        "an addition misses that three before",
        "accumulator.py",
        "Mux(same(past), past.sum, read.data)",
        "read.data",
    ),
]

"""What is added to a slot is taken exactly once, with the step whose slot it is: no update is lost, none comes twice."""

from accumulator import pipeline
from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Cat, Mux, Signal, signed
from amaranth.utils import ceil_log2
from contracts import delay_line as contract
from faults import Fault
from prove import Proof, assume, claim, inside, lemma

from ranvier.hw.delay_line import DelayLine
from ranvier.hw.fixed import saturate
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat


def taken_once(lane):
    """The current of any slot and word, in one lane."""

    def claims(m, unit):
        c, bank = unit.config, inside(unit)
        assume(m, contract(m, unit))
        slot, word = AnyConst(len(unit.slot)), AnyConst(len(unit.word))
        m.d.comb += Assume(word < c.words)
        where = Cat(word[: ceil_log2(c.words)], slot)
        due, given = (Signal(signed(c.potential.width), name=name) for name in ("due", "given"))
        take = unit.take & (unit.slot == slot) & (unit.word == word)
        took, again = Signal(), Signal()
        m.d.sync += [took.eq(take), again.eq(took & take)]
        with m.If(take):
            m.d.sync += [given.eq(due), due.eq(0)]
        with m.Elif(unit.deliver & unit.targets[lane] & (unit.slots[lane] == slot) & (unit.word == word)):
            total = due + (unit.weights[lane] << c.potential.fraction - c.weight.fraction)
            m.d.sync += due.eq(saturate(total, c.potential)[0])
        with m.If(took & ~again):
            claim(m, unit.current[lane] == given)
        # What is on the way to memory, and nothing else, makes the difference between memory and what is due.
        lemma(m, bank.taking | ~took)
        clearing = bank.taking & (bank.taken == where)
        lemma(m, clearing == took)
        with m.If(bank.taking):
            lemma(m, ~bank.banks[lane].busy)
        lemma(m, pipeline(m, bank.banks[lane], where, lambda sum: Mux(clearing, 0, sum)) == due)

    return claims


COARSE = {
    "weight": QFormat(True, 1, 1),
    "potential": QFormat(True, 2, 1),
    "surrogate": QFormat(False, 0, 1),
    "signal": QFormat(True, 4, 8),
}
SMALLEST = CoreConfig(inputs=1, neurons=1, outputs=2, lanes=1, max_delay=2, learning=False, **COARSE)
SMALL = CoreConfig(inputs=1, neurons=5, outputs=2, lanes=2, max_delay=6, learning=False, **COARSE)
FULL = CoreConfig(inputs=1, neurons=64, outputs=2, lanes=4, max_delay=30, learning=False)

SAYS = "what is added to a slot is taken exactly once, with its step"
PROOFS = {
    "1 lane x 1 word x 4 slots": Proof(lambda: DelayLine(SMALLEST), taken_once(0), SAYS, depth=10),
    "2 lanes x 3 words x 8 slots": Proof(lambda: DelayLine(SMALL), taken_once(1), SAYS, depth=9, slow=True),
    "4 lanes x 16 words x 32 slots of 18 bits": Proof(lambda: DelayLine(FULL), taken_once(2), SAYS, depth=5),
}

FAULTS = [
    Fault("what is taken stays", "delay_line.py", "bank.write.eq(taking),", "bank.write.eq(0),"),
    Fault(
        "the slot after is cleared", "delay_line.py", "bank.write_address.eq(taken)", "bank.write_address.eq(taken + 1)"
    ),
]

"""A score is the sum of what was added to its output since the sample began; the prediction is the first of the largest."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Mux, Signal
from contracts import scores as contract
from faults import Fault
from prove import Proof, assume, claim, inside, lemma, states

from ranvier.hw.events import OutputKind
from ranvier.hw.scores import Scores
from ranvier.parameters.config import CoreConfig


def sums(m, unit):
    """The score of any output."""
    assume(m, contract(m, unit))
    seen, which = inside(unit), AnyConst(len(unit.index))
    m.d.comb += Assume(which < unit.config.outputs)
    at, stored = states(m, seen.m), seen.memory.read_port(domain="comb")
    m.d.comb += stored.addr.eq(which)
    output, taken = unit.results.payload, unit.results.ready | unit.silent
    sum, value = (Signal.like(seen.read.data, name=name) for name in ("sum", "value"))
    adding, added_any = Signal(), Signal()
    here = at["Emit"] & (seen.output == which)
    m.d.sync += [adding.eq(unit.add & (unit.index == which)), value.eq(unit.value), added_any.eq(unit.add)]
    with m.If(unit.add & (unit.index == which)):
        m.d.sync += sum.eq(sum + unit.value)
    with m.Elif(here & taken):
        m.d.sync += sum.eq(0)
    claim(m, sum == (stored.data + Mux(adding, value, 0))[: len(sum)].as_signed())
    lemma(m, at["Add"] | ~added_any, at["Add"] | at["Predict"] | (seen.output < unit.config.outputs))
    with m.If(seen.output == which):
        lemma(m, ~at["Wait"] | (seen.read.data == sum), ~at["Emit"] | (seen.score == sum))
    with m.If(unit.results.valid & (output.kind == OutputKind.SCORE) & (output.index == which)):
        claim(m, output.value == sum)
    # The prediction, from what was emitted.
    best, most, any = Signal.like(seen.output), Signal.like(seen.largest), Signal()
    with m.If(at["Emit"] & taken):
        m.d.sync += any.eq(1)
        with m.If(~any | (seen.score > most)):
            m.d.sync += [best.eq(seen.output), most.eq(seen.score)]
    with m.Elif(at["Add"]):
        m.d.sync += any.eq(0)
    lemma(m, ~at["Predict"] | any, at["Add"] | (any == (seen.output != 0)) | at["Predict"])
    with m.If(any):
        lemma(m, seen.best == best, seen.largest == most)
    with m.If(unit.results.valid & (output.kind == OutputKind.PREDICTION)):
        claim(m, output.index == best)
    claim(m, ~(unit.silent & unit.results.valid))


SAYS = "every score is the sum of its sample, the prediction the first of the largest"
PROOFS = {  # of two outputs, the second sample is reached soon
    f"{outputs} outputs": Proof(
        lambda outputs=outputs: Scores(CoreConfig(inputs=1, neurons=1, outputs=outputs)), sums, SAYS, depth, induction=3
    )
    for outputs, depth in ((2, 11), (3, 8))
}
FAULTS = [
    Fault("a score is not cleared", "scores.py", "m.d.comb += write.en.eq(1)", "m.d.comb += write.en.eq(0)"),
    Fault("the last of the largest wins", "scores.py", "(score > largest)", "(score >= largest)"),
    Fault(
        "a silent end is heard",
        "scores.py",
        "self.results.valid.eq(~self.silent),\n                    write",
        "self.results.valid.eq(1),\n                    write",
    ),
]

"""Spikes and steps leave the queue in order, each once, and none is dropped in silence; scores are the last that came."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Cat, Signal
from contracts import results as contract
from faults import Fault
from order import in_order
from prove import Proof, assume, claim, inside, lemma

from ranvier.hw.bus.results import Results
from ranvier.hw.events import OutputKind
from ranvier.parameters.config import CoreConfig


def outputs(m, unit):
    """Order in the queue; what does not fit is said to be dropped; nothing stalls the core."""
    queue, output = inside(unit).m.submodules.queue, unit.outputs.payload
    kept = (output.kind == OutputKind.SPIKE) | (output.kind == OutputKind.STEP)
    queued = unit.outputs.valid & unit.outputs.ready & ~unit.streaming & kept
    word = Cat(output.kind == OutputKind.STEP, output.index)
    shown = Cat(unit.oldest.kind[0], unit.oldest.index[: len(output.index)])
    held = in_order(m, queue, queued & ~unit.dropped, word, unit.take & unit.oldest.valid, shown)
    claim(m, ~unit.dropped | queued & (unit.level >= unit.depth - 1), unit.level == held)
    hidden = Signal(2)
    m.d.sync += hidden.eq(Cat((held != 0) & ~unit.oldest.valid, hidden))
    claim(m, ~hidden.all())
    with m.If(~unit.streaming):
        claim(m, unit.outputs.ready, ~unit.stream.valid)


def scores(m, unit):
    """The last score of any output; on the clock on which it comes, the one before."""
    memory, output, which = inside(unit).m.submodules.scores, unit.outputs.payload, AnyConst(len(unit.output))
    assume(m, contract(m, unit))
    m.d.comb += Assume(which < unit.config.outputs)
    stored = memory.read_port(domain="comb")
    m.d.comb += stored.addr.eq(which)
    last, then, earlier = (Signal.like(unit.score, name=name) for name in ("last", "then", "earlier"))
    asked, asked_earlier = Signal(), Signal()
    given = unit.outputs.valid & unit.outputs.ready & (output.kind == OutputKind.SCORE)
    with m.If(given & (output.index == which)):
        m.d.sync += last.eq(output.value)
    m.d.sync += [then.eq(last), earlier.eq(then), asked.eq(unit.output == which), asked_earlier.eq(asked)]
    lemma(m, stored.data == last)
    with m.If(asked_earlier):
        claim(m, unit.score == earlier)


CORE = CoreConfig(inputs=2, neurons=5, outputs=3, lanes=1)
SAYS = "outputs leave in order, each once, or are said to be dropped"
PROOFS = {
    "4 outputs": Proof(lambda: Results(CORE, 4), outputs, SAYS, depth=10, induction=3),
    "512 outputs": Proof(lambda: Results(CORE, 512), outputs, SAYS, depth=6, induction=3),
    "scores": Proof(lambda: Results(CORE, 4), scores, "the last score is read", depth=6, induction=3, reads_old=True),
}
FAULTS = [
    Fault(
        "an output is dropped in silence",
        "bus/results.py",
        "self.dropped.eq(queued & ~queue.w_rdy)",
        "self.dropped.eq(0)",
    ),
    Fault(
        "an output is taken twice", "bus/results.py", "queue.r_en.eq(self.take)", "queue.r_en.eq(self.take & queued)"
    ),
    Fault("a step counts as a spike", "bus/results.py", "word.kind.eq(oldest.kind)", "word.kind.eq(0)"),
]

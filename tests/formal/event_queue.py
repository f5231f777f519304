"""Events leave the queue in the order in which they came, unchanged, each once; what the core lacks never enters."""

from amaranth.hdl import Cat, Mux, Signal
from contracts import event_queue as contract
from faults import Fault
from order import in_order
from prove import Proof, assume, claim, inside, lemma

from ranvier.hw.bus.event_queue import EventQueue
from ranvier.hw.events import EventKind, event_layout
from ranvier.parameters.config import CoreConfig


def first_come(m, unit):
    """Order, and what is said of room."""
    assume(m, contract(m, unit))
    c, seen = unit.config, inside(unit)
    offered = unit.stream.valid & unit.stream.ready
    word = Mux(unit.put, unit.word.as_value(), unit.stream.payload.as_value())
    word = unit.word.shape()(word)
    lacking = Mux(word.kind == EventKind.SPIKE.value, word.index >= c.inputs, word.index >= c.outputs)
    kinds = (word.kind == EventKind.SPIKE.value) | (word.kind == EventKind.STEP.value)
    entered = (unit.put | offered) & ~(kinds & lacking)
    layout = event_layout(c)
    event = layout(Signal(layout))
    m.d.comb += [event.kind.eq(word.kind), event.scored.eq(word.scored)]
    m.d.comb += [event.unit.eq(word.index), event.target.eq(word.index)]
    left = unit.events.valid & unit.events.ready

    slice = seen.output
    inner = inside(slice)
    front = [(slice.o.valid, slice.o.payload.as_value()), (inner.held, inner.spare.as_value())]
    held = in_order(m, seen.fifo, entered, event.as_value(), left, unit.events.payload.as_value(), front)
    lemma(m, ~inner.held | slice.o.valid)
    # Nothing stays: what is held shows within three clocks; what shows stays until it is taken.
    hidden, offer = Signal(3), Signal.like(unit.events.payload.as_value())
    stays = Signal()
    m.d.sync += hidden.eq(Cat((held != 0) & ~unit.events.valid, hidden))
    m.d.sync += [stays.eq(unit.events.valid & ~unit.events.ready), offer.eq(unit.events.payload.as_value())]
    claim(m, ~hidden.all(), unit.empty == (held == 0))
    with m.If(stays):
        claim(m, unit.events.valid, unit.events.payload.as_value() == offer)
    claim(m, ~(unit.stream.valid & unit.stream.ready & unit.put), ~(unit.hold & offered))


CORE = CoreConfig(inputs=5, neurons=3, outputs=3, lanes=1)
SAYS = "events leave in order, unchanged, each once"
PROOFS = {
    "4 events": Proof(lambda: EventQueue(CORE, 4), first_come, SAYS, depth=12, induction=4),
    "512 events": Proof(lambda: EventQueue(CORE, 512), first_come, SAYS, depth=8, induction=4),
}
FAULTS = [
    Fault(
        "a full queue takes from the stream",
        "bus/event_queue.py",
        "self.stream.ready.eq(fifo.w_rdy & ~self.hold)",
        "self.stream.ready.eq(~self.hold)",
    ),
    Fault(
        "a unit too many is let in",
        "bus/event_queue.py",
        "~(spike & (word.index >= c.inputs))",
        "~(spike & (word.index > c.inputs))",
    ),
    Fault("a stalled event is overwritten", "register_slice.py", "Mux(held, spare, self.i.payload)", "self.i.payload"),
    Fault(
        "the queue is said to be empty while one is at the door",
        "bus/event_queue.py",
        "(fifo.level == 0) & ~self.events.valid",
        "(fifo.level == 0)",
    ),
]

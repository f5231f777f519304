"""The bridge never hangs: whatever the host sent, it comes nearer to idle on every clock on which nobody holds it up."""

from amaranth.hdl import Cat, Mux, Signal
from faults import Fault
from prove import Proof, claim, inside, lemma, states

from ranvier.hw.bus.uartbone import Command, UARTBone


def never_hangs(m, unit):
    """What is left to do falls: words of the frame, then what is left of one, then the patience with a silent host."""
    seen = inside(unit)
    at, access = states(m, seen.m), unit.bus.request
    left, count, waiting = seen.left, seen.count, seen.waiting
    head = at["Length"] | at["Address"]
    stage, patience = Signal(5), Signal(range(unit.timeout + 1))
    m.d.comb += patience.eq(Mux(waiting, unit.timeout - seen.idle, 0))
    for name, rank in {"Length": 15, "Address": 15, "Word": 12, "Access": 8, "Answer": 7, "Send": 6}.items():
        with m.If(at[name]):
            m.d.comb += stage.eq(rank - (count if name == "Send" else 0))
    whole = Cat(patience, stage, Mux(head, 0, left), head)  # the most important part last
    before, was, free = Signal.like(whole), Signal(), Signal()
    m.d.sync += [before.eq(whole), was.eq(~at["Command"])]
    held_up = (
        (access.valid & ~access.ready) | (at["Answer"] & ~unit.bus.response.valid) | (at["Send"] & ~unit.sent.ready)
    )
    m.d.sync += free.eq(~unit.received.valid & ~held_up)
    with m.If(was & free & ~at["Command"]):
        claim(m, whole < before)
    # In a frame: bytes and words are counted from the start, and only a write command writes.
    lemma(
        m,
        ~(at["Length"] | at["Access"] | at["Answer"]) | (count == 0),
        ~at["Word"] | seen.write,
        ~at["Send"] | seen.read,
    )
    lemma(m, ~(at["Word"] | at["Access"] | at["Answer"] | at["Send"]) | (left != 0))
    lemma(m, ~(at["Access"] | at["Answer"]) | seen.read | seen.write, seen.idle <= unit.timeout)
    writes = (seen.command == Command.WRITE) | (seen.command == Command.WRITE_FIXED)
    claim(m, ~access.valid | (access.payload.write == writes))
    # Nothing is accessed before the whole head has come, and with a write its word.
    heard, first, came = Signal(4), Signal(), unit.received.valid & unit.received.ready
    m.d.sync += heard.eq(Mux(at["Command"], came, heard + (came & (heard != 15))))
    m.d.sync += first.eq(at["Command"] | (first & ~access.valid))
    with m.If(first & ~at["Command"]):
        claim(m, ~access.valid | (heard == Mux(writes, 10, 6)))
        lemma(
            m, ~at["Length"] | (heard == 1), ~at["Address"] | (heard == 2 + count), ~at["Word"] | (heard == 6 + count)
        )
        lemma(m, head | at["Word"] | at["Access"])
    lemma(m, ~head | first)
    # What is offered stays until it is taken.
    for valid, ready, payload in (
        (access.valid, access.ready, access.payload.as_value()),
        (unit.sent.valid, unit.sent.ready, unit.sent.payload),
    ):
        offered, stays = Signal.like(payload), Signal()
        m.d.sync += [offered.eq(payload), stays.eq(valid & ~ready)]
        with m.If(stays):
            claim(m, valid, payload == offered)


SAYS = "comes nearer to idle on every clock on which nobody holds it up"
PROOFS = {
    "3 clocks of patience": Proof(lambda: UARTBone(3), never_hangs, SAYS, depth=21, induction=2),
    "a board's patience": Proof(lambda: UARTBone(1_200_000), never_hangs, SAYS, depth=5, induction=2),
}
FAULTS = [
    Fault(
        "half a frame is waited for forever",
        "bus/uartbone.py",
        "        with m.Elif(expired):\n",
        "        with m.Elif(0):\n",
    ),
    Fault("a frame of no words is begun", "bus/uartbone.py", "with m.Elif((left != 0) & read):", "with m.Elif(read):"),
    Fault(
        "the bytes of a word are not counted from the start",
        "bus/uartbone.py",
        "m.d.sync += [command.eq(self.received.payload), count.eq(0)]",
        "m.d.sync += [command.eq(self.received.payload)]",
    ),
]

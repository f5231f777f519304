"""The bus inside, from the side of who answers: what it promises, and what it may expect of who asks."""

from amaranth.hdl import Assume, Cat, Mux, Signal
from prove import claim, lemma

#: Clocks that an access waits to be taken, and an answer to come, at most.
PATIENCE = 1


def answered(m, bus):
    """Every access is taken and answered soon, and nothing else is; who asks offers until taken, one access at a time."""
    access, answer = bus.request, bus.response
    pending, waited = Signal(), Signal(range(PATIENCE + 1))
    taken, heard = access.valid & access.ready, answer.valid & answer.ready
    m.d.sync += pending.eq((pending | taken) & ~heard)
    waits = (access.valid & ~access.ready) | (pending & ~answer.valid)
    m.d.sync += waited.eq(Mux(waits, waited + 1, 0))
    m.d.comb += [Assume(~waits | (waited < PATIENCE)), Assume(pending | ~answer.valid)]
    claim(m, ~(access.valid & pending))
    claim(m, answer.ready == pending)
    lemma(m, waited <= PATIENCE)
    payload, stays = access.payload, Signal()
    used = Cat(payload.write, payload.address, Mux(payload.write, Cat(payload.data, payload.strobe), 0))
    offered = Signal.like(used)
    m.d.sync += [stays.eq(access.valid & ~access.ready), offered.eq(used)]
    with m.If(stays):
        claim(m, access.valid, used == offered)

"""A Wishbone transfer that is held ends soon, with the answer to itself; nobody else is answered."""

from amaranth.hdl import Assume, Cat, Mux, Signal
from faults import Fault
from inner_bus import PATIENCE, answered
from prove import Proof, claim, inside, states

from ranvier.hw.bus.wishbone import Wishbone

#: Clocks from a request to its end: a transfer that was given up before it, and its own, both through two registers.
MOST = 2 * (Wishbone.LATENCY + 2 * PATIENCE) + 2


def ends(m, unit):
    """Progress; who is answered, and with what."""
    wb, access = unit.wb, unit.bus.request
    states(m, inside(unit).m)
    answered(m, unit.bus)
    asked, ended, waited = wb.cyc & wb.stb, wb.ack | wb.err, Signal(range(MOST + 2))
    m.d.sync += waited.eq(Mux(asked & ~ended, waited + (waited <= MOST), 0))
    claim(m, waited <= MOST)
    claim(m, ~(wb.ack & wb.err), asked | ~ended, ~ended | ~wb.stall)
    # A master holds what it asks for until the end; what is answered then is just that.
    request = Cat(wb.we, wb.adr, wb.dat_w, wb.sel)
    held, before, done = Signal(), Signal.like(request), Signal.like(request)
    m.d.sync += [held.eq(asked & ~ended), before.eq(request)]
    m.d.comb += Assume(~(held & asked) | (request == before))
    payload = access.payload
    with m.If(access.valid & access.ready):
        m.d.sync += done.eq(Cat(payload.write, payload.address, payload.data, payload.strobe))
    with m.If(ended):
        claim(m, done == request)


SAYS = "a transfer ends with its own answer"
PROOFS = {f"within {MOST} clocks": Proof(Wishbone, ends, SAYS, depth=MOST + 6, induction=MOST + 4)}
FAULTS = [
    Fault(
        "an answer comes after the transfer was given up",
        "bus/wishbone.py",
        "wanted = asked & ~given_up",
        "wanted = asked",
    ),
    Fault("an answer comes to nobody", "bus/wishbone.py", "wb.ack.eq(done & asked)", "wb.ack.eq(done)"),
    Fault("an answer is waited for forever", "bus/wishbone.py", "answer.ready.eq(1)", "answer.ready.eq(asked)"),
]

"""Every AXI read and write is answered soon while its own responses are taken, whatever becomes of the other kind's."""

from amaranth.hdl import Assume, Mux, Signal
from faults import Fault
from inner_bus import PATIENCE, answered
from prove import Proof, claim, inside, lemma, states

from ranvier.hw.bus.axi import AxiLite

#: Clocks of a transfer from the choice to its end, and from a request to its response when one of the other kind goes first.
TRANSFER = 3 + 2 * PATIENCE
MOST = 2 * TRANSFER + 4


def stays(m, valid, ready, *payload):
    """Who drives a channel keeps what it offers until it is taken."""
    before = Signal()
    m.d.sync += before.eq(valid & ~ready)
    held = [Signal.like(part) for part in payload]
    m.d.sync += [old.eq(part) for old, part in zip(held, payload, strict=True)]
    kept = valid
    for old, part in zip(held, payload, strict=True):
        kept = kept & (old == part)
    return ~before | kept


def in_slice(m, channel):
    """How many requests a channel holds."""
    held = inside(channel).held
    lemma(m, ~held | channel.o.valid)
    return channel.o.valid + held


def answered_soon(kind):
    """Progress of one `kind` whose responses are taken at once; those of the other may wait forever."""

    def claims(m, unit):
        axi = unit.s_axi
        seen = inside(unit)
        aw, w, ar = (in_slice(m, getattr(seen.m.submodules, name)) for name in ("aw", "w", "ar"))
        busy = ~states(m, seen.m)["Choose"]
        lemma(m, ~busy | Mux(seen.reading, seen.read_due, seen.write_due))
        answered(m, unit.bus)
        m.d.comb += Assume(axi.rready if kind == "read" else axi.bready)
        m.d.comb += [
            Assume(stays(m, axi.arvalid, axi.arready, axi.araddr)),
            Assume(stays(m, axi.awvalid, axi.awready, axi.awaddr)),
            Assume(stays(m, axi.wvalid, axi.wready, axi.wdata, axi.wstrb)),
        ]
        claim(m, stays(m, axi.rvalid, axi.rready, axi.rdata, axi.rresp), stays(m, axi.bvalid, axi.bready, axi.bresp))
        came, brought, done, waited = Signal(3), Signal(3), Signal(), Signal(range(MOST + 2))
        if kind == "read":
            m.d.comb += [done.eq(axi.rvalid & axi.rready)]
            m.d.sync += [came.eq(came + (axi.arvalid & axi.arready) - done), brought.eq(0)]
            both = came != 0
            lemma(m, came == ar + axi.rvalid)
        else:
            m.d.comb += [done.eq(axi.bvalid & axi.bready)]
            m.d.sync += [
                came.eq(came + (axi.awvalid & axi.awready) - done),
                brought.eq(brought + (axi.wvalid & axi.wready) - done),
            ]
            both = (came != 0) & (brought != 0)
            lemma(m, came == aw + axi.bvalid, brought == w + axi.bvalid)
            claim(m, ~done | (brought != 0))
        claim(m, ~done | (came != 0), came <= 4, brought <= 4)
        m.d.sync += waited.eq(Mux(both & ~done, waited + (waited <= MOST), 0))
        claim(m, waited <= MOST)

    return claims


SAYS = "is answered, once, though the other kind's response waits forever"
DEPTHS = {"depth": MOST + 4, "induction": MOST + 2}
PROOFS = {
    f"{kind}s": Proof(AxiLite, answered_soon(kind), f"a {kind} {SAYS}, in {MOST} clocks", **DEPTHS)
    for kind in ("read", "write")
}
FAULTS = [
    Fault(
        "a read waits for the response of a write",
        "bus/axi.py",
        "read_due.eq(asked.valid & ~axi.rvalid)",
        "read_due.eq(asked.valid & ~axi.rvalid & ~axi.bvalid)",
    ),
    Fault("a response is taken back", "bus/axi.py", "with m.If(axi.rready):", "with m.If(axi.rvalid):"),
]

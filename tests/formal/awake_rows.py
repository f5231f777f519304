"""A walk gives every row of the list in order, though rows that stay are written over the beginning of it meanwhile."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Mux, Signal
from contracts import awake_rows as contract
from faults import Fault
from prove import Proof, assume, claim, inside, lemma, states

from ranvier.hw.awake_rows import AwakeRows


def in_order(m, unit):
    """The row at any place."""
    held, taken = (Signal(range(unit.rows + 1), name=name) for name in ("held", "taken"))
    assume(m, contract(m, unit, (held, taken)))
    seen, place = inside(unit), AnyConst(len(unit.row))
    m.d.comb += Assume(place < unit.rows)
    at, stored = states(m, seen.m), seen.memory.read_port(domain="comb")
    m.d.comb += stored.addr.eq(place)
    listed, kept, walked = Signal.like(unit.row), Signal.like(unit.row), Signal()
    with m.If(unit.append & (seen.written == place)):
        m.d.sync += listed.eq(unit.row)
    with m.If(unit.walk):
        m.d.sync += [kept.eq(listed), walked.eq(place < seen.written)]
    lemma(m, held == seen.written, unit.done | (taken == seen.given - at["Give"]))
    lemma(m, stored.data == listed, seen.written <= unit.rows, seen.total <= unit.rows)
    listed_then = Signal.like(held)  # rows that this walk has to give
    with m.If(unit.walk | unit.clear):
        m.d.sync += listed_then.eq(Mux(unit.clear, 0, held))
    claim(m, ~unit.done | (taken == listed_then))
    with m.If(~unit.done):
        lemma(m, seen.total == listed_then)
        lemma(m, walked == (place < seen.total), seen.total != 0)
        lemma(m, seen.written <= seen.given, seen.given - at["Give"] < seen.total)
        ahead = seen.given <= place
        with m.If(walked & ahead):
            lemma(m, listed == kept)
        with m.If(walked & at["Wait"] & (seen.given == place)):
            lemma(m, seen.read.data == kept)
    with m.If(unit.awake.valid & (taken == place)):
        claim(m, walked, unit.awake.payload == kept)


PROOFS = {
    f"{rows} rows": Proof(
        lambda rows=rows: AwakeRows(rows), in_order, "a walk gives the rows in order", depth=14, induction=4
    )
    for rows in (3, 512)
}
FAULTS = [
    Fault("a row is given before it is read", "awake_rows.py", 'm.next = "Wait"', 'm.next = "Give"'),
    Fault(
        "rows that stay leave gaps",
        "awake_rows.py",
        "m.d.sync += [total.eq(written), given.eq(0), written.eq(0)]",
        "m.d.sync += [total.eq(written), given.eq(0), written.eq(1)]",
    ),
]

"""No state of a row is lost: none is read for a change while another change of it is under way or is being written."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Cat
from contracts import traces as contract
from faults import Fault
from prove import Proof, assume, claim, inside

from ranvier.hw.pipeline import as_built, delayed
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat


def one_change_at_a_time(m, unit):
    """Of any row."""
    assume(m, contract(m, unit))
    seen, which = inside(unit), AnyConst(len(unit.row))
    clocks = as_built(PresynapticTraces, unit.config).latency
    visit, arrive = unit.visit & (unit.row == which), unit.arrive & (unit.arrived_row == which)
    visiting = [delayed(m, visit, n) for n in range(1, clocks + 1)]
    marking = [delayed(m, arrive, n) for n in range(1, 4)]
    written = seen.write.en & (seen.write.addr == which)
    # Address register, memory: what is asked now is read on the next clock.
    claim(m, ~((visiting[0] | marking[0]) & written))
    claim(m, written == (visiting[-1] | marking[-1] | (unit.forget & (unit.forget_row == which))))
    claim(m, ~((visit | arrive) & Cat(visiting, marking[:2]).any()))


FORMATS = {"trace": QFormat(False, 1, 8), "decay": QFormat(False, 0, 2)}
SAYS = "a row is read for a change only when no other is under way"
PROOFS = {
    synapse: Proof(
        lambda synapse=synapse: PresynapticTraces(
            CoreConfig(inputs=3, neurons=1, outputs=2, synapse=synapse, **FORMATS)
        ),
        one_change_at_a_time,
        SAYS,
        depth=14,
        induction=14,
    )
    for synapse in ("delta", "exponential")
}
FAULTS = [
    Fault(
        "a mark lands on the row before",
        "presynaptic_trace.py",
        "self.woken_row.eq(row.at(woke.clock))",
        "self.woken_row.eq(row.at(woke.clock + 1))",
    ),
    Fault(
        "a mark comes a clock late",
        "presynaptic_trace.py",
        "arrived.at(woke.clock)",
        "arrived.at(woke.clock + 1)",
    ),
]

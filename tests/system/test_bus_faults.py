"""Do the checks of peripheral and bus interfaces bite? As `test_faults.py` for the core: their tests must find every fault.

Faults of the peripheral must be found over the bus, and some of units by the unit's own tests: random samples never show
them. Run as a script, this file imports a copy of the hardware as
`ranvier.hw` and runs those tests on it.
"""

import json
import sys
from pathlib import Path

import pytest
from faults import Fault, check_places, result_of, use_hardware

PERIPHERAL = ("tests/sim/test_bus.py", "tests/ranvier/drivers/test_remote.py")
#: What files of the hardware are checked by, if not as parts of the peripheral.
CHECKS = {
    "bus/axi.py": ("tests/hw/bus/test_axi.py",),
    "sequencer.py": ("tests/hw/test_core.py",),
    "register_slice.py": ("tests/hw/test_register_slice.py",),
    "softmax.py": ("tests/hw/test_softmax.py",),
    "bus/uart.py": ("tests/hw/bus/test_uart.py",),
    "bus/wishbone.py": ("tests/hw/bus/test_wishbone.py",),
}


FAULTS = [
    Fault(
        "the smallest power is dropped",
        "softmax.py",
        "vanishes, shift = whole > EXP_BITS",
        "vanishes, shift = whole >= EXP_BITS",
    ),
    Fault(
        "a reset emits scores",
        "sequencer.py",
        "m.d.sync += self.silent.eq(1)",
        "m.d.sync += self.silent.eq(0)",
    ),
    Fault(
        "a byte is lost when the one before is taken on the same clock",
        "bus/uart.py",
        "with m.If(~self.bytes.valid | self.bytes.ready):",
        "with m.If(~self.bytes.valid):",
    ),
    Fault(
        "an input unit too many is let in",
        "bus/event_queue.py",
        "~(spike & (word.index >= c.inputs))",
        "~(spike & (word.index > c.inputs))",
    ),
    Fault("a full queue takes events", "bus/event_queue.py", "self.full.eq(~fifo.w_rdy)", "self.full.eq(0)"),
    Fault(
        "events are taken while loading",
        "bus/event_queue.py",
        "self.refused.eq(self.hold | ~self._fits(self.word))",
        "self.refused.eq(~self._fits(self.word))",
    ),
    Fault(
        "outputs are dropped in silence",
        "bus/results.py",
        "self.dropped.eq(queued & ~queue.w_rdy)",
        "self.dropped.eq(0)",
    ),
    Fault("an output is taken twice", "bus/results.py", "queue.r_en.eq(self.take)", "queue.r_en.eq(0)"),
    Fault(
        "scores of one output show for the next",
        "bus/results.py",
        "write.addr.eq(source.index)",
        "write.addr.eq(source.index + 1)",
    ),
    Fault(
        "the checksum leaves out the address",
        "bus/checksum.py",
        "byte_address.eq(self.address << 2)",
        "byte_address.eq(0)",
    ),
    Fault("reads overtake events", "bus/responder.py", "with m.If(~self.busy):", "with m.If(self.busy | ~self.busy):"),
    Fault(
        "the row applies to windows without rows",
        "bus/responder.py",
        "Mux(self._has_rows(space), self.row, 0)",
        "self.row",
    ),
    Fault("columns wrap around", "bus/responder.py", "with m.Elif(beyond):", "with m.Elif(beyond & 0):"),
    Fault(
        "parts of words are written whole",
        "bus/responder.py",
        "with m.Elif(access.write & ~whole):",
        "with m.Elif(access.write & nothing):",
    ),
    Fault(
        "interrupts cannot be disabled",
        "bus/peripheral.py",
        "(registers.interrupt_pending_held.as_value() & registers.interrupt_enable.as_value()).any()",
        "registers.interrupt_pending_held.as_value().any()",
    ),
    Fault(
        "values beyond their format are cut",
        "host.py",
        "(least <= request.data) & (request.data <= most) if space.has_rows else 0",
        "int(space.has_rows)",
    ),
    Fault(
        "write-only registers can be read",
        "register_bank.py",
        "self.readable.eq(register.access != AccessRight.WO)",
        "self.readable.eq(1)",
    ),
    Fault(
        "writing clears causes that were not named",
        "register_bank.py",
        "m.d.comb += cleared.eq(self.data)",
        "m.d.comb += cleared.eq(~self.data)",
    ),
    Fault(
        "a write is answered as a read",
        "bus/axi.py",
        "with m.If(reading):\n",
        "with m.If(reading | axi.arvalid):\n",
    ),
    Fault(
        "a write begins without its data",
        "bus/axi.py",
        "write_due.eq(written.valid & brought.valid & ~axi.bvalid)",
        "write_due.eq(written.valid & ~axi.bvalid)",
    ),
    Fault(
        "a response that waits is overwritten",
        "bus/axi.py",
        "read_due.eq(asked.valid & ~axi.rvalid)",
        "read_due.eq(asked.valid)",
    ),
    Fault(
        "responses do not wait to be taken",
        "bus/axi.py",
        "with m.If(axi.bready):",
        "with m.If(axi.bvalid):",
    ),
    Fault(
        "addresses between words are taken for words",
        "bus/axi.py",
        "with m.If(address[:_OFFSET_BITS].any()):",
        "with m.If(address[:_OFFSET_BITS].all()):",
    ),
    Fault(
        "refusals are answered OKAY",
        "bus/axi.py",
        "Mux(error, Response.SLVERR, Response.OKAY)",
        "Mux(error, Response.OKAY, Response.OKAY)",
    ),
    Fault(
        "writes wait until there are no reads",
        "bus/axi.py",
        "write_due.eq(written.valid & brought.valid & ~axi.bvalid)",
        "write_due.eq(written.valid & brought.valid & ~axi.bvalid & ~asked.valid)",
    ),
    Fault(
        "strobes are ignored",
        "bus/axi.py",
        "Cat(access.payload.data, access.payload.strobe).eq(brought.payload)",
        "Cat(access.payload.data, access.payload.strobe).eq(brought.payload | 0xF << 32)",
    ),
    Fault(
        "packets end with the first score",
        "bus/axi.py",
        "given.output.kind == OutputKind.PREDICTION",
        "given.output.kind == OutputKind.SCORE",
    ),
    Fault(
        "a stalled word is lost",
        "register_slice.py",
        "self.o.payload.eq(Mux(held, spare, self.i.payload))",
        "self.o.payload.eq(self.i.payload)",
    ),
    Fault(
        "ready does not fall",
        "register_slice.py",
        "self.i.ready.eq(~held)",
        "self.i.ready.eq(1)",
    ),
    Fault(
        "ready follows ready",
        "register_slice.py",
        "self.i.ready.eq(~held)",
        "self.i.ready.eq(~held | self.o.ready)",
    ),
    Fault(
        "an answer comes after the transfer was given up",
        "bus/wishbone.py",
        "wanted = asked & ~given_up",
        "wanted = asked",
    ),
    Fault(
        "an answer comes to nobody",
        "bus/wishbone.py",
        "wb.ack.eq(done & asked)",
        "wb.ack.eq(done)",
    ),
    Fault(
        "a transfer is done twice",
        "bus/wishbone.py",
        "with m.If(asked & wb.stall):",
        "with m.If(asked):",
    ),
    Fault(
        "refusals are acknowledged",
        "bus/wishbone.py",
        "done.eq(wanted & ~answer.payload.error)",
        "done.eq(wanted)",
    ),
    Fault(
        "stall falls before the answer",
        "bus/wishbone.py",
        "wb.stall.eq(~(done | refused))",
        "wb.stall.eq(~(done | refused | answer.valid))",
    ),
    Fault(
        "parts of a word are written whole",
        "bus/wishbone.py",
        "access.payload.strobe.eq(wb.sel)",
        "access.payload.strobe.eq(0xF)",
    ),
]


def checked(hardware: Path, checks: tuple[str, ...]) -> dict:
    """Result of checks on the hardware in a folder."""
    return result_of(__file__, hardware, *checks, timeout=900)


def test_every_fault_changes_exactly_one_place():
    check_places(FAULTS)


@pytest.mark.prove  # on the hardware itself, they pass in every run
@pytest.mark.slow
@pytest.mark.parametrize("checks", [PERIPHERAL, *CHECKS.values()], ids=" ".join)
def test_the_unmodified_copy_passes(checks, hardware_copy, record_property):
    found = checked(hardware_copy(), checks)
    what = " and ".join(checks)
    record_property("evidence", f"{what}, unmodified: {found['passed']} passed, {found['failed']} failed")
    assert found["failed"] == 0
    assert found["passed"] >= (30 if checks == PERIPHERAL else 4)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=[f.name for f in FAULTS])
def test_a_fault_is_found(fault, hardware_copy, record_property):
    found = checked(hardware_copy(fault), CHECKS.get(fault.file, PERIPHERAL))
    record_property("evidence", f"{fault.name}: {found['first']}")
    assert found["failed"] > 0


class ReportCounter:
    """Plugin that counts what pytest found."""

    def __init__(self):
        self.found = {"passed": 0, "failed": 0, "first": None}

    def pytest_runtest_logreport(self, report):
        """One phase of one test."""
        if report.failed:
            self.found["failed"] += 1
            self.found["first"] = self.found["first"] or report.nodeid
        elif report.when == "call":
            self.found["passed"] += 1


def main(hardware: Path, checks: list[str]) -> None:
    """Run checks on the hardware in a folder, and print the result as JSON."""
    use_hardware(hardware)
    counter = ReportCounter()
    pytest.main(["-q", "-x", "-p", "no:cacheprovider", *checks], plugins=[counter])
    print()
    print(json.dumps(counter.found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

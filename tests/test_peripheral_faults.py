"""Do the checks of the peripheral bite? As `tests/test_faults.py` for the core, but every fault must be found over the bus.

This file run as a script imports a copy of the hardware as `ranvier.hw`, and runs the tests of bus and host driver on it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECKS = ("tests/sim/test_bus.py", "tests/firmware/test_remote.py")


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in `file` of the hardware."""

    name: str
    file: str
    old: str
    new: str


FAULTS = [
    Fault(
        "an input unit too many is let in",
        "event_queue.py",
        "~(spike & (word.index >= c.inputs))",
        "~(spike & (word.index > c.inputs))",
    ),
    Fault("a full queue takes events", "event_queue.py", "self.full.eq(~fifo.w_rdy)", "self.full.eq(0)"),
    Fault(
        "events are taken while loading",
        "event_queue.py",
        "self.refused.eq(self.hold | ~self._fits(self.word))",
        "self.refused.eq(~self._fits(self.word))",
    ),
    Fault(
        "outputs are dropped in silence",
        "results.py",
        "self.dropped.eq(queued & ~queue.w_rdy)",
        "self.dropped.eq(0)",
    ),
    Fault("an output is taken twice", "results.py", "queue.r_en.eq(self.take)", "queue.r_en.eq(0)"),
    Fault(
        "scores of one output show for the next",
        "results.py",
        "write.addr.eq(source.index)",
        "write.addr.eq(source.index + 1)",
    ),
    Fault(
        "the checksum leaves out the address",
        "checksum.py",
        "byte_address.eq(self.address << 2)",
        "byte_address.eq(0)",
    ),
    Fault("reads overtake events", "peripheral.py", "with m.If(~busy):", "with m.If(busy | ~busy):"),
    Fault(
        "the row applies to windows without rows",
        "peripheral.py",
        "Mux(self._has_rows(space), self.registers.row.row, 0)",
        "self.registers.row.row",
    ),
    Fault("columns wrap around", "peripheral.py", "with m.Elif(self.beyond):", "with m.Elif(self.beyond & 0):"),
    Fault(
        "parts of words are written whole",
        "peripheral.py",
        "with m.Elif(access.write & ~whole):",
        "with m.Elif(access.write & nothing):",
    ),
    Fault(
        "interrupts cannot be disabled",
        "peripheral.py",
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
        "self.readable.eq(register.access != Access.WO)",
        "self.readable.eq(1)",
    ),
    Fault(
        "writing clears causes that were not named",
        "register_bank.py",
        "m.d.comb += cleared.eq(self.data)",
        "m.d.comb += cleared.eq(~self.data)",
    ),
]


def checked(hardware: Path) -> dict:
    """Outcome of the checks on the hardware in a folder, in a process of its own."""
    command = [sys.executable, __file__, str(hardware)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_fault_changes_exactly_one_place():
    counts = {f.name: (ROOT / "hw" / f.file).read_text().count(f.old) for f in FAULTS}
    assert counts == dict.fromkeys(counts, 1)
    assert len(counts) == len(FAULTS)


@pytest.mark.slow
def test_the_unmodified_copy_passes(hardware_copy, record_property):
    found = checked(hardware_copy())
    record_property("evidence", f"peripheral, unmodified: {found['passed']} checks passed, {found['failed']} failed")
    assert found["failed"] == 0
    assert found["passed"] > 30


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=[f.name for f in FAULTS])
def test_a_fault_is_found(fault, hardware_copy, record_property):
    found = checked(hardware_copy(fault))
    record_property("evidence", f"{fault.name}: {found['first']}")
    assert found["failed"] > 0


class Outcome:
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


def main(hardware: Path) -> None:
    """Run the checks on the hardware in a folder, and print the outcome as JSON."""
    from conftest import use_hardware

    use_hardware(hardware)
    outcome = Outcome()
    pytest.main(["-q", "-x", "-p", "no:cacheprovider", *CHECKS], plugins=[outcome])
    print()
    print(json.dumps(outcome.found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

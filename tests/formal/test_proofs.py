"""Every proof of this folder, and whether it can fail: each unit has faults of the hardware, which must refute one."""

import importlib
from pathlib import Path

import pytest
from faults import check_places, result_of

UNITS = [
    *("accumulator", "awake_rows", "axi", "credit_list", "delay_line", "event_queue", "register_bank", "results"),
    *("row_memory", "scores", "spike_list", "traces", "uartbone", "wishbone"),
]
CONTENT = {name: importlib.import_module(name) for name in UNITS}
PROOFS = [
    pytest.param(name, proof, marks=[pytest.mark.prove] * proof.slow, id=f"{name}: {size}")
    for name, content in CONTENT.items()
    for size, proof in content.PROOFS.items()
]
FAULTS = [pytest.param(name, f, id=f"{name}: {f.name}") for name, content in CONTENT.items() for f in content.FAULTS]


def test_every_fault_changes_exactly_one_place():
    check_places([fault for content in CONTENT.values() for fault in content.FAULTS])


def test_every_unit_has_faults():
    assert all(content.FAULTS for content in CONTENT.values())


@pytest.mark.parametrize(("unit", "proof"), PROOFS)
def test_is_proved(unit, proof, request, record_property):
    found = proof.prove()
    name = request.node.callspec.id
    record_property("evidence", f"{name}: {proof.says}: proved {proof.bound}, {found.seconds:.1f} CPU s")
    assert found.holds, found


@pytest.mark.parametrize(("unit", "fault"), FAULTS)
def test_a_fault_is_found(unit, fault, hardware_copy, record_property):
    found = result_of(str(Path(__file__).with_name("refute.py")), hardware_copy(fault), unit, timeout=300)
    record_property("evidence", f"{unit}, {fault.name}: refuted, {found['refuted']}")
    assert found["refuted"]

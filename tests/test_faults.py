"""The checks bite: each fault put into a copy of the hardware is caught by ordinary random verification."""

import json
import subprocess
import sys

import pytest
from ranvier.sim.faults import FAULTS, Fault

#: Runs in a process of its own: injects, builds, verifies, prints the outcome.
PROCEDURE = """
import json, sys, tempfile
from pathlib import Path
import ranvier.hw
from ranvier.sim.faults import FAULTS, inject

with tempfile.TemporaryDirectory() as folder:
    inject(next((fault for fault in FAULTS if fault.name == sys.argv[1]), None), Path(folder) / "hw")
    import ranvier
    from ranvier.golden.presets import preset
    from ranvier.sim.build import library
    from ranvier.sim.device import SimulatedCore

    config = preset("test")
    device = SimulatedCore(config, library(config, optimise=False))
    result = ranvier.verify(ranvier.open_device("golden", config), device, seed=1, samples=24)
    print(json.dumps(result.summary()))
"""


def outcome(name: str) -> dict:
    done = subprocess.run([sys.executable, "-c", PROCEDURE, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_unchanged_copy_passes():
    result = outcome("none")
    print(f"\n{result['mismatches']} mismatches / {result['compared']} values compared")
    assert result["mismatches"] == 0
    assert min(result["compared"] // 10_000, result["spikes"], result["weights_moved"], result["delays_moved"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught(fault: Fault):
    result = outcome(fault.name)
    print(f"\n{fault.name}: {result['first']}")
    assert result["mismatches"] > 0
    assert result["first"] is not None

"""What tests share: evidence beyond passing, recordings that are not ours, and copies of the hardware with faults.

Every ``record_property("evidence", line)`` is printed at the end of the run, and so is the sum of all
``record_property("compared", number)``: a test that passed has held so many values against others and found all equal. The
Braille recordings are looked for at ``$RANVIER_BRAILLE``, else in ``../shared/data/braille``. ``--prove`` injects all faults
instead of one in eight, and leaves nothing out.
"""

import os
import shutil
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from faults import ROOT

FAULTS_PER_RUN = 8
BRAILLE = Path(__file__).parents[2] / "shared" / "data" / "braille" / "braille_taxels.npz"


@pytest.fixture(scope="session", autouse=True)
def quick_builds():
    """Cores that hardly run are built without optimisation, in 40 % of the time, and one build serves all tests."""
    from ranvier.sim.build import library

    with pytest.MonkeyPatch.context() as patch:
        for user in ("device", "bus"):
            patch.setattr(f"ranvier.sim.{user}.library", partial(library, optimise=False))
        yield


@pytest.fixture(scope="session")
def recordings() -> str:
    """The Braille recordings as a data set of the command line; skips where they are missing."""
    path = Path(os.environ.get("RANVIER_BRAILLE", BRAILLE))
    if not path.exists():
        pytest.skip(f"no Braille recordings at {path}: set RANVIER_BRAILLE to the path of braille_taxels.npz")
    return f"braille:{path}"


@pytest.fixture
def heidelberg(tmp_path):
    """Writes a small file in the layout of the Heidelberg data sets and returns its path.

    Every class has a track of its own: spikes of channels that rise or fall with time, and some anywhere.
    """
    import h5py

    def write(name, samples=40, classes=20, seed=0, spikes=150, names=True) -> Path:
        rng = np.random.default_rng([3, seed])
        labels = rng.permutation(np.arange(samples) % classes)
        with h5py.File(tmp_path / name, "w") as file:
            times = file.create_dataset("spikes/times", (samples,), h5py.vlen_dtype(np.float16))
            units = file.create_dataset("spikes/units", (samples,), h5py.vlen_dtype(np.uint16))
            for n, label in enumerate(labels):
                time = np.sort(rng.uniform(0, 1.2, spikes)).astype(np.float16)
                track = 20 + 660 * label / classes + (-1) ** label * 150 * (time - 0.5) + rng.normal(0, 10, spikes)
                stray = rng.random(spikes) < 0.1
                times[n] = time
                units[n] = np.where(stray, rng.integers(0, 700, spikes), np.clip(track, 0, 699)).astype(np.uint16)
            file["labels"] = labels.astype(np.uint16)
            file["extra/speaker"] = rng.integers(0, 12, samples).astype(np.uint16)
            if names:
                file["extra/keys"] = [f"word {n}".encode() for n in range(classes)]
        return tmp_path / name

    return write


def pytest_addoption(parser):
    parser.addoption(
        "--device",
        action="append",
        help="device of tests/hil; may be repeated (default golden, sim, axi, wishbone, pty)",
    )
    parser.addoption("--preset", default="test", help="core of that device (default test)")
    parser.addoption(
        "--prove", action="store_true", help=f"inject every fault, not one in {FAULTS_PER_RUN}; leave out nothing"
    )


def pytest_collection_modifyitems(config, items):
    """Keep one fault in so many, of every file: each builds a simulator of its own. Leave out what is marked ``prove``.

    What is slow comes first, so that no worker is left with it at the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if config.getoption("--prove"):
        return
    seen, kept, left_out = Counter(), [], []
    for item in items:
        is_fault = item.originalname == "test_a_fault_is_found"
        spared = (is_fault and seen[item.path] % FAULTS_PER_RUN) or item.get_closest_marker("prove")
        (left_out if spared else kept).append(item)
        seen[item.path] += is_fault
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_terminal_summary(terminalreporter):
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [line for report in reports for name, line in report.user_properties if name == "evidence"]
    if lines:
        terminalreporter.section("evidence")
        for line in lines:
            terminalreporter.write_line(line)
    passed = terminalreporter.stats.get("passed", [])
    compared = [n for report in passed for name, n in report.user_properties if name == "compared"]
    if compared:
        total, tests = sum(compared), len(compared)
        terminalreporter.write_line(f"{total:,} values compared in this run, in {tests} tests, 0 mismatches")


@pytest.fixture
def hardware_copy(tmp_path):
    """Makes a copy of the hardware, with a fault (`file`, `old`, `new`) if one is given, and returns its folder."""

    def copy(fault=None) -> Path:
        hardware = tmp_path / "hw"
        shutil.copytree(ROOT / "hw", hardware, ignore=shutil.ignore_patterns("__pycache__"))
        if fault:
            target = hardware / fault.file
            target.write_text(target.read_text().replace(fault.old, fault.new))
        return hardware

    return copy

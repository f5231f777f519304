"""The LiteX example elaborates, and Verilator lints the whole SoC: Verilog of LiteX, core and CPU, and the FPGA's cells."""

import csv
import importlib.util
import re
from pathlib import Path

import pyosys
import pytest
import pythondata_cpu_picorv32

from ranvier.golden.presets import preset
from ranvier.hw.registers import ADDRESS_BITS
from ranvier.hw.verilog import write_verilog
from ranvier.sim import verilator

EXAMPLE = Path(__file__).parents[1] / "examples" / "litex" / "ranvier_soc.py"
CORE, TOP = "ranvier_wishbone", "radiona_ulx3s"
CONFIG = preset("test")

#: Not errors, of LiteX' Verilog, the CPU's and the core's: registers with initial values, widths that differ, `casez`
#: without default, `<=` in combinational blocks, pins of FPGA cells left open, cells described twice.
QUIET = [
    f"-Wno-{name}"
    for name in (
        *("PROCASSINIT", "CASEINCOMPLETE", "WIDTHEXPAND", "WIDTHTRUNC"),
        *("COMBDLY", "BLKSEQ", "SPECIFYIGN", "PINMISSING", "MODDUP"),
    )
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder in which the example was elaborated."""
    spec = importlib.util.spec_from_file_location("ranvier_soc", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    folder = tmp_path_factory.mktemp("litex")
    example.build(CONFIG, folder, run=False)
    return folder


def lint(folder):
    """What Verilator says; `VerilatorError` if it finds something."""
    cells = Path(pyosys.__file__).parent / "share" / "ecp5"
    cpu = Path(pythondata_cpu_picorv32.data_location) / "picorv32.v"
    sources = [folder / "gateware" / f"{TOP}.v", folder / f"{CORE}.v", cpu]
    library = [f"-I{cells}", "-v", cells / "cells_bb.v", "-v", cells / "cells_sim.v"]
    tool = verilator.root() / "bin" / "verilator_bin"
    command = [tool, "--lint-only", "--top-module", TOP, *QUIET, *sources, *library]
    return verilator.run([str(part) for part in command], cwd=folder / "gateware")


def test_whole_soc_is_linted(built):
    assert (built / f"{CORE}.v").read_text() == write_verilog(CONFIG, "wishbone")
    modules = re.search(r"Verilator: Built from .* in (\d+) modules", lint(built))
    assert int(modules[1]) > 40  # core, CPU, SoC and cells


def test_lint_finds_a_core_that_lacks_a_port(built):
    file = built / f"{CORE}.v"
    whole = file.read_text()
    try:
        file.write_text(re.sub(r"\bwb_cyc\b", "wb_cycle", whole))
        with pytest.raises(verilator.VerilatorError, match="Pin not found: 'wb_cyc'"):
            lint(built)
    finally:
        file.write_text(whole)


def test_every_port_of_the_core_is_connected(built):
    top = (built / "gateware" / f"{TOP}.v").read_text()
    instance = re.search(rf"^{CORE} {CORE}\((.*?)^\);", top, re.M | re.S)[1]
    pins = dict(re.findall(r"\.(\w+) +\((.*?)\)", instance))
    ports = re.search(rf"^module {CORE} ?\((.*?)\);", (built / f"{CORE}.v").read_text(), re.M | re.S)[1]
    assert set(pins) == set(re.split(r"[,\s]+", ports.strip()))
    assert len(pins) == 15
    assert f"assign {pins['wb_stb']} = builder_shared_stb;" in top
    assert re.search(rf"builder_shared_err = .*\b{pins['wb_err']}\b", top)
    assert re.search(rf"build_picorv32_interrupt\[\d+\] <= {pins['irq']};", top)


def test_firmware_and_host_learn_where_the_core_is(built):
    rows = list(csv.reader(line for line in (built / "csr.csv").open() if not line.startswith("#")))
    (region,) = [row for row in rows if row[:2] == ["memory_region", "ranvier"]]
    assert int(region[3]) == 1 << ADDRESS_BITS
    assert int(region[2], 16) % int(region[3]) == 0  # the core sees the low bits of the address
    generated = built / "software" / "include" / "generated"
    assert f"#define RANVIER_BASE {region[2]}L" in (generated / "mem.h").read_text()
    (interrupt,) = [row[2] for row in rows if row[:2] == ["constant", "ranvier_interrupt"]]
    assert f"#define RANVIER_INTERRUPT {interrupt}\n" in (generated / "soc.h").read_text()

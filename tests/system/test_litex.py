"""The LiteX example elaborates, and Verilator lints the whole SoC: Verilog of LiteX, core and CPU, and the FPGA's cells."""

import csv
import hashlib
import importlib.util
import re
from pathlib import Path

import pyosys
import pytest
import pythondata_cpu_picorv32
from litex.build.generic_platform import GenericPlatform, Pins
from litex.build.io import CRG
from litex.soc.cores.uart import UARTPHY, UARTBone
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from migen import Record

from ranvier.device import open_device
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.hw.flow.verilog import write_verilog
from ranvier.hw.registers import ADDRESS_BITS, Register
from ranvier.parameters.presets import preset
from ranvier.sim import verilator
from ranvier.sim.build import Model, library
from ranvier.sim.port import BAUD, CLOCKS_PER_BIT, SimulatedLink, SimulatedPort
from ranvier.verification.verify import verify

EXAMPLE = Path(__file__).parents[2] / "examples" / "litex" / "ranvier_soc.py"
CORE, TOP = "ranvier_wishbone", "radiona_ulx3s"
CONFIG = preset("test")

#: Not errors, of LiteX' Verilog, the CPU's and the core's: registers with initial values, widths that differ, ``casez``
#: without default, `<=` in combinational blocks, pins of FPGA cells left open, cells described twice.
QUIET = [
    f"-Wno-{name}"
    for name in (
        *("PROCASSINIT", "CASEINCOMPLETE", "WIDTHEXPAND", "WIDTHTRUNC"),
        *("COMBDLY", "BLKSEQ", "SPECIFYIGN", "PINMISSING", "MODDUP"),
    )
]


@pytest.fixture(scope="module")
def example():
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("ranvier_soc", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(example, tmp_path_factory):
    """Folder in which the example was elaborated."""
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
    assert re.search(rf"assign \w+_bus_ack = \({pins['wb_ack']} \| {pins['wb_err']}\);", top)
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


# -------------------------------------------------------------------- simulated


def simulated_soc(example, folder):
    """Verilog of a SoC of LiteX with its own UARTBone in place of a CPU, and the example's core at address 0."""
    clock, name = CLOCKS_PER_BIT * BAUD, "ranvier_serial"
    platform = GenericPlatform("", [(pin, 0, Pins(1)) for pin in ("clk", "rst", "rx", "tx")], name=name)
    soc = SoCMini(platform, clock)
    soc.mem_map["csr"] = 1 << 31  # 0 is where the driver looks for the core
    soc.crg = CRG(platform.request("clk"), platform.request("rst"))
    pads = Record([("rx", 1), ("tx", 1)])
    soc.comb += [pads.rx.eq(platform.request("rx")), platform.request("tx").eq(pads.tx)]
    soc.phy = UARTPHY(pads, clock, BAUD)
    soc.bone = UARTBone(soc.phy, clock)
    soc.bus.add_master("bone", master=soc.bone.wishbone)
    soc.ranvier = example.Ranvier(platform, CONFIG, folder / "core.v")
    soc.bus.add_slave("ranvier", soc.ranvier.bus, SoCRegion(origin=0, size=example.Ranvier.SIZE, cached=False))
    soc.finalize()
    return str(platform.get_verilog(soc, name=name)) + (folder / "core.v").read_text()


@pytest.fixture(scope="module")
def device(example, tmp_path_factory):
    """The core behind LiteX' bus and LiteX' UARTBone, simulated at the pins, with the driver of a board."""
    text = simulated_soc(example, tmp_path_factory.mktemp("simulated"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    model = Model("ranvier_serial", lambda config: text, "serial_harness.cpp", f"-litex-{digest}")
    path = library(CONFIG, model)
    with RemoteCore(CONFIG, SimulatedLink(SimulatedPort(CONFIG, path=path))) as device:
        yield device


def test_core_in_the_soc_is_the_golden_model(device):
    with open_device("golden", CONFIG) as golden:
        result = verify(golden, device, samples=6)
    print(f"\n{result.mismatches} mismatches / {result.compared:,} values through a SoC of LiteX")
    assert result.mismatches == 0, result.first
    assert result.compared > 1000
    assert min(result.spikes, result.weights_moved, result.delays_moved) > 0


def test_refused_access_ends(device):
    """As it would end on LiteX' bus; the core's registers tell what it was."""
    beyond = Register.COUNTER.address + 4 * len(Register.COUNTER.elements)
    device.write(Register.ERROR, 0xFFFFFFFF)
    device.link.write(beyond, [1])
    assert device.read(Register.ERROR) == Register.ERROR.pack(access=1)
    assert device.read(Register.ERROR_ADDRESS) == beyond
    device.write(Register.ERROR, 0xFFFFFFFF)
    with pytest.raises(LinkError, match=f"the core refused a read from {beyond:#x}"):
        device.link.read(beyond)
    device.write(Register.ERROR, 0xFFFFFFFF)
    assert device.read(Register.ERROR) == 0

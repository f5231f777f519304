"""A LiteX SoC for the ULX3S board with a Ranvier core on its bus.

The core is a plain Wishbone slave without CSRs of its own: its registers and windows are a region of memory, and its
interrupt is one of the CPU's. LiteX writes the base address into the generated `mem.h` as `RANVIER_BASE`.

    python ranvier_soc.py --preset braille            # Verilog, headers and csr.csv in build/
    python ranvier_soc.py --preset braille --build    # and a bitstream; needs Yosys, nextpnr and a RISC-V compiler
"""

import argparse
from pathlib import Path
from types import SimpleNamespace

from litex.gen import LiteXModule
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import wishbone
from litex_boards.targets.radiona_ulx3s import BaseSoC
from migen import ClockSignal, Instance, Replicate, ResetSignal, Signal

from ranvier.files.output import write_text
from ranvier.hw.flow.verilog import module_name, write_verilog
from ranvier.hw.registers import ADDRESS_BITS
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.presets import PRESETS, preset

INTERFACE = "wishbone"


class Ranvier(LiteXModule):
    """A core with a Wishbone interface.

    Some of LiteX' masters (PicoRV32, UARTBone) ignore `err` and would wait forever. So a refused access ends as one
    that timed out does on LiteX' bus: acknowledged, and all ones.

    Parameters
    ----------
    platform : GenericPlatform
        Learns of the Verilog.
    config : CoreConfig
        The core.
    verilog : Path
        File to write its Verilog to.

    Attributes
    ----------
    bus : wishbone.Interface
        Registers and windows, `SIZE` bytes.
    ev : namespace
        `irq`, high while an enabled cause is pending: where LiteX looks for the interrupt of a module.
    """

    SIZE = 1 << ADDRESS_BITS

    def __init__(self, platform, config: CoreConfig, verilog: Path):
        self.bus = bus = wishbone.Interface(data_width=32, addressing="word")
        self.ev = SimpleNamespace(irq=Signal())
        done, refused, data = Signal(), Signal(), Signal(32)
        self.comb += [bus.ack.eq(done | refused), bus.dat_r.eq(data | Replicate(refused, 32))]
        self.specials += Instance(
            module_name(INTERFACE),
            i_clk=ClockSignal("sys"),
            i_rst=ResetSignal("sys"),
            i_wb_adr=bus.adr[: ADDRESS_BITS - 2],
            i_wb_dat_w=bus.dat_w,
            i_wb_sel=bus.sel,
            i_wb_we=bus.we,
            i_wb_cyc=bus.cyc,
            i_wb_stb=bus.stb,
            i_wb_cti=bus.cti,
            i_wb_bte=bus.bte,
            o_wb_dat_r=data,
            o_wb_ack=done,
            o_wb_err=refused,
            o_wb_stall=Signal(),  # LiteX' bus is classic
            o_irq=self.ev.irq,
        )
        write_text(verilog, write_verilog(config, INTERFACE))
        platform.add_source(str(verilog))


class RanvierSoC(BaseSoC):
    """PicoRV32, memory in block RAM, a UART, and a core."""

    def __init__(self, config: CoreConfig, verilog: Path, **options):
        super().__init__(cpu_type="picorv32", integrated_rom_size=0x8000, integrated_main_ram_size=0x4000, **options)
        self.ranvier = Ranvier(self.platform, config, verilog)
        region = SoCRegion(size=Ranvier.SIZE, cached=False)  # LiteX finds the place
        self.bus.add_slave("ranvier", self.ranvier.bus, region)
        self.irq.add("ranvier")


def build(config: CoreConfig, folder: Path, *, run: bool, **options) -> RanvierSoC:
    """Elaborate the SoC into `folder`; with `run`, compile its firmware and make a bitstream as well."""
    folder.mkdir(parents=True, exist_ok=True)
    soc = RanvierSoC(config, folder / f"{module_name(INTERFACE)}.v", **options)
    builder = Builder(soc, output_dir=str(folder), csr_csv=str(folder / "csr.csv"), compile_software=run)
    builder.build(run=run)
    return soc


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=PRESETS, default="yinyang", help="core (default yinyang)")
    parser.add_argument("--device", default="LFE5U-85F", help="FPGA of the board (default LFE5U-85F)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder (default build)")
    parser.add_argument("--build", action="store_true", help="make a bitstream")
    given = parser.parse_args()
    build(preset(given.preset), given.out.resolve(), run=given.build, device=given.device)

"""The table of FPGAs: every record is complete, and the tools know each by its name."""

import subprocess
import sys
from dataclasses import asdict

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.flow.fpga import FAMILIES, FPGAS, PLACEABLE, Resources
from ranvier.hw.flow.place import pack, place_and_route
from ranvier.hw.flow.synthesis import synthesise


class Blink(wiring.Component):
    """A counter: the least that has a clock to constrain."""

    enable: In(1)
    led: Out(1)

    def elaborate(self, platform):
        m = Module()
        count = Signal(4)
        m.d.sync += count.eq(count + self.enable)
        m.d.comb += self.led.eq(count[-1])
        return m


@pytest.fixture(scope="module")
def netlists(tmp_path_factory):
    """Family -> netlist of `Blink`."""
    folder = tmp_path_factory.mktemp("fpga")
    placeable = {FPGAS[name].family.name for name in PLACEABLE}
    for family in placeable:
        synthesise(Blink(), family, folder / f"{family}.json")
    return {family: folder / f"{family}.json" for family in placeable}


@pytest.mark.parametrize("name", FPGAS)
def test_a_record_is_complete(name):
    fpga = FPGAS[name]
    assert fpga.name == name
    assert FAMILIES[fpga.family.name] is fpga.family
    counted = {resource for resource, count in asdict(fpga.available).items() if count is not None}
    assert {"luts", "flip_flops", "block_rams", "multipliers"} <= counted
    assert counted >= set(fpga.family.cells) - {"lut_rams"}
    assert list(fpga.speeds) == sorted(fpga.speeds)
    assert bool(fpga.package) == bool(fpga.family.placer) == (name in PLACEABLE)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLACEABLE)
def test_nextpnr_places_on_it_and_a_bitstream_comes_of_it(name, netlists, tmp_path):
    routed, bitstream = tmp_path / "routed", tmp_path / "bitstream"
    fpga = FPGAS[name]
    placed = place_and_route(netlists[fpga.family.name], name, target=12.0, routed=routed)
    assert placed.fmax > 12
    # nextpnr counts what it has itself: LUTs, and logic cells on an iCE40
    cells = next(there for cell, (_, there) in placed.used.items() if cell in ("TRELLIS_COMB", "ICESTORM_LC"))
    assert cells == fpga.available.luts
    pack(routed, name, bitstream)
    assert bitstream.stat().st_size > 10_000


def test_cells_are_counted_in_the_units_of_resources():
    cells = {"LUT4": 5, "CCU2C": 3, "TRELLIS_FF": 7, "TRELLIS_DPR16X4": 2, "DP16KD": 4, "MULT18X18D": 6, "PFUMX": 9}
    assert FAMILIES["ecp5"].count(cells) == Resources(11, 7, 4, 6, 12, None)
    assert FAMILIES["xc7"].count({"RAMB36E1": 2, "RAMB18E1": 1}).block_rams == 5
    ice40 = FAMILIES["ice40"].count({"SB_DFFESR": 2, "SB_DFF": 1, "SB_SPRAM256KA": 3})
    assert (ice40.flip_flops, ice40.single_port_rams, ice40.lut_rams) == (3, 3, None)
    assert any("single port rams" in line for line in ice40.lines())
    assert not any("lut rams" in line for line in ice40.lines())


def test_the_tables_need_no_hardware_description():
    """They are read for every `ranvier --help`."""
    code = "import sys, ranvier.hw.flow.board; sys.exit('amaranth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

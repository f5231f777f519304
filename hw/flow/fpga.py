"""FPGAs: their resources, and the commands of the tools for synthesis, placement and bitstreams.

A new FPGA is one record in `FPGAS`. A new family is a record of `Family` above them and, for boards
of that family, a clock generator in `ranvier.hw.flow.clock`. Synthesis, placement, boards, the check of utilisation and the
choices of the command line follow from these tables, which import no tools, so that `ranvier --help` stays quick.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["FAMILIES", "FPGA", "FPGAS", "PLACEABLE", "Family", "Placer", "Resources"]


@dataclass(frozen=True)
class Resources:
    """Resources that a design uses or an FPGA has; None where the family has no such resource.

    Parameters
    ----------
    luts : int
        Look-up tables of 4 inputs (Xilinx 7: 6), including those of carry chains.
    flip_flops : int
        Flip-flops.
    block_rams : int
        Block RAMs of 18 kbit (ECP5, and half a block on Xilinx 7) or 4 kbit (iCE40).
    multipliers : int
        Multipliers or DSP blocks.
    lut_rams : int or None
        LUTs used as memory.
    single_port_rams : int or None
        Single-ported memories of 256 kbit (iCE40 UltraPlus).
    """

    luts: int
    flip_flops: int
    block_rams: int
    multipliers: int
    lut_rams: int | None
    single_port_rams: int | None

    def lines(self) -> list[str]:
        """One line for each resource that there is."""
        return [f"  {name.replace('_', ' '):<18} {n:>8,}" for name, n in asdict(self).items() if n is not None]


@dataclass(frozen=True)
class Placer:
    """Command lines of nextpnr and the packer of a family.

    Parameters
    ----------
    constraints, routed : str
        Options of nextpnr for the constraints and for the routed design.
    packer : tuple of str
        Tool that converts the routed design to a bitstream, and its options.
    """

    constraints: str
    routed: str
    packer: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A family of FPGAs: commands of the tools, and the resources of its cells.

    Parameters
    ----------
    name : str
        Name in nextpnr and in `ranvier synth --family`.
    synthesis : str
        Commands of Yosys that synthesise for this family; ``{top}`` is the top module, ``{single_ported}`` selects
        memories with the attribute of single-ported ones, `ranvier.hw.row_memory.SINGLE_PORTED`.
    cells : mapping of str to mapping
        Field of `Resources` -> cell -> units of the resource in one such cell.
    placer : Placer, optional
        None if PyPI has no open tool for placement.
    block_ram : tuple of (int, int)
        Shapes (words, bits) that a block RAM can take.
    smallest : (int, int)
        Memories of fewer words or fewer bits in total go into LUTs.
    single_port_ram : (int, int), optional
        Shape (words, bits) of a single-ported RAM.
    """

    name: str
    synthesis: str
    cells: Mapping[str, Mapping[str, int]]
    placer: Placer | None = None
    block_ram: tuple[tuple[int, int], ...] = ()
    smallest: tuple[int, int] = (0, 0)
    single_port_ram: tuple[int, int] | None = None

    def count(self, cells: Mapping[str, int]) -> Resources:
        """Resources of the given number of `cells` of each type."""

        def total(resource: str) -> int:
            return sum(n * cells.get(cell, 0) for cell, n in self.cells[resource].items())

        return Resources(
            luts=total("luts"),
            flip_flops=total("flip_flops"),
            block_rams=total("block_rams"),
            multipliers=total("multipliers"),
            lut_rams=total("lut_rams") if "lut_rams" in self.cells else None,
            single_port_rams=total("single_port_rams") if "single_port_rams" in self.cells else None,
        )


def _each(*cells: str, count: int = 1) -> dict[str, int]:
    return dict.fromkeys(cells, count)


_ECP5 = Family(
    name="ecp5",
    # Without opt_clean, abc9 of Yosys 0.70 can fail on unused wires of the first half ("Assert `GetSize(conn.first) ...").
    synthesis="synth_ecp5 -top {top} -run begin:map_luts; opt_clean -purge; synth_ecp5 -top {top} -run map_luts:",
    cells={
        "luts": {"LUT4": 1, "CCU2C": 2},
        "flip_flops": _each("TRELLIS_FF"),
        "block_rams": _each("DP16KD"),
        "multipliers": _each("MULT18X18D"),
        "lut_rams": {"TRELLIS_DPR16X4": 6},  # four for the data, two to decode its writes
    },
    placer=Placer(constraints="lpf", routed="textcfg", packer=("ecppack", "--compress")),
    block_ram=((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
    smallest=(65, 1024),
)

_ICE40 = Family(
    name="ice40",
    # Amaranth gives every memory an initial content, which a single-ported RAM cannot have.
    synthesis="synth_ice40 -device u -dsp -spram -top {top} -run begin:map_ram; "
    "setparam -set INIT 1'x t:$mem_v2 {single_ported} %i; "
    "synth_ice40 -device u -dsp -spram -top {top} -run map_ram:",
    cells={
        "luts": _each("SB_LUT4"),
        "flip_flops": _each(*(f"SB_DFF{e}{r}" for e in ("", "E") for r in ("", "R", "S", "SR", "SS"))),
        "block_rams": _each("SB_RAM40_4K"),
        "multipliers": _each("SB_MAC16"),
        "single_port_rams": _each("SB_SPRAM256KA"),
    },
    placer=Placer(constraints="pcf", routed="asc", packer=("icepack",)),
    block_ram=((2048, 2), (1024, 4), (512, 8), (256, 16)),
    smallest=(2, 512),
    single_port_ram=(16384, 16),
)

_XC7 = Family(
    name="xc7",
    synthesis="synth_xilinx -family xc7 -flatten -top {top}",
    cells={
        "luts": _each(*(f"LUT{n}" for n in range(1, 7)), "INV"),
        "flip_flops": _each("FDRE", "FDSE", "FDCE", "FDPE"),
        "block_rams": {"RAMB18E1": 1, "RAMB36E1": 2},
        "multipliers": _each("DSP48E1"),
        "lut_rams": _each("RAM32M", "RAM64M", count=4)
        | _each("RAM32X1D", "RAM64X1D", count=2)
        | _each("RAM128X1D", count=4)
        | _each("SRL16E", "SRLC32E"),
    },
)

#: Families by name.
FAMILIES = {family.name: family for family in (_ECP5, _ICE40, _XC7)}


@dataclass(frozen=True)
class FPGA:
    """An FPGA.

    Parameters
    ----------
    name : str
        Name in nextpnr, or the part number for Vivado.
    family : Family
        Its family.
    available : Resources
        Its resources.
    package : str
        Default package by its name in nextpnr; a board may have another.
    speeds : tuple of int
        Its speed grades, slowest first, if nextpnr distinguishes any.
    """

    name: str
    family: Family
    available: Resources
    package: str = ""
    speeds: tuple[int, ...] = ()


def _ecp5(name: str, luts: int, block_rams: int, multipliers: int, speeds: tuple[int, ...] = (6, 7, 8)) -> FPGA:
    """An ECP5, which has as many flip-flops as LUTs."""
    available = Resources(luts, luts, block_rams, multipliers, None, None)
    return FPGA(name, _ECP5, available, package="CABGA381", speeds=speeds)


#: FPGAs by name.
FPGAS = {
    fpga.name: fpga
    for fpga in (
        _ecp5("12k", luts=24_288, block_rams=56, multipliers=28),  # the silicon of the 25k
        _ecp5("25k", luts=24_288, block_rams=56, multipliers=28),
        _ecp5("45k", luts=43_848, block_rams=108, multipliers=72),
        _ecp5("85k", luts=83_640, block_rams=208, multipliers=156),
        _ecp5("um-25k", luts=24_288, block_rams=56, multipliers=28),
        _ecp5("um-45k", luts=43_848, block_rams=108, multipliers=72),
        _ecp5("um-85k", luts=83_640, block_rams=208, multipliers=156),
        _ecp5("um5g-25k", luts=24_288, block_rams=56, multipliers=28, speeds=(8,)),
        _ecp5("um5g-45k", luts=43_848, block_rams=108, multipliers=72, speeds=(8,)),
        _ecp5("um5g-85k", luts=83_640, block_rams=208, multipliers=156, speeds=(8,)),
        FPGA("up5k", _ICE40, Resources(5_280, 5_280, 30, 8, None, 4), package="sg48"),
        FPGA("xc7a35ticsg324-1L", _XC7, Resources(20_800, 41_600, 100, 90, 6_400, None)),
        FPGA("xc7a100tcsg324-1", _XC7, Resources(63_400, 126_800, 270, 240, 19_008, None)),
    )
}

#: Names of the FPGAs that nextpnr supports.
PLACEABLE = tuple(name for name, fpga in FPGAS.items() if fpga.family.placer)

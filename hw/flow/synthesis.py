"""Synthesis with Yosys: what a design takes of an FPGA before place and route."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from ranvier.hw.row_memory import SINGLE_PORTED

__all__ = ["FAMILIES", "Family", "Resources", "ToolError", "synthesise", "synthesise_rtlil", "synthesiser"]

#: Name of the top module.
TOP = "top"

#: Runs each argument as a command of Yosys, in a process of its own: Yosys ends the process at an error.
RUN = "import sys; from pyosys import libyosys as ys; design = ys.Design(); [ys.run_pass(c, design) for c in sys.argv[1:]]"


class ToolError(RuntimeError):
    """A tool is not installed or failed; the message says which and why."""


@dataclass(frozen=True)
class Family:
    """How Yosys maps a family, and what its cells count for.

    Parameters
    ----------
    script : str
        Commands of Yosys that synthesise for this family; the last one gets the name of the top module.
    luts, flip_flops, block_rams, multipliers, lut_rams, single_port_rams : mapping
        Cell -> how many of the resource one of them is.
    """

    script: str
    luts: Mapping[str, int]
    flip_flops: Mapping[str, int]
    block_rams: Mapping[str, int]
    multipliers: Mapping[str, int]
    lut_rams: Mapping[str, int]
    single_port_rams: Mapping[str, int]


_SYNTH_ECP5 = "synth_ecp5"
_SYNTH_ICE40 = "synth_ice40 -device u -dsp -spram"


def _each(*cells: str, count: int = 1) -> dict[str, int]:
    return dict.fromkeys(cells, count)


#: LUTs include those that carry chains lie in. `lut_rams` are LUTs used as memory. A block RAM is 18 kbit (ECP5, and half a
#: block on Xilinx 7) or 4 kbit (iCE40).
FAMILIES = {
    "ecp5": Family(
        # What the first half leaves unused, abc9 of Yosys 0.70 can stumble over ("Assert `GetSize(conn.first) ...").
        script=f"{_SYNTH_ECP5} -top {TOP} -run begin:map_luts; opt_clean -purge; {_SYNTH_ECP5} -run map_luts:",
        luts={"LUT4": 1, "CCU2C": 2},
        flip_flops=_each("TRELLIS_FF"),
        block_rams=_each("DP16KD"),
        multipliers=_each("MULT18X18D"),
        lut_rams={"TRELLIS_DPR16X4": 6},  # four for the data, two to decode its writes
        single_port_rams={},
    ),
    "ice40": Family(
        # Amaranth gives every memory an initial content, which SPRAM cannot have.
        script=f"{_SYNTH_ICE40} -top {TOP} -run begin:map_ram; "
        f"setparam -set INIT 1'x t:$mem_v2 a:ram_style={SINGLE_PORTED['ram_style']} %i; {_SYNTH_ICE40} -run map_ram:",
        luts=_each("SB_LUT4"),
        flip_flops=_each(*(f"SB_DFF{e}{r}" for e in ("", "E") for r in ("", "R", "S", "SR", "SS"))),
        block_rams=_each("SB_RAM40_4K"),
        multipliers=_each("SB_MAC16"),
        lut_rams={},
        single_port_rams=_each("SB_SPRAM256KA"),
    ),
    "xc7": Family(
        script="synth_xilinx -family xc7 -flatten",
        luts=_each(*(f"LUT{n}" for n in range(1, 7)), "INV"),
        flip_flops=_each("FDRE", "FDSE", "FDCE", "FDPE"),
        block_rams={"RAMB18E1": 1, "RAMB36E1": 2},
        multipliers=_each("DSP48E1"),
        lut_rams=_each("RAM32M", "RAM64M", count=4)
        | _each("RAM32X1D", "RAM64X1D", count=2)
        | _each("RAM128X1D", count=4)
        | _each("SRL16E", "SRLC32E"),
        single_port_rams={},
    ),
}


@dataclass(frozen=True)
class Resources:
    """What a design takes; see `FAMILIES` for the units. None where the family has no such thing."""

    luts: int
    flip_flops: int
    block_rams: int
    multipliers: int
    lut_rams: int | None
    single_port_rams: int | None

    @classmethod
    def count(cls, family: str, cells: Mapping[str, int]) -> "Resources":
        """Resources of so many `cells` of each type."""
        kinds = {name: kind for name, kind in vars(FAMILIES[family]).items() if name != "script"}
        counts: dict[str, Any] = {
            name: sum(n * cells.get(cell, 0) for cell, n in kind.items()) if kind else None
            for name, kind in kinds.items()
        }
        return cls(**counts)

    def text(self) -> list[str]:
        """One line for each resource that there is."""
        return [f"  {name.replace('_', ' '):<18} {n:>8,}" for name, n in asdict(self).items() if n is not None]


def synthesiser() -> str:
    """Name and version of the tool; `ToolError` if it is not installed."""
    if importlib.util.find_spec("pyosys") is None:
        raise ToolError("Yosys is not installed: run `pip install 'ranvier[synth]'`")
    return f"Yosys {version('pyosys')}"


def synthesise(design: wiring.Component, family: str, netlist: Path | None = None) -> Resources:
    """Synthesise a component whose ports are plain values.

    Yosys gets RTLIL, not Verilog, in which a cleared memory is one line per word.

    Parameters
    ----------
    design : Component
        What to synthesise.
    family : str
        One of `FAMILIES`.
    netlist : Path, optional
        JSON file to write for `place_and_route`.

    Raises
    ------
    ToolError
        If Yosys is not installed or fails.
    """
    with TemporaryDirectory() as folder:
        source = Path(folder, "top.il")
        source.write_text(rtlil.convert(design, name=TOP, emit_src=False))
        return synthesise_rtlil(source, family, netlist)


def synthesise_rtlil(source: Path, family: str, netlist: Path | None = None) -> Resources:
    """`synthesise` for a design in RTLIL whose top module is `TOP`."""
    synthesiser()
    with TemporaryDirectory() as folder:
        stat = Path(folder, "stat.json")
        commands = [
            f"read_rtlil {source}",
            f"{FAMILIES[family].script} -top {TOP}",
            f"tee -q -o {stat} stat -json -top {TOP}",
            *([f"write_json {netlist.absolute()}"] if netlist else []),
        ]
        done = subprocess.run(
            [sys.executable, "-c", RUN, *commands], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise ToolError(f"Yosys failed: {_last_line(done.stdout + done.stderr)}")
        return Resources.count(family, json.loads(stat.read_text())["design"]["num_cells_by_type"])


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")

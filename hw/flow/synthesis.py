"""Synthesis with Yosys: resources of a design before place and route."""

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from amaranth.back import rtlil
from amaranth.lib import wiring

from ranvier.errors import RanvierError
from ranvier.hw.flow.fpga import FAMILIES, Resources
from ranvier.hw.row_memory import SINGLE_PORTED

__all__ = ["SELECT_SINGLE_PORTED", "ToolError", "synthesise", "synthesise_rtlil", "synthesiser"]

#: Name of the top module.
TOP = "top"

#: Runs each argument as a command of Yosys, in a separate process, as Yosys ends the process at an error.
RUN = "import sys; from pyosys import libyosys as ys; design = ys.Design(); [ys.run_pass(c, design) for c in sys.argv[1:]]"

#: Selection of Yosys: memories with the attribute of single-ported ones.
SELECT_SINGLE_PORTED = " ".join(f"a:{name}={value}" for name, value in SINGLE_PORTED.items())


class ToolError(RanvierError, RuntimeError):
    """A tool is not installed or failed; the message says which and why."""


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
        Component to synthesise.
    family : str
        One of `ranvier.hw.flow.fpga.FAMILIES`.
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
            FAMILIES[family].synthesis.format(top=TOP, single_ported=SELECT_SINGLE_PORTED),
            f"tee -q -o {stat} stat -json -top {TOP}",
            *([f"write_json {netlist.absolute()}"] if netlist else []),
        ]
        done = subprocess.run(
            [sys.executable, "-c", RUN, *commands], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise ToolError(f"Yosys failed: {_last_line(done.stdout + done.stderr)}")
        return FAMILIES[family].count(json.loads(stat.read_text())["design"]["num_cells_by_type"])


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it printed nothing")

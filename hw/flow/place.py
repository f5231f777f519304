"""Place and route with nextpnr: frequency and critical path of a design, and its bitstream."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ranvier.hw.flow.fpga import FPGAS, Family, Placer
from ranvier.hw.flow.synthesis import ToolError

__all__ = ["Hop", "Placement", "pack", "place_and_route", "placer"]


#: Runs in a separate process, because a command-line tool may end it.
RUN = "import sys; import yowasp_nextpnr_{family} as tools; sys.exit(tools.run_{tool}(sys.argv[1:]))"

#: Suffixes that synthesis appends to the name of a register or wire in the names of its cells.
SUFFIX = re.compile(
    r"(_(TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|TRELLIS_DPR16X4|SB_\w+)_|\$(CCU2|LUT|PACKER)|_\$?nextpnr).*"
)


@dataclass(frozen=True)
class Hop:
    """One cell on a path: the port that the signal enters, and the delay (in ns) of routing to it and of its logic."""

    cell: str
    kind: str
    routing: float
    logic: float

    def __str__(self) -> str:
        return f"{self.routing:6.2f} + {self.logic:.2f}  {self.kind:<8} {self.cell}"


@dataclass(frozen=True)
class Placement:
    """Result of one run of nextpnr.

    Parameters
    ----------
    fmax, target : float
        Highest frequency between registers, and the one asked for, in MHz.
    seed : int
        Start of the placer's random numbers.
    used : dict of str to [int, int]
        Resource of the FPGA -> number used, and number available.
    path : tuple of Hop
        The critical path.
    """

    fmax: float
    target: float
    seed: int
    used: dict[str, tuple[int, int]]
    path: tuple[Hop, ...]

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Resources used, and the critical path with a line per cell."""
        total = sum(hop.routing + hop.logic for hop in self.path)
        return [
            *(f"  {name:<18} {used:>8,} of {available:,}" for name, (used, available) in self.used.items()),
            f"critical path of seed {self.seed}, {total:.2f} ns (ns of routing + logic)",
            *(f"  {hop}" for hop in self.path),
        ]


def placer(family: str = "ecp5") -> str:
    """Name and version of the tool; `ToolError` if it is not installed."""
    if importlib.util.find_spec(f"yowasp_nextpnr_{family}") is None:
        raise ToolError(f"nextpnr for {family} is not installed: run `pip install 'ranvier[synth]'`")
    return f"nextpnr-{family} {version(f'yowasp-nextpnr-{family}')}"


def place_and_route(
    netlist: Path,
    fpga: str,
    *,
    speed: int | None = None,
    package: str | None = None,
    target: float = 80.0,
    seed: int = 1,
    constraints: Path | None = None,
    routed: Path | None = None,
) -> Placement:
    """Place and route a netlist that `synthesise` wrote.

    Parameters
    ----------
    netlist : Path
        JSON file.
    fpga : str
        One of `ranvier.hw.flow.fpga.PLACEABLE`.
    speed : int, optional
        Speed grade, by default the slowest; without effect on an FPGA that has none.
    package : str, optional
        Package, if not the default of the FPGA.
    target : float
        Frequency to aim for in MHz. Missing it is a result, not an error.
    seed : int
        Start of the placer's random numbers.
    constraints : Path, optional
        Constraints of the pins, LPF or PCF; without it pins are placed freely.
    routed : Path, optional
        File to write for `pack`.

    Raises
    ------
    ToolError
        If nextpnr is not installed or fails, for instance because the design does not fit.
    """
    chosen = FPGAS[fpga]
    family, tools = chosen.family.name, _tools(chosen.family)
    placer(family)
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        options = {
            "package": package or chosen.package,
            "freq": target,
            "seed": seed,
            "json": _seen(netlist),
            "report": _seen(report),
            **({"speed": speed or chosen.speeds[0]} if chosen.speeds else {}),
            **({tools.constraints: _seen(constraints)} if constraints else {}),
            **({tools.routed: _seen(routed)} if routed else {}),
        }
        arguments = [f"--{fpga}", "--timing-allow-fail"]
        if not constraints:
            arguments.append(f"--{tools.constraints}-allow-unconstrained")
        arguments += [text for name, value in options.items() for text in (f"--{name}", str(value))]
        _run(family, f"nextpnr_{family}", arguments)
        return _placement(json.loads(report.read_text()), seed, target)


def pack(routed: Path, fpga: str, bitstream: Path) -> None:
    """Make a bitstream of a design routed by `place_and_route`; `ToolError` if that fails."""
    family = FPGAS[fpga].family
    tool, *options = _tools(family).packer
    _run(family.name, tool, [*options, _seen(routed), _seen(bitstream)])


def _tools(family: Family) -> Placer:
    if family.placer is None:
        raise ToolError(f"there is no nextpnr for {family.name}: use the tools of its vendor")
    return family.placer


def _seen(path: Path) -> str:
    """A path in the sandbox of the tools, which has a /tmp of its own but all folders above the current one."""
    return os.path.relpath(path)


def _run(family: str, tool: str, arguments: list[str]) -> None:
    command = [sys.executable, "-c", RUN.format(family=family, tool=tool), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        errors = re.findall(r"^ERROR: (.*)", done.stdout + done.stderr, re.M)
        raise ToolError(f"{tool} failed: {errors[0] if errors else f'exit code {done.returncode}'}")


def _placement(report: dict[str, Any], seed: int, target: float) -> Placement:
    slowest = min(report["fmax"].values(), key=lambda clock: clock["achieved"])
    paths = [p for p in report["critical_paths"] if "<async>" not in (p["from"], p["to"])]
    path = max(paths, key=lambda p: sum(step["delay"] for step in p["path"]))
    used = {name: (n["used"], n["available"]) for name, n in report["utilization"].items() if n["used"]}
    return Placement(round(slowest["achieved"], 2), target, seed, used, tuple(_hops(path["path"])))


def _kind(step: dict[str, Any]) -> str:
    """Kind of a cell, which nextpnr reveals only by the names of its ports."""
    port = step["to"]["port"]
    if step["type"] != "logic":
        return step["type"]
    return "carry" if port in ("FCO", "COUT") else "multiply" if port[0] == "P" else "LUT"


def _hops(steps: Iterable[dict[str, Any]]) -> Iterable[Hop]:
    """The steps of a report: routing joined with the cell that it leads to, a carry chain merged into one hop."""
    cell, kind, routing, logic = "", "", 0.0, 0.0
    for step in steps:
        if step["type"] == "routing":
            carries = step["to"]["port"] in ("FCI", "CIN")
            if not carries:
                yield Hop(cell, kind, round(routing, 3), round(logic, 3))
                cell, kind, routing, logic = "", "", step["delay"], 0.0
        else:
            cell, logic = SUFFIX.sub("", step["to"]["cell"]), logic + step["delay"]
            kind = kind if kind == "carry" else _kind(step)
    yield Hop(cell, kind, round(routing, 3), round(logic, 3))

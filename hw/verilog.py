"""The core as one self-contained Verilog-2001 file with plain, documented ports."""

import re
from importlib.metadata import version

from amaranth.back import verilog
from amaranth.lib import wiring

from ranvier.golden.config import CoreConfig
from ranvier.golden.record import COUNTERS
from ranvier.hw.core import Core
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.flat import Flat
from ranvier.hw.registers import Register, Space
from ranvier.hw.row_memory import SINGLE_PORTED

__all__ = ["NAME", "to_verilog", "write_verilog"]

#: Module name.
NAME = "ranvier_core"


def write_verilog(config: CoreConfig) -> str:
    """Verilog of the core for `config`: module `NAME` with a comment that explains every port.

    Memories are written so that synthesis infers block RAM; no vendor primitive is used.
    """
    return _header(config) + to_verilog(Core(config), NAME)


def to_verilog(component: wiring.Component, name: str) -> str:
    """Verilog-2001 of any component as module `name` with plain ports (`ranvier.hw.flat.Flat`)."""
    text = verilog.convert(Flat(component), name=name, emit_src=False, strip_internal_attrs=True)
    return _fold_zeros(_leave_undefined(text))


def _leave_undefined(text: str) -> str:
    """Take the initial content from single-ported memories: those of silicon have none."""
    attribute = "".join(f'{name} = "{value}"' for name, value in SINGLE_PORTED.items())
    memory = rf"(  \(\* {attribute} \*\)\n  reg .*\];\n)  (?:reg \[31:0\] i;\n  )?initial begin\n(?:    .*\n)*?  end\n"
    return re.sub(memory, r"\1", text)


def _fold_zeros(text: str) -> str:
    """Replace the line-by-line clearing of each memory by a loop, which makes files a tenth of the size."""
    run = re.compile(
        r"  (?:reg \[31:0\] i;\n  )?initial begin\n((?:    (?P<name>\S+)\[\d+\] = (?P<zero>\d+'(?:h0+|d0));\n)+)  end\n"
    )

    def fold(match: re.Match) -> str:
        name, depth = match["name"], match[1].count("\n")
        index = f"i_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
        return (
            f"  integer {index};\n  initial\n    for ({index} = 0; {index} < {depth}; {index} = {index} + 1)\n"
            f"      {name}[{index}] = {match['zero']};\n"
        )

    return run.sub(fold, text)


def _header(config: CoreConfig) -> str:
    def table(members) -> str:
        return ", ".join(f"{member.value} {member.name}" for member in members)

    lines = [
        f"Ranvier {version('ranvier')}: spiking network with on-chip learning of weights and delays. Apache-2.0.",
        "Generated; do not edit. Configuration:",
        *(f"  {line}" for line in config.to_toml().splitlines()),
        f"  (digest {config.digest:#010x}, in register {Register.DIGEST.value})",
        "",
        "clk rises; rst is synchronous, active high, and clears all state but no parameters.",
        "Four valid/ready streams: a word moves when both are high.",
        "events_*   in : what happens to the core. One spike event per input spike, then one step event; end event last.",
        f"                kind {table(EventKind)}; unit of a spike; scored and target of a step",
        "outputs_*  out: what the core says.",
        f"                kind {table(OutputKind)}; index of neuron or class; value of a score",
        "request_*  in : host access, answered while no event is being handled.",
        f"                space {table(Space)}; row and column as documented in ranvier/hw/host.py",
        f"                registers (column of space 0): {table(Register)}",
        f"                counters from register {Register.COUNTER.value}: {', '.join(COUNTERS)}",
        "response_* out: one response per request: data, or error for an address that does not exist.",
        "phase      out: 0 idle 1 sweep 2 readout 3 score 4 signal 5 deliver 6 learn 7 report 8 finish 9 clear",
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)

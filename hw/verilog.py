"""The core as one self-contained Verilog-2001 file with plain, documented ports."""

import re
from importlib.metadata import version

from amaranth.back import verilog
from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ranvier.golden.config import CoreConfig
from ranvier.golden.record import COUNTERS
from ranvier.hw.core import Core
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.host import Register, Space
from ranvier.hw.row_memory import SINGLE_PORTED

__all__ = ["NAME", "Top", "write_verilog"]

#: Module name.
NAME = "ranvier_core"


class Top(wiring.Component):
    """`Core` with one port per field: ``events_valid``, ``events_kind``, ``request_row`` and so on.

    Parameters
    ----------
    config : CoreConfig
        What to build.
    """

    STREAMS = ("events", "outputs", "request", "response")

    def __init__(self, config: CoreConfig):
        self.core = Core(config)
        members = {}
        for name in self.STREAMS:
            flow = self.core.signature.members[name].flow
            for field, shape in self._fields(name).items():
                members[f"{name}_{field}"] = flow(shape)
            members[f"{name}_valid"] = flow(1)
            members[f"{name}_ready"] = flow.flip()(1)
        super().__init__({**members, "phase": Out(4)})

    def _fields(self, name: str) -> dict:
        layout = getattr(self.core, name).payload.shape()
        return {field: layout.members[field] for field in layout.members}

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.core
        m.d.comb += self.phase.eq(core.phase)
        for name in self.STREAMS:
            stream, inward = getattr(core, name), core.signature.members[name].flow == In
            for field in (*self._fields(name), "valid", "ready"):
                theirs = getattr(stream, field) if field in ("valid", "ready") else getattr(stream.payload, field)
                mine = getattr(self, f"{name}_{field}")
                to_core = inward != (field == "ready")
                target, source = (theirs, mine) if to_core else (mine, theirs)
                m.d.comb += Value.cast(target).eq(Value.cast(source))
        return m


def write_verilog(config: CoreConfig) -> str:
    """Verilog of the core for `config`: module `NAME` with a comment that explains every port.

    Memories are written so that synthesis infers block RAM; no vendor primitive is used.
    """
    top = Top(config)
    text = verilog.convert(top, name=NAME, emit_src=False, strip_internal_attrs=True)
    return _header(config, top) + _fold_zeros(_leave_undefined(text))


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


def _header(config: CoreConfig, top: Top) -> str:
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

"""The core as one self-contained Verilog-2001 file with plain, documented ports, for whatever it is to be connected to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from amaranth.back import verilog
from amaranth.hdl import ClockDomain
from amaranth.lib import wiring

from ranvier.checkout import version
from ranvier.files.replacing import OutputError
from ranvier.hw.bus.axi import AxiPeripheral
from ranvier.hw.bus.serial import BAUD, CLOCK, SerialCore
from ranvier.hw.bus.wishbone import WishbonePeripheral
from ranvier.hw.core import Core
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.flow.flat import Flat
from ranvier.hw.registers import Register, Space, word_address
from ranvier.hw.row_memory import SINGLE_PORTED
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.record import COUNTERS

__all__ = ["FACES", "NAME", "Face", "module_name", "to_verilog", "write_verilog"]


@dataclass(frozen=True)
class Face:
    """How the core is connected: the component that is written, and what its ports mean.

    Parameters
    ----------
    component : callable
        Configuration -> component.
    ports : tuple of str
        Lines that say what the ports are for.
    addressed : bool
        There is a bus, so the register table belongs into the file.
    clocking : (str, str), optional
        Names of clock and active-low reset, see `Flat`.
    attributes : mapping of str to mapping
        Port -> what tools are to be told about it.
    """

    component: Callable[[CoreConfig], wiring.Component]
    ports: tuple[str, ...]
    addressed: bool = True
    clocking: tuple[str, str] | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _members(members) -> str:
    return ", ".join(f"{member.value} {member.name}" for member in members)


def _vivado(kind: str, name: str, **parameters: str) -> dict[str, str]:
    """What Vivado's IP packager reads: the kind of interface that a port is, and its parameters."""
    said = ", ".join(f"{parameter} {value}" for parameter, value in parameters.items())
    return {"X_INTERFACE_INFO": f"xilinx.com:signal:{kind}:1.0 {name}", "X_INTERFACE_PARAMETER": said}


_CLOCK = "clk rises; rst is synchronous, active high, and clears all state but no parameters."
_EVENTS = "One spike event per input spike, then one step event; end event last."

#: The faces that the core can be written with.
FACES: dict[str, Face] = {
    "core": Face(
        Core,
        (
            _CLOCK,
            "Four valid/ready streams: a word moves when both are high.",
            f"events_*   in : what happens to the core. {_EVENTS}",
            f"                kind {_members(EventKind)}; unit of a spike; scored and target of a step",
            "outputs_*  out: what the core says.",
            f"                kind {_members(OutputKind)}; index of neuron or class; value of a score",
            "request_*  in : host access, answered while no event is being handled.",
            f"                space {_members(Space)}; row and column as documented in ranvier/hw/host.py",
            f"                registers (column of space 0): {_members(Register)}",
            f"                counters from register {Register.COUNTER.value}: {', '.join(COUNTERS)}",
            "response_* out: one response per request: data, or error for an address that does not exist.",
            "phase      out: 0 idle 1 sweep 2 readout 3 score 4 signal 5 deliver 6 learn 7 report 8 finish 9 clear",
            "busy       out: an event is being handled",
        ),
        addressed=False,
    ),
    "axi": Face(
        AxiPeripheral,
        (
            "aclk rises; aresetn is synchronous, active low, and clears all state but no parameters.",
            "s_axi_*    AXI4-Lite, 19-bit byte address, 32-bit data: the registers and windows below.",
            "           SLVERR: no such address, an address between words, read- or write-only, or part of wstrb only",
            "s_axis_*   AXI4-Stream in: events, each a word as register EVENT takes.",
            f"           {_EVENTS}",
            "m_axis_*   AXI4-Stream out, while CONTROL.stream is set: [31:0] as register OUTPUT, kind",
            f"           {_members(OutputKind)};",
            "           [63:32] value of a score. tlast with the prediction. Must be taken, or the core waits.",
            "irq        high while an enabled cause is pending",
        ),
        clocking=("aclk", "aresetn"),
        attributes={
            "aclk": _vivado("clock", "aclk CLK", ASSOCIATED_BUSIF="s_axi:s_axis:m_axis", ASSOCIATED_RESET="aresetn"),
            "aresetn": _vivado("reset", "aresetn RST", POLARITY="ACTIVE_LOW"),
            "irq": _vivado("interrupt", "irq INTERRUPT", SENSITIVITY="LEVEL_HIGH"),
        },
    ),
    "wishbone": Face(
        WishbonePeripheral,
        (
            _CLOCK,
            "wb_*       Wishbone B4 slave, classic and pipelined, 32-bit data: the registers and windows below.",
            "           wb_adr counts words: byte address / 4. wb_stall is for pipelined masters. Bursts are taken apart.",
            "           wb_err: no such address, read- or write-only, or part of wb_sel only",
            "irq        high while an enabled cause is pending",
        ),
    ),
    "uart": Face(
        SerialCore,
        (
            f"{_CLOCK} It is {CLOCK:,} Hz.",
            f"rx, tx     serial port, {BAUD:,} baud, 8N1, idle high: UARTBone, see docs/interfaces.md",
            "alive      for a lamp: on and off once a second, the other way round after a byte",
        ),
    ),
}

#: Module name of the face "core".
NAME = "ranvier_core"


def module_name(face: str) -> str:
    """Name of the module of a face."""
    return f"ranvier_{face}"


def write_verilog(config: CoreConfig, face: str = "core") -> str:
    """Verilog of the core for `config` with one of `FACES`, as module `module_name(face)` under a comment on its ports.

    Memories are written so that synthesis infers block RAM; no vendor primitive is used.
    """
    chosen = FACES[face]
    component, name = chosen.component(config), module_name(face)
    text = to_verilog(component, name, clocking=chosen.clocking, attributes=chosen.attributes)
    return _header(config, chosen) + text


def to_verilog(component: wiring.Component, name: str, *, reset: bool = True, **ports) -> str:
    """Verilog-2001 of any component as module `name` with plain ports, made by `Flat` with the options `ports`.

    Without `reset` there is no port ``rst``: registers start from their initial values, and nothing else differs.
    `OutputError` if Yosys fails, which happens where it cannot write its temporary files.
    """
    try:
        text = verilog.convert(
            Flat(component, **ports),
            name=name,
            emit_src=False,
            strip_internal_attrs=True,
            missing_domain=lambda domain: ClockDomain(domain, reset_less=not reset),
        )
    except verilog.YosysError as error:
        cause = str(error).strip().splitlines() or ["it says nothing"]
        raise OutputError(f"Yosys cannot write Verilog: {cause[-1]}: free space, or lift limits on files") from None
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


def _header(config: CoreConfig, face: Face) -> str:
    lines = [
        f"Ranvier {version()}: spiking network with on-chip learning of weights and delays. Apache-2.0.",
        "Generated; do not edit. Configuration:",
        *(f"  {line}" for line in config.to_toml().splitlines()),
        f"  (digest {config.digest:#010x}, in register {Register.DIGEST.value})",
        "",
        *face.ports,
        *(_addresses(config) if face.addressed else ()),
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _addresses(config: CoreConfig) -> list[str]:
    """What lies at each byte address."""
    lines = ["", "Windows: byte address, name, words (rows, of which register ROW chooses one, x columns), access."]
    for space in Space:
        if space.exists(config) and space is not Space.REGISTER:
            rows, columns = space.extent(config)
            size = f"{rows} x {columns}" if space.has_rows else f"{columns}"
            where = f"{word_address(space, 0) << 2:#07x} {space.name:<13} {size:<9}"
            lines.append(f"  {where} {space.access.value}: {space.text}")
    lines += ["", "Registers: byte address, name, access, fields."]
    for register in Register:
        lines.append(f"  {register.address:#07x} {register.name:<17} {register.access.value}: {register.text}")
        lines += [f"          [{f.lsb + f.width - 1}:{f.lsb}] {f.name}: {f.text}" for f in register.fields]
        if register.elements:
            lines.append(f"          in this order: {', '.join(register.elements)}")
    return lines

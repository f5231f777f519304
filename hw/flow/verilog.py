"""The core as one self-contained Verilog-2001 file with plain, documented ports."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from amaranth.back import rtlil
from amaranth.back.verilog import YosysError, find_yosys
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
from ranvier.hw.flow.synthesis import SELECT_SINGLE_PORTED
from ranvier.hw.registers import AddressSpace, Register, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.record import COUNTERS

__all__ = ["INTERFACES", "NAME", "Interface", "module_name", "to_verilog", "write_verilog"]


@dataclass(frozen=True)
class Interface:
    """An interface of the core: the component to write, and the meaning of its ports.

    Parameters
    ----------
    component : callable
        Configuration -> component.
    ports : tuple of str
        Lines that describe the ports.
    addressed : bool
        It has a bus, so the file includes the register table.
    clocking : (str, str), optional
        Names of clock and active-low reset, see `Flat`.
    attributes : mapping of str to mapping
        Port -> Verilog attributes for other tools.
    """

    component: Callable[[CoreConfig], wiring.Component]
    ports: tuple[str, ...]
    addressed: bool = True
    clocking: tuple[str, str] | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _members(members) -> str:
    return ", ".join(f"{member.value} {member.name}" for member in members)


def _vivado(kind: str, name: str, **parameters: str) -> dict[str, str]:
    """Attributes for Vivado's IP packager: the kind of interface of a port, and its parameters."""
    said = ", ".join(f"{parameter} {value}" for parameter, value in parameters.items())
    return {"X_INTERFACE_INFO": f"xilinx.com:signal:{kind}:1.0 {name}", "X_INTERFACE_PARAMETER": said}


_CLOCK = "clk rises; rst is synchronous, active high, and clears all state but no parameters."
_EVENTS = "One spike event per input spike, then one step event; end event last."

#: Interfaces of the core by name.
INTERFACES: dict[str, Interface] = {
    "core": Interface(
        Core,
        (
            _CLOCK,
            "Four valid/ready streams: a word moves when both are high.",
            f"events_*   in : input of the core. {_EVENTS}",
            f"                kind {_members(EventKind)}; unit of a spike; scored and target of a step",
            "outputs_*  out: output of the core.",
            f"                kind {_members(OutputKind)}; index of neuron or class; value of a score",
            "request_*  in : host access, answered while no event is being handled.",
            f"                space {_members(AddressSpace)}; row and column as documented in ranvier/hw/host.py",
            f"                registers (column of space 0): {_members(Register)}",
            f"                counters from register {Register.COUNTER.value}: {', '.join(COUNTERS)}",
            "response_* out: one response per request: data, or error for an address that does not exist.",
            "phase      out: 0 idle 1 sweep 2 readout 3 score 4 signal 5 deliver 6 learn 7 report 8 finish 9 clear",
            "busy       out: an event is being handled",
        ),
        addressed=False,
    ),
    "axi": Interface(
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
    "wishbone": Interface(
        WishbonePeripheral,
        (
            _CLOCK,
            "wb_*       Wishbone B4 slave, classic and pipelined, 32-bit data: the registers and windows below.",
            "           wb_adr counts words: byte address / 4. wb_stall is for pipelined masters. Bursts are split up.",
            "           wb_err: no such address, read- or write-only, or part of wb_sel only",
            "irq        high while an enabled cause is pending",
        ),
    ),
    "uart": Interface(
        SerialCore,
        (
            f"{_CLOCK} It is {CLOCK:,} Hz.",
            f"rx, tx     serial port, {BAUD:,} baud, 8N1, idle high: UARTBone, see docs/interfaces.md",
            "alive      for an LED: on and off once a second, inverted after a byte",
        ),
    ),
}

#: Module name of the core with its own streams.
NAME = "ranvier_core"

#: Attributes of Amaranth and of this repository that mean nothing to a reader of the Verilog.
_INTERNAL = " ".join(
    f"-remove {name}" for name in ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
)

#: From the RTLIL of Amaranth to Verilog, in commands of Yosys.
_PASSES = (
    # Amaranth gives every memory an initial content; single-ported memories of silicon have none. A module that has such a
    # memory has no other. (The small Yosys that comes with Amaranth lacks setparam.)
    f"delete t:$meminit_v2 {SELECT_SINGLE_PORTED} %m %i",
    # Only the passes that writing processes and memories requires: expressions stay as Amaranth made them.
    "proc -nomux -norom",
    "memory_collect",
    f"attrmap {_INTERNAL}",
    f"attrmap -modattr {_INTERNAL}",
    "write_verilog -norename",
)


def module_name(interface: str) -> str:
    """Name of the module with one of `INTERFACES`."""
    return f"ranvier_{interface}"


def write_verilog(config: CoreConfig, interface: str = "core") -> str:
    """Verilog of the core for `config` with one of `INTERFACES`, under a comment on its ports.

    The module is called `module_name(interface)`.
    Memories are written so that synthesis infers block RAM; no vendor primitive is used.
    """
    chosen = INTERFACES[interface]
    component, name = chosen.component(config), module_name(interface)
    text = to_verilog(component, name, clocking=chosen.clocking, attributes=chosen.attributes)
    return _header(config, chosen) + text


def to_verilog(component: wiring.Component, name: str, *, reset: bool = True, **ports) -> str:
    """Verilog-2001 of any component as module `name` with plain ports, made by `Flat` with the options `ports`.

    Without `reset` there is no port ``rst``: registers start from their initial values, and nothing else differs.
    `OutputError` if Yosys fails, which happens where it cannot write its temporary files.
    """
    design = rtlil.convert(
        Flat(component, **ports),
        name=name,
        emit_src=False,
        missing_domain=lambda domain: ClockDomain(domain, reset_less=not reset),
    )
    script = "\n".join((f"read_rtlil <<end_of_design\n{design}\nend_of_design", *_PASSES))
    try:
        # Warnings concern processes that cannot be written; Amaranth does not make any.
        text = find_yosys(lambda version: version >= (0, 40)).run(["-q", "-"], script, ignore_warnings=True)
    except YosysError as error:
        cause = str(error).strip().splitlines() or ["no message"]
        raise OutputError(f"Yosys cannot write Verilog: {cause[-1]}: free space, or lift limits on files") from None
    return _fold_zeros(text)


def _fold_zeros(text: str) -> str:
    """Replace the line-by-line clearing of each memory by a loop, which reduces files to a tenth of the size.

    The only edit of text, since no pass of Yosys can do it: `write_verilog` writes an initial content word by word, or into
    files of their own (``-extmem``), and this is to be one file.
    """
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


def _header(config: CoreConfig, interface: Interface) -> str:
    lines = [
        f"Ranvier {version()}: spiking network with on-chip learning of weights and delays. Apache-2.0.",
        "Generated; do not edit. Configuration:",
        *(f"  {line}" for line in config.to_toml().splitlines()),
        f"  (digest {config.digest:#010x}, in register {Register.DIGEST.value})",
        "",
        *interface.ports,
        *(_addresses(config) if interface.addressed else ()),
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _addresses(config: CoreConfig) -> list[str]:
    """The address map."""
    lines = ["", "Windows: byte address, name, words (rows, of which register ROW chooses one, x columns), access."]
    for space in AddressSpace:
        if space.exists(config) and space is not AddressSpace.REGISTER:
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

"""Boards: which pins, which clock, which FPGA; and from a configuration to a bitstream for one of them."""

import importlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from ranvier.files.replacing import write_bytes
from ranvier.hw.bus.serial import SerialCore
from ranvier.hw.bus.uart import BitTime
from ranvier.hw.flow.clock import ECP5Clock, ICE40Clock
from ranvier.hw.flow.place import DEVICES, Placement, pack, place_and_route, placer
from ranvier.hw.flow.synthesis import Resources, ToolError, synthesise_rtlil, synthesiser
from ranvier.parameters.config import CoreConfig

__all__ = ["BOARDS", "Board", "BoardTop", "Build", "build", "netlist_of"]

#: Bits per second of the serial port, if nothing else is asked for.
BAUD = 1_000_000


@dataclass(frozen=True)
class Board:
    """A board with a serial port and an open flow.

    Parameters
    ----------
    platform : str
        Class of `amaranth_boards`, as "module:class".
    device : str
        FPGA as nextpnr calls it, see `ranvier.hw.flow.place.DEVICES`.
    clock : int
        Frequency in Hz at which the core runs.
    depth : int
        Of the queues, see `ranvier.hw.bus.peripheral.Peripheral`.
    loop : callable
        What makes the clock: (source, output, port), see `ranvier.hw.flow.clock`.
    program : str
        Command that writes a bitstream, for people.
    """

    platform: str
    device: str
    clock: int
    depth: int
    loop: Callable[..., Elaboratable]
    program: str

    def make(self):
        """The platform of `amaranth_boards`."""
        module, name = self.platform.split(":")
        return getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()


def _ulx3s(size: str) -> Board:
    platform, device = f"ulx3s:ULX3S_{size}F_Platform", f"{size.lower()}k"
    return Board(platform, device, 80_000_000, 512, ECP5Clock, "openFPGALoader -b ulx3s {}")


#: Name -> board.
BOARDS = {
    **{f"ulx3s-{size}f": _ulx3s(size) for size in ("12", "25", "45", "85")},
    "icebreaker": Board("icebreaker:ICEBreakerPlatform", "up5k", 24_000_000, 256, ICE40Clock, "iceprog {}"),
    "icesugar": Board("icesugar:ICESugarPlatform", "up5k", 24_000_000, 256, ICE40Clock, "icesprog {}"),
}


class BoardTop(Elaboratable):
    """`SerialCore` on the pins and the clock of a board.

    Parameters
    ----------
    board : Board
        Where it goes.
    config : CoreConfig
        The core.
    baud : int
        Bits per second of the serial port.
    """

    def __init__(self, board: Board, config: CoreConfig, baud: int):
        self.board = board
        self.serial = SerialCore(config, board.clock, baud, board.depth)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        oscillator = platform.request(platform.default_clk, dir="-")
        m.submodules.clock = self.board.loop(platform.default_clk_frequency, self.board.clock, oscillator)
        m.submodules.serial = serial = self.serial
        uart = platform.request("uart", 0, dir="-")
        pads = {
            "rx": io.Buffer("i", uart.rx),
            "tx": io.Buffer("o", uart.tx),
            "lamp": io.Buffer("o", platform.request("led", 0, dir="-")),
        }
        for name, pad in pads.items():
            m.submodules[name] = pad
        m.d.comb += [
            serial.rx.eq(pads["rx"].i),
            pads["tx"].o.eq(serial.tx),
            pads["lamp"].o.eq(serial.alive),
        ]
        return m


@dataclass(frozen=True)
class Build:
    """What `build` made."""

    bitstream: Path
    tools: list[str]
    resources: Resources
    placement: Placement

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "bitstream": str(self.bitstream),
            "tools": self.tools,
            "resources": asdict(self.resources),
            "placement": self.placement.summary(),
        }


def build(board: Board, config: CoreConfig, bitstream: Path, *, baud: int = BAUD, seed: int = 1) -> Build:
    """A bitstream of a core on a serial port: Yosys, nextpnr and the packer of the family, all from PyPI.

    Parameters
    ----------
    board : Board
        One of `BOARDS`.
    config : CoreConfig
        The core.
    bitstream : Path
        File to write; written only if everything went well.
    baud : int
        Bits per second of the serial port.
    seed : int
        Start of the placer's random numbers.

    Raises
    ------
    ToolError
        If a tool is missing or fails, the core does not fit, or it is slower than the board's clock.
    """
    tools = [synthesiser(), placer(DEVICES[board.device])]
    platform = board.make()
    with TemporaryDirectory() as name:
        folder = Path(name)
        netlist, routed, made = folder / "top.json", folder / "top.routed", folder / bitstream.name
        resources, constraints = _synthesise(board, platform, config, baud, folder, netlist)
        placement = place_and_route(
            netlist,
            board.device,
            speed=int(getattr(platform, "speed", 6)),
            target=board.clock / 1e6,
            seed=seed,
            constraints=constraints,
            routed=routed,
        )
        if placement.fmax < placement.target:
            raise ToolError(
                f"{placement.fmax:.1f} MHz after place and route but the board's clock is {placement.target:.1f} MHz: try "
                f"another --seed, fewer lanes, or smaller formats; critical path: {placement.path[0].cell} -> "
                f"{placement.path[-1].cell}"
            )
        pack(routed, board.device, made)
        write_bytes(bitstream, made.read_bytes())
    return Build(bitstream, tools, resources, placement)


def netlist_of(board: Board, config: CoreConfig, baud: int = BAUD) -> Resources:
    """What a core on the serial port of a board takes, before place and route; `ToolError` if Yosys is missing or fails."""
    with TemporaryDirectory() as name:
        return _synthesise(board, board.make(), config, baud, Path(name))[0]


def _synthesise(board, platform, config, baud, folder, netlist=None) -> tuple[Resources, Path]:
    """Resources, and the file of pins in `folder`."""
    BitTime(board.clock, baud)  # complains before anything is made
    files = platform.prepare(BoardTop(board, config, baud), "top").files
    constraints = next(folder / file for file in files if Path(file).suffix in (".lpf", ".pcf"))
    for file in ("top.il", constraints.name):
        content = files[file]
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    return synthesise_rtlil(folder / "top.il", DEVICES[board.device], netlist), constraints

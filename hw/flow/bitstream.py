"""From a configuration to a bitstream: the core on the pins and the clock of a board, with open tools."""

import importlib
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from ranvier.files.replacing import write_bytes
from ranvier.hw.bus.serial import SerialCore
from ranvier.hw.bus.uart import BitTime
from ranvier.hw.flow.board import OpenBoard
from ranvier.hw.flow.clock import PLLS
from ranvier.hw.flow.fpga import Resources
from ranvier.hw.flow.place import Placement, pack, place_and_route, placer
from ranvier.hw.flow.synthesis import ToolError, synthesise_rtlil, synthesiser
from ranvier.parameters.config import CoreConfig

__all__ = ["BAUD", "BoardTop", "Build", "board_resources", "build", "make_platform"]

#: Bits per second of the serial port, if nothing else is asked for.
BAUD = 1_000_000


class BoardTop(Elaboratable):
    """`SerialCore` on the pins and the clock of a board.

    Parameters
    ----------
    board : OpenBoard
        The board.
    config : CoreConfig
        The core.
    baud : int
        Bits per second of the serial port.
    """

    def __init__(self, board: OpenBoard, config: CoreConfig, baud: int):
        self.board = board
        self.serial = SerialCore(config, board.clock, baud, board.queue_depth)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        oscillator = platform.request(platform.default_clk, dir="-")
        pll = PLLS[self.board.fpga.family.name]
        m.submodules.clock = pll(platform.default_clk_frequency, self.board.clock, oscillator)
        m.submodules.serial = serial = self.serial
        uart = platform.request("uart", 0, dir="-")
        pads = {
            "rx": io.Buffer("i", uart.rx),
            "tx": io.Buffer("o", uart.tx),
            "led": io.Buffer("o", platform.request("led", 0, dir="-")),
        }
        for name, pad in pads.items():
            m.submodules[name] = pad
        m.d.comb += [
            serial.rx.eq(pads["rx"].i),
            pads["tx"].o.eq(serial.tx),
            pads["led"].o.eq(serial.alive),
        ]
        return m


@dataclass(frozen=True)
class Build:
    """Result of `build`.

    Parameters
    ----------
    bitstream : Path
        The file.
    tools : list of str
        Names and versions of synthesiser and placer.
    resources : Resources
        Resources of the design before place and route.
    placement : Placement
        Resources after place and route, and the frequency reached.
    """

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


def build(board: OpenBoard, config: CoreConfig, bitstream: Path, *, baud: int = BAUD, seed: int = 1) -> Build:
    """A bitstream of a core on a serial port: Yosys, nextpnr and the packer of the family, all from PyPI.

    Parameters
    ----------
    board : OpenBoard
        One of `ranvier.hw.flow.board.BOARDS`.
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
    tools = [synthesiser(), placer(board.fpga.family.name)]
    platform = make_platform(board)
    with TemporaryDirectory() as name:
        folder = Path(name)
        netlist, routed, made = folder / "top.json", folder / "top.routed", folder / bitstream.name
        resources, constraints = _synthesise(board, platform, config, baud, folder, netlist)
        placement = place_and_route(
            netlist,
            board.fpga.name,
            speed=int(getattr(platform, "speed", 0)) or None,
            package=board.package,
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
        pack(routed, board.fpga.name, made)
        write_bytes(bitstream, made.read_bytes())
    return Build(bitstream, tools, resources, placement)


def board_resources(board: OpenBoard, config: CoreConfig, baud: int = BAUD) -> Resources:
    """Resources of a core on the serial port of a board before place and route; `ToolError` if Yosys is missing or fails."""
    with TemporaryDirectory() as name:
        return _synthesise(board, make_platform(board), config, baud, Path(name))[0]


def make_platform(board: OpenBoard):
    """The platform of `amaranth_boards` that knows the pins of a board."""
    module, name = board.platform.split(":")
    return getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()


def _synthesise(board, platform, config, baud, folder, netlist=None) -> tuple[Resources, Path]:
    """Write the constraints into `folder`, and `netlist` if it is given; resources, and the path of the constraints."""
    BitTime(board.clock, baud)  # raises before anything is written
    files = platform.prepare(BoardTop(board, config, baud), "top").files
    constraints = next(folder / file for file in files if Path(file).suffix in (".lpf", ".pcf"))
    for file in ("top.il", constraints.name):
        content = files[file]
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    return synthesise_rtlil(folder / "top.il", board.fpga.family.name, netlist), constraints

"""Boards: the one list of `ranvier build` and `ranvier info`. A new board is one record in `BOARDS`."""

from dataclasses import dataclass
from typing import ClassVar

from ranvier.errors import RanvierError, shown
from ranvier.hw.flow.fpga import FPGA, FPGAS

__all__ = ["BOARDS", "Board", "BoardError", "OpenBoard", "VivadoBoard", "find_board"]


@dataclass(frozen=True)
class Board:
    """A board, whatever its tools.

    Parameters
    ----------
    fpga : FPGA
        The FPGA on it.

    Attributes
    ----------
    gives : str
        Product of `ranvier build` for it.
    """

    fpga: FPGA
    gives: ClassVar[str]


@dataclass(frozen=True)
class OpenBoard(Board):
    """A board with a serial port and an LED, for which open tools make a bitstream of `ranvier.hw.bus.serial.SerialCore`.

    Parameters
    ----------
    platform : str
        Class of `amaranth_boards`, as "module:class", which knows its pins: the default clock, ``uart`` 0 and ``led`` 0.
    clock : int
        Frequency in Hz at which the core runs; the PLL of the family has to reach it exactly.
    queue_depth : int
        Words in each queue, see `ranvier.hw.bus.peripheral.Peripheral`.
    program : str
        Command for the user that programs the board with the bitstream ``{}``.
    package : str, optional
        Package by its name in nextpnr, if not the default of the FPGA.
    """

    gives = "a bitstream"

    platform: str
    clock: int
    queue_depth: int
    program: str
    package: str | None = None


@dataclass(frozen=True)
class VivadoBoard(Board):
    """A board for which Vivado gets the core behind AXI, to be put into a block design."""

    gives = "Verilog and a script for Vivado"


#: Name -> board.
BOARDS: dict[str, Board] = {
    **{
        f"ulx3s-{size}f": OpenBoard(
            FPGAS[f"{size}k"],
            platform=f"ulx3s:ULX3S_{size}F_Platform",
            clock=80_000_000,
            queue_depth=512,
            program="openFPGALoader -b ulx3s {}",
        )
        for size in (12, 25, 45, 85)
    },
    "icebreaker": OpenBoard(
        FPGAS["up5k"],
        platform="icebreaker:ICEBreakerPlatform",
        clock=24_000_000,
        queue_depth=256,
        program="iceprog {}",
    ),
    "icesugar": OpenBoard(
        FPGAS["up5k"],
        platform="icesugar:ICESugarPlatform",
        clock=24_000_000,
        queue_depth=256,
        program="icesprog {}",
    ),
    "arty-a7-35": VivadoBoard(FPGAS["xc7a35ticsg324-1L"]),
    "arty-a7-100": VivadoBoard(FPGAS["xc7a100tcsg324-1"]),
}


class BoardError(RanvierError, ValueError):
    """A board that is unknown."""


def find_board(name: str) -> Board:
    """The board called `name`; if there is none, a `BoardError` lists all boards and their products."""
    if name in BOARDS:
        return BOARDS[name]
    by_product: dict[str, list[str]] = {}
    for known, board in BOARDS.items():
        by_product.setdefault(board.gives, []).append(known)
    kinds = [f"{', '.join(names)} ({gives})" for gives, names in by_product.items()]
    raise BoardError(f"unknown board {shown(name)}: choose one of {', '.join(kinds)}")

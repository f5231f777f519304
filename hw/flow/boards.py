"""Every board by name, and what each gives: the one list of `ranvier build` and `ranvier info`."""

from ranvier.hw.flow.board import BOARDS
from ranvier.hw.flow.vivado import PARTS

__all__ = ["GIVES", "check_board"]

#: Board -> what `ranvier build` makes for it.
GIVES = {
    **dict.fromkeys(BOARDS, "a bitstream"),
    **dict.fromkeys(PARTS, "Verilog and a script for Vivado"),
}


def check_board(name: str) -> str:
    """`name`, if there is such a board; otherwise a `ValueError` that lists them all and what each gives."""
    if name in GIVES:
        return name
    kinds = [
        f"{', '.join(board for board in GIVES if GIVES[board] == what)} ({what})"
        for what in dict.fromkeys(GIVES.values())
    ]
    raise ValueError(f"unknown board {name!r}: choose one of {', '.join(kinds)}")

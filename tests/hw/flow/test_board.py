"""The table of boards: every record is complete, and its pins and its clock are there."""

import pytest

from ranvier.hw.flow.bitstream import BoardTop, make_platform
from ranvier.hw.flow.board import BOARDS, OpenBoard, find_board
from ranvier.hw.flow.clock import PLLS
from ranvier.hw.flow.fpga import FPGAS, PLACEABLE
from ranvier.parameters.config import CoreConfig

OPEN = [name for name, board in BOARDS.items() if isinstance(board, OpenBoard)]
SMALL = CoreConfig(inputs=2, neurons=2, outputs=2, max_delay=2, lanes=1, learning=False)


@pytest.mark.parametrize("name", BOARDS)
def test_a_record_is_complete(name):
    board = BOARDS[name]
    assert find_board(name) is board
    assert FPGAS[board.fpga.name] is board.fpga
    assert board.gives
    assert isinstance(board, OpenBoard) == (board.fpga.name in PLACEABLE)


@pytest.mark.parametrize("name", OPEN)
def test_its_platform_has_the_fpga_the_pins_and_a_clock_for_the_pll(name):
    board = BOARDS[name]
    platform = make_platform(board)
    assert platform._nextpnr_device_options[platform.device] == f"--{board.fpga.name}"  # Amaranth's own list
    package = platform.package.replace("BG", "CABGA") if board.fpga.family.name == "ecp5" else platform.package
    assert (board.package or board.fpga.package).upper() == package.upper()
    assert PLLS[board.fpga.family.name].choose(platform.default_clk_frequency, board.clock)
    files = platform.prepare(BoardTop(board, SMALL, 1_000_000), "top").files
    pins = next(content for file, content in files.items() if file.endswith((".lpf", ".pcf")))
    text = pins if isinstance(pins, str) else pins.decode()
    assert all(f"{port}_0" in text for port in ("uart", "led")), text
    assert "core.bit" in board.program.format("core.bit")


def test_an_unknown_board_lists_all_and_what_each_gives():
    gives = r"ulx3s-12f, .*icesugar.* \(a bitstream\), arty-a7-35, .*\(Verilog and a script"
    with pytest.raises(ValueError, match=gives) as error:
        find_board("toaster")
    assert all(name in str(error.value) for name in BOARDS)

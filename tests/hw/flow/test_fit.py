"""What fits where, by the shapes of memories and by synthesis."""

from dataclasses import replace

import pytest
from amaranth.hdl import Fragment

import ranvier.hw.flow.fit
from ranvier.hw.flow.board import BOARDS
from ranvier.hw.flow.boards import GIVES, check_board
from ranvier.hw.flow.fit import CAPACITIES, Fit, fit, fit_part, memory_blocks
from ranvier.hw.flow.synthesis import Resources
from ranvier.hw.flow.vivado import PARTS
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.presets import preset


def test_blocks_by_shape_are_those_that_yosys_takes():
    # `tests/system/test_synthesis.py` counts these in Yosys
    assert memory_blocks(preset("braille"), "ecp5") == (23, 0)


def test_single_ported_memories_go_to_the_rams_for_them():
    config = CoreConfig(inputs=24, neurons=64, outputs=4, memory="single", lanes=1)
    block, single = memory_blocks(config, "ice40")
    assert single == 3  # W, D, Wout
    assert memory_blocks(config.replace(memory="dual"), "ice40") == (block + 6 + 6 + 1, 0)


def test_every_board_has_a_capacity_and_a_platform():
    for board in BOARDS.values():
        assert board.device in CAPACITIES
        assert board.make().default_clk_frequency > 0


def test_the_list_says_what_each_board_gives():
    assert set(GIVES) == {*BOARDS, *PARTS}
    with pytest.raises(
        ValueError, match=r"ulx3s-12f, .*icesugar \(a bitstream\), arty-a7-35, .*\(Verilog and a script"
    ):
        check_board("toaster")


def test_a_board_of_vivado_is_compared_too(monkeypatch):
    def synthesise(design, family):
        assert family == "xc7"
        Fragment.get(design, None)  # Amaranth complains about designs that nobody elaborates
        return Resources(25_000, 9_000, 90, 40, 10, None)

    monkeypatch.setattr(ranvier.hw.flow.fit, "synthesise", synthesise)
    small, large = (fit_part(PARTS[name], preset("test")) for name in ("arty-a7-35", "arty-a7-100"))
    assert (small.lacking, large.lacking, large.largest) == (("luts",), (), None)
    assert large.text(preset("test"))[-1] == "fits"
    assert set(PARTS.values()) <= CAPACITIES.keys()


@pytest.mark.prove
def test_the_largest_of_a_kind_is_the_last_whose_memories_fit(monkeypatch):
    board, config = BOARDS["ulx3s-12f"], preset("test")
    blocks, others = memory_blocks(config, "ecp5")[0], 3  # synthesis for real is in `tests/system/test_board.py`
    needed = Resources(5000, 5000, blocks + others, 20, 100, None)
    monkeypatch.setattr(ranvier.hw.flow.fit, "netlist_of", lambda *_: needed)
    small = replace(CAPACITIES[board.device], block_rams=blocks + others + 4)
    monkeypatch.setitem(CAPACITIES, board.device, small)
    found = fit(board, config)
    assert (found.needed, found.lacking) == (needed, ())
    most = small.block_rams - others
    assert memory_blocks(config.replace(neurons=found.largest), "ecp5")[0] <= most
    assert memory_blocks(config.replace(neurons=found.largest + 1), "ecp5")[0] > most
    assert f"largest of its kind: {found.largest} neurons (this one has 7)" in found.text(config)


def test_a_core_that_lacks_logic_has_no_largest(monkeypatch):
    monkeypatch.setattr(ranvier.hw.flow.fit, "netlist_of", lambda *_: Resources(30_000, 5000, 5, 20, 100, None))
    found = fit(BOARDS["ulx3s-12f"], preset("test"))
    assert (found.lacking, found.largest) == (("luts",), None)


def test_what_is_lacking_is_named():
    there = Resources(100, 100, 4, 8, None, 4)
    found = Fit(Resources(120, 90, 2, 8, None, 0), there, ("luts",), None)
    assert "does not fit: not enough luts" in found.text(preset("test"))
    assert found.summary()["fits"] is False


@pytest.mark.parametrize("name", BOARDS)
def test_programming_is_told(name):
    assert "core.bit" in BOARDS[name].program.format("core.bit")

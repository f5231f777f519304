"""What fits where, by the shapes of memories and by synthesis."""

import re
from dataclasses import replace

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Fragment

import ranvier.hw.flow.fit
from ranvier.hw.core import Core
from ranvier.hw.flow.board import BOARDS
from ranvier.hw.flow.fit import Utilisation, fit, memory_blocks
from ranvier.hw.flow.flat import Flat
from ranvier.hw.flow.fpga import FAMILIES, Resources
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.presets import preset

ECP5, ICE40 = FAMILIES["ecp5"], FAMILIES["ice40"]


def test_blocks_by_shape_are_those_that_yosys_takes():
    # `tests/system/test_synthesis.py` counts these in Yosys
    assert memory_blocks(preset("braille"), ECP5) == (23, 0)


def test_single_ported_memories_go_to_the_rams_for_them():
    config = CoreConfig(inputs=24, neurons=64, outputs=4, memory="single", lanes=1)
    block, single = memory_blocks(config, ICE40)
    assert single == 3  # W, D, Wout
    assert memory_blocks(config.replace(memory="dual"), ICE40) == (block + 6 + 6 + 1, 0)


def test_memories_are_those_that_are_written(monkeypatch):
    """Every memory of the RTLIL, and no other: counted with a block RAM for each bit."""
    bits = replace(ECP5, block_ram=((1, 1),), smallest=(0, 0))
    single = replace(bits, single_port_ram=(1, 1))
    for config in (preset("test"), CoreConfig(inputs=4, neurons=6, outputs=2, memory="single", lanes=1)):
        text = rtlil.convert(Flat(Core(config)), name="core", emit_src=False)
        found = re.findall(r"(attribute \\ram_style .*\s+)?memory width (\d+) size (\d+) ", text)
        written = [(int(width) * int(depth), bool(attribute)) for attribute, width, depth in found]
        assert len(written) > 10
        assert memory_blocks(config, bits) == (sum(size for size, _ in written), 0)
        huge = sum(size for size, attribute in written if attribute)
        assert memory_blocks(config, single) == (sum(size for size, _ in written) - huge, huge)
        assert (huge > 0) == (config.memory == "single")


def test_a_board_of_vivado_is_compared_too(monkeypatch):
    def synthesise(design, family):
        assert family == "xc7"
        Fragment.get(design, None)  # Amaranth complains about designs that nobody elaborates
        return Resources(25_000, 9_000, 90, 40, 10, None)

    monkeypatch.setattr(ranvier.hw.flow.fit, "synthesise", synthesise)
    small, large = (fit(BOARDS[name], preset("test")) for name in ("arty-a7-35", "arty-a7-100"))
    assert (small.lacking, large.lacking, large.largest) == (("luts",), (), None)
    assert large.lines(preset("test"))[-1] == "fits"


@pytest.mark.prove
def test_the_largest_of_a_kind_is_the_last_whose_memories_fit(monkeypatch):
    board, config = BOARDS["ulx3s-12f"], preset("test")
    blocks, others = memory_blocks(config, ECP5)[0], 3  # synthesis for real is in `tests/system/test_board.py`
    needed = Resources(5000, 5000, blocks + others, 20, 100, None)
    monkeypatch.setattr(ranvier.hw.flow.fit, "board_resources", lambda *_: needed)
    small = replace(board.fpga.available, block_rams=blocks + others + 4)
    found = fit(replace(board, fpga=replace(board.fpga, available=small)), config)
    assert (found.needed, found.lacking) == (needed, ())
    most = small.block_rams - others
    assert memory_blocks(config.replace(neurons=found.largest), ECP5)[0] <= most
    assert memory_blocks(config.replace(neurons=found.largest + 1), ECP5)[0] > most
    assert f"largest of its kind: {found.largest} neurons (this one has 7)" in found.lines(config)


def test_a_core_that_lacks_logic_has_no_largest(monkeypatch):
    monkeypatch.setattr(ranvier.hw.flow.fit, "board_resources", lambda *_: Resources(30_000, 5000, 5, 20, 100, None))
    found = fit(BOARDS["ulx3s-12f"], preset("test"))
    assert (found.lacking, found.largest) == (("luts",), None)


def test_what_is_lacking_is_named():
    there = Resources(100, 100, 4, 8, None, 4)
    found = Utilisation(Resources(120, 90, 2, 8, None, 0), there, ("luts",), None)
    assert "does not fit: not enough luts" in found.lines(preset("test"))
    assert found.summary()["fits"] is False

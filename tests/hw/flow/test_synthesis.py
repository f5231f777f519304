"""Resources of designs whose size is known beforehand, with the real Yosys."""

import importlib.util

import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.flow.synthesis import FAMILIES, Resources, ToolError, synthesise, synthesiser


class Scaler(wiring.Component):
    """One multiplier, 18 flip-flops behind it, and a memory of 1024 x 16 bits."""

    left: In(signed(9))
    right: In(signed(9))
    product: Out(signed(18))
    address: In(10)
    value: In(16)
    write: In(1)
    stored: Out(16)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=16, depth=1024, init=[])
        read, write = memory.read_port(), memory.write_port()
        m.d.sync += self.product.eq(self.left * self.right)
        m.d.comb += [
            read.addr.eq(self.address),
            self.stored.eq(read.data),
            write.addr.eq(self.address),
            write.data.eq(self.value),
            write.en.eq(self.write),
        ]
        return m


#: 16 kbit are one block of 18 kbit, or four of 4 kbit.
BLOCK_RAMS = {"ecp5": 1, "ice40": 4, "xc7": 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_what_is_there(family):
    found = synthesise(Scaler(), family)
    print(family, found)
    assert found.multipliers == 1
    assert found.block_rams == BLOCK_RAMS[family]
    if family == "ecp5":  # others put the product into the multiplier, and resolve collisions beside the memory
        assert (found.flip_flops, found.luts) == (18, 0)
    assert found.flip_flops + found.luts < 200
    assert found.lut_rams in (0, None)
    assert found.single_port_rams in (0, None)


def test_units():
    cells = {"LUT4": 5, "CCU2C": 3, "TRELLIS_FF": 7, "TRELLIS_DPR16X4": 2, "DP16KD": 4, "MULT18X18D": 6, "PFUMX": 9}
    assert Resources.count("ecp5", cells) == Resources(11, 7, 4, 6, 12, None)
    assert Resources.count("xc7", {"RAMB36E1": 2, "RAMB18E1": 1}).block_rams == 5
    ice40 = Resources.count("ice40", {"SB_DFFESR": 2, "SB_DFF": 1, "SB_SPRAM256KA": 3})
    assert (ice40.flip_flops, ice40.single_port_rams, ice40.lut_rams) == (3, 3, None)
    assert any("single port rams" in line for line in ice40.text())
    assert not any("lut rams" in line for line in ice40.text())


def test_an_error_of_the_tool_is_one_line(monkeypatch):
    monkeypatch.setitem(vars(FAMILIES["ecp5"]), "script", "synth_nothing")
    with pytest.raises(ToolError, match=r"^Yosys failed: .*synth_nothing") as error:
        synthesise(Scaler(), "ecp5")
    assert "\n" not in str(error.value)


def test_a_missing_tool_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="ranvier\\[synth\\]"):
        synthesiser()

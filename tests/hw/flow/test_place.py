"""A multiplier between registers, placed and routed by the real nextpnr."""

import importlib.util

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.flow.harness import Harness
from ranvier.hw.flow.place import place_and_route, placer
from ranvier.hw.flow.synthesis import ToolError, synthesise


class Product(wiring.Component):
    left: In(16)
    right: In(16)
    product: Out(32)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.product.eq(self.left * self.right)
        return m


@pytest.fixture(scope="module")
def netlist(tmp_path_factory):
    path = tmp_path_factory.mktemp("place") / "product.json"
    synthesise(Harness(Product()), "ecp5", path)
    return path


def test_the_multiplier_limits(netlist):
    placed = place_and_route(netlist, "12k", target=100.0, seed=3)
    print("\n".join(placed.text()))
    assert (placed.target, placed.seed) == (100.0, 3)
    assert placed.used["MULT18X18D"][0] == 1
    assert placed.used["TRELLIS_FF"][0] == 32 + 32 + 32  # inputs, product, outputs
    kinds = [hop.kind for hop in placed.path]
    assert kinds[0] == "clk-to-q"
    assert "multiply" in kinds
    delay = sum(hop.routing + hop.logic for hop in placed.path)
    assert delay == pytest.approx(1000 / placed.fmax, abs=0.02)
    assert 3.9 < delay < 10  # the multiplier alone takes 3.9 ns
    assert placed.summary()["fmax"] == placed.fmax


def test_an_error_of_the_tool_is_one_line(netlist):
    with pytest.raises(ToolError, match=r"^nextpnr_ecp5 failed: .*CABGA1") as error:
        place_and_route(netlist, "12k", package="CABGA1")
    assert "\n" not in str(error.value)


def test_a_missing_tool_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="ranvier\\[synth\\]"):
        placer()

import numpy as np
import pytest
from amaranth.hdl import Const, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.pipeline import delayed, lately


class Delay(wiring.Component):
    value: In(signed(8))
    late: Out(signed(8))

    def __init__(self, clocks):
        super().__init__()
        self.clocks = clocks

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.late.eq(delayed(m, self.value, self.clocks))
        return m


@pytest.mark.parametrize("clocks", [1, 2, 5])
def test_delayed(clocks):
    values = np.random.default_rng(0).integers(-128, 128, 40)
    (late,) = clocked(Delay(clocks), [{"value": int(v)} for v in values], "late")
    np.testing.assert_array_equal(late, [*[0] * clocks, *values[:-clocks]])


class Lately(Delay):
    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.late.eq(lately(m, self.value[0], self.clocks))
        return m


@pytest.mark.parametrize("clocks", [1, 2, 5])
def test_lately(clocks):
    values = np.random.default_rng(clocks).random(200) < 0.2
    (late,) = clocked(Lately(clocks), [{"value": int(v)} for v in values], "late")
    expected = [values[max(0, n - clocks) : n + 1].any() for n in range(len(values))]
    assert 20 < sum(expected) < 180
    np.testing.assert_array_equal(late & 1, expected)


def test_no_clocks_is_the_value_itself():
    value = Const(1)
    assert delayed(Module(), value, 0) is value

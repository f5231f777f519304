import numpy as np
import pytest
from amaranth.hdl import Const, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.pipeline import delayed


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


def test_no_clocks_is_the_value_itself():
    value = Const(1)
    assert delayed(None, value, 0) is value

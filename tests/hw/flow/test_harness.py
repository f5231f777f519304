import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.flow.harness import Harness


class Sum(wiring.Component):
    left: In(3)
    right: In(2)
    total: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.total.eq(self.left + self.right)
        return m


def test_what_is_shifted_in_reaches_the_inputs_and_the_outputs_are_shifted_out():
    rng, compared = np.random.default_rng(0), 0
    for _ in range(20):
        left, right = int(rng.integers(8)), int(rng.integers(4))
        bits = [
            right >> 1 & 1,
            right & 1,
            left >> 2 & 1,
            left >> 1 & 1,
            left & 1,
        ]  # the last port's highest bit goes first
        stimulus = [{"shift": 1, "serial_in": bit} for bit in bits]
        stimulus += [{"shift": 0, "capture": 1}, *[{"capture": 0}] * 4]
        (out,) = clocked(Harness(Sum()), stimulus, "serial_out")
        total = int("".join(map(str, out[len(bits) + 1 :])), 2)
        assert total == left + right
        compared += 1
    assert compared == 20

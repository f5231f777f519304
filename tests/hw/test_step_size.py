import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.golden import fixed as golden
from ranvier.golden.qformat import QFormat
from ranvier.golden.step_size import StepSize
from ranvier.hw.fixed import shape
from ranvier.hw.step_size import SCALE_LATENCY, StepSizeLayout, scale


class Scale(wiring.Component):
    def __init__(self, fraction: int, to: QFormat):
        self.fraction, self.to = fraction, to
        super().__init__(
            {"value": In(signed(18)), "eta": In(StepSizeLayout), "scaled": Out(shape(to)), "clips": Out(1)}
        )

    def elaborate(self, platform):
        m = Module()
        scaled, clipped = scale(m, self.value, self.eta, self.fraction, self.to)
        m.d.comb += [self.scaled.eq(scaled), self.clips.eq(clipped)]
        return m


@pytest.mark.parametrize(("fraction", "to"), [(13, "s0.17"), (13, "s3.14"), (10, "s0.17"), (13, "s2.9"), (13, "s4.13")])
@pytest.mark.parametrize("shift", [0, 1, 3, 8, 31])
def test_scale(fraction, to, shift):
    to, rng = QFormat.parse(to), np.random.default_rng(shift)
    values = [-(1 << 17), (1 << 17) - 1, -1, 0, 1, *rng.integers(-(1 << 17), 1 << 17, 40), *rng.integers(-99, 99, 40)]
    for mantissa in (0, 1, 200, 255):
        eta = StepSize(mantissa, shift)
        stimulus = [{"value": int(v), "eta": {"mantissa": mantissa, "shift": shift}} for v in values]
        stimulus += [{"value": 0}] * SCALE_LATENCY
        scaled, clips = clocked(Scale(fraction, to), stimulus, "scaled", "clips")
        expected = [golden.scale(np.array(v), eta, fraction, to) for v in values]
        np.testing.assert_array_equal(scaled[SCALE_LATENCY:], [e for e, _ in expected], f"{eta}")
        np.testing.assert_array_equal(clips[SCALE_LATENCY:], [c for _, c in expected], f"{eta}")
        assert mantissa == 0 or shift > 20 or scaled.any()

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.golden import fixed as golden
from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import Pipeline, as_built, latest
from ranvier.hw.step_size import StepSizeLayout, scale
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.step_size import StepSize


class Scale(wiring.Component):
    def __init__(self, fraction: int, to: QFormat):
        self.fraction, self.to = fraction, to
        super().__init__(
            {
                "value": In(signed(18)),
                "eta": In(StepSizeLayout),
                "dither": In(32),
                "scaled": Out(shape(to)),
                "clips": Out(1),
                "lost": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        scaled, clipped, lost = scale(Pipeline(m).timed(self.value), self.eta, self.fraction, self.to, self.dither)
        self.latency = latest(scaled, clipped, lost)
        m.d.comb += [
            self.scaled.eq(scaled.at(self.latency)),
            self.clips.eq(clipped.at(self.latency)),
            self.lost.eq(lost.at(self.latency)),
        ]
        return m


@pytest.mark.parametrize(
    ("fraction", "to"),
    [(13, "s0.17"), (13, "s3.14"), (10, "s0.17"), (13, "s2.9"), (13, "s4.13"), (17, "s2.0")],
)
@pytest.mark.parametrize("shift", [0, 1, 3, 8, 31])
def test_scale(fraction, to, shift):
    to, rng = QFormat.parse(to), np.random.default_rng(shift)
    values = [-(1 << 17), (1 << 17) - 1, -1, 0, 1, *rng.integers(-(1 << 17), 1 << 17, 40), *rng.integers(-99, 99, 40)]
    vanished, latency = 0, as_built(Scale, fraction, to).latency
    for mantissa in (0, 1, 200, 255):
        for dither in (0, (1 << 32) - 1, int(rng.integers(1 << 32))):
            eta = StepSize(mantissa, shift)
            held = {"eta": {"mantissa": mantissa, "shift": shift}, "dither": dither}
            stimulus = [held] * 2 + [held | {"value": int(v)} for v in values] + [held | {"value": 0}] * latency
            seen = clocked(Scale(fraction, to), stimulus, "scaled", "clips", "lost")
            scaled, clips, lost = (column[latency + 2 :] for column in seen)
            expected = golden.scale(np.array(values), eta, fraction, to, dither)
            for seen, want in zip((scaled, clips, lost), expected, strict=True):
                np.testing.assert_array_equal(seen, want, f"{eta}")
            vanished += sum(lost)
    assert (vanished > 0) == (shift + fraction > to.fraction)

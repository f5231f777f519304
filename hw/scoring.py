"""Scoring of a step: largest readout, softmax, and what is added to the scores."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import delayed
from ranvier.hw.readout import ReadoutRead
from ranvier.hw.softmax import Softmax
from ranvier.parameters.config import CoreConfig

__all__ = ["Scoring"]


class Scoring(wiring.Component):
    """Walks over y once to find its maximum and twice more for the softmax.

    Busy for ``readout_words + log2(lanes) + 2 outputs + Softmax.LATENCY + 4`` clocks.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, and whether probabilities or readouts are accumulated.

    Attributes
    ----------
    start : In(1)
        Score this step.
    readout : Out(`ReadoutRead`)
        Words of y.
    valid, index : Out
        One output per clock, in ascending order, with ...
    probability : Out
        ... its softmax (``error.fraction`` fraction bits) and ...
    score : Out(signed 32)
        ... what to add to its score.
    busy : Out(1)
        Not done yet.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "readout": Out(ReadoutRead(config)),
                "valid": Out(1),
                "index": Out(range(config.outputs)),
                "probability": Out(unsigned(config.error.fraction + 1)),
                "score": Out(signed(32)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        m.submodules.softmax = softmax = Softmax(c)
        lane_bits = ceil_log2(c.lanes)
        searching, word = Signal(), Signal(range(max(2, c.readout_words)))
        largest, found = self._largest(m, searching, word)

        m.d.comb += [softmax.largest.eq(largest), self.busy.eq(1)]
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += word.eq(0)
                with m.If(self.start):
                    m.next = "Search"
            with m.State("Search"):
                m.d.comb += [searching.eq(1), self.readout.word.eq(word)]
                m.d.sync += word.eq(word + 1)
                with m.If(word == c.readout_words - 1):
                    m.next = "Found"
            with m.State("Found"):
                with m.If(found):
                    m.d.comb += softmax.start.eq(1)
                    m.next = "Softmax"
            with m.State("Softmax"):
                m.d.comb += self.readout.word.eq(softmax.output >> lane_bits)
                with m.If(~softmax.busy):
                    m.next = "Idle"

        lane = delayed(m, softmax.output[:lane_bits], 1) if lane_bits else 0
        value = delayed(m, self.readout.values[lane], 1)
        m.d.comb += [
            softmax.value.eq(value),
            self.valid.eq(softmax.valid),
            self.index.eq(softmax.index),
            self.probability.eq(softmax.probability),
            self.score.eq(softmax.probability if c.prediction == "softmax" else delayed(m, value, 2)),
        ]
        return m

    def _largest(self, m, searching, word):
        """Maximum over words and lanes by a registered tree; valid when `found`, held until the next search."""
        c = self.config
        lowest = c.potential.min
        level = [
            delayed(m, Mux(delayed(m, word * c.lanes + lane < c.outputs, 1), self.readout.values[lane], lowest), 1)
            for lane in range(c.lanes)
        ]
        while len(level) > 1:
            level = [delayed(m, Mux(a > b, a, b), 1) for a, b in zip(level[::2], level[1::2], strict=True)]
        depth = 2 + ceil_log2(c.lanes)
        arriving, first = delayed(m, searching, depth), delayed(m, searching & (word == 0), depth)
        final = delayed(m, searching & (word == c.readout_words - 1), depth + 1)
        largest = Signal(shape(c.potential))
        with m.If(arriving & (first | (level[0] > largest))):
            m.d.sync += largest.eq(level[0])
        return largest, final

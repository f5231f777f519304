"""Scoring of a step: largest readout, softmax, and increments of the scores."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import Pipeline, as_built, join
from ranvier.hw.readout import Readout, ReadoutRead
from ranvier.hw.softmax import Softmax
from ranvier.parameters.config import CoreConfig

__all__ = ["Scoring"]


class Scoring(wiring.Component):
    """Walks over y once to find its maximum and twice more for the softmax.

    Busy for ``readout_words + 2 outputs + latency`` clock cycles.

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
        One output per clock cycle, in ascending order, with ...
    probability : Out
        ... its softmax (``error.fraction`` fraction bits) and ...
    score : Out(signed 32)
        ... the increment of its score.
    busy : Out(1)
        Scoring is under way.
    latency : int
        Clock cycles beyond the three passes; known once elaborated, see `as_built`.
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
        lane_bits, read_latency = ceil_log2(c.lanes), as_built(Readout, c).read_latency
        searching, word = Signal(), Signal(range(max(2, c.readout_words)))
        largest, found = self._largest(m, searching, word, read_latency)
        self._sequence(m, searching, word, found.value, softmax)

        pipeline = Pipeline(m)
        lane = pipeline.timed(softmax.output[:lane_bits]) if lane_bits else 0
        values = pipeline.timed(self.readout.values, read_latency)
        value = join(lambda values, lane: values[lane], values, lane).registered()
        built = as_built(Softmax, c)
        self.latency = found.clock + built.latency + 1
        m.d.comb += [
            softmax.largest.eq(largest.value),
            softmax.value.eq(value.at(softmax.ANSWER)),
            self.valid.eq(softmax.valid),
            self.index.eq(softmax.index),
            self.probability.eq(softmax.probability),
            self.score.eq(softmax.probability if c.prediction == "softmax" else value.at(built.probability_latency)),
        ]
        return m

    def _sequence(self, m, searching, word, found, softmax):
        """A pass that searches for the maximum, then those of the softmax."""
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += word.eq(0)
                with m.If(self.start):
                    m.next = "Search"
            with m.State("Search"):
                m.d.comb += [searching.eq(1), self.readout.word.eq(word)]
                m.d.sync += word.eq(word + 1)
                with m.If(word == self.config.readout_words - 1):
                    m.next = "Found"
            with m.State("Found"):
                with m.If(found):
                    m.d.comb += softmax.start.eq(1)
                    m.next = "Softmax"
            with m.State("Softmax"):
                m.d.comb += self.readout.word.eq(softmax.output >> ceil_log2(self.config.lanes))
                with m.If(~softmax.busy):
                    m.next = "Idle"

    def _largest(self, m, searching, word, read_latency):
        """Maximum over words and lanes by a registered tree, valid and held once it is found, until the next search."""
        c, pipeline = self.config, Pipeline(m)
        values = pipeline.timed(self.readout.values, read_latency)
        exists = [pipeline.timed(word * c.lanes + lane < c.outputs) for lane in range(c.lanes)]
        level = [
            join(lambda e, value: Mux(e, value, c.potential.min), exists[lane], values[lane]).registered()
            for lane in range(c.lanes)
        ]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [join(lambda a, b: Mux(a > b, a, b), a, b).registered() for a, b in pairs]
        (most,) = level
        arriving = pipeline.timed(searching).at(most.clock)
        first = pipeline.timed(searching & (word == 0)).at(most.clock)
        largest = Signal(shape(c.potential))
        with m.If(arriving & (first | (most.value > largest))):
            m.d.sync += largest.eq(most.value)
        final = pipeline.timed(searching & (word == c.readout_words - 1))
        return pipeline.timed(largest, most.clock + 1), final.not_before(most.clock + 1)

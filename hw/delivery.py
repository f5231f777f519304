"""Delivery of spikes: one row of synapses into the delay line of current."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import Pipeline, as_built, join, lately, latest
from ranvier.hw.synapse import SynapseMemory, SynapseRead, whole_steps
from ranvier.parameters.config import CoreConfig

__all__ = ["Delivery"]


class Delivery(wiring.Component):
    """For a spike of presynaptic unit i at step t: ``line_j[(t + 1 + Dh_ji) mod L] += W_ji`` for every neuron j.

    Takes a spike every ``max(3, words + 1)`` clock cycles; a word reaches the delay line `latency` clock cycles later.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats.

    Attributes
    ----------
    spikes : In(stream)
        Rows to deliver.
    slot : In
        ``t mod L``; constant during a delivery.
    read : Out(`SynapseRead`)
        Synapses to deliver.
    deliver, deliver_word, slots, targets, weights : Out
        To `DelayLine`.
    arrive, arrived_row : Out
        One spike of a row, for its trace; pulses are at least 3 clock cycles apart.
    busy : Out(1)
        A spike has not left for the delay line yet.
    latency : int
        Clock cycles from a word issued to the word at the delay line: synapse memory, slot; known once elaborated, see
        `as_built`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        row, word = range(max(2, config.rows)), range(max(2, config.words))
        slot = ceil_log2(config.slots)
        super().__init__(
            {
                "spikes": In(stream.Signature(row)),
                "slot": In(slot),
                "read": Out(SynapseRead(config)),
                "deliver": Out(1),
                "deliver_word": Out(word),
                "slots": Out(data.ArrayLayout(slot, config.lanes)),
                "targets": Out(config.lanes),
                "weights": Out(data.ArrayLayout(shape(config.weight), config.lanes)),
                "arrive": Out(1),
                "arrived_row": Out(row),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        issuing = Signal()
        with m.FSM():
            with m.State("Accept"):
                m.d.comb += self.spikes.ready.eq(1)
                with m.If(self.spikes.valid):
                    m.d.comb += self.arrive.eq(1)
                    m.d.sync += [self.read.row.eq(self.spikes.payload), self.read.word.eq(0)]
                    m.next = "Issue"
            with m.State("Issue"):
                m.d.comb += issuing.eq(1)
                m.d.sync += self.read.word.eq(self.read.word + 1)
                with m.If(self.read.word == c.words - 1):
                    m.next = "Rest" if c.words == 1 else "Accept"
            with m.State("Rest"):
                m.next = "Accept"
        m.d.comb += self.arrived_row.eq(self.spikes.payload)

        pipeline = Pipeline(m)
        issued, word = pipeline.timed(issuing), pipeline.timed(self.read.word)
        synapses = pipeline.timed(self.read.synapses, as_built(SynapseMemory, c).latency)
        steps = [join(whole_steps, c, synapses.delay[lane]) for lane in range(c.lanes)]
        ready = latest(synapses, *steps)
        m.d.sync += [self.targets.eq(synapses.targets.at(ready)), self.weights.eq(synapses.weight.at(ready))]
        m.d.sync += [self.slots[lane].eq(self.slot + 1 + steps[lane].at(ready)) for lane in range(c.lanes)]
        self.latency = ready + 1
        m.d.comb += [
            self.deliver.eq(issued.at(self.latency)),
            self.deliver_word.eq(word.at(self.latency)),
            self.busy.eq(lately(m, issuing, self.latency)),
        ]
        return m

"""Synapse memory: weights and delays of all synapses, one row per presynaptic unit."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import round_half_up, shape
from ranvier.hw.pipeline import Pipeline, as_built, latest
from ranvier.hw.row_memory import RowMemory, RowWrite
from ranvier.parameters.config import CoreConfig

__all__ = ["SynapseMemory", "SynapseRead", "SynapseWrite", "synapse_layout", "whole_steps"]


def synapse_layout(config: CoreConfig) -> data.StructLayout:
    """One word of synapses as read: weights, delays (equal in all lanes if axonal), and which lanes are real synapses."""
    return data.StructLayout(
        {
            "weight": data.ArrayLayout(shape(config.weight), config.lanes),
            "delay": data.ArrayLayout(shape(config.delay), config.lanes),
            "targets": config.lanes,
        }
    )


def whole_steps(config: CoreConfig, delay: Value) -> Value:
    """``Dh = floor(D + 1/2)``: a raw D, as the forward pass and the traces take it, in steps.

    A function and no member of `synapse_layout`: each user adds it to something else, and synthesis makes one sum of it.
    """
    return round_half_up(delay, config.delay_fraction)


class SynapseRead(wiring.Signature):
    """A word of synapses to read, as its reader sees it.

    Attributes
    ----------
    row, word : Out
        Which.
    synapses : In(`synapse_layout`)
        What they are, `SynapseMemory.latency` clocks later.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "row": Out(range(max(2, config.rows))),
                "word": Out(range(max(2, config.words))),
                "synapses": In(synapse_layout(config)),
            }
        )


class SynapseWrite(wiring.Signature):
    """A word of weights and a word of delays to write, each to its own place, as their writer sees them.

    Attributes
    ----------
    weight, delay : Out(`RowWrite`)
        An axonal delay is lane 0 of word 0.
    """

    def __init__(self, config: CoreConfig):
        size = (config.rows, config.words, config.lanes)
        super().__init__({"weight": Out(RowWrite(config.weight, *size)), "delay": Out(RowWrite(config.delay, *size))})


class SynapseMemory(wiring.Component):
    """W and D in memory: one word read and one word written per clock, or (`memory` is "single") one of the two.

    Word `word` of row `row` holds the synapses onto neurons ``word * lanes + lane``. Synaptic delays share its words,
    axonal ones in block RAM of their own with one entry per row. A neuron itself is never a target, nor is a lane beyond the
    last neuron.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and kind of delay.

    Attributes
    ----------
    read : In(`SynapseRead`)
        Synapses to read; the answer comes `latency` clocks later, one word per clock.
    write : In(`SynapseWrite`)
        What to write; in memory `write_latency` clocks later.
    latency, write_latency : int
        Clocks of a read and of a write; known once elaborated, see `as_built`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({"read": In(SynapseRead(config)), "write": In(SynapseWrite(config))})

    def elaborate(self, platform):
        m = Module()
        c, write = self.config, self.write
        matrix = (c.weight, c.rows, c.words, c.lanes, c.memory)
        m.submodules.weights = weights = RowMemory(*matrix)
        connect(m, flipped(write.weight), weights.write)
        m.d.comb += [
            weights.read.row.eq(self.read.row),
            weights.read.word.eq(self.read.word),
        ]
        reads, built = Pipeline(m), as_built(RowMemory, *matrix)
        weight = reads.timed(weights.read.values, built.latency)
        targets = [reads.timed(target) for target in self._targets(m)]
        delays = self._delays(m, reads) if c.delays != "none" else []
        self.latency, self.write_latency = latest(weight, *targets, *delays), built.write_latency
        m.d.comb += [
            self.read.synapses.weight.eq(weight.at(self.latency)),
            *(self.read.synapses.targets[lane].eq(target.at(self.latency)) for lane, target in enumerate(targets)),
            *(self.read.synapses.delay[lane].eq(delay.at(self.latency)) for lane, delay in enumerate(delays)),
        ]
        return m

    def _delays(self, m, reads):
        """Delay of every lane, from memory like that of the weights, or (axonal) with one entry per row."""
        c, write = self.config, self.write
        synaptic = c.delays == "synaptic"
        matrix = (c.delay, c.rows, *((c.words, c.lanes, c.memory) if synaptic else (1, 1, "dual")))
        m.submodules.delays = delays = RowMemory(*matrix)
        lanes = len(delays.read.values)
        m.d.comb += [
            delays.read.row.eq(self.read.row),
            delays.read.word.eq(self.read.word if synaptic else 0),
            delays.write.lanes.eq(write.delay.lanes),
            delays.write.row.eq(write.delay.row),
            delays.write.word.eq(write.delay.word if synaptic else 0),
            *(delays.write.values[lane].eq(write.delay.values[lane]) for lane in range(lanes)),
        ]
        values = reads.timed(delays.read.values, as_built(RowMemory, *matrix).latency)
        return [values[lane % lanes] for lane in range(c.lanes)]

    def _targets(self, m):
        """Of each lane, whether it is a synapse: onto a neuron that exists, and not onto that which the row belongs to."""
        c = self.config
        itself = Signal(range(-c.inputs, max(1, c.rows)))  # that neuron, if not negative
        m.d.comb += itself.eq(self.read.row - c.inputs)
        for lane in range(c.lanes):
            neuron = (self.read.word << ceil_log2(c.lanes)) + lane
            own = (itself >= 0) & (itself == neuron)
            yield ~own & (neuron < c.neurons)

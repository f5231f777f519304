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
    """``Dh = floor(D + 1/2)``: a raw D in whole steps, as the forward pass and the traces use it.

    A function rather than a member of `synapse_layout`, because synthesis merges it with the sum in which each user needs
    it.
    """
    return round_half_up(delay, config.delay_fraction)


class SynapseRead(wiring.Signature):
    """Read port of synapses, from its reader's side.

    Attributes
    ----------
    row, word : Out
        Row, and word of it.
    synapses : In(`synapse_layout`)
        Its content, `SynapseMemory.latency` clock cycles later.
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
    """Write ports of weights and delays, each with an address of its own, from their writer's side.

    Attributes
    ----------
    weight, delay : Out(`RowWrite`)
        An axonal delay is lane 0 of word 0.
    """

    def __init__(self, config: CoreConfig):
        size = (config.rows, config.words, config.lanes)
        super().__init__({"weight": Out(RowWrite(config.weight, *size)), "delay": Out(RowWrite(config.delay, *size))})


class SynapseMemory(wiring.Component):
    """W and D in memory: one word read and one word written per clock cycle, or (`memory` is "single") one of the two.

    Word `word` of row `row` holds the synapses onto neurons ``word * lanes + lane``. Synaptic delays lie beside the weights,
    axonal ones in block RAM of their own with one entry per row. A neuron is never its own target, nor is a lane beyond
    the last neuron a target.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and kind of delay.

    Attributes
    ----------
    read : In(`SynapseRead`)
        Synapses to read; the answer comes `latency` clock cycles later, one word per clock cycle.
    write : In(`SynapseWrite`)
        Word to write; in memory `write_latency` clock cycles later.
    latency, write_latency : int
        Clock cycles of a read and of a write; known once elaborated, see `as_built`.
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
        """Whether each lane is a synapse: onto a neuron that exists, other than the neuron that the row belongs to."""
        c = self.config
        itself = Signal(range(-c.inputs, max(1, c.rows)))  # that neuron, if not negative
        m.d.comb += itself.eq(self.read.row - c.inputs)
        for lane in range(c.lanes):
            neuron = (self.read.word << ceil_log2(c.lanes)) + lane
            own = (itself >= 0) & (itself == neuron)
            yield ~own & (neuron < c.neurons)

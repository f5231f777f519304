"""Synapse memory: weights and delays of all synapses, one row per presynaptic unit."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import delayed
from ranvier.hw.row_memory import RowMemory, RowWrite
from ranvier.parameters.config import CoreConfig

__all__ = ["SynapseMemory", "SynapseRead", "SynapseWrite", "synapse_layout"]


def synapse_layout(config: CoreConfig) -> data.StructLayout:
    """One word of synapses as read: weights, delays (equal in all lanes if axonal), and which lanes are real synapses."""
    return data.StructLayout(
        {
            "weight": data.ArrayLayout(shape(config.weight), config.lanes),
            "delay": data.ArrayLayout(shape(config.delay), config.lanes),
            "targets": config.lanes,
        }
    )


class SynapseRead(wiring.Signature):
    """A word of synapses to read, as its reader sees it.

    Attributes
    ----------
    row, word : Out
        Which.
    synapses : In(`synapse_layout`)
        What they are, `SynapseMemory.LATENCY` clocks later.
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

    Word `word` of row `row` holds the synapses onto neurons ``word * lanes + lane``. Synaptic delays lie beside the weights,
    axonal ones in block RAM of their own with one entry per row. A neuron itself is never a target, nor is a lane beyond the
    last neuron.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and kind of delay.

    Attributes
    ----------
    read : In(`SynapseRead`)
        Synapses to read; the answer comes `LATENCY` clocks later, one word per clock.
    write : In(`SynapseWrite`)
        What to write; in memory `WRITE_LATENCY` clocks later.
    """

    LATENCY, WRITE_LATENCY = RowMemory.LATENCY, RowMemory.WRITE_LATENCY

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({"read": In(SynapseRead(config)), "write": In(SynapseWrite(config))})

    def elaborate(self, platform):
        m = Module()
        c, read, write = self.config, self.read, self.write
        m.submodules.weights = weights = RowMemory(c.weight, c.rows, c.words, c.lanes, c.memory)
        connect(m, flipped(write.weight), weights.write)
        m.d.comb += [
            weights.read.row.eq(read.row),
            weights.read.word.eq(read.word),
            read.synapses.weight.eq(weights.read.values),
        ]
        if c.delays != "none":
            words, lanes, ports = (c.words, c.lanes, c.memory) if c.delays == "synaptic" else (1, 1, "dual")
            m.submodules.delays = delays = RowMemory(c.delay, c.rows, words, lanes, ports)
            m.d.comb += [
                delays.read.row.eq(read.row),
                delays.read.word.eq(read.word if c.delays == "synaptic" else 0),
                delays.write.lanes.eq(write.delay.lanes),
                delays.write.row.eq(write.delay.row),
                delays.write.word.eq(write.delay.word if c.delays == "synaptic" else 0),
            ]
            for lane in range(c.lanes):
                m.d.comb += read.synapses.delay[lane].eq(delays.read.values[lane % lanes])
            for lane in range(lanes):
                m.d.comb += delays.write.values[lane].eq(write.delay.values[lane])

        itself = Signal(range(-c.inputs, max(1, c.rows)))  # the neuron that this row belongs to, if not negative
        lane_bits = ceil_log2(c.lanes)
        m.d.comb += itself.eq(read.row - c.inputs)
        for lane in range(c.lanes):
            neuron = (read.word << lane_bits) + lane
            own = (itself >= 0) & (itself == neuron)
            m.d.comb += read.synapses.targets[lane].eq(delayed(m, ~own & (neuron < c.neurons), self.LATENCY))
        return m

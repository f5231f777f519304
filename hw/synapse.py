"""Synapse memory: weights and delays of all synapses, one row per presynaptic unit."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import delayed
from ranvier.hw.row_memory import RowMemory
from ranvier.parameters.config import CoreConfig

__all__ = ["SynapseMemory", "SynapseWrite", "synapse_layout"]


def synapse_layout(config: CoreConfig) -> data.StructLayout:
    """One word of synapses as read: weights, delays (equal in all lanes if axonal), and which lanes are real synapses."""
    return data.StructLayout(
        {
            "weight": data.ArrayLayout(shape(config.weight), config.lanes),
            "delay": data.ArrayLayout(shape(config.delay), config.lanes),
            "targets": config.lanes,
        }
    )


class SynapseWrite(wiring.Signature):
    """A word of weights and a word of delays to write, each to its own place.

    ``weight_lanes`` and ``delay_lanes`` say which lanes. An axonal delay is lane 0 of word 0.
    """

    def __init__(self, config: CoreConfig):
        row, word = range(max(2, config.rows)), range(max(2, config.words))
        members: dict[str, wiring.Member] = {}
        for name, fmt in (("weight", config.weight), ("delay", config.delay)):
            members |= {
                f"{name}_lanes": Out(config.lanes),
                f"{name}_row": Out(row),
                f"{name}_word": Out(word),
                name: Out(data.ArrayLayout(shape(fmt), config.lanes)),
            }
        super().__init__(members)


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
    row, word : In
        Synapses to read; the answer comes `LATENCY` clocks later, one word per clock.
    synapses : Out(`synapse_layout`)
        Their content.
    write : In(`SynapseWrite`)
        What to write; in memory `WRITE_LATENCY` clocks later.
    """

    LATENCY, WRITE_LATENCY = RowMemory.LATENCY, RowMemory.WRITE_LATENCY

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "row": In(range(max(2, config.rows))),
                "word": In(range(max(2, config.words))),
                "synapses": Out(synapse_layout(config)),
                "write": In(SynapseWrite(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c, write = self.config, self.write
        m.submodules.weights = weights = RowMemory(c.weight, c.rows, c.words, c.lanes, c.memory)
        m.d.comb += [
            weights.row.eq(self.row),
            weights.word.eq(self.word),
            self.synapses.weight.eq(weights.values),
            weights.write.eq(write.weight_lanes),
            weights.write_row.eq(write.weight_row),
            weights.write_word.eq(write.weight_word),
            weights.write_values.eq(write.weight),
        ]
        if c.delays != "none":
            words, lanes, ports = (c.words, c.lanes, c.memory) if c.delays == "synaptic" else (1, 1, "dual")
            m.submodules.delays = delays = RowMemory(c.delay, c.rows, words, lanes, ports)
            m.d.comb += [
                delays.row.eq(self.row),
                delays.word.eq(self.word if c.delays == "synaptic" else 0),
                delays.write.eq(write.delay_lanes),
                delays.write_row.eq(write.delay_row),
                delays.write_word.eq(write.delay_word if c.delays == "synaptic" else 0),
            ]
            for lane in range(c.lanes):
                m.d.comb += self.synapses.delay[lane].eq(delays.values[lane % lanes])
            for lane in range(lanes):
                m.d.comb += delays.write_values[lane].eq(write.delay[lane])

        itself = Signal(range(-c.inputs, max(1, c.rows)))  # the neuron that this row belongs to, if not negative
        lane_bits = ceil_log2(c.lanes)
        m.d.comb += itself.eq(self.row - c.inputs)
        for lane in range(c.lanes):
            neuron = (self.word << lane_bits) + lane
            own = (itself >= 0) & (itself == neuron)
            m.d.comb += self.synapses.targets[lane].eq(delayed(m, ~own & (neuron < c.neurons), self.LATENCY))
        return m

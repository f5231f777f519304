"""Synapse memory: weights and delays of all synapses, one row per presynaptic unit."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import Pipeline, as_built, latest
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
        Synapses to read; the answer comes `latency` clocks later, one word per clock.
    synapses : Out(`synapse_layout`)
        Their content.
    write : In(`SynapseWrite`)
        What to write; in memory `write_latency` clocks later.
    latency, write_latency : int
        Clocks of a read and of a write; known once elaborated, see `as_built`.
    """

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
        matrix = (c.weight, c.rows, c.words, c.lanes, c.memory)
        m.submodules.weights = weights = RowMemory(*matrix)
        m.d.comb += [
            weights.row.eq(self.row),
            weights.word.eq(self.word),
            weights.write.eq(write.weight_lanes),
            weights.write_row.eq(write.weight_row),
            weights.write_word.eq(write.weight_word),
            weights.write_values.eq(write.weight),
        ]
        reads, built = Pipeline(m), as_built(RowMemory, *matrix)
        weight = reads.timed(weights.values, built.latency)
        targets = [reads.timed(target) for target in self._targets(m)]
        delays = self._delays(m, reads) if c.delays != "none" else []
        self.latency, self.write_latency = latest(weight, *targets, *delays), built.write_latency
        m.d.comb += [
            self.synapses.weight.eq(weight.at(self.latency)),
            *(self.synapses.targets[lane].eq(target.at(self.latency)) for lane, target in enumerate(targets)),
            *(self.synapses.delay[lane].eq(delay.at(self.latency)) for lane, delay in enumerate(delays)),
        ]
        return m

    def _delays(self, m, reads):
        """Delay of every lane, from memory like that of the weights, or (axonal) with one entry per row."""
        c, write = self.config, self.write
        synaptic = c.delays == "synaptic"
        matrix = (c.delay, c.rows, *((c.words, c.lanes, c.memory) if synaptic else (1, 1, "dual")))
        m.submodules.delays = delays = RowMemory(*matrix)
        lanes = len(delays.values)
        m.d.comb += [
            delays.row.eq(self.row),
            delays.word.eq(self.word if synaptic else 0),
            delays.write.eq(write.delay_lanes),
            delays.write_row.eq(write.delay_row),
            delays.write_word.eq(write.delay_word if synaptic else 0),
            *(delays.write_values[lane].eq(write.delay[lane]) for lane in range(lanes)),
        ]
        values = reads.timed(delays.values, as_built(RowMemory, *matrix).latency)
        return [values[lane % lanes] for lane in range(c.lanes)]

    def _targets(self, m):
        """Of each lane, whether it is a synapse: onto a neuron that exists, and not onto that which the row belongs to."""
        c = self.config
        itself = Signal(range(-c.inputs, max(1, c.rows)))  # that neuron, if not negative
        m.d.comb += itself.eq(self.row - c.inputs)
        for lane in range(c.lanes):
            neuron = (self.word << ceil_log2(c.lanes)) + lane
            own = (itself >= 0) & (itself == neuron)
            yield ~own & (neuron < c.neurons)

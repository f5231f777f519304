"""Leaky integrator readout: ``y = kappa y + Wout z``, `lanes` outputs per clock cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.accumulator import Accumulator
from ranvier.hw.fixed import popcount, shape, toward_zero
from ranvier.hw.pipeline import Pipeline, as_built, join, lately
from ranvier.hw.row_memory import RowRead, readout_memory, readout_size
from ranvier.parameters.config import CoreConfig

__all__ = ["Readout", "ReadoutRead"]


class ReadoutRead(wiring.Signature):
    """Read port of a word of y, from its reader's side; only while no step is under way.

    Attributes
    ----------
    word : Out
        Its number.
    values : In(array of lanes)
        Its content, `Readout.read_latency` clock cycles later, `potential` format.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "word": Out(range(max(2, config.readout_words))),
                "values": In(data.ArrayLayout(shape(config.potential), config.lanes)),
            }
        )


class Readout(wiring.Component):
    """Output units y, a bank of saturating sums per lane.

    A step leaks every word once (``readout_words + leak_latency`` clock cycles, while the neuron sweep runs) and then takes
    the step's spikes, ``readout_words`` clock cycles each with no gap between them.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats.

    Attributes
    ----------
    start : In(1)
        Begin a step: leak (with `clear`: set y to zero), then accept spikes.
    clear : In(1)
        Held from the clock cycle after `start`.
    kappa : In
        Decay, `decay` format.
    spikes : In(stream)
        Neurons that spiked on this step.
    weights : Out(`RowRead`)
        Words of Wout.
    read : In(`ReadoutRead`)
        Word of y to read between steps.
    leaking : Out(1)
        y is being leaked or cleared.
    busy : Out(1)
        Leaking, or a spike has not been added yet.
    saturated : Out
        How many lanes clipped in this clock cycle.
    read_latency, leak_latency : int
        Clock cycles to read a word, and to leak one (read, product, leak, write); known once elaborated, see `as_built`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes = config.lanes
        super().__init__(
            {
                "start": In(1),
                "clear": In(1),
                "kappa": In(shape(config.decay)),
                "spikes": In(stream.Signature(range(config.words * lanes))),
                "weights": Out(RowRead(*readout_size(config))),
                "read": In(ReadoutRead(config)),
                "leaking": Out(1),
                "busy": Out(1),
                "saturated": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        issue_leak, issue_spike = self._issue(m)
        banks = [Accumulator(c.potential, c.weight, c.readout_words) for _ in range(c.lanes)]

        # A word reaches the banks together with its word of Wout, or immediately when it leaks.
        pipeline = Pipeline(m)
        leaking, spiking, word = (pipeline.timed(value) for value in (issue_leak, issue_spike, self.weights.word))
        weights = pipeline.timed(self.weights.values, as_built(readout_memory, c).latency)
        add, add_word = spiking.at(weights.clock), word.at(weights.clock)
        for lane, bank in enumerate(banks):
            m.submodules[f"bank_{lane}"] = bank
            exists = add_word * c.lanes + lane < c.outputs
            product = (pipeline.timed(bank.value, bank.LATENCY).registered() * self.kappa).registered()
            leaked = join(toward_zero, product, c.decay.fraction).registered()
            m.d.comb += [
                bank.address.eq(Mux(issue_leak, self.weights.word, Mux(add, add_word, self.read.word))),
                bank.add.eq(add & exists),
                bank.addend.eq(self.weights.values[lane]),
                bank.write.eq(leaking.at(leaked.clock)),
                bank.write_address.eq(word.at(leaked.clock)),
                bank.write_value.eq(Mux(self.clear, 0, leaked.value)),
                self.read.values[lane].eq(bank.value),
            ]
        self.read_latency, self.leak_latency = bank.LATENCY, leaked.clock
        adding = lately(m, issue_spike, weights.clock) | Cat(bank.busy for bank in banks).any()
        m.d.comb += [
            self.leaking.eq(lately(m, issue_leak, self.leak_latency)),
            self.busy.eq(self.leaking | self.spikes.valid | adding),
            self.saturated.eq(popcount([bank.clipped for bank in banks])),
        ]
        return m

    def _issue(self, m):
        """One word per clock cycle, to leak it or to add the weights of a spike to it: a flag for each."""
        issue_leak, issue_spike = Signal(), Signal()
        last = self.weights.word == self.config.readout_words - 1
        m.d.comb += [
            self.weights.row.eq(self.spikes.payload),
            issue_spike.eq(self.spikes.valid & ~self.leaking),
            self.spikes.ready.eq(issue_spike & last),
        ]
        with m.If(self.start):
            m.d.sync += [issue_leak.eq(1), self.weights.word.eq(0)]
        with m.Elif(issue_leak | issue_spike):
            m.d.sync += self.weights.word.eq(Mux(last, 0, self.weights.word + 1))
            with m.If(last):
                m.d.sync += issue_leak.eq(0)
        return issue_leak, issue_spike

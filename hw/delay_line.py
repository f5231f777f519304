"""Delay line of current: the input of every neuron on each of the next L - 1 steps, in a circular buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.accumulator import Accumulator
from ranvier.hw.fixed import popcount, shape
from ranvier.parameters.config import CoreConfig

__all__ = ["DelayLine"]


class DelayLine(wiring.Component):
    """Circular buffer of input current, one bank of block RAM per lane, addressed by (step modulo L, word).

    Delivers one word of synapses per clock cycle (latency 4 clock cycles to block RAM, hazards resolved inside
    `Accumulator`), and takes one word of current per clock cycle (latency `LATENCY`), leaving zero behind.

    Parameters
    ----------
    config : CoreConfig
        Uses `lanes`, `words`, `slots`, `potential`, `weight`.

    Attributes
    ----------
    deliver : In(1)
        Add a word of weights. Not with `take`, nor in the clock cycle after, in which zero is written.
    word : In
        Word to deliver to or to take from.
    slots : In(array of lanes)
        Slot for the weight of each lane: ``(t + 1 + Dh) mod L``.
    targets : In(lanes)
        Lanes that take part.
    weights : In(array of lanes)
        Weights to add, `weight` format.
    take : In(1)
        Read the current of (`slot`, `word`) and clear it. No delivery may be under way. One word per clock cycle; if it is
        taken twice in a row, the second result is undefined.
    slot : In
        Slot to take: ``t mod L``.
    current : Out(array of lanes)
        Current of the word taken `LATENCY` clock cycles before, `potential` format.
    saturated : Out
        How many lanes clipped in this clock cycle.
    busy : Out(1)
        A delivery, or the zero of a word taken, has not reached memory yet.
    """

    #: Clock cycles from a word taken to its current.
    LATENCY = Accumulator.LATENCY

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes, slot_bits = config.lanes, ceil_log2(config.slots)
        super().__init__(
            {
                "deliver": In(1),
                "word": In(range(max(2, config.words))),
                "slots": In(data.ArrayLayout(slot_bits, lanes)),
                "targets": In(lanes),
                "weights": In(data.ArrayLayout(shape(config.weight), lanes)),
                "take": In(1),
                "slot": In(slot_bits),
                "current": Out(data.ArrayLayout(shape(config.potential), lanes)),
                "saturated": Out(range(lanes + 1)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        word_bits = ceil_log2(c.words)
        banks = [Accumulator(c.potential, c.weight, c.slots << word_bits) for _ in range(c.lanes)]
        taken, taking = Signal.like(banks[0].address), Signal()
        m.d.sync += [taken.eq(Cat(self.word[:word_bits], self.slot)), taking.eq(self.take)]
        for lane, bank in enumerate(banks):
            m.submodules[f"bank_{lane}"] = bank
            m.d.comb += [
                bank.address.eq(Cat(self.word[:word_bits], Mux(self.take, self.slot, self.slots[lane]))),
                bank.addend.eq(self.weights[lane]),
                bank.add.eq(self.deliver & self.targets[lane]),
                self.current[lane].eq(bank.value),
                bank.write.eq(taking),  # one clock cycle after the read: the two never meet
                bank.write_address.eq(taken),
            ]
        m.d.comb += [
            self.saturated.eq(popcount([bank.clipped for bank in banks])),
            self.busy.eq(Cat(bank.busy for bank in banks).any() | taking),
        ]
        return m

"""Credit of a step: the words of neurons that have credit, in a list that the eligibility unit walks once per row."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import Pipeline, delayed
from ranvier.parameters.config import CoreConfig

__all__ = ["CreditList", "credit_layout"]


def credit_layout(config: CoreConfig) -> data.StructLayout:
    """One word of credit: its number, and ``etaW m_j`` and ``etaD m_j`` of each lane."""
    return data.StructLayout(
        {
            "word": range(max(2, config.words)),
            "weight": data.ArrayLayout(shape(config.step_weight), config.lanes),
            "delay": data.ArrayLayout(shape(config.step_delay), config.lanes),
        }
    )


class CreditList(wiring.Component):
    """Lists of credit words of this step and, where learning lags, of the `lag` steps before.

    Credits come neuron by neuron in ascending order, at most one per clock cycle, and are gathered into words; a word
    without any credit is not stored.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, `lag`.

    Attributes
    ----------
    begin : In(1)
        A new step: begin an empty list. No credit may be under way.
    clear : In(1)
        Forget the lists of all steps.
    valid, neuron, weight, delay : In
        Credit of one neuron.
    flush : In(1)
        No more credit on this step; the list is complete three clock cycles later.
    entry : In
        Entry to read from the list of `lag` steps ago; undefined from `count` on; ...
    credit : Out(`credit_layout`)
        ... `latency` clock cycles later.
    count : Out
        Entries in that list.
    latency : int
        Clock cycles to read an entry; known once elaborated, see `as_built`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "begin": In(1),
                "clear": In(1),
                "valid": In(1),
                "neuron": In(range(config.words * config.lanes)),
                "weight": In(shape(config.step_weight)),
                "delay": In(shape(config.step_delay)),
                "flush": In(1),
                "entry": In(range(max(2, config.words))),
                "credit": Out(credit_layout(config)),
                "count": Out(range(config.words + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        lists, word_bits = 1 << ceil_log2(c.lag + 1), ceil_log2(max(2, c.words))
        m.submodules.memory = memory = Memory(shape=credit_layout(c), depth=lists << word_bits, init=[])
        read, write = memory.read_port(), memory.write_port()
        gathered, store = self._gather(m)
        newest = Signal(range(max(2, lists)))
        oldest = (newest - c.lag)[: ceil_log2(lists)] if c.lag else newest
        count_of = self._count(m, lists, newest, store)
        credit = Pipeline(m).timed(read.data, 1).registered()
        self.latency = credit.clock
        m.d.comb += [
            write.addr.eq(Cat(count_of[newest][:word_bits], newest)),
            write.data.eq(gathered),
            write.en.eq(store),
            read.addr.eq(Cat(self.entry[:word_bits], oldest)),
            self.credit.eq(credit.value),
            self.count.eq(count_of[oldest]),
        ]
        return m

    def _gather(self, m):
        """The word under construction, and whether it is complete and has credit."""
        c = self.config
        lane_bits = ceil_log2(c.lanes)
        gathered, store, flush = Signal(credit_layout(c)), Signal(), delayed(m, self.flush, 1)
        any_credit = gathered.weight.as_value().any() | gathered.delay.as_value().any()
        word = self.neuron >> lane_bits
        m.d.comb += store.eq(any_credit & (flush | (self.valid & (word != gathered.word))))
        with m.If(self.valid | flush):
            fresh = flush | (word != gathered.word)
            m.d.sync += gathered.word.eq(word)
            for lane in range(c.lanes):
                here = self.valid & ((self.neuron[:lane_bits] == lane) if lane_bits else 1)
                m.d.sync += [
                    gathered.weight[lane].eq(Mux(here, self.weight, Mux(fresh, 0, gathered.weight[lane]))),
                    gathered.delay[lane].eq(Mux(here, self.delay, Mux(fresh, 0, gathered.delay[lane]))),
                ]
        return gathered, store

    def _count(self, m, lists, newest, store):
        """Entries of every list; a new step begins with the list after the `newest`."""
        counts = [Signal(range(self.config.words + 1), name=f"count_{n}") for n in range(lists)]
        following = Mux(newest == lists - 1, 0, newest + 1)
        with m.If(self.begin):
            m.d.sync += newest.eq(following)
        for n, count in enumerate(counts):
            with m.If(self.clear | (self.begin & (following == n))):
                m.d.sync += count.eq(0)
            with m.Elif(store & (newest == n)):
                m.d.sync += count.eq(count + 1)
        return data.View(data.ArrayLayout(counts[0].shape(), lists), Cat(counts))

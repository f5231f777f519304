"""From arriving spikes and credit to new weights and delays: the eligibility unit with its traces, lists and history."""

from amaranth.hdl import Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ranvier.hw.awake_rows import AwakeRows
from ranvier.hw.credit_list import CreditList
from ranvier.hw.eligibility import Eligibility
from ranvier.hw.fixed import shape
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.hw.synapse import SynapseRead, SynapseWrite
from ranvier.hw.trace_history import TraceHistory
from ranvier.parameters.config import CoreConfig

__all__ = ["SynapseLearning"]


class SynapseLearning(wiring.Component):
    """Marks the spikes and gathers the credit of a step, then updates all synapses of the rows that are awake.

    An arriving spike wakes its row: `AwakeRows` keeps it in its list while its trace or history is not zero. On an update
    `Eligibility` takes each row of the list, has `PresynapticTraces` advance its trace, whose new entry goes to
    `TraceHistory`, and multiplies entries with the words of `CreditList`. `Eligibility` says how many clock cycles that
    takes.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of delay.

    Attributes
    ----------
    alpha, beta : In
        Decays of the traces, `decay` format.
    arrived, arrived_row : In
        A spike of a row has been delivered; see `PresynapticTraces`.
    begin, flush, credit_valid, credit_neuron, credit_weight, credit_delay : In
        Credit of a step; see `CreditList`.
    start : In(1)
        Update; the credit must be complete one clock cycle later.
    slot : In
        ``t mod L``.
    clear, clear_row : In
        Clear credit, traces and history; `clear_row` goes over all rows meanwhile. Nothing else may be under way.
    synapses, write_synapses : Out(`SynapseRead`), Out(`SynapseWrite`)
        W and D.
    draw, advance : In, Out
        Random bits of every lane; `advance` when they have been used.
    trace_row, trace : In, Out
        Row to read between updates, and its trace three clock cycles later.
    busy : Out(1)
        An update is under way.
    trace_saturated, signal_saturated, weight_saturated, delay_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, in this clock cycle.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes, row = config.lanes, range(max(2, config.rows))
        super().__init__(
            {
                "alpha": In(shape(config.decay)),
                "beta": In(shape(config.decay)),
                "arrived": In(1),
                "arrived_row": In(row),
                "begin": In(1),
                "flush": In(1),
                "credit_valid": In(1),
                "credit_neuron": In(range(config.words * lanes)),
                "credit_weight": In(shape(config.step_weight)),
                "credit_delay": In(shape(config.step_delay)),
                "start": In(1),
                "slot": In(ceil_log2(config.slots)),
                "clear": In(1),
                "clear_row": In(row),
                "synapses": Out(SynapseRead(config)),
                "write_synapses": Out(SynapseWrite(config)),
                "draw": In(data.ArrayLayout(32, lanes)),
                "advance": Out(1),
                "trace_row": In(row),
                "trace": Out(shape(config.trace)),
                "busy": Out(1),
                "trace_saturated": Out(range(2 + config.exponential)),
                "signal_saturated": Out(range(lanes + 1)),
                "weight_saturated": Out(range(lanes + 1)),
                "delay_saturated": Out(range(lanes + 1)),
                "signal_underflow": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.eligibility = eligibility = Eligibility(self.config)
        m.submodules.credit = credit = CreditList(self.config)
        m.submodules.awake = awake = AwakeRows(self.config.rows)
        m.submodules.traces = traces = PresynapticTraces(self.config)
        m.submodules.trace_history = history = TraceHistory(self.config)
        connect(m, eligibility.read, flipped(self.synapses))
        connect(m, eligibility.write, flipped(self.write_synapses))
        connect(m, eligibility.history, history.read)
        connect(m, awake.awake, eligibility.rows)
        self._traces(m, traces, eligibility)
        self._entries(m, traces, awake, history)
        self._credit(m, credit, eligibility)
        m.d.comb += [
            awake.walk.eq(self.start),
            eligibility.start.eq(self.start),
            eligibility.rows_done.eq(awake.done),
            eligibility.slot.eq(self.slot),
            eligibility.draw.eq(self.draw),
            self.advance.eq(eligibility.advance),
            self.busy.eq(eligibility.busy),
            self.trace_saturated.eq(traces.saturated),
            self.signal_saturated.eq(eligibility.signal_saturated),
            self.weight_saturated.eq(eligibility.weight_saturated),
            self.delay_saturated.eq(eligibility.delay_saturated),
            self.signal_underflow.eq(eligibility.signal_underflow),
        ]
        return m

    def _traces(self, m, traces, eligibility):
        """Traces are marked by spikes, and advanced by the rows that the eligibility unit visits."""
        m.d.comb += [
            traces.alpha.eq(self.alpha),
            traces.beta.eq(self.beta),
            traces.arrive.eq(self.arrived),
            traces.arrived_row.eq(self.arrived_row),
            traces.visit.eq(eligibility.visit),
            traces.row.eq(eligibility.row),
            eligibility.visited.eq(traces.visited),
            eligibility.age.eq(traces.age),
            traces.forget.eq(self.clear),
            traces.forget_row.eq(self.clear_row),
            traces.read_row.eq(self.trace_row),
            self.trace.eq(traces.trace),
        ]

    def _entries(self, m, traces, awake, history):
        """At the end of a visit, its entry goes to the history, and its row back to the list if it stays awake."""
        stays = traces.visited & traces.awake
        m.d.comb += [
            awake.append.eq(stays | traces.woke),
            awake.row.eq(Mux(stays, traces.visited_row, traces.woken_row)),
            awake.clear.eq(self.clear),
            history.write.eq(traces.visited),
            history.write_row.eq(traces.visited_row),
            history.write_slot.eq(self.slot - self.config.kernel_radius),
            history.entry.eq(traces.entry),
        ]

    def _credit(self, m, credit, eligibility):
        """Credit is collected as it arrives, and read word by word for every row."""
        m.d.comb += [
            credit.begin.eq(self.begin),
            credit.clear.eq(self.clear),
            credit.valid.eq(self.credit_valid),
            credit.neuron.eq(self.credit_neuron),
            credit.weight.eq(self.credit_weight),
            credit.delay.eq(self.credit_delay),
            credit.flush.eq(self.flush),
            credit.entry.eq(eligibility.entry),
            eligibility.credit.eq(credit.credit),
            eligibility.count.eq(credit.count),
        ]

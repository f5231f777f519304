"""Presynaptic traces: ``xbar = alpha xbar + x`` for every unit that is awake, and its slope for the trace history."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.fixed import popcount, round_half_up, saturate, shape
from ranvier.hw.neuron import filter_latency
from ranvier.hw.pipeline import delayed
from ranvier.hw.trace_history import entry_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["PresynapticTraces", "trace_layout"]


def trace_layout(config: CoreConfig) -> data.StructLayout:
    """State of one row.

    `arrived` counts spikes on this step up to what saturates the trace anyway; `age` counts entries made since the row woke
    and `quiet` the zero entries made in a row, both up to L; `window` holds ``xbar[t-1], xbar[t-2] .. xbar[t-2R]``, and with
    exponential synapses `current` holds ``ibar[t-1]``.
    """
    count = range(config.slots + 1)
    fields = {
        "awake": 1,
        "arrived": range((1 << config.trace.integer) + 1),
        "age": count,
        "quiet": count,
        "window": data.ArrayLayout(shape(config.trace), 2 * config.kernel_radius),
    }
    return data.StructLayout(fields | ({"current": shape(config.trace)} if config.exponential else {}))


class PresynapticTraces(wiring.Component):
    """State of all rows in block RAM: marked when a spike arrives, advanced by one step on every visit.

    With exponential synapses ``ibar = beta ibar + x`` takes the place of x. A visit takes ``LATENCY + filter_latency``
    clocks; a new one may begin every clock, but none to a row whose last visit is under way, nor while a spike is marked.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kernel.

    Attributes
    ----------
    arrive, arrived_row : In
        A spike of a row; at least 3 clocks apart, and not until all visits have ended.
    woke : Out(1)
        The row of the arrival before was asleep; `woken_row` now is awake.
    alpha, beta : In
        Decays, `decay` format.
    visit, row : In
        Advance the trace of a row.
    visited, visited_row : Out
        A visit ends, ...
    entry, age, awake : Out
        ... with this entry for the step R before, this age, and the row awake or not.
    forget, forget_row : In
        Put a row to sleep; nothing else may be under way.
    read_row : In
        Row to look at while nothing is under way ...
    trace : Out
        ... and its trace three clocks later (zero if asleep).
    saturated : Out
        How many of xbar and ibar clipped on this clock.
    """

    #: Clocks of a visit, beside `filter_latency`.
    LATENCY = 8

    def __init__(self, config: CoreConfig):
        self.config = config
        row = range(max(2, config.rows))
        super().__init__(
            {
                "arrive": In(1),
                "arrived_row": In(row),
                "woke": Out(1),
                "woken_row": Out(row),
                "alpha": In(shape(config.decay)),
                "beta": In(shape(config.decay)),
                "visit": In(1),
                "row": In(row),
                "visited": Out(1),
                "visited_row": Out(row),
                "entry": Out(entry_layout(config)),
                "age": Out(range(config.slots + 1)),
                "awake": Out(1),
                "forget": In(1),
                "forget_row": In(row),
                "read_row": In(row),
                "trace": Out(shape(config.trace)),
                "saturated": Out(range(2 + config.exponential)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        layout = trace_layout(c)
        m.submodules.memory = memory = Memory(shape=layout, depth=max(2, c.rows), init=[])
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(delayed(m, Mux(self.visit, self.row, Mux(self.arrive, self.arrived_row, self.read_row)), 1)),
            self.trace.eq(delayed(m, Mux(read.data.awake, read.data.window[0], 0), 1)),
        ]
        marked, marking = self._mark(m, read.data)
        advanced = self._advance(m, read.data)
        m.d.comb += [
            write.en.eq(marking | self.visited | self.forget),
            write.addr.eq(Mux(self.forget, self.forget_row, Mux(marking, self.woken_row, self.visited_row))),
            write.data.eq(Mux(self.forget, 0, Mux(marking, marked, advanced))),
        ]
        return m

    def _mark(self, m, before):
        """One more spike on a row: read, count, write."""
        c = self.config
        after = Signal(trace_layout(c))
        most = 1 << c.trace.integer
        with m.If(before.awake):
            m.d.sync += [after.eq(before), after.arrived.eq(Mux(before.arrived == most, most, before.arrived + 1))]
        with m.Else():
            m.d.sync += [after.eq(0), after.awake.eq(1), after.arrived.eq(1)]
        asked = delayed(m, self.arrive, 2)
        marking = delayed(m, asked, 1)
        m.d.comb += [
            self.woken_row.eq(delayed(m, self.arrived_row, 3)),
            self.woke.eq(delayed(m, asked & ~before.awake, 1)),
        ]
        return after.as_value(), marking

    def _advance(self, m, stored):
        """One step of a row: leak, add, saturate, slope; the state to write at the end.

        The clocks in the comments are later by as many as the filter of an exponential synapse takes.
        """
        c, radius, filtering = self.config, self.config.kernel_radius, filter_latency(self.config)
        before = delayed(m, stored, 1)  # clock 3
        arriving, clips = delayed(m, before.arrived, 1) << c.trace.fraction, []
        after = Signal(trace_layout(c))
        if c.exponential:
            arriving, clipped = self._leaky(m, before.current, self.beta, arriving)
            clips.append(delayed(m, self.visit, 5) & clipped)
            m.d.comb += after.current.eq(delayed(m, arriving, 2 + filtering))
            before = delayed(m, before, filtering)
        trace, clipped = self._leaky(m, before.window[0], self.alpha, arriving)  # clock 6
        clips.append(delayed(m, self.visit, 5 + filtering) & clipped)
        old = delayed(m, before, 3)
        window = [trace, *(old.window[n] for n in range(2 * radius))]  # xbar[t], xbar[t-1] .. xbar[t-2R]
        differences = (tap * (window[radius + u] - window[radius - u]) for u, tap in enumerate(c.kernel, 1))
        slope = delayed(m, sum(differences), 1)  # clock 7
        entry = Signal(entry_layout(c))
        m.d.sync += [
            entry.trace.eq(delayed(m, window[radius], 1)),
            entry.slope.eq(round_half_up(slope, c.kernel_format.fraction)),
        ]

        old, window = delayed(m, old, 2), [delayed(m, value, 2) for value in window]  # clock 8
        visited = delayed(m, self.visit, self.LATENCY + filtering)
        blank = ~entry.as_value().any()
        m.d.comb += [
            after.age.eq(Mux(old.age == c.slots, c.slots, old.age + 1)),
            after.quiet.eq(Mux(blank, Mux(old.quiet == c.slots, c.slots, old.quiet + 1), 0)),
            after.awake.eq(Cat(value.any() for value in window).any() | (after.quiet <= c.reach)),
            *(after.window[n].eq(window[n]) for n in range(2 * radius)),
            self.visited.eq(visited),
            self.visited_row.eq(delayed(m, self.row, self.LATENCY + filtering)),
            self.entry.eq(entry),
            self.age.eq(after.age),
            self.awake.eq(after.awake),
        ]
        m.d.sync += self.saturated.eq(popcount(clips))
        return after.as_value()

    def _leaky(self, m, before, decay, arriving):
        """``decay * before + arriving``, 3 clocks after `before` and 2 after `arriving`; a clock before, if it clips."""
        c = self.config
        product = delayed(m, before * decay, 1)
        total = delayed(m, (product >> c.decay.fraction) + arriving, 1)
        value, clipped = saturate(Cat(total, Const(0, 1)).as_signed(), c.trace)
        return delayed(m, value, 1), clipped

"""Presynaptic traces: ``xbar = alpha xbar + x`` for every unit that is awake, and its slope for the trace history."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.fixed import popcount, round_half_up, saturate, shape
from ranvier.hw.pipeline import Pipeline, Timed, join, latest
from ranvier.hw.trace_history import entry_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["PresynapticTraces", "trace_layout"]


def trace_layout(config: CoreConfig) -> data.StructLayout:
    """State of one row.

    `arrived` counts spikes on this step up to the number that saturates the trace anyway; `age` counts entries made since
    the row woke and `quiet` the zero entries made in a row, both up to L; `window` holds ``xbar[t-1], xbar[t-2] ..
    xbar[t-2R]``, and with exponential synapses `current` holds ``ibar[t-1]``.
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

    With exponential synapses ``ibar = beta ibar + x`` takes the place of x. A visit takes `latency` clock cycles; a new one
    may begin every clock cycle, but none to a row whose last visit is under way, nor while a spike is marked.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kernel.

    Attributes
    ----------
    arrive, arrived_row : In
        A spike of a row; at least 3 clock cycles apart, and not until all visits have ended.
    woke : Out(1)
        The row of the last arrival was asleep; `woken_row` now is awake.
    alpha, beta : In
        Decays, `decay` format.
    visit, row : In
        Advance the trace of a row.
    visited, visited_row : Out
        A visit ends, ...
    entry, age, awake : Out
        ... with this entry for step t - R and this age; whether the row stays awake.
    forget, forget_row : In
        Put a row to sleep; nothing else may be under way.
    read_row : In
        Row to read while the unit is idle ...
    trace : Out
        ... and its trace `read_latency` clock cycles later (zero if asleep).
    saturated : Out
        How many of xbar and ibar clipped in this clock cycle.
    latency, read_latency : int
        Clock cycles of a visit and of a read; known once elaborated, see `as_built`.
    """

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
        m.submodules.memory = memory = Memory(shape=trace_layout(c), depth=max(2, c.rows), init=[])
        read, write = memory.read_port(), memory.write_port()
        pipeline = Pipeline(m)
        row = Mux(self.visit, self.row, Mux(self.arrive, self.arrived_row, self.read_row))
        asked = pipeline.timed(row).registered()
        stored = pipeline.timed(read.data, asked.clock + 1)
        trace = join(lambda state: Mux(state.awake, state.window[0], 0), stored).registered()
        self.read_latency = trace.clock
        marked, marking = self._mark(m, pipeline, stored)
        advanced = self._advance(m, pipeline, stored)
        m.d.comb += [
            read.addr.eq(asked.value),
            self.trace.eq(trace.value),
            write.en.eq(marking | self.visited | self.forget),
            write.addr.eq(Mux(self.forget, self.forget_row, Mux(marking, self.woken_row, self.visited_row))),
            write.data.eq(Mux(self.forget, 0, Mux(marking, marked, advanced))),
        ]
        return m

    def _mark(self, m, pipeline, stored):
        """One more spike on a row: read, count, write."""
        c = self.config
        before, after = stored.value, Signal(trace_layout(c))
        most = 1 << c.trace.integer
        with m.If(before.awake):
            m.d.sync += [after.eq(before), after.arrived.eq(Mux(before.arrived == most, most, before.arrived + 1))]
        with m.Else():
            m.d.sync += [after.eq(0), after.awake.eq(1), after.arrived.eq(1)]
        arrived, row = pipeline.timed(self.arrive), pipeline.timed(self.arrived_row)
        woke = join(lambda arrived, state: arrived & ~state.awake, arrived, stored).registered()
        m.d.comb += [self.woken_row.eq(row.at(woke.clock)), self.woke.eq(woke.value)]
        return after.as_value(), arrived.at(woke.clock)

    def _advance(self, m, pipeline, stored):
        """One step of a row: leak, add, saturate, slope; the state to write at the end."""
        c, radius = self.config, self.config.kernel_radius
        visit, row = pipeline.timed(self.visit), pipeline.timed(self.row)
        before = stored.registered()
        arriving, clips = before.arrived.registered() << c.trace.fraction, []
        if c.exponential:
            arriving, clipped = self._leaky(before.current, self.beta, arriving)
            clips.append(visit & clipped)
            current, before = arriving, before.not_before(arriving.clock - 1)  # it meets its product
        trace, clipped = self._leaky(before.window[0], self.alpha, arriving)
        clips.append(visit & clipped)
        m.d.sync += self.saturated.eq(popcount([clip.value for clip in clips]))  # whatever their clocks

        old = before.not_before(trace.clock)
        window = [trace, *(old.window[n] for n in range(2 * radius))]  # xbar[t], xbar[t-1] .. xbar[t-2R]
        entry = self._entry(m, window)
        after = self._after(m, old, window, entry)
        if c.exponential:
            m.d.comb += after.current.eq(current.at(entry.clock))
        m.d.comb += [
            self.visited.eq(visit.at(entry.clock)),
            self.visited_row.eq(row.at(entry.clock)),
            self.entry.eq(entry.value),
            self.age.eq(after.age),
            self.awake.eq(after.awake),
        ]
        self.latency = entry.clock
        return after.as_value()

    def _entry(self, m, window):
        """The trace R steps ago, and its slope there."""
        c, radius = self.config, self.config.kernel_radius
        differences = (tap * (window[radius + u] - window[radius - u]) for u, tap in enumerate(c.kernel, 1))
        slope, trace = sum(differences).registered(), window[radius]
        ready, entry = latest(slope, trace), Signal(entry_layout(c))
        m.d.sync += [
            entry.trace.eq(trace.at(ready)),
            entry.slope.eq(round_half_up(slope.at(ready), c.kernel_format.fraction)),
        ]
        return slope.pipeline.timed(entry, ready + 1)

    def _after(self, m, old, window, entry):
        """The state of a row after its step, except its current, on the clock of its entry."""
        c, after, window = self.config, Signal(trace_layout(self.config)), [value.at(entry.clock) for value in window]
        age, quiet, blank = old.age.at(entry.clock), old.quiet.at(entry.clock), ~entry.value.as_value().any()
        m.d.comb += [
            after.age.eq(Mux(age == c.slots, c.slots, age + 1)),
            after.quiet.eq(Mux(blank, Mux(quiet == c.slots, c.slots, quiet + 1), 0)),
            after.awake.eq(Cat(value.any() for value in window).any() | (after.quiet <= c.reach)),
            *(after.window[n].eq(window[n]) for n in range(2 * c.kernel_radius)),
        ]
        return after

    def _leaky(self, before: Timed, decay: Value, arriving: Timed) -> tuple[Timed, Timed]:
        """``decay * before + arriving``; one clock earlier, whether it clips."""
        c = self.config
        product = (before * decay).registered()
        total = ((product >> c.decay.fraction) + arriving).registered()
        value, clipped = join(lambda v: saturate(Cat(v, Const(0, 1)).as_signed(), c.trace), total)
        return value.registered(), clipped

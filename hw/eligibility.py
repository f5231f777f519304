"""The eligibility unit: rows times lanes of (trace, credit, W, D) -> W', D'."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.credit_list import CreditList, credit_layout
from ranvier.hw.fixed import clamp, popcount, round_stochastic, saturate, vanished
from ranvier.hw.pipeline import Pipeline, as_built, delayed, join, latest
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.hw.row_memory import read_turn, write_wait
from ranvier.hw.synapse import SynapseMemory, SynapseRead, SynapseWrite, whole_steps
from ranvier.hw.trace_history import TraceHistory, TraceRead
from ranvier.parameters.config import CoreConfig

__all__ = ["Eligibility"]


class Eligibility(wiring.Component):
    """``dW_ji = -etaW m_j epsW_ji``, ``dD_ji = -etaD m_j epsD_ji`` for all synapses of all rows that are awake.

    Each row costs ``max(3, credit words + 1)`` clock cycles: its trace advances, and each word of neurons with credit passes
    the update pipeline, one word per clock cycle. Rows overlap in the pipeline, whose length is paid once per step. Dormant
    synapses (`CoreConfig.dormant`) pass it like all others, draw included, and are not written.

    Single-ported synapses are read in every second clock cycle and written in the others: ``max(3, 2 credit words)`` per
    row.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of delay.

    Attributes
    ----------
    start : In(1)
        Begin a step; not while busy.
    rows : In(stream)
        Awake rows, each once, as the words of one row are read while those of another are written; ...
    rows_done : In(1)
        ... none of which is left.
    slot : In
        ``t mod L``.
    visit, row : Out
        Row whose trace to advance (see `PresynapticTraces`); ...
    visited, age : In
        ... done; number of entries of the row.
    entry : Out
        Index of the credit word to read ...
    count : In
        ... out of this many, ...
    credit : In(`credit_layout`)
        ... and the word, `CreditList.latency` clock cycles later.
    read : Out(`SynapseRead`)
        Synapses to update.
    history : Out(`TraceRead`)
        Entries of the trace history.
    draw, advance : In, Out
        Random bits of every lane; `advance` when they have been used. A step with credit on a core with delays begins with a
        draw whose lane 0 is the dither that rounds every ``W etaD m``.
    write : Out(`SynapseWrite`)
        Updated synapses.
    busy : Out(1)
        An update is under way.
    signal_saturated, weight_saturated, delay_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, in this clock cycle.
    latency : int
        Clock cycles from the last word issued to the last delay in memory; known once elaborated, see `as_built`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes = config.lanes
        row, word, slot = range(max(2, config.rows)), range(max(2, config.words)), ceil_log2(config.slots)
        super().__init__(
            {
                "start": In(1),
                "rows": In(stream.Signature(row)),
                "rows_done": In(1),
                "slot": In(slot),
                "visit": Out(1),
                "row": Out(row),
                "visited": In(1),
                "age": In(range(config.slots + 1)),
                "entry": Out(word),
                "count": In(range(config.words + 1)),
                "credit": In(credit_layout(config)),
                "read": Out(SynapseRead(config)),
                "history": Out(TraceRead(config)),
                "draw": In(data.ArrayLayout(32, lanes)),
                "advance": Out(1),
                "write": Out(SynapseWrite(config)),
                "busy": Out(1),
                "signal_saturated": Out(range(lanes + 1)),
                "weight_saturated": Out(range(lanes + 1)),
                "delay_saturated": Out(range(lanes + 1)),
                "signal_underflow": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        n, row, issuing = Signal.like(self.entry), Signal.like(self.row), Signal()
        last = n + 1 >= self.count
        dithering, dither = self._dither(m)

        pipeline = Pipeline(m)
        valid, final = pipeline.timed(issuing & (self.count != 0)), pipeline.timed(issuing & last)
        rows, age = pipeline.timed(row), self._age(m, pipeline)
        # The word number, which is narrow, is delayed until the new age of its row is known when the synapses arrive.
        latency = as_built(CreditList, c).latency, as_built(SynapseMemory, c).latency
        entry = pipeline.timed(n).not_before(age.clock - sum(latency))
        credit = pipeline.timed(self.credit, entry.clock + latency[0])
        synapses = pipeline.timed(self.read.synapses, credit.clock + latency[1])
        m.d.comb += [
            self.visit.eq(issuing & (n == 0)),
            self.row.eq(row),
            self.entry.eq(entry.value),
            self.read.row.eq(rows.at(credit.clock)),
            self.read.word.eq(credit.word.value),
        ]
        drawn, written = self._update(m, valid, final, rows, credit, synapses, age, dither)
        m.d.comb += self.advance.eq(dithering | valid.at(drawn))
        self.latency = written + as_built(SynapseMemory, c).write_latency
        self._sequence(m, n, row, issuing, last, self.latency)
        return m

    def _sequence(self, m, n, row, issuing, last, latency):
        """Row after row and word after word, then a wait until the last one has left the pipeline."""
        turn = read_turn(m, self.config.memory, self.start)
        drain = Signal(range(latency + 2))
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.next = "Accept"
            with m.State("Accept"):
                m.d.comb += self.rows.ready.eq(1)
                m.d.sync += [row.eq(self.rows.payload), n.eq(0), drain.eq(0)]
                with m.If(self.rows.valid):
                    m.next = "Issue"
                with m.Elif(self.rows_done):
                    m.next = "Drain"
            with m.State("Issue"):
                m.d.comb += issuing.eq(turn)
                with m.If(turn):
                    m.d.sync += n.eq(n + 1)
                    with m.If(last):
                        m.next = "Accept"
            with m.State("Drain"):
                m.d.sync += drain.eq(drain + 1)
                with m.If(drain == latency):
                    m.next = "Idle"

    def _dither(self, m):
        """The dither of a step with credit, and when it is drawn."""
        dithering, dither = Signal(), Signal(self.config.weight.fraction)
        if self.config.delays != "none":  # the list of credit is complete one clock cycle after `start`
            m.d.sync += dithering.eq(delayed(m, self.start, 1) & (self.count != 0))
        with m.If(dithering):
            m.d.sync += dither.eq(self.draw[0] >> (32 - len(dither)))
        return dithering, dither

    def _age(self, m, pipeline):
        """Age of the row whose trace was advanced last, from the clock cycle of its entry on."""
        age = Signal.like(self.age)
        held = Mux(self.visited, self.age, age)
        m.d.sync += age.eq(held)
        return pipeline.timed(held, as_built(PresynapticTraces, self.config).latency)

    def _update(self, m, valid, final, row, credit, synapses, age, dither):
        """All lanes of a word, from its credit to its new weights and delays; clocks of the draw and of the last write."""
        c, asked, lanes = self.config, credit.clock, range(self.config.lanes)
        credit = credit.not_before(synapses.clock)
        traces, slopes = self._traces(m, row, synapses, age)
        late = synapses.not_before(latest(*traces, *slopes))
        writes = [join(self._writes, valid, late.targets[n], late.weight[n]) for n in lanes]
        drawn, written = self._weights(m, asked, writes, row, credit, late.weight, traces)
        if c.delays == "none":
            return drawn, written
        exact = [
            join(self._weighted, synapses.targets[n], valid, synapses.weight[n], credit.delay[n]).registered()
            for n in lanes
        ]
        draw = [valid.pipeline.timed(self.draw[n][32 - c.random_bits_delay :], drawn) for n in lanes]
        if c.delays == "synaptic":
            where = (asked, writes, row, credit.word)
            moved = self._synaptic_delays(m, *where, late.delay, exact, slopes, draw, dither)
        else:
            final = join(lambda valid, final, _: valid & final, valid, final, synapses)
            total = self._row_sum(m, valid, final, exact)
            moved = self._axonal_delay(m, final, row, late.delay[0], total, slopes[0], draw[0], dither)
        return drawn, max(written, moved)

    def _writes(self, valid: Value, target: Value, weight: Value) -> Value:
        """Whether learning changes a synapse of this weight."""
        return valid & target & (weight.any() if self.config.dormant else 1)

    def _weighted(self, target: Value, valid: Value, weight: Value, credit: Value) -> Value:
        """``etaD m W`` of a synapse."""
        return Mux(target & valid, weight * credit, 0)

    def _traces(self, m, row, synapses, age):
        """Trace and slope of each lane, at the delay of its synapse.

        The entry made last is that of step t - R; delay 0 reads it. Entries from before the row woke are zero.
        """
        c, pipeline = self.config, row.pipeline
        steps = [join(whole_steps, c, synapses.delay[lane]) for lane in range(c.lanes)]
        asked = latest(age, *steps)
        m.d.sync += [
            self.history.slots[lane].eq(self.slot - c.kernel_radius - late.at(asked)) for lane, late in enumerate(steps)
        ]
        m.d.comb += self.history.row.eq(row.at(asked + 1))
        entries = pipeline.timed(self.history.entries, asked + 1 + TraceHistory.LATENCY)
        traces, slopes = [], []
        for lane in range(c.lanes):
            known = join(lambda steps, age: steps < age, steps[lane], age)
            traces.append(join(lambda known, trace: Mux(known, trace, 0), known, entries[lane].trace).registered())
            slopes.append(join(lambda known, slope: Mux(known, slope, 0), known, entries[lane].slope).registered())
        return traces, slopes

    def _weights(self, m, asked, writes, row, credit, weights, traces):
        """Product, draw, difference, saturation; clocks of the draw and of the write."""
        c = self.config
        products = [(credit.weight[lane] * traces[lane]).registered() for lane in range(c.lanes)]
        drawn, new, clipped = latest(*products), [], []
        draw = row.pipeline.timed(self.draw, drawn)
        for lane, product in enumerate(products):
            change = join(round_stochastic, product, c.random_bits_weight, draw[lane]).registered()
            weight, clips = join(saturate, (weights[lane] - change).registered(), c.weight)
            clipped.append((writes[lane] & clips).registered().value)
            new.append(weight)
        m.d.sync += self.weight_saturated.eq(popcount(clipped))
        return drawn, self._write_back(m, "weight", asked, new, writes, row, credit.word)

    def _write_back(self, m, name, asked, new, writes, row, word):
        """Write the new values of a word back from registers; clock of the write."""
        ready = latest(*new) + 1
        written = ready + write_wait(self.config.memory, ready - asked)
        write = getattr(self.write, name)
        for lane, value in enumerate(new):
            m.d.comb += [write.values[lane].eq(value.at(written)), write.lanes[lane].eq(writes[lane].at(written))]
        m.d.comb += [write.row.eq(row.at(written)), write.word.eq(word.at(written))]
        return written

    def _narrowed(self, exact, dither):
        """``etaD m W`` rounded by the dither, one clock later saturated; whether it clipped, and whether it vanished."""
        c = self.config
        rounded = join(round_stochastic, exact, c.weight.fraction, dither).registered()
        narrow, clips = join(saturate, rounded, c.step_delay)
        return narrow, clips, join(vanished, exact.any(), narrow, clips)

    def _moved(self, delay, narrow, slope, draw):
        """A delay minus ``etaD m W eps'``, and whether it clipped: product, draw, difference, limits."""
        c = self.config
        product = (narrow.registered() * slope).registered()
        change = join(round_stochastic, product, c.random_bits_delay, draw).registered()
        return join(clamp, (delay - change).registered(), c.delay_limit)

    def _synaptic_delays(self, m, asked, writes, row, word, delays, exact, slopes, draw, dither):
        """One update per lane, from ``etaD m W``; clock of the write."""
        new, clipped, exact_clipped, exact_lost = [], [], [], []
        for lane in range(self.config.lanes):
            narrow, clips, lost = self._narrowed(exact[lane], dither)
            exact_clipped.append(clips.value)
            exact_lost.append(lost.value)
            delay, clips = self._moved(delays[lane], narrow, slopes[lane], draw[lane])
            clipped.append((writes[lane] & clips).registered().value)
            new.append(delay)
        m.d.sync += [
            self.signal_saturated.eq(popcount(exact_clipped)),
            self.signal_underflow.eq(popcount(exact_lost)),
            self.delay_saturated.eq(popcount(clipped)),
        ]
        return self._write_back(m, "delay", asked, new, writes, row, word)

    def _row_sum(self, m, valid, final, exact):
        """Sum of ``etaD m W`` over the lanes and words of a row: a registered tree, then an accumulator."""
        c, level = self.config, exact
        while len(level) > 1:
            level = [(a + b).registered() for a, b in zip(level[::2], level[1::2], strict=True)]
        (word,) = level
        first, total = Signal(init=1), Signal(signed(len(word.value) + ceil_log2(c.words)))
        adding, ends = valid.at(word.clock), final.at(word.clock)
        with m.If(adding):
            m.d.sync += [total.eq(Mux(first, 0, total) + word.value), first.eq(ends)]
        return word.pipeline.timed(total, word.clock + 1)

    def _axonal_delay(self, m, final, row, delay, total, slope, draw, dither):
        """One update for a whole row, with the draw of lane 0 for its last word; clock of the write."""
        write = self.write.delay
        narrow, exact_clips, exact_lost = self._narrowed(total, dither)
        delay, clips = self._moved(delay, narrow, slope, draw)
        written = delay.clock + 1
        m.d.sync += [
            write.values[0].eq(delay.value),
            write.lanes.eq(final.at(delay.clock)),
            self.signal_saturated.eq((final & exact_clips).value),
            self.signal_underflow.eq((final & exact_lost).value),
            self.delay_saturated.eq((final & clips).value),
        ]
        m.d.comb += write.row.eq(row.at(written))
        return written

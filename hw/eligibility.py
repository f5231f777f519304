"""The eligibility unit: rows times lanes of (trace, credit, W, D) -> W', D'."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.credit_list import credit_layout
from ranvier.hw.fixed import clamp, popcount, round_half_up, round_stochastic, saturate, vanished
from ranvier.hw.neuron import filter_latency
from ranvier.hw.pipeline import delayed
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.hw.row_memory import read_turn, write_wait
from ranvier.hw.synapse import SynapseMemory, SynapseRead, SynapseWrite
from ranvier.hw.trace_history import TraceHistory, TraceRead
from ranvier.parameters.config import CoreConfig

__all__ = ["Eligibility"]


class Eligibility(wiring.Component):
    """``dW_ji = -etaW m_j epsW_ji``, ``dD_ji = -etaD m_j epsD_ji`` for all synapses of all rows that are awake.

    Each row costs ``max(3, credit words + 1)`` clocks: its trace advances, and each word of neurons with credit passes the
    update pipeline, one word per clock. Rows overlap in the pipeline, whose length is paid once per step. Dormant synapses
    (`CoreConfig.dormant`) pass it like all others, draw included, and are not written.

    Single-ported synapses are read on every second clock and written on those between: ``max(3, 2 credit words)`` per row.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of delay.

    Attributes
    ----------
    start : In(1)
        Begin a step; not while busy.
    rows : In(stream)
        Awake rows, each once: the words of one are read while those of another are written, and must not meet; ...
    rows_done : In(1)
        ... none of which is left.
    slot : In
        ``t mod L``.
    visit, row : Out
        Row whose trace to advance (see `PresynapticTraces`); ...
    visited, age : In
        ... done, with this many entries.
    entry : Out
        Credit word to read ...
    count : In
        ... of so many ...
    credit : In(`credit_layout`)
        ... two clocks later.
    read : Out(`SynapseRead`)
        Synapses to update.
    history : Out(`TraceRead`)
        Entries of the trace history.
    draw, advance : In, Out
        Random bits of every lane; `advance` when they were used. A step with credit, where there are delays, begins with a
        draw whose lane 0 is the dither that rounds every ``W etaD m``.
    write : Out(`SynapseWrite`)
        Updated synapses.
    busy : Out(1)
        Something is under way.
    signal_saturated, weight_saturated, delay_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, on this clock.
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

    # Stages, in clocks after a word is issued, beside `filter_latency`, which it waits first. A row's trace entry is made
    # while its first word is on the way, and is in the trace history one clock before that word reads it.
    CREDIT = 2
    SYNAPSES = CREDIT + 2
    READ = SYNAPSES + SynapseMemory.LATENCY + 1
    PRODUCT = READ + TraceHistory.LATENCY + 1
    WRITE = PRODUCT + 4
    assert READ == PresynapticTraces.LATENCY + 1

    @property
    def latency(self) -> int:
        """Clocks from the last word issued to the last delay in memory."""
        axonal = 1 + ceil_log2(self.config.lanes) if self.config.delays == "axonal" else 0
        return filter_latency(self.config) + self.WRITE + SynapseMemory.WRITE_LATENCY + max(axonal, self.wait)

    @property
    def wait(self) -> int:
        """Clocks that a word waits until its memory is free for it."""
        return write_wait(self.config.memory, self.WRITE - self.SYNAPSES)

    def elaborate(self, platform):
        m = Module()
        n, row, issuing = Signal.like(self.entry), Signal.like(self.row), Signal()
        last = n + 1 >= self.count
        turn = read_turn(m, self.config.memory, self.start)
        filtering = filter_latency(self.config)
        m.d.comb += self.busy.eq(1)
        drain = Signal(range(self.latency + 2))
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
                with m.If(drain == self.latency):
                    m.next = "Idle"

        m.d.comb += [self.visit.eq(issuing & (n == 0)), self.row.eq(row)]
        m.d.comb += self.entry.eq(delayed(m, n, filtering + self.CREDIT))
        dithering, dither = Signal(), Signal(self.config.weight.fraction)
        if self.config.delays != "none":  # the list of credit is complete one clock after `start`
            m.d.sync += dithering.eq(delayed(m, self.start, 1) & (self.count != 0))
        with m.If(dithering):
            m.d.sync += dither.eq(self.draw[0] >> (32 - len(dither)))
        valid = delayed(m, issuing & (self.count != 0), filtering + self.SYNAPSES)
        row = delayed(m, row, filtering + self.SYNAPSES)
        m.d.comb += [self.read.row.eq(row), self.read.word.eq(self.credit.word)]
        final = delayed(m, issuing & last, filtering + self.SYNAPSES)
        using = self._update(m, valid, final, row, self.credit, dither)
        m.d.comb += self.advance.eq(dithering | using)
        return m

    def _update(self, m, valid, final, row, credit, dither):
        """All lanes of one word from its credit (stage SYNAPSES) to its new weights and delays; when a draw is used."""
        c = self.config
        wait = SynapseMemory.LATENCY
        valid, final, row = delayed(m, valid, wait), delayed(m, final, wait), delayed(m, row, wait)
        credit, synapses = delayed(m, credit, wait), self.read.synapses

        # The entry made last is that of step t - R; delay 0 reads it. Entries older than the row is awake are zero.
        age = Signal.like(self.age)
        held = Mux(self.visited, self.age, age)
        m.d.sync += age.eq(held)
        m.d.comb += self.history.row.eq(delayed(m, row, 1))
        traces, slopes, weighted_credit = [], [], []
        for lane in range(c.lanes):
            steps = round_half_up(synapses.delay[lane], c.delay_fraction)
            m.d.sync += self.history.slots[lane].eq(self.slot - c.kernel_radius - steps)
            known = delayed(m, steps < held, 1 + TraceHistory.LATENCY)
            traces.append(delayed(m, Mux(known, self.history.entries[lane].trace, 0), 1))
            slopes.append(delayed(m, Mux(known, self.history.entries[lane].slope, 0), 1))
            product = synapses.weight[lane] * credit.delay[lane]
            weighted_credit.append(delayed(m, Mux(synapses.targets[lane] & valid, product, 0), 1))

        # Everything but `weighted_credit` meets the traces at stage PRODUCT; `weighted_credit` is two clocks early.
        weighted_credit_valid, weighted_credit_final = delayed(m, valid, 1), delayed(m, valid & final, 1)
        late = 2 + TraceHistory.LATENCY
        valid, final, row, synapses = (delayed(m, v, late) for v in (valid, valid & final, row, synapses))
        writes = [valid & synapses.targets[lane] & self._awake(synapses.weight[lane]) for lane in range(c.lanes)]
        word, weight_credit = delayed(m, credit.word, late), delayed(m, credit.weight, late)
        self._weights(m, writes, row, word, synapses, weight_credit, traces)
        if c.delays == "synaptic":
            self._synaptic_delays(m, writes, row, word, synapses, weighted_credit, slopes, dither)
        elif c.delays == "axonal":
            total = self._row_sum(m, weighted_credit_valid, weighted_credit_final, weighted_credit)
            self._axonal_delays(m, final, row, synapses.delay[0], total, slopes[0], dither)
        return delayed(m, valid, 1)

    def _awake(self, weight):
        """Whether learning may change a synapse of this weight."""
        return weight.any() if self.config.dormant else 1

    def _weights(self, m, writes, row, word, synapses, credit, traces):
        """Product, draw, difference, saturation: 4 clocks."""
        c, write = self.config, self.write
        clipped = []
        for lane in range(c.lanes):
            product = delayed(m, credit[lane] * traces[lane], 1)
            change = delayed(m, round_stochastic(product, c.random_bits_weight, self.draw[lane]), 1)
            total = delayed(m, delayed(m, synapses.weight[lane], 2) - change, 1)
            weight, clips = saturate(total, c.weight)
            writing = delayed(m, writes[lane], 3)
            clipped.append(delayed(m, writing & clips, 1))
            m.d.comb += [
                write.weight.values[lane].eq(delayed(m, weight, 1 + self.wait)),
                write.weight.lanes[lane].eq(delayed(m, writing, 1 + self.wait)),
            ]
        late = 4 + self.wait
        m.d.comb += [write.weight.row.eq(delayed(m, row, late)), write.weight.word.eq(delayed(m, word, late))]
        m.d.sync += self.weight_saturated.eq(popcount(clipped))

    def _narrowed(self, m, exact, dither):
        """``etaD m W`` rounded by the dither, and in the next clock saturated; whether it clipped, and vanished."""
        c = self.config
        rounded = delayed(m, round_stochastic(exact, c.weight.fraction, dither), 1)
        narrow, clips = saturate(rounded, c.step_delay)
        return narrow, clips, vanished(delayed(m, exact.any(), 1), narrow, clips)

    def _synaptic_delays(self, m, writes, row, word, synapses, weighted_credit, slopes, dither):
        """Each lane for itself; `weighted_credit` (``etaD m W``) was two clocks early, which its rounding takes."""
        c, write = self.config, self.write
        weighted_credit_clipped, weighted_credit_lost, clipped = [], [], []
        for lane in range(c.lanes):
            narrow, clips, lost = self._narrowed(m, weighted_credit[lane], dither)
            weighted_credit_clipped.append(clips)
            weighted_credit_lost.append(lost)
            product = delayed(m, delayed(m, narrow, 1) * slopes[lane], 1)
            draw = self.draw[lane][32 - c.random_bits_delay :]
            change = delayed(m, round_stochastic(product, c.random_bits_delay, draw), 1)
            total = delayed(m, delayed(m, synapses.delay[lane], 2) - change, 1)
            delay, clips = clamp(total, c.delay_limit)
            writing = delayed(m, writes[lane], 3)
            clipped.append(delayed(m, writing & clips, 1))
            m.d.comb += [
                write.delay.values[lane].eq(delayed(m, delay, 1 + self.wait)),
                write.delay.lanes[lane].eq(delayed(m, writing, 1 + self.wait)),
            ]
        late = 4 + self.wait
        m.d.comb += [write.delay.row.eq(delayed(m, row, late)), write.delay.word.eq(delayed(m, word, late))]
        m.d.sync += [
            self.signal_saturated.eq(popcount(weighted_credit_clipped)),
            self.signal_underflow.eq(popcount(weighted_credit_lost)),
            self.delay_saturated.eq(popcount(clipped)),
        ]

    def _row_sum(self, m, valid, final, weighted_credit):
        """Sum over the lanes and words of a row: a registered tree, then an accumulator; 1 + ceil(log2 lanes) clocks."""
        c = self.config
        depth = ceil_log2(c.lanes)
        while len(weighted_credit) > 1:
            weighted_credit = [
                delayed(m, a + b, 1) for a, b in zip(weighted_credit[::2], weighted_credit[1::2], strict=True)
            ]
        first, total = Signal(init=1), Signal(signed(len(weighted_credit[0]) + ceil_log2(c.words)))
        valid, final = delayed(m, valid, depth), delayed(m, final, depth)
        with m.If(valid):
            m.d.sync += [total.eq(Mux(first, 0, total) + weighted_credit[0]), first.eq(final)]
        return total

    def _axonal_delays(self, m, final, row, delay, total, slope, dither):
        """One update for a whole row, with the draw of lane 0 for its last word.

        `total` is ready ``depth - 1`` clocks after stage PRODUCT, at which everything else is.
        """
        c, write = self.config, self.write
        depth = ceil_log2(c.lanes)
        narrow, weighted_credit_clips, weighted_credit_lost = self._narrowed(m, total, dither)
        product = delayed(m, delayed(m, narrow, 1) * delayed(m, slope, 1 + depth), 1)
        draw = delayed(m, self.draw[0][32 - c.random_bits_delay :], 1 + depth)
        change = delayed(m, round_stochastic(product, c.random_bits_delay, draw), 1)
        delay, clips = clamp(delayed(m, delayed(m, delay, 3 + depth) - change, 1), c.delay_limit)
        m.d.sync += [
            write.delay.values[0].eq(delay),
            write.delay.lanes.eq(delayed(m, final, 4 + depth)),
            self.signal_saturated.eq(delayed(m, final, depth) & weighted_credit_clips),
            self.signal_underflow.eq(delayed(m, final, depth) & weighted_credit_lost),
            self.delay_saturated.eq(delayed(m, final, 4 + depth) & clips),
        ]
        m.d.comb += write.delay.row.eq(delayed(m, row, 5 + depth))

"""The neuron sweep: leak, reset, integrate, fire; psi and zbar on the way. `lanes` neurons per clock cycle."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ranvier.hw.delay_line import DelayLine
from ranvier.hw.fixed import popcount, saturate, shape, toward_zero
from ranvier.hw.pipeline import Pipeline, Timed, join, lately, latest
from ranvier.parameters.config import CoreConfig

__all__ = ["NeuronRead", "NeuronSweep", "SweptWord", "neuron_layout"]


def neuron_layout(config: CoreConfig) -> data.StructLayout:
    """State of one neuron: v before reset, z, I if synapses are exponential, and (on cores that learn) psi and zbar."""
    fields = {"potential": shape(config.potential), "spiked": 1}
    if config.exponential:
        fields["synaptic_current"] = shape(config.potential)
    if config.learning:
        fields |= {"surrogate": shape(config.surrogate), "readout_trace": shape(config.trace)}
    return data.StructLayout(fields)


class NeuronRead(wiring.Signature):
    """Read port of a word of neuron state, from its reader's side; only while no sweep runs.

    Attributes
    ----------
    word : Out
        Its number.
    state : In(array of lanes of neuron state)
        Its content, `NeuronSweep.state_latency` clock cycles later.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "word": Out(range(max(2, config.words))),
                "state": In(data.ArrayLayout(neuron_layout(config), config.lanes)),
            }
        )


class SweptWord(wiring.Signature):
    """A word of neurons as the sweep of a step leaves it.

    Attributes
    ----------
    valid : Out(1)
        A word has been swept: ...
    word : Out
        ... this one, ...
    spiked, active : Out(lanes)
        ... whose neurons spiked, and have psi or zbar.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "valid": Out(1),
                "word": Out(range(max(2, config.words))),
                "spiked": Out(config.lanes),
                "active": Out(config.lanes),
            }
        )


class NeuronSweep(wiring.Component):
    """LIF neurons: ``v = alpha v - theta z + I``, ``z = (v >= theta)`` (docs/rule.md, "Order within a step", 1).

    I is the current that arrives, or ``I = beta I + current`` if synapses are exponential. Reset "soft now" is
    ``v = alpha (v - theta z) + I``, reset "zero" ``v = I`` after a spike.

    A sweep visits every word once, one word per clock cycle, and takes ``words + latency`` clock cycles. Stages: read, leak
    product, leak, (sum and saturate I,) sum, saturate, factors, write.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and kind of reset.

    Attributes
    ----------
    start : In(1)
        Begin a sweep (or, with `clear`, set all state to zero in as many clock cycles).
    clear, learn : In(1)
        Held during a sweep; without `learn` psi and zbar stay as they are.
    alpha, beta, kappa : In
        Decays, `decay` format.
    take, take_word : Out
        Ask the delay line for the current of a word ...
    current : In(array of lanes)
        ... which arrives `DelayLine.LATENCY` clock cycles later.
    swept : Out(`SweptWord`)
        Words in ascending order.
    read : In(`NeuronRead`)
        Word to read between sweeps.
    busy : Out(1)
        A sweep is under way.
    potential_saturated, trace_saturated : Out
        How many values clipped in this clock cycle: v and I, zbar.
    latency : int
        Clock cycles from a word issued to the word written; known once elaborated, see `as_built`.
    state_latency : int
        Clock cycles from `read.word` to `read.state`, likewise.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes, word = config.lanes, range(max(2, config.words))
        super().__init__(
            {
                "start": In(1),
                "clear": In(1),
                "learn": In(1),
                "alpha": In(shape(config.decay)),
                "beta": In(shape(config.decay)),
                "kappa": In(shape(config.decay)),
                "take": Out(1),
                "take_word": Out(word),
                "current": In(data.ArrayLayout(shape(config.potential), lanes)),
                "swept": Out(SweptWord(config)),
                "read": In(NeuronRead(config)),
                "busy": Out(1),
                "potential_saturated": Out(range(lanes * (1 + config.exponential) + 1)),
                "trace_saturated": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        m.submodules.memory = memory = Memory(shape=self.read.state.shape(), depth=max(2, c.words), init=[])
        read, write = memory.read_port(), memory.write_port()
        running, issued = self._issue(m)
        m.d.comb += [
            self.take.eq(running & ~self.clear),
            self.take_word.eq(issued),
            read.addr.eq(Mux(running, issued, self.read.word)),
        ]

        pipeline = Pipeline(m)
        valid, word = pipeline.timed(running), pipeline.timed(issued)
        state, current = pipeline.timed(read.data, 1).registered(), pipeline.timed(self.current, DelayLine.LATENCY)
        lanes = [self._lane(lane, word, state[lane], current[lane]) for lane in range(c.lanes)]
        self.latency = self._write(m, write, valid, word, [after for after, _, _ in lanes])
        m.d.comb += [self.read.state.eq(state.value), self.busy.eq(lately(m, running, self.latency))]
        self.state_latency = state.clock

        def count(clips, counted=1):  # whatever their clocks
            flags = (join(lambda v, clip: v & ~self.clear & counted & clip, valid, clip).registered() for clip in clips)
            return popcount([flag.value for flag in flags])

        m.d.sync += [
            self.potential_saturated.eq(count(clip for _, clips, _ in lanes for clip in clips)),
            self.trace_saturated.eq(count((clip for _, _, clips in lanes for clip in clips), self.learn)),
        ]
        return m

    def _issue(self, m):
        """One word per clock cycle from `start` on: whether one is issued, and its number."""
        running, word = Signal(), Signal(range(max(2, self.config.words)))
        with m.If(self.start):
            m.d.sync += [running.eq(1), word.eq(0)]
        with m.Elif(word == self.config.words - 1):
            m.d.sync += running.eq(0)
        with m.Else():
            m.d.sync += word.eq(word + 1)
        return running, word

    def _write(self, m, write, valid, word, after):
        """A word's new state, from registers to memory and to the users of its spikes; clock of the write."""
        written = latest(*(value for fields in after for value in fields.values())) + 1
        state = Signal(self.read.state.shape())
        m.d.comb += [
            write.addr.eq(word.at(written)),
            write.en.eq(valid.at(written)),
            write.data.eq(Mux(self.clear, 0, state.as_value())),
            self.swept.valid.eq(write.en & ~self.clear),
            self.swept.word.eq(write.addr),
        ]
        for lane, fields in enumerate(after):
            m.d.comb += [state[lane][name].eq(value.at(written)) for name, value in fields.items()]
            m.d.comb += self.swept.spiked[lane].eq(state[lane].spiked)
            if self.config.learning:
                m.d.comb += self.swept.active[lane].eq(state[lane].surrogate.any() | state[lane].readout_trace.any())
        return written

    def _lane(self, lane, word, before, current):
        """New state of one lane by field, from its old state and its input; which of v and I clip; whether zbar clips."""
        c, after, clips, trace_clips = self.config, {}, [], []
        if c.exponential:
            current, clipped = self._synapse(before, current)
            after["synaptic_current"] = current
            clips.append(clipped)
        v, clipped = self._membrane(before, current)
        fires = (v >= c.threshold_raw).registered()
        after |= {"potential": v, "spiked": fires}
        clips.append(clipped)
        if c.learning:
            exists = word.not_before(fires.clock) * c.lanes + lane < c.neurons  # spare lanes earn no credit
            after["surrogate"] = self._surrogate(before, v, fires, exists)
            after["readout_trace"], clipped = self._readout_trace(before, fires)
            trace_clips.append(clipped)
        return after, clips, trace_clips

    def _synapse(self, before, arriving):
        """I, and one clock earlier whether it clips."""
        c = self.config
        product = (before.synaptic_current * self.beta).registered()
        leaked = join(toward_zero, product, c.decay.fraction).registered()
        current, clipped = join(saturate, (leaked + arriving).registered(), c.potential)
        return current.registered(), clipped

    def _membrane(self, before, current):
        """v, and one clock earlier whether it clips."""
        c = self.config
        product = (before.potential * self.alpha).registered()
        if c.reset == "soft now":
            leaked = join(self._less_threshold, product, before.spiked).registered()
        else:
            leaked = join(toward_zero, product, c.decay.fraction).registered()
        total = join(lambda v, z, i: self._kept(v, z) + i, leaked, before.spiked, current).registered()
        v, clipped = join(saturate, total, c.potential)
        return v.registered(), clipped

    def _kept(self, leaked: Value, spiked: Value) -> Value:
        """A leaked potential after the reset."""
        match self.config.reset:
            case "soft":
                return leaked - Mux(spiked, self.config.threshold_raw, 0)
            case "soft now":
                return leaked
            case "zero":
                return Mux(spiked, 0, leaked)

    def _less_threshold(self, product: Value, spiked: Value) -> Value:
        """``alpha (v - theta z)``, truncated toward zero, of the product ``alpha v``.

        theta is a power of two, so ``alpha theta`` is a shift and no subtraction is needed before the multiplier. One adder
        is enough: after a spike ``v >= theta``, so the difference is not negative and truncation adds nothing.
        """
        c = self.config
        width = len(product)
        theta = (self.alpha << exact_log2(c.threshold_raw))[:width]
        below = Mux(product[-1], Const((1 << c.decay.fraction) - 1, width), 0)
        return (product + Mux(spiked, -theta, below))[:width].as_signed() >> c.decay.fraction

    def _surrogate(self, before, v, fires, exists) -> Timed:
        """``psi = max(0, 1 - |v - theta| / width)``; unchanged while `learn` is low."""
        c = self.config
        rise = (v - (c.threshold_raw - c.surrogate_raw)).registered()
        fall = ((c.threshold_raw + c.surrogate_raw) - v).registered()
        bits = exact_log2(c.surrogate_raw // c.surrogate.one)
        psi, _ = join(lambda z, fall, rise: saturate(Mux(z, fall, rise) >> bits, c.surrogate), fires, fall, rise)
        return join(lambda e, psi, old: Mux(self.learn, Mux(e, psi, 0), old), exists, psi, before.surrogate)

    def _readout_trace(self, before, fires) -> tuple[Timed, Timed]:
        """``zbar = kappa zbar + z``, and whether it clips; unchanged while `learn` is low."""
        c = self.config
        leaked = (before.readout_trace * self.kappa).registered() >> c.decay.fraction
        total = join(lambda zbar, z: Cat(zbar + Mux(z, c.trace.one, 0), Const(0, 1)).as_signed(), leaked, fires)
        zbar, clipped = join(saturate, total, c.trace)
        return join(lambda new, old: Mux(self.learn, new, old), zbar, before.readout_trace), clipped

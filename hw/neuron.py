"""The neuron sweep: leak, reset, integrate, fire; psi and zbar on the way. `lanes` neurons per clock."""

from itertools import pairwise

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ranvier.hw.fixed import popcount, saturate, shape, toward_zero
from ranvier.hw.pipeline import delayed, lately
from ranvier.parameters.config import CoreConfig

__all__ = ["NeuronRead", "NeuronSweep", "SweptWord", "filter_latency", "neuron_layout"]


def filter_latency(config: CoreConfig) -> int:
    """Clocks in which an exponential synapse filters what arrives, before the membrane or its trace does: sum, saturate."""
    return 2 if config.exponential else 0


def neuron_layout(config: CoreConfig) -> data.StructLayout:
    """State of one neuron: v before reset, z, I if synapses are exponential, and (on cores that learn) psi and zbar."""
    fields = {"potential": shape(config.potential), "spiked": 1}
    if config.exponential:
        fields["synaptic_current"] = shape(config.potential)
    if config.learning:
        fields |= {"surrogate": shape(config.surrogate), "readout_trace": shape(config.trace)}
    return data.StructLayout(fields)


class NeuronRead(wiring.Signature):
    """A word of neuron state to look at while no sweep runs, as its reader sees it.

    Attributes
    ----------
    word : Out
        Which.
    state : In(array of lanes of neuron state)
        What it holds, two clocks later.
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

    A sweep visits every word once, one word per clock, and takes ``words + LATENCY + filter_latency`` clocks. Stages: read,
    leak product, leak, (sum and saturate I,) sum, saturate, factors, write.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and kind of reset.

    Attributes
    ----------
    start : In(1)
        Begin a sweep (or, with `clear`, set all state to zero in as many clocks).
    clear, learn : In(1)
        Held during a sweep; without `learn` psi and zbar stay as they are.
    alpha, beta, kappa : In
        Decays, `decay` format.
    take, take_word : Out
        Ask the delay line for the current of a word ...
    current : In(array of lanes)
        ... which arrives one clock later.
    swept : Out(`SweptWord`)
        Words in ascending order.
    read : In(`NeuronRead`)
        Word to look at.
    busy : Out(1)
        A sweep is under way.
    potential_saturated, trace_saturated : Out
        How many values clipped on this clock: v and I, zbar.
    """

    #: Clocks from the last word issued to the last word written, beside `filter_latency`.
    LATENCY = 8

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
        c, filtering = self.config, filter_latency(self.config)
        latency = self.LATENCY + filtering
        m.submodules.memory = memory = Memory(shape=self.read.state.shape(), depth=max(2, c.words), init=[])
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += self.read.state.eq(delayed(m, read.data, 1))

        # Issue one word per clock; `stage[n]` is the word issued n clocks ago.
        running, word = Signal(), Signal(range(max(2, c.words)))
        layout = data.StructLayout({"valid": 1, "word": word.shape()})
        stage = [Signal(layout, name=f"stage_{n}") for n in range(latency + 1)]
        m.d.comb += [
            stage[0].valid.eq(running),
            stage[0].word.eq(word),
            self.busy.eq(lately(m, running, latency)),
        ]
        m.d.sync += [late.eq(early) for early, late in pairwise(stage)]
        with m.If(self.start):
            m.d.sync += [running.eq(1), word.eq(0)]
        with m.Elif(word == c.words - 1):
            m.d.sync += running.eq(0)
        with m.Else():
            m.d.sync += word.eq(word + 1)
        m.d.comb += [
            self.take.eq(running & ~self.clear),
            self.take_word.eq(word),
            read.addr.eq(Mux(running, word, self.read.word)),
        ]

        last = stage[latency]
        after = Signal(self.read.state.shape())
        m.d.comb += [
            write.addr.eq(last.word),
            write.en.eq(last.valid),
            write.data.eq(Mux(self.clear, 0, after.as_value())),
        ]
        m.d.comb += [self.swept.valid.eq(last.valid & ~self.clear), self.swept.word.eq(last.word)]
        v_clipped, z_clipped = [], []
        for lane in range(c.lanes):
            current = delayed(m, self.current[lane], 3)
            if c.exponential:
                current, clipped = self._synapse(m, lane, current, after[lane])
                v_clipped.append(delayed(m, stage[5].valid & ~self.clear & clipped, 1))
            v, clipped = self._membrane(m, lane, current, after[lane])
            v_clipped.append(delayed(m, stage[5 + filtering].valid & ~self.clear & clipped, 1))
            if c.learning:
                # lanes beyond the last neuron earn no credit
                existing = stage[latency - 1].word * c.lanes + lane < c.neurons
                clipped = self._factors(m, lane, v, existing, after[lane])
                z_clipped.append(delayed(m, stage[latency - 1].valid & ~self.clear & self.learn & clipped, 1))
            else:
                m.d.comb += self.swept.active[lane].eq(0)
        m.d.sync += [self.potential_saturated.eq(popcount(v_clipped)), self.trace_saturated.eq(popcount(z_clipped))]
        return m

    def _synapse(self, m, lane, arriving, after):
        """I of one lane: state at stage 2, what arrives at stage 4, I at stage 6."""
        c = self.config
        product = delayed(m, self.read.state[lane].synaptic_current * self.beta, 1)
        leaked = delayed(m, toward_zero(product, c.decay.fraction), 1)
        current, clipped = saturate(delayed(m, leaked + arriving, 1), c.potential)
        current = delayed(m, current, 1)
        m.d.comb += after.synaptic_current.eq(delayed(m, current, 2 + filter_latency(c)))
        return current, clipped

    def _membrane(self, m, lane, current, after):
        """v and z of one lane: state at stage 2, I at stage 4 and v at stage 6, each later by as much as I is filtered."""
        c, filtering = self.config, filter_latency(self.config)
        before = self.read.state[lane]
        product = delayed(m, before.potential * self.alpha, 1)
        if c.reset == "soft now":
            leaked = self._less_threshold(product, delayed(m, before.spiked, 1))
        else:
            leaked = toward_zero(product, c.decay.fraction)
        leaked = delayed(m, leaked, 1 + filtering)
        spiked = delayed(m, before.spiked, 2 + filtering)
        match c.reset:
            case "soft":
                kept = leaked - Mux(spiked, c.threshold_raw, 0)
            case "soft now":
                kept = leaked
            case "zero":
                kept = Mux(spiked, 0, leaked)
        total = delayed(m, kept + current, 1)
        v, clipped = saturate(total, c.potential)
        v = delayed(m, v, 1)
        m.d.comb += [
            after.potential.eq(delayed(m, v, 2)),
            after.spiked.eq(delayed(m, v >= c.threshold_raw, 2)),
            self.swept.spiked[lane].eq(after.spiked),
        ]
        return v, clipped

    def _less_threshold(self, product: Value, spiked: Value) -> Value:
        """``alpha (v - theta z)``, truncated toward zero, of the product ``alpha v``.

        theta is a power of two, so ``alpha theta`` is a shift and no subtraction stands before the multiplier. One adder is
        enough: after a spike ``v >= theta``, the difference is not negative, and truncating it adds nothing.
        """
        c = self.config
        width = len(product)
        theta = (self.alpha << exact_log2(c.threshold_raw))[:width]
        below = Mux(product[-1], Const((1 << c.decay.fraction) - 1, width), 0)
        return (product + Mux(spiked, -theta, below))[:width].as_signed() >> c.decay.fraction

    def _factors(self, m, lane, v, existing, after):
        """psi and zbar of one lane, a clock after v; ``psi = max(0, 1 - |v - theta| / width)``."""
        c, filtering = self.config, filter_latency(self.config)
        fires = delayed(m, v >= c.threshold_raw, 1)
        rise = delayed(m, v - (c.threshold_raw - c.surrogate_raw), 1)
        fall = delayed(m, (c.threshold_raw + c.surrogate_raw) - v, 1)
        height = Mux(fires, fall, rise)
        psi, _ = saturate(height >> exact_log2(c.surrogate_raw // c.surrogate.one), c.surrogate)

        before = self.read.state[lane]
        product = delayed(m, before.readout_trace * self.kappa, 1)
        leaked = delayed(m, product >> c.decay.fraction, 4 + filtering)
        zbar, clipped = saturate(Cat(leaked + Mux(fires, c.trace.one, 0), Const(0, 1)).as_signed(), c.trace)

        old = delayed(m, before, 5 + filtering)
        psi = Mux(self.learn, Mux(existing, psi, 0), old.surrogate)
        zbar = Mux(self.learn, zbar, old.readout_trace)
        m.d.comb += [
            after.surrogate.eq(delayed(m, psi, 1)),
            after.readout_trace.eq(delayed(m, zbar, 1)),
            self.swept.active[lane].eq(after.surrogate.any() | after.readout_trace.any()),
        ]
        return clipped

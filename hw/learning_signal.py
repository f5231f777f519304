"""Factor three: ``L_j = sum_k B_kj err_k`` and ``m_j = L_j psi_j``; and the update of Wout on the same walk."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import popcount, round_half_up, round_stochastic, saturate, shape, vanished
from ranvier.hw.neuron import NeuronRead, NeuronSweep
from ranvier.hw.pipeline import Pipeline, as_built, delayed, join, lately, latest
from ranvier.hw.row_memory import RowRead, RowWrite, read_turn, readout_memory, readout_size, write_wait
from ranvier.hw.step_size import StepSizeLayout, scale
from ranvier.parameters.config import CoreConfig

__all__ = ["LearningSignal"]


class LearningSignal(wiring.Component):
    """Visits every neuron with psi or zbar and reads its row of Wout (and B): ``readout_words`` clock cycles each, no gaps.

    The row's products with err add up to the learning signal; the row itself, corrected by ``-etaO err_k zbar_j`` with
    stochastic rounding, is written back. Credits leave in order, `latency` clock cycles after the last word of their neuron.

    Single-ported weights are read in every second clock cycle and written in the others.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of feedback.

    Attributes
    ----------
    begin : In(1)
        A scored step of a learning sample begins: the draw of lane 0 is taken as the dither that rounds its products with a
        step size. At least one clock cycle before the first probability.
    probability_valid, probability_index, probability : In
        Softmax of one output per clock cycle.
    target : In
        Class of the sample.
    eta_weight, eta_delay, eta_readout : In(`StepSizeLayout`)
        Step sizes.
    walk : In(1)
        Held while neurons are to be taken from `neurons`, after the last probability.
    neurons : In(stream)
        Neurons with psi or zbar, in ascending order.
    weights, feedback : Out(`RowRead`)
        Words of Wout and B.
    state : Out(`NeuronRead`)
        Words of neuron state.
    draw, advance : In, Out
        Random bits of every lane; `advance` when they have been used.
    write : Out(`RowWrite`)
        Words of Wout.
    credit_valid, credit_neuron, credit_weight, credit_delay : Out
        ``etaW m_j`` and ``etaD m_j``.
    busy : Out(1)
        A neuron is under way.
    signal_saturated, weight_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, in this clock cycle.
    latency : int
        Clock cycles from the last word of a neuron to its credit: memory, product, sums over lanes and words, L, m, eta m;
        known once elaborated, see `as_built`.
    error_latency : int
        Clock cycles from a probability to its error (and eta times it) in memory, likewise.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes = config.lanes
        neuron = range(config.words * lanes)
        matrix = readout_size(config)
        super().__init__(
            {
                "begin": In(1),
                "probability_valid": In(1),
                "probability_index": In(range(config.outputs)),
                "probability": In(unsigned(config.error.fraction + 1)),
                "target": In(range(config.outputs)),
                "eta_weight": In(StepSizeLayout),
                "eta_delay": In(StepSizeLayout),
                "eta_readout": In(StepSizeLayout),
                "walk": In(1),
                "neurons": In(stream.Signature(neuron)),
                "weights": Out(RowRead(*matrix)),
                "feedback": Out(RowRead(*matrix)),
                "state": Out(NeuronRead(config)),
                "draw": In(data.ArrayLayout(32, lanes)),
                "advance": Out(1),
                "write": Out(RowWrite(*matrix)),
                "credit_valid": Out(1),
                "credit_neuron": Out(neuron),
                "credit_weight": Out(shape(config.step_weight)),
                "credit_delay": Out(shape(config.step_delay)),
                "busy": Out(1),
                "signal_saturated": Out(range(8)),
                "weight_saturated": Out(range(lanes + 1)),
                "signal_underflow": Out(range(8)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        begin, dither = delayed(m, self.begin, 1), Signal(32)  # registered: `begin` comes late in its clock cycle
        with m.If(begin):
            m.d.sync += dither.eq(self.draw[0])
        stored, of_errors, self.error_latency = self._errors(m, dither)
        issued, ends = self._walk(m, self.error_latency)

        walk, latency = Pipeline(m), as_built(readout_memory, c).latency
        valid, last, neuron, word = (
            walk.timed(value) for value in (issued, ends, self.neurons.payload, self.weights.word)
        )
        exists = [walk.timed(self.weights.word * c.lanes + lane < c.outputs) for lane in range(c.lanes)]
        weights = walk.timed(self.weights.values, latency)
        feedback = weights if c.feedback == "symmetric" else walk.timed(self.feedback.values, latency)
        # The operands wait for the weights, not the products for each other: operands are narrower.
        errors, state = walk.timed(stored, 1).not_before(latency), self._state(walk, neuron).not_before(latency)
        drawn, written = self._update(m, valid, neuron, word, exists, weights, errors, state.readout_trace)
        total, done = self._signal(m, valid, last, exists, feedback, errors)
        credited, of_credits = self._credit(m, neuron, done, total, state.surrogate, dither)
        self.latency = credited
        m.d.comb += [
            self.advance.eq(begin | valid.at(drawn)),
            self.busy.eq(lately(m, issued, max(written, credited))),
        ]
        clipped, lost = zip(of_errors, *of_credits, strict=True)
        m.d.sync += [self.signal_saturated.eq(popcount(clipped)), self.signal_underflow.eq(popcount(lost))]
        return m

    def _walk(self, m, error_latency):
        """One word of a neuron per clock cycle (or turn): whether one is issued, whether it is the last of its neuron."""
        c = self.config
        last = self.weights.word == c.readout_words - 1
        storing = lately(m, self.probability_valid, error_latency)
        turn = read_turn(m, c.memory, ~self.walk)
        issue = self.walk & turn & self.neurons.valid & ~storing
        m.d.comb += [
            self.weights.row.eq(self.neurons.payload),
            self.neurons.ready.eq(issue & last),
            self.feedback.row.eq(self.weights.row),
            self.feedback.word.eq(self.weights.word),
            self.state.word.eq(self.neurons.payload >> ceil_log2(c.lanes)),
        ]
        with m.If(issue):
            m.d.sync += self.weights.word.eq(Mux(last, 0, self.weights.word + 1))
        return issue, last

    def _state(self, walk, neuron):
        """State of the neuron."""
        c = self.config
        words = walk.timed(self.state.state, as_built(NeuronSweep, c).state_latency)
        return join(lambda word, lane: word[lane], words, neuron[: ceil_log2(c.lanes)] if c.lanes > 1 else 0)

    def _errors(self, m, dither):
        """err and ``etaO err``, stored as words: the word beside a row; flags of clipping and vanishing; clock."""
        c = self.config
        lane_bits = ceil_log2(c.lanes)
        entry = data.StructLayout({"error": shape(c.error), "scaled_error": shape(c.step_readout)})
        memory = Memory(shape=data.ArrayLayout(entry, c.lanes), depth=max(2, c.readout_words), init=[])
        m.submodules.errors = memory
        read, write = memory.read_port(), memory.write_port(granularity=1)

        errors = Pipeline(m)
        valid, index = errors.timed(self.probability_valid), errors.timed(self.probability_index)
        hit = Mux(self.probability_index == self.target, c.error.one, 0)
        error = errors.timed((self.probability - hit).as_signed()).registered()
        scaled_error, clipped, lost = scale(error, self.eta_readout, c.error.fraction, c.step_readout, dither)
        stored = latest(error, scaled_error)
        place, storing = index.at(stored), valid.at(stored)
        m.d.comb += [read.addr.eq(self.weights.word), write.addr.eq(place >> lane_bits)]
        for lane in range(c.lanes):
            m.d.comb += [
                write.data[lane].error.eq(error.at(stored)),
                write.data[lane].scaled_error.eq(scaled_error.at(stored)),
                write.en[lane].eq(storing & ((place[:lane_bits] == lane) if lane_bits else 1)),
            ]
        return read.data, (storing & clipped.at(stored), storing & lost.at(stored)), stored

    def _update(self, m, valid, neuron, word, exists, weights, errors, trace):
        """``Wout_kj -= round(etaO err_k zbar_j)``: product, draw, difference, saturation; clocks of draw and write."""
        c = self.config
        products = [(errors[lane].scaled_error * trace).registered() for lane in range(c.lanes)]
        drawn, lanes, clipped = latest(*products), [], []
        draw = valid.pipeline.timed(self.draw, drawn)
        for lane, product in enumerate(products):
            change = join(round_stochastic, product, c.random_bits_readout, draw[lane]).registered()
            total = (weights[lane] - change).registered()
            weight, clips = join(saturate, total, c.weight)
            writes = join(lambda _, writes, exists: writes & exists, total, valid, exists[lane])
            clipped.append((writes & clips).registered().value)
            wait = write_wait(c.memory, total.clock + 1)
            lanes.append((weight.registered(1 + wait), writes.registered(1 + wait)))
        written = latest(*(weight for weight, _ in lanes))
        for lane, (weight, writes) in enumerate(lanes):
            m.d.comb += [self.write.values[lane].eq(weight.at(written)), self.write.lanes[lane].eq(writes.at(written))]
        m.d.comb += [self.write.row.eq(neuron.at(written)), self.write.word.eq(word.at(written))]
        m.d.sync += self.weight_saturated.eq(popcount(clipped))
        return drawn, written

    def _signal(self, m, valid, last, exists, feedback, errors):
        """Sum over the words of a neuron of their products with err; whether it is complete."""
        c = self.config
        level = [
            join(
                lambda e, weight, error: Mux(e, weight * error, 0), exists[n], feedback[n], errors[n].error
            ).registered()
            for n in range(c.lanes)
        ]
        while len(level) > 1:
            level = [(a + b).registered() for a, b in zip(level[::2], level[1::2], strict=True)]
        (word,) = level
        first, total = Signal(init=1), Signal(signed(len(word.value) + ceil_log2(max(2, c.readout_words))))
        adding, ends = valid.at(word.clock), last.at(word.clock)
        with m.If(adding):
            m.d.sync += [first.eq(ends), total.eq(Mux(first, 0, total) + word.value)]
        done = word.pipeline.timed(adding & ends, word.clock).registered()
        return word.pipeline.timed(total, done.clock), done

    def _credit(self, m, neuron, done, total, psi, dither):
        """L, m and the two credits of a neuron: clock of the credits, and for each value whether it clipped and vanished."""
        c = self.config
        credited = join(lambda done, psi: done & psi.any(), done, psi)
        drop = c.weight.fraction + c.error.fraction - c.signal.fraction
        signal, signal_clips, signal_lost = self._rounded(total, drop)
        product = (signal * psi).registered()
        credit, credit_clips, credit_lost = self._rounded(product, c.surrogate.fraction)
        weight, *of_weight = scale(credit, self.eta_weight, c.signal.fraction, c.step_weight, dither)
        delay, *of_delay = scale(credit, self.eta_delay, c.signal.fraction, c.step_delay, dither)
        clock = latest(weight, delay)
        m.d.comb += [
            self.credit_valid.eq(credited.at(clock)),
            self.credit_neuron.eq(neuron.at(clock)),
            self.credit_weight.eq(weight.at(clock)),
            self.credit_delay.eq(delay.at(clock)),
        ]
        flags = ((signal_clips, signal_lost), (credit_clips, credit_lost), of_weight, of_delay)
        return clock, [tuple((credited & flag).value for flag in pair) for pair in flags]

    def _rounded(self, value, drop):
        """`value` without its `drop` lowest bits in the format of signals; whether it clipped, and whether it vanished."""
        c = self.config
        results = join(lambda value: saturate(round_half_up(value, drop), c.signal), value)
        narrow, clips = (result.registered() for result in results)
        return narrow, clips, join(vanished, value.any(), narrow, clips)

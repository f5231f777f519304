"""Factor three: ``L_j = sum_k B_kj err_k`` and ``m_j = L_j psi_j``; and the update of Wout on the same walk."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import popcount, round_half_up, round_stochastic, saturate, shape, vanished
from ranvier.hw.neuron import NeuronRead
from ranvier.hw.pipeline import delayed, lately
from ranvier.hw.row_memory import RowMemory, RowRead, RowWrite, read_turn, write_wait
from ranvier.hw.step_size import SCALE_LATENCY, StepSizeLayout, scale
from ranvier.parameters.config import CoreConfig

__all__ = ["LearningSignal"]


class LearningSignal(wiring.Component):
    """Visits every neuron with psi or zbar, ``readout_words`` clocks each with no gap, and reads its row of Wout (and B).

    The row's products with err add up to the learning signal; the row itself, corrected by ``-etaO err_k zbar_j`` with
    stochastic rounding, is written back. Credits leave in order, `LATENCY` clocks after the last word of their neuron.

    Single-ported weights are read on every second clock and written on those between.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kind of feedback.

    Attributes
    ----------
    begin : In(1)
        A scored step of a learning sample begins: the draw of lane 0 is taken as the dither that rounds its products with a
        step size. At least one clock before the first probability.
    probability_valid, probability_index, probability : In
        Softmax of one output per clock.
    target : In
        Class of the sample.
    eta_weight, eta_delay, eta_readout : In(`StepSizeLayout`)
        Step sizes.
    walk : In(1)
        Held while neurons are to be taken from `neurons`, once all probabilities have come.
    neurons : In(stream)
        Neurons with psi or zbar, in ascending order.
    weights, feedback : Out(`RowRead`)
        Words of Wout and B.
    state : Out(`NeuronRead`)
        Words of neuron state.
    draw, advance : In, Out
        Random bits of every lane; `advance` when they were used.
    write : Out(`RowWrite`)
        Words of Wout.
    credit_valid, credit_neuron, credit_weight, credit_delay : Out
        ``etaW m_j`` and ``etaD m_j``.
    busy : Out(1)
        Something is under way.
    signal_saturated, weight_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, on this clock.
    """

    #: Clocks from a word of Wout asked for to its successor written.
    WRITE = RowMemory.LATENCY + 4

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes = config.lanes
        neuron = range(config.words * lanes)
        matrix = (config.weight, config.neurons, config.readout_words, lanes)
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
        #: Clocks from the last word of a neuron to its credit: memory, product, sums over lanes and words, L, m, eta m.
        self.LATENCY = RowMemory.LATENCY + ceil_log2(lanes) + 5 + SCALE_LATENCY

    def elaborate(self, platform):
        m = Module()
        c = self.config
        at = RowMemory.LATENCY
        lane_bits = ceil_log2(c.lanes)
        last = self.weights.word == c.readout_words - 1
        storing = lately(m, self.probability_valid, 1 + SCALE_LATENCY)
        turn = read_turn(m, c.memory, ~self.walk)
        issue = self.walk & turn & self.neurons.valid & ~storing
        m.d.comb += [
            self.weights.row.eq(self.neurons.payload),
            self.neurons.ready.eq(issue & last),
            self.feedback.row.eq(self.weights.row),
            self.feedback.word.eq(self.weights.word),
            self.state.word.eq(self.neurons.payload >> lane_bits),
        ]
        with m.If(issue):
            m.d.sync += self.weights.word.eq(Mux(last, 0, self.weights.word + 1))

        begin, dither = delayed(m, self.begin, 1), Signal(32)  # late: whoever begins a step decides late in its clock
        with m.If(begin):
            m.d.sync += dither.eq(self.draw[0])
        error, scaled_error, *of_errors = self._errors(m, dither)
        lane = delayed(m, self.neurons.payload[:lane_bits], 2) if lane_bits else 0
        state = delayed(m, self.state.state[lane], at - 2)
        valid = delayed(m, issue, at)
        m.d.comb += self.advance.eq(begin | delayed(m, valid, 1))
        self._update(m, valid, scaled_error, state.readout_trace)
        of_credits = self._credit(m, valid, delayed(m, last, at), error, state.surrogate, dither)
        m.d.comb += self.busy.eq(lately(m, issue, self.LATENCY))
        clipped, lost = zip(of_errors, *of_credits, strict=True)
        m.d.sync += [self.signal_saturated.eq(popcount(clipped)), self.signal_underflow.eq(popcount(lost))]
        return m

    def _errors(self, m, dither):
        """err and ``etaO err``, stored as words as they come and read back beside the rows."""
        c = self.config
        lane_bits = ceil_log2(c.lanes)
        entry = data.StructLayout({"error": shape(c.error), "scaled_error": shape(c.step_readout)})
        memory = Memory(shape=data.ArrayLayout(entry, c.lanes), depth=max(2, c.readout_words), init=[])
        m.submodules.errors = memory
        read, write = memory.read_port(), memory.write_port(granularity=1)

        hit = Mux(self.probability_index == self.target, c.error.one, 0)
        error = delayed(m, (self.probability - hit).as_signed(), 1)
        valid, index = delayed(m, self.probability_valid, 1), delayed(m, self.probability_index, 1)
        scaled_error, clipped, lost = scale(m, error, self.eta_readout, c.error.fraction, c.step_readout, dither)
        error = delayed(m, error, SCALE_LATENCY)
        valid, index = delayed(m, valid, SCALE_LATENCY), delayed(m, index, SCALE_LATENCY)
        m.d.comb += write.addr.eq(index >> lane_bits)
        for lane in range(c.lanes):
            m.d.comb += [
                write.data[lane].error.eq(error),
                write.data[lane].scaled_error.eq(scaled_error),
                write.en[lane].eq(valid & ((index[:lane_bits] == lane) if lane_bits else 1)),
            ]
        m.d.comb += read.addr.eq(self.weights.word)
        words = delayed(m, read.data, RowMemory.LATENCY - 1)
        lanes = range(c.lanes)
        return [words[n].error for n in lanes], [words[n].scaled_error for n in lanes], valid & clipped, valid & lost

    def _update(self, m, valid, scaled_error, trace):
        """``Wout_kj -= round(etaO err_k zbar_j)``: product, draw, difference, saturation."""
        c = self.config
        wait = write_wait(c.memory, self.WRITE)
        clipped = []
        for lane in range(c.lanes):
            product = delayed(m, scaled_error[lane] * trace, 1)
            change = delayed(m, round_stochastic(product, c.random_bits_readout, self.draw[lane]), 1)
            total = delayed(m, delayed(m, self.weights.values[lane], 2) - change, 1)
            weight, clips = saturate(total, c.weight)
            exists = delayed(m, self.weights.word * c.lanes + lane < c.outputs, RowMemory.LATENCY + 3)
            writes = delayed(m, valid, 3) & exists
            clipped.append(delayed(m, writes & clips, 1))
            m.d.comb += [
                self.write.values[lane].eq(delayed(m, weight, 1 + wait)),
                self.write.lanes[lane].eq(delayed(m, writes, 1 + wait)),
            ]
        m.d.comb += [
            self.write.row.eq(delayed(m, self.neurons.payload, self.WRITE + wait)),
            self.write.word.eq(delayed(m, self.weights.word, self.WRITE + wait)),
        ]
        m.d.sync += self.weight_saturated.eq(popcount(clipped))

    def _credit(self, m, valid, last, error, surrogate, dither):
        """L, m and the two credits of a neuron, from the products of its words; of each whether it clipped, and vanished."""
        c = self.config
        feedback = self.weights.values if c.feedback == "symmetric" else self.feedback.values
        level = []
        for lane in range(c.lanes):
            exists = delayed(m, self.weights.word * c.lanes + lane < c.outputs, RowMemory.LATENCY)
            level.append(delayed(m, Mux(exists, feedback[lane] * error[lane], 0), 1))
        while len(level) > 1:
            level = [delayed(m, a + b, 1) for a, b in zip(level[::2], level[1::2], strict=True)]
        depth = 1 + ceil_log2(c.lanes)
        valid, last, psi = delayed(m, valid, depth), delayed(m, last, depth), delayed(m, surrogate, depth)

        first = Signal(init=1)
        total = Signal(signed(len(level[0]) + ceil_log2(max(2, c.readout_words))))
        with m.If(valid):
            m.d.sync += [first.eq(last), total.eq(Mux(first, 0, total) + level[0])]
        done, psi = delayed(m, valid & last, 1), delayed(m, psi, 1)

        drop = c.weight.fraction + c.error.fraction - c.signal.fraction
        signal, signal_clips = (delayed(m, v, 1) for v in saturate(round_half_up(total, drop), c.signal))
        signal_lost = vanished(delayed(m, total.any(), 1), signal, signal_clips)
        product = delayed(m, signal * delayed(m, psi, 1), 1)
        credit, credit_clips = (
            delayed(m, v, 1) for v in saturate(round_half_up(product, c.surrogate.fraction), c.signal)
        )
        credit_lost = vanished(delayed(m, product.any(), 1), credit, credit_clips)
        weight, *of_weight = scale(m, credit, self.eta_weight, c.signal.fraction, c.step_weight, dither)
        delay, *of_delay = scale(m, credit, self.eta_delay, c.signal.fraction, c.step_delay, dither)
        credited = done & psi.any()
        scaled = delayed(m, credited, 3 + SCALE_LATENCY)
        m.d.comb += [
            self.credit_valid.eq(scaled),
            self.credit_neuron.eq(delayed(m, self.neurons.payload, self.LATENCY)),
            self.credit_weight.eq(weight),
            self.credit_delay.eq(delay),
        ]
        first, second = delayed(m, credited, 1), delayed(m, credited, 3)
        return [
            (first & signal_clips, first & signal_lost),
            (second & credit_clips, second & credit_lost),
            *((scaled & clips, scaled & lost) for clips, lost in (of_weight, of_delay)),
        ]

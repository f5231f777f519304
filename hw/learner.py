"""The learning engine of a core: from probabilities and arriving spikes to new readout weights, weights and delays."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ranvier.hw.fixed import shape
from ranvier.hw.learning_signal import LearningSignal
from ranvier.hw.neuron import NeuronRead, SweptWord
from ranvier.hw.random import LaneGenerators
from ranvier.hw.row_memory import RowRead, RowWrite, readout_size
from ranvier.hw.sequencer import LearnerControl
from ranvier.hw.spike_list import SpikeList
from ranvier.hw.step_size import StepSizeLayout
from ranvier.hw.synapse import SynapseRead, SynapseWrite
from ranvier.hw.synapse_learning import SynapseLearning
from ranvier.parameters.config import CoreConfig

__all__ = ["Learner"]


class Learner(wiring.Component):
    """Online learning, step by step (docs/rule.md): `LearningSignal` turns the errors of a scored step into credit, with
    which `SynapseLearning` then updates the synapses. Both draw from one set of random generators.

    Matrices and neuron state belong to the core; the state kept here (traces, history, credit, generators) serves
    learning alone.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats, kinds of delay and feedback; `learning` is set.

    Attributes
    ----------
    control : In(`LearnerControl`)
        Commands of the sequencer.
    alpha, beta : In
        Decays, `decay` format.
    eta_weight, eta_delay, eta_readout : In(`StepSizeLayout`)
        Step sizes.
    seed, restart : In(32), In(1)
        Start the generators again from `seed`; see `LaneGenerators`.
    swept : In(`SweptWord`)
        Words of the neuron sweep.
    arrived, arrived_row : In
        A spike of a row has been delivered, at most one every 3 clock cycles.
    probability_valid, probability_index, probability : In
        Softmax of one output per clock cycle on scored steps, ``error.fraction`` fraction bits.
    synapses, write_synapses : Out(`SynapseRead`), Out(`SynapseWrite`)
        W and D, between `LearnerControl.update` and `LearnerControl.updated`.
    weights, write_weights, feedback : Out(`RowRead`), Out(`RowWrite`), Out(`RowRead`)
        Wout, and B if it is random, while `LearnerControl.signal` is set.
    neurons : Out(`NeuronRead`)
        State of the neurons, while `LearnerControl.signal` is set.
    trace_row, trace : In, Out
        Row to read while nothing is under way, and its trace three clock cycles later.
    trace_saturated, signal_saturated, weight_saturated, delay_saturated, signal_underflow : Out
        How many values clipped, or vanished when they were rounded, in this clock cycle.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes, row = config.lanes, range(max(2, config.rows))
        matrix = readout_size(config)
        super().__init__(
            {
                "control": In(LearnerControl(config)),
                "alpha": In(shape(config.decay)),
                "beta": In(shape(config.decay)),
                "eta_weight": In(StepSizeLayout),
                "eta_delay": In(StepSizeLayout),
                "eta_readout": In(StepSizeLayout),
                "seed": In(32),
                "restart": In(1),
                "swept": In(SweptWord(config)),
                "arrived": In(1),
                "arrived_row": In(row),
                "probability_valid": In(1),
                "probability_index": In(range(config.outputs)),
                "probability": In(unsigned(config.error.fraction + 1)),
                "synapses": Out(SynapseRead(config)),
                "write_synapses": Out(SynapseWrite(config)),
                "weights": Out(RowRead(*matrix)),
                "write_weights": Out(RowWrite(*matrix)),
                "feedback": Out(RowRead(*matrix)),
                "neurons": Out(NeuronRead(config)),
                "trace_row": In(row),
                "trace": Out(shape(config.trace)),
                "trace_saturated": Out(range(2 + config.exponential)),
                "signal_saturated": Out(range(2 * lanes + 8)),
                "weight_saturated": Out(range(2 * lanes + 1)),
                "delay_saturated": Out(range(lanes + 1)),
                "signal_underflow": Out(range(2 * lanes + 8)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = LaneGenerators(self.config.lanes)
        m.submodules.to_credit = to_credit = SpikeList(self.config.words, self.config.lanes)
        m.submodules.signal = signal = LearningSignal(self.config)
        m.submodules.learning = learning = SynapseLearning(self.config)
        self._credit(m, to_credit, signal, learning)
        self._signal(m, signal)
        self._learning(m, learning)
        m.d.comb += [
            random.seed.eq(self.seed),
            random.load.eq(self.restart),
            random.advance.eq(learning.advance | signal.advance),
            signal.draw.eq(random.draw),
            learning.draw.eq(random.draw),
            self.trace_saturated.eq(learning.trace_saturated),
            self.signal_saturated.eq(learning.signal_saturated + signal.signal_saturated),
            self.weight_saturated.eq(learning.weight_saturated + signal.weight_saturated),
            self.delay_saturated.eq(learning.delay_saturated),
            self.signal_underflow.eq(learning.signal_underflow + signal.signal_underflow),
        ]
        return m

    def _credit(self, m, to_credit, signal, learning):
        """From neurons with psi or zbar through the learning signal to credit."""
        control = self.control
        connect(m, to_credit.units, signal.neurons)
        m.d.comb += [
            to_credit.push.eq(self.swept.valid & (control.learn & control.scored)),
            to_credit.word.eq(self.swept.word),
            to_credit.flags.eq(self.swept.active),
            control.credited.eq(to_credit.empty & ~signal.busy),
            learning.begin.eq(control.begin),
            learning.flush.eq(control.signal & control.credited),
            learning.credit_valid.eq(signal.credit_valid),
            learning.credit_neuron.eq(signal.credit_neuron),
            learning.credit_weight.eq(signal.credit_weight),
            learning.credit_delay.eq(signal.credit_delay),
        ]

    def _signal(self, m, signal):
        """Inputs of the learning signal."""
        control = self.control
        connect(m, signal.weights, flipped(self.weights))
        connect(m, signal.write, flipped(self.write_weights))
        connect(m, signal.feedback, flipped(self.feedback))
        connect(m, signal.state, flipped(self.neurons))
        m.d.comb += [
            signal.begin.eq(control.score & control.learn),
            signal.walk.eq(control.signal),
            signal.probability_valid.eq(self.probability_valid & control.learn),
            signal.probability_index.eq(self.probability_index),
            signal.probability.eq(self.probability),
            signal.target.eq(control.target),
            signal.eta_weight.eq(self.eta_weight),
            signal.eta_delay.eq(self.eta_delay),
            signal.eta_readout.eq(self.eta_readout),
        ]

    def _learning(self, m, learning):
        """Inputs of the synapse update."""
        control = self.control
        connect(m, learning.synapses, flipped(self.synapses))
        connect(m, learning.write_synapses, flipped(self.write_synapses))
        m.d.comb += [
            learning.alpha.eq(self.alpha),
            learning.beta.eq(self.beta),
            learning.arrived.eq(self.arrived & control.learn),
            learning.arrived_row.eq(self.arrived_row),
            learning.start.eq(control.update),
            control.updated.eq(~learning.busy),
            learning.slot.eq(control.slot),
            learning.clear.eq(control.clear),
            learning.clear_row.eq(control.clear_row),
            learning.trace_row.eq(self.trace_row),
            self.trace.eq(learning.trace),
        ]

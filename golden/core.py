"""The core, step by step: the executable specification that the hardware is held against, value by value."""

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.base import CoreBase
from ranvier.golden.delay_line import DelayLine, rounded_delays
from ranvier.golden.eligibility import Eligibility
from ranvier.golden.learning_signal import Credit, LearningSignal
from ranvier.golden.neuron import Neurons
from ranvier.golden.random import LaneGenerators
from ranvier.golden.readout import Readout
from ranvier.golden.softmax import softmax
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import Steps, Traced
from ranvier.parameters.sample import Sample

__all__ = ["GoldenCore"]


class GoldenCore(CoreBase):
    """Golden model of a core, plain and slow; `ranvier.golden.compiled.CompiledCore` is its fast twin.

    Parameters
    ----------
    config : CoreConfig
        The core to model.

    Notes
    -----
    Order within a step (see docs/rule.md): neuron sweep; readout; delivery of input spikes in arrival order, then of neuron
    spikes in ascending order; on scored steps softmax, error, learning signal and Wout; then the eligibility unit.
    """

    def restart(self) -> None:
        """Seed the generators; clear state and counters."""
        self.random = LaneGenerators(self._network.seed, self.config.lanes)
        self.delay_line = DelayLine(self.config)
        self.neurons = Neurons(self.config)
        self.readout = Readout(self.config)
        self.signal = LearningSignal(self.config)
        self.eligibility = Eligibility(self.config)
        self.spikes = self.deliveries = 0
        self.clear()

    @property
    def generators(self) -> NDArray[np.uint32]:
        """State of the random generators [lanes], to be changed in place."""
        return self.random.state

    def _counters(self) -> dict[str, int]:
        return {
            "spikes": self.spikes,
            "deliveries": self.deliveries,
            "delay_line_saturated": self.delay_line.saturated,
            "potential_saturated": self.neurons.potential_saturated,
            "readout_saturated": self.readout.saturated,
            "trace_saturated": self.neurons.trace_saturated + self.eligibility.trace_saturated,
            "signal_saturated": self.signal.signal_saturated + self.eligibility.signal_saturated,
            "weight_saturated": self.signal.weight_saturated + self.eligibility.weight_saturated,
            "delay_saturated": self.eligibility.delay_saturated,
            "signal_underflow": self.signal.signal_underflow + self.eligibility.signal_underflow,
        }

    def play(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Raw:
        """Run a checked sample from cleared state, fill `steps`, return the scores [outputs]."""
        self.clear()  # of a sample that was interrupted
        for t, units in enumerate(sample.arriving()):
            self.step(units, scored=bool(sample.scored[t]), target=target, learn=learn)
            for name, values in steps.items():
                values[t] = self.probe(name)
        return self.end(learn)

    # ---------------------------------------------------------------- one step at a time

    def step(self, units: NDArray[np.int64], *, scored: bool, target: int | None, learn: bool) -> None:
        """One step with spikes of the input `units`, in arrival order."""
        c, net = self.config, self._network
        self.neurons.sweep(self.delay_line.take(self.t), net.alpha, net.beta)
        self.spikes += int(self.neurons.spiked.sum())
        if learn:
            self.neurons.factors(net.kappa)
        self.readout.step(net.readout, self.neurons.spiked, net.kappa)
        for unit in units:
            self._deliver(int(unit), learn)
        if c.recurrent:
            for j in np.nonzero(self.neurons.spiked)[0]:
                self._deliver(c.inputs + int(j), learn)
        credit = Credit.none(c)
        if scored:
            probability = softmax(self.readout.value, c)
            self.scores += probability if c.prediction == "softmax" else self.readout.value
            if learn:
                error = probability - c.error.one * (np.arange(c.outputs) == target)
                credit = self.signal.step(error, self.neurons.surrogate, self.neurons.readout_trace, net, self.random)
        if learn:
            self.eligibility.step(self.t, credit, net, self.random)
        self.t += 1

    def end(self, learn: bool) -> Raw:
        """End the sample: let lagging updates catch up, clear the state, return the scores [outputs]."""
        if learn:
            for _ in range(self.config.lag):
                self.eligibility.step(self.t, Credit.none(self.config), self._network, self.random)
                self.t += 1
        scores = self.scores
        self.clear()
        return scores

    def clear(self) -> None:
        """Reset the state between samples: I, v, z, y, delay line, traces and histories; never W, D or the generators."""
        self.t = 0
        self.scores = np.zeros(self.config.outputs, np.int64)
        for part in (self.delay_line, self.neurons, self.readout, self.eligibility):
            part.clear()

    def probe(self, name: Traced) -> Raw:
        """A quantity of `ranvier.parameters.record.TRACED` as it is now, raw."""
        return {
            "spikes": lambda: self.neurons.spiked,
            "potential": lambda: self.neurons.potential,
            "readout": lambda: self.readout.value,
            "surrogate": lambda: self.neurons.surrogate,
            "readout_trace": lambda: self.neurons.readout_trace,
            "trace": self.eligibility.traces,
        }[name]()

    def _deliver(self, row: int, learn: bool) -> None:
        c = self.config
        targets = np.arange(c.neurons) != row - c.inputs  # a neuron never projects onto itself
        self.delay_line.deliver(self.t, self._network.weight[row], rounded_delays(self._network, row), targets)
        self.deliveries += 1
        if learn:
            self.eligibility.arrive(row)

"""Factor three: from the readout error to each neuron's learning signal and credit; and the update of Wout itself."""

from dataclasses import dataclass

import numpy as np

from ranvier.golden.fixed import Bits, popcount, round_half_up, round_stochastic, saturate, scale, vanished
from ranvier.golden.random import LaneGenerators
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw

__all__ = ["Credit", "LearningSignal"]


@dataclass
class Credit:
    """Credit of each neuron for the error of one step, ``m_j = L_j psi_j`` times the step sizes.

    Parameters
    ----------
    weight : int array [neurons]
        ``etaW m_j`` in `step_weight` format.
    delay : int array [neurons]
        ``etaD m_j`` in `step_delay` format.
    """

    weight: Raw
    delay: Raw

    @classmethod
    def none(cls, config: CoreConfig) -> "Credit":
        return cls(np.zeros(config.neurons, np.int64), np.zeros(config.neurons, np.int64))

    def words(self, lanes: int) -> list[int]:
        """Words (groups of `lanes` neurons) with any credit at all: the others are skipped."""
        neurons = np.nonzero(self.weight | self.delay)[0]
        return sorted(set((neurons // lanes).tolist()))


class LearningSignal:
    """``L_j = sum_k B_kj err_k``, ``m_j = L_j psi_j``, ``dWout_kj = -etaO err_k zbar_j`` (docs/rule.md)."""

    def __init__(self, config: CoreConfig):
        self.config = config
        self.signal_saturated = self.signal_underflow = self.weight_saturated = 0

    def step(self, error: Raw, surrogate: Raw, trace: Raw, network: Network, random: LaneGenerators) -> Credit:
        """Credit of one scored step; updates ``network.readout`` in place.

        Parameters
        ----------
        error : int array [outputs]
            err, `error` format.
        surrogate, trace : int array [neurons]
            psi (`surrogate` format) and zbar (`trace` format).
        network : Network
            Source of B and the step sizes; its `readout` is changed.
        random : LaneGenerators
            One draw, whose lane 0 rounds all products with a step size; then one per word of every visited row, row after
            row.
        """
        c = self.config
        credit = Credit.none(c)
        dither = int(random.draw(1)[0, 0])
        scaled_error = self._counted(*scale(error, network.eta_readout, c.error.fraction, c.step_readout, dither))
        feedback = network.readout if c.feedback == "symmetric" else network.feedback
        feedback = feedback.copy()  # B of this step, before any update of it
        for j in np.nonzero((surrogate > 0) | (trace > 0))[0]:
            if surrogate[j]:
                credit.weight[j], credit.delay[j] = self._credit(feedback[j] @ error, surrogate[j], network, dither)
            draws = random.draw(c.readout_words).reshape(-1)[: c.outputs]
            change = round_stochastic(scaled_error * trace[j], c.random_bits_readout, draws)
            network.readout[j], clipped = saturate(network.readout[j] - change, c.weight)
            self.weight_saturated += popcount(clipped)
        return credit

    def _credit(self, feedback_error: Raw, surrogate: Raw, network: Network, dither: int) -> tuple[Raw, Raw]:
        c = self.config
        signal = self._narrow(feedback_error, c.weight.fraction + c.error.fraction - c.signal.fraction)
        m = self._narrow(signal * surrogate, c.surrogate.fraction)
        return (
            self._counted(*scale(m, network.eta_weight, c.signal.fraction, c.step_weight, dither)),
            self._counted(*scale(m, network.eta_delay, c.signal.fraction, c.step_delay, dither)),
        )

    def _narrow(self, exact: Raw, bits: int) -> Raw:
        """`exact` without `bits` fraction bits, in `signal` format."""
        narrow, clipped = saturate(round_half_up(exact, bits), self.config.signal)
        return self._counted(narrow, clipped, vanished(exact != 0, narrow, clipped))

    def _counted(self, narrow: Raw, clipped: Bits, lost: Bits) -> Raw:
        """`narrow`, after counting what clipped, and what vanished when it was rounded."""
        self.signal_saturated += popcount(clipped)
        self.signal_underflow += popcount(lost)
        return narrow

"""The eligibility unit: rows times lanes of (trace, credit, W, D) -> W', D'."""

import numpy as np

from ranvier.golden.delay_line import rounded_delays
from ranvier.golden.fixed import clamp, popcount, round_stochastic, saturate, vanished
from ranvier.golden.learning_signal import Credit
from ranvier.golden.presynaptic_trace import PresynapticTrace
from ranvier.golden.random import LaneGenerators
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw

__all__ = ["Eligibility"]


class Eligibility:
    """``dW_ji = -etaW m_j epsW_ji`` and ``dD_ji = -etaD m_j epsD_ji``, streamed over all rows that are awake.

    ``epsW_ji = xbar_i[t - 1 - Dh]`` and ``epsD_ji = W_ji slope_i[t - 1 - Dh]`` (docs/rule.md). With ``config.dormant``
    a synapse with W = 0 stays as it is, but its random bits are drawn. A step that has credit begins with one draw
    before the rows: the high bits of lane 0, the dither of that step, round every ``W etaD m``.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.trace_saturated = self.signal_saturated = self.weight_saturated = self.delay_saturated = 0
        self.signal_underflow = self.dither = 0
        self.clear()

    def clear(self) -> None:
        self.lines: dict[int, PresynapticTrace] = {}  # rows that are awake, in the order in which they woke
        self.credits = [Credit.none(self.config)] * self.config.lag  # waiting for the kernel to see ahead

    def arrive(self, row: int) -> None:
        """A spike of presynaptic unit `row` on this step."""
        self.lines.setdefault(row, PresynapticTrace(self.config)).arrived += 1

    def step(self, step: int, credit: Credit, network: Network, random: LaneGenerators) -> None:
        """Advance every trace that is awake and update its row of `network` in place, in the order of waking."""
        self.credits.append(credit)
        credit = self.credits.pop(0)
        words = credit.words(self.config.lanes)
        if words and self.config.delays != "none":
            self.dither = int(random.draw(1)[0, 0])
        for row in list(self.lines):
            line = self.lines[row]
            awake = line.step(step, network.alpha, network.beta)
            self.trace_saturated += line.saturated
            if words:
                self._update(row, line, step, credit, words, network, random)
            if not awake:
                del self.lines[row]

    def traces(self) -> Raw:
        """xbar of all presynaptic units, [rows]."""
        traces = np.zeros(self.config.rows, np.int64)
        for row, line in self.lines.items():
            traces[row] = line.trace
        return traces

    def _update(
        self,
        row: int,
        line: PresynapticTrace,
        step: int,
        credit: Credit,
        words: list[int],
        net: Network,
        random: LaneGenerators,
    ) -> None:
        c = self.config
        j = (np.asarray(words)[:, None] * c.lanes + np.arange(c.lanes)).reshape(-1)
        draws = random.draw(len(words))
        last = int(draws[-1, 0])
        keep = (j < c.neurons) & (j != row - c.inputs)
        if c.dormant:
            keep[keep] = net.weight[row, j[keep]] != 0
        j, draws = j[keep], draws.reshape(-1)[keep]
        trace, slope = line.read(step, rounded_delays(net, row)[j])
        weight = net.weight[row, j]
        weighted_credit = weight * credit.delay[j]

        change = round_stochastic(credit.weight[j] * trace, c.random_bits_weight, draws)
        net.weight[row, j], clipped = saturate(weight - change, c.weight)
        self.weight_saturated += popcount(clipped)
        if c.delays == "synaptic":
            net.delay[row, j] = self._delay(net.delay[row, j], weighted_credit, slope, draws)
        elif c.delays == "axonal":
            _, slope = line.read(step, rounded_delays(net, row)[:1])
            net.delay[row] = self._delay(net.delay[row], weighted_credit.sum(keepdims=True), slope, np.array([last]))

    def _delay(self, delay: Raw, weighted_credit: Raw, slope: Raw, draws: Raw) -> Raw:
        """D after ``etaD m W`` (summed over the row if axonal) meets the slope of the trace."""
        c = self.config
        rounded = round_stochastic(weighted_credit, c.weight.fraction, self.dither >> (32 - c.weight.fraction))
        narrow, clipped = saturate(rounded, c.step_delay)
        self.signal_saturated += popcount(clipped)
        self.signal_underflow += popcount(vanished(weighted_credit != 0, narrow, clipped))
        change = round_stochastic(narrow * slope, c.random_bits_delay, draws >> (32 - c.random_bits_delay))
        delay, clipped = clamp(delay - change, c.delay_limit)
        self.delay_saturated += popcount(clipped)
        return delay

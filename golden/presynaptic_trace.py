"""Presynaptic traces and their delay lines: the eligibility of every synapse, stored once per presynaptic unit.

The trace of a synapse with delay D is its presynaptic unit's trace, D + 1 steps ago. So each unit keeps the history of its
own trace in a circular buffer, and a synapse reads it at its own delay (docs/rule.md).
"""

import numpy as np

from ranvier.golden.fixed import popcount, round_half_up, saturate, toward_zero
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import Raw

__all__ = ["PresynapticTrace"]


class PresynapticTrace:
    """One unit's trace ``xbar = alpha xbar + x`` with its history of (trace, slope) entries.

    With exponential synapses it is filtered like the membrane, ``ibar = beta ibar + x``, ``xbar = alpha xbar + ibar``, each
    saturating. A trace is at least its current, so one that reached zero has no current left to wake it.

    An entry for step s holds ``xbar[s]`` and ``slope[s] = sum_u k(u) xbar[s - u]``. The kernel looks R steps ahead, so the
    entry of step ``t - R`` is made on step t. `age` counts the entries made since the unit woke; older ones read as zero, so
    that a reset needs no clearing of memory. Once every entry within reach is zero, the unit sleeps and costs nothing.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.arrived = 0  # spikes on this step
        self.current = np.zeros(1, np.int64)  # ibar of this step; exponential synapses only
        self.window = np.zeros(2 * config.kernel_radius + 1, np.int64)  # xbar[t - 2R] .. xbar[t]
        self.entries = np.zeros((config.slots, 2), np.int64)
        self.age = 0
        self.quiet = 0  # zero entries made in a row
        self.saturated = 0  # fmt: skip

    @property
    def trace(self) -> int:
        """xbar of this step."""
        return int(self.window[-1])

    def step(self, step: int, alpha: int, beta: int = 0) -> bool:
        """Advance the trace by one step and make the entry of ``step - R``; false if the unit now falls asleep."""
        c, radius = self.config, self.config.kernel_radius
        arrived, self.saturated = np.array([c.trace.one * self.arrived]), 0
        if c.exponential:
            self.current, clipped = saturate(toward_zero(self.current * beta, c.decay.fraction) + arrived, c.trace)
            self.saturated += popcount(clipped)
            arrived = self.current
        trace, clipped = saturate(toward_zero(self.window[-1:] * alpha, c.decay.fraction) + arrived, c.trace)
        self.saturated += popcount(clipped)
        self.window = np.concatenate([self.window[1:], trace])
        ahead, behind = self.window[radius + 1 :], self.window[:radius][::-1]
        slope = round_half_up(np.asarray(c.kernel) @ (behind - ahead), c.kernel_format.fraction)
        self.entries[(step - radius) % c.slots] = self.window[radius], slope
        self.arrived = 0
        self.age = min(self.age + 1, c.slots)
        self.quiet = 0 if self.window[radius] or slope else min(self.quiet + 1, c.slots)
        return bool(self.window.any()) or self.quiet <= c.reach

    def read(self, step: int, delay: Raw) -> tuple[Raw, Raw]:
        """Trace and slope at ``step - R - delay``, for any array of delays in steps."""
        c = self.config
        entry = self.entries[(step - c.kernel_radius - delay) % c.slots]
        entry = np.where((delay < self.age)[..., None], entry, 0)
        return entry[..., 0], entry[..., 1]

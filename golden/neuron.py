"""The neuron sweep: leak, reset, integrate, fire, and the two factors that belong to the postsynaptic neuron."""

import numpy as np

from ranvier.golden.fixed import popcount, saturate, toward_zero
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import Raw

__all__ = ["Neurons"]


class Neurons:
    """LIF neurons, ``v = alpha v - theta z[t-1] + I``, ``z = (v >= theta)`` (docs/rule.md, "The network").

    Reset "soft now" is ``v = alpha (v - theta z[t-1]) + I``: a neuron that spiked stood at theta or above, so what is leaked
    then is never negative and fits the format of v. Reset "zero" clears v.

    I is the current that arrives or, with exponential synapses, ``I = beta I + current``: leaked, added, saturated (counted
    as potential) before the membrane sees it.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.potential_saturated = self.trace_saturated = 0
        self.clear()

    def clear(self) -> None:
        n = self.config.neurons
        self.synaptic_current = np.zeros(n, np.int64)  # I, `potential` format; exponential synapses only
        self.potential = np.zeros(n, np.int64)  # v, `potential` format, before reset
        self.spiked = np.zeros(n, bool)  # z
        self.surrogate = np.zeros(n, np.int64)  # psi, `surrogate` format
        self.readout_trace = np.zeros(n, np.int64)  # zbar, `trace` format  # fmt: skip

    def sweep(self, current: Raw, alpha: int, beta: int = 0) -> None:
        """Advance all neurons by one step with the `current` [neurons] that arrives on it."""
        c = self.config
        if c.exponential:
            total = toward_zero(self.synaptic_current * beta, c.decay.fraction) + current
            self.synaptic_current, clipped = saturate(total, c.potential)
            self.potential_saturated += popcount(clipped)
            current = self.synaptic_current
        theta = c.threshold_raw * self.spiked
        match c.reset:
            case "soft":
                kept = toward_zero(self.potential * alpha, c.decay.fraction) - theta
            case "soft now":
                kept = toward_zero((self.potential - theta) * alpha, c.decay.fraction)
            case "zero":
                kept = toward_zero(np.where(self.spiked, 0, self.potential) * alpha, c.decay.fraction)
        self.potential, clipped = saturate(kept + current, c.potential)
        self.potential_saturated += popcount(clipped)
        self.spiked = self.potential >= c.threshold_raw

    def factors(self, kappa: int) -> None:
        """psi and zbar of this step.

        ``psi = max(0, 1 - |v - theta| / width)``, rounded down, 1.0 held as the largest value of the format;
        ``zbar = kappa zbar + z``.
        """
        c = self.config
        height = np.maximum(0, c.surrogate_raw - np.abs(self.potential - c.threshold_raw))
        self.surrogate = np.minimum(height * c.surrogate.one // c.surrogate_raw, c.surrogate.max)
        trace = toward_zero(self.readout_trace * kappa, c.decay.fraction) + c.trace.one * self.spiked
        self.readout_trace, clipped = saturate(trace, c.trace)
        self.trace_saturated += popcount(clipped)

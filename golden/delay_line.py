"""Delay line of current: what arrives at a neuron on each of the next L - 1 steps."""

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.fixed import popcount, round_half_up, saturate
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw

__all__ = ["DelayLine", "rounded_delays"]


def rounded_delays(network: Network, row: int) -> Raw:
    """``Dh = floor(D + 1/2)`` of the synapses of presynaptic unit `row`, in steps, [neurons]."""
    c = network.config
    if c.delays == "none":
        return np.zeros(c.neurons, np.int64)
    return np.broadcast_to(round_half_up(network.delay[row], c.delay_fraction), c.neurons)


class DelayLine:
    """Circular buffer [slots, neurons] in `potential` format, addressed by step modulo its length."""

    def __init__(self, config: CoreConfig):
        self.config = config
        self.saturated = 0
        self.clear()

    def clear(self) -> None:
        self.current = np.zeros((self.config.slots, self.config.neurons), np.int64)

    def take(self, step: int) -> Raw:
        """Current that arrives on `step`, [neurons]; its slot is left empty for step + L."""
        slot = step % self.config.slots
        current = self.current[slot].copy()
        self.current[slot] = 0
        return current

    def deliver(self, step: int, weight: Raw, delay: Raw, targets: NDArray[np.bool_]) -> None:
        """Add `weight` [neurons] (raw, `weight` format) for a spike at `step`, `delay` steps and one later."""
        c = self.config
        j = np.nonzero(targets)[0]
        slot = (step + 1 + delay[j]) % c.slots
        current = self.current[slot, j] + (weight[j] << (c.potential.fraction - c.weight.fraction))
        self.current[slot, j], clipped = saturate(current, c.potential)
        self.saturated += popcount(clipped)

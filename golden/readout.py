"""Leaky integrator readout, ``y = kappa y + Wout z``."""

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.fixed import popcount, saturate, toward_zero
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import Raw

__all__ = ["Readout"]


class Readout:
    """Output units y [outputs] in `potential` format."""

    def __init__(self, config: CoreConfig):
        self.config = config
        self.saturated = 0
        self.clear()

    def clear(self) -> None:
        self.value = np.zeros(self.config.outputs, np.int64)

    def step(self, weight: Raw, spiked: NDArray[np.bool_], kappa: int) -> None:
        """One step: leak, then add row j of `weight` [neurons, outputs] for every spike, in ascending order of j."""
        c = self.config
        self.value = toward_zero(self.value * kappa, c.decay.fraction)
        for j in np.nonzero(spiked)[0]:
            total = self.value + (weight[j] << (c.potential.fraction - c.weight.fraction))
            self.value, clipped = saturate(total, c.potential)
            self.saturated += popcount(clipped)

"""A core whose readouts are so wide that 255 scored steps fill a score, and what fills it; tests share them."""

import numpy as np

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.sample import Sample

WIDE = QFormat(True, 11, 12)
CORE = CoreConfig(
    inputs=1,
    neurons=1,
    outputs=2,
    lanes=1,
    delays="none",
    learning=False,
    prediction="readout",
    weight=WIDE,
    potential=WIDE,
)


def saturated(weight: int) -> Network:
    """A network whose first readout stands at `weight`'s end of its range on every scored step of `sample`."""
    net = Network.zeros(CORE, alpha=0.0)
    weights = {"weight": np.array([[CORE.weight.max]]), "readout": np.array([[weight, 5]])}
    return net.replace(**weights, kappa=CORE.decay.max)


def sample(scored: int, lead: int = 8) -> Sample:
    """A spike per step; what is scored comes after `lead` steps in which the readout fills up."""
    steps = lead + scored
    return Sample(np.arange(steps), np.zeros(steps, int), np.arange(steps) >= lead)

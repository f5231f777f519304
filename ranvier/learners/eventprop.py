"""EventProp as an offline learner: the adjoint of `ranvier.learners.eventprop_gradient`, and recipes for it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranvier.learners.eventprop_gradient import EventRule, batch_gradient
from ranvier.learners.offline import Gradient, OfflineRecipe
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample

__all__ = ["RECIPES", "RULES", "EventProp"]


class EventProp:
    """Learner of `ranvier.learners.offline.fit`.

    Parameters
    ----------
    config : CoreConfig
        The core that networks are for.
    rule : EventRule
        Loss, bound of the slope, band of spike counts.
    """

    def __init__(self, config: CoreConfig, rule: EventRule):
        self.config, self.rule = config, rule

    def __repr__(self) -> str:
        return f"EventProp({self.rule})"

    def gradient(
        self, network: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], done: float
    ) -> Gradient:
        """Mean gradient of a mini-batch, shaped as the delays of the core are."""
        sums, share = batch_gradient(network, samples, labels, self.rule), 1 / len(samples)
        delay = {
            "synaptic": sums.delay,
            "axonal": sums.delay.sum(axis=1, keepdims=True),
            "none": network.delay,
        }[self.config.delays]
        return Gradient(
            weight=sums.weight * share,
            delay=delay * share,
            readout=sums.readout * share,
            loss=sums.loss * share,
            correct=sums.correct,
            spikes=int(sums.counts.sum()),
        )


#: Recipe by name of the data set; "shd" is a guess that no run has tried yet.
RECIPES = {
    "yinyang": OfflineRecipe(
        epochs=25,
        batch=32,
        eta_weight=0.005,
        eta_delay=0.1,
        eta_readout=0.01,
        decay=0.8,
        alpha=0.95,
        beta=0.7,
        kappa=0.9,
        weight_mean=0.3,
        weight_std=0.3,
        readout_std=0.25,
    ),
    "braille": OfflineRecipe(
        epochs=40,
        batch=16,
        eta_weight=0.01,
        eta_delay=0.2,
        eta_readout=0.01,
        decay=0.93,
        alpha=0.9,
        kappa=0.875,
        weight_mean=0.1,
        weight_std=0.3,
        readout_std=0.15,
    ),
    "shd": OfflineRecipe(
        epochs=50,
        batch=64,
        eta_weight=0.003,
        eta_delay=0.1,
        eta_readout=0.003,
        decay=0.95,
        alpha=0.95,
        kappa=0.95,
        weight_mean=0.03,
        weight_std=0.1,
        recurrent_std=0.05,
        readout_std=0.05,
    ),
}

# On half the step, time constants and delays are twice as many steps, and currents last twice as long.
RECIPES["yinyang60"] = RECIPES["yinyang"].replace(
    alpha=0.975, beta=0.83, kappa=0.95, weight_mean=0.15, weight_std=0.15, eta_weight=0.0025, eta_delay=0.2
)

#: Rule by name of the data set.
RULES = {
    "yinyang": EventRule(accumulated=True, least_slope=1.0, most=3.0, pull=0.1),
    "yinyang60": EventRule(accumulated=True, least_slope=1.0, most=3.0, pull=0.1),
    "braille": EventRule(least_slope=0.3, least=0.2, rescue=0.1),
    "shd": EventRule(least_slope=0.3, least=0.2, most=20.0, pull=0.01, rescue=0.1),
}

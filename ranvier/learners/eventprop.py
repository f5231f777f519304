"""EventProp as the gradient rule of an offline learner: the adjoint of `ranvier.learners.eventprop_gradient`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.learners.eventprop_gradient import EventRule, batch_gradient
from ranvier.learners.offline import Gradient
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample
from ranvier.recipes import OfflineRecipe

__all__ = ["EventProp", "gradient_rule"]


class EventProp:
    """EventProp as a `ranvier.learners.offline.GradientRule`.

    Parameters
    ----------
    config : CoreConfig
        Core of the networks.
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
        """Mean gradient of a mini-batch, with delays shaped as those of the core."""
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


def gradient_rule(config: CoreConfig, recipe: OfflineRecipe, options: Mapping[str, Any]) -> EventProp:
    """The rule of a learner, `options` being the fields of its `EventRule`."""
    return EventProp(config, EventRule(**options))

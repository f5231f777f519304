"""How a network starts and how fast it learns: what every recipe states, in real units."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeVar, get_args

import numpy as np

from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.step_size import StepSize

__all__ = [
    "DELAY_MODES",
    "VARIANTS",
    "DelayMode",
    "Initialisation",
    "OfflineRecipe",
    "Recipe",
    "Schedule",
    "initial_network",
    "with_delays",
]

DelayMode = Literal["none", "fixed", "axonal", "synaptic"]

#: There are no delays, they stay as drawn, or they are learned per unit or per synapse.
DELAY_MODES: tuple[DelayMode, ...] = get_args(DelayMode)

#: Kind of delays that a learner can be asked for -> (delay mode, whether all of them are 0 at first).
VARIANTS: dict[str, tuple[DelayMode, bool]] = {
    "none": ("none", False),
    "fixed": ("fixed", False),
    "axonal": ("axonal", False),
    "synaptic": ("synaptic", False),
    "zero": ("synaptic", True),
}


@dataclass(frozen=True, kw_only=True)
class Initialisation:
    """How a network starts.

    Parameters
    ----------
    alpha, kappa, beta : float
        Decay per step of membrane and presynaptic trace, of the readout, and of the synaptic current (0: it has none).
    weight_mean, weight_std, recurrent_std, readout_std : float
        Normal distributions of the initial input weights, recurrent weights and Wout, in thresholds.
    delay_span : float
        Initial delays are uniform from 0 to this share of the core's largest delay.
    """

    alpha: float
    kappa: float
    weight_mean: float
    weight_std: float
    readout_std: float
    recurrent_std: float = 0.0
    delay_span: float = 1.0
    beta: float = 0.0

    def replace(self, **changes: Any) -> Self:
        """A validated copy with some fields changed."""
        return replace(self, **changes)

    def draw(self, config: CoreConfig, rng: np.random.Generator) -> FloatNetwork:
        """A random network in real numbers."""
        shape = {name: shape for name, (shape, _, _) in Network.layout(config).items()}
        weight = self.weight_mean + self.weight_std * rng.standard_normal(shape["weight"])
        weight[config.inputs :] = self.recurrent_std * rng.standard_normal(weight[config.inputs :].shape)
        readout = self.readout_std * rng.standard_normal(shape["readout"])
        delay = rng.uniform(0, self.delay_span * config.reach, shape["delay"])
        return FloatNetwork(config, weight, delay, readout, alpha=self.alpha, kappa=self.kappa, beta=self.beta)


@dataclass(frozen=True, kw_only=True)
class Schedule(Initialisation):
    """How a network starts, how long it learns and how fast.

    Parameters
    ----------
    epochs : int
        Passes over the training samples.
    eta_weight, eta_delay, eta_readout : float
        Step sizes of W, D (steps) and Wout in the first epoch; 0 freezes.
    decay : float
        Factor on every step size from one epoch to the next.
    Others
        Of `Initialisation`.

    Raises
    ------
    ConfigError
        If `epochs` is not positive.
    """

    epochs: int
    eta_weight: float
    eta_delay: float
    eta_readout: float
    decay: float = 1.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ConfigError(f"epochs={self.epochs} is out of range: give at least 1")


@dataclass(frozen=True, kw_only=True)
class Recipe(Schedule):
    """Recipe of the online rule, quantised once when it meets a core.

    Parameters
    ----------
    eta_axonal : float
        Step size of axonal D, instead of `eta_delay`.
    Others
        Of `Schedule`.
    """

    eta_axonal: float

    def step_sizes(self, config: CoreConfig, epoch: int) -> tuple[StepSize, StepSize, StepSize]:
        """Step sizes of W, D and Wout in `epoch`, counted from 0, as the chip holds them."""
        eta_delay = {"none": 0.0, "axonal": self.eta_axonal, "synaptic": self.eta_delay}[config.delays]
        factor = self.decay**epoch
        return (
            StepSize.of(self.eta_weight * factor),
            StepSize.of(eta_delay * factor),
            StepSize.of(self.eta_readout * factor),
        )


@dataclass(frozen=True, kw_only=True)
class OfflineRecipe(Schedule):
    """Recipe of an offline learner; its step sizes are those of Adam (Kingma and Ba 2015).

    Parameters
    ----------
    batch : int
        Samples per optimiser step.
    Others
        Of `Schedule`.

    Raises
    ------
    ConfigError
        If `batch` is not positive.
    """

    batch: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise ConfigError(f"batch={self.batch} is out of range: give at least 1")

    def steps(self, samples: int) -> int:
        """Optimiser steps of an epoch over this many training samples."""
        return -(-samples // self.batch)


AnySchedule = TypeVar("AnySchedule", bound=Schedule)


def with_delays(config: CoreConfig, recipe: AnySchedule, mode: DelayMode) -> tuple[CoreConfig, AnySchedule]:
    """Core and recipe for a delay mode; ``fixed`` is a core with synaptic delays that are never moved."""
    if mode == "fixed":
        return config.replace(delays="synaptic"), recipe.replace(eta_delay=0.0)
    return config.replace(delays=mode), recipe


def initial_network(config: CoreConfig, recipe: Recipe, seed: int) -> Network:
    """A random network: drawn in real numbers, quantised once.

    Parameters
    ----------
    config : CoreConfig
        The core it is for.
    recipe : Recipe
        Distributions, decays and the step sizes of the first epoch.
    seed : int
        Of the draw, and through it of the core's stochastic rounding.
    """
    rng = np.random.default_rng(seed)
    start = recipe.draw(config, rng)
    feedback = recipe.readout_std * rng.standard_normal(Network.layout(config)["feedback"][0])
    eta_weight, eta_delay, eta_readout = recipe.step_sizes(config, 0)
    return Network(
        config,
        weight=config.weight.quantise(start.weight),
        delay=np.minimum(config.delay.quantise(start.delay), config.delay_limit),
        readout=config.weight.quantise(start.readout),
        feedback=config.weight.quantise(feedback),
        alpha=int(config.decay.quantise(recipe.alpha)),
        kappa=int(config.decay.quantise(recipe.kappa)),
        eta_weight=eta_weight,
        eta_delay=eta_delay,
        eta_readout=eta_readout,
        seed=int(rng.integers(1, 2**32)),
    )

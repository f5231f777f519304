"""How a network starts and how fast it learns, for each data set."""

from dataclasses import dataclass, replace
from math import exp
from typing import Any, Literal, Self, TypeVar, get_args

import numpy as np

from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.step_size import StepSize
from ranvier.plasticity.deep_r import Rewiring

__all__ = [
    "DELAY_MODES",
    "FROM_ZERO",
    "RECIPES",
    "Course",
    "DelayMode",
    "Recipe",
    "Start",
    "initial_network",
    "rewiring",
    "with_delays",
]

DelayMode = Literal["none", "fixed", "axonal", "synaptic"]

#: What becomes of the delays: there are none, they stay as drawn, or they are learned per unit or per synapse.
DELAY_MODES: tuple[DelayMode, ...] = get_args(DelayMode)


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a network starts, in real units.

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
class Course(Start):
    """How a network starts and how fast it learns.

    Parameters
    ----------
    epochs : int
        Passes over the training samples.
    eta_weight, eta_delay, eta_readout : float
        Step sizes of W, D (steps) and Wout in the first epoch; 0 freezes.
    decay : float
        Factor on every step size from one epoch to the next.
    Others
        Of `Start`.

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
class Recipe(Course):
    """Recipe of the online rule, quantised once when it meets a core.

    Parameters
    ----------
    eta_axonal : float
        Step size of axonal D, instead of `eta_delay`.
    Others
        Of `Course`.
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


AnyRecipe = TypeVar("AnyRecipe", bound=Course)

#: Spoken words: many spikes, every step scored, recurrent neurons; the readout forgets slowly: all of a word counts.
SPOKEN = Recipe(
    epochs=20,
    eta_weight=0.0002,
    eta_delay=0.5,
    eta_axonal=0.05,
    eta_readout=0.0001,
    decay=0.9,
    alpha=0.9,
    kappa=0.98,
    weight_mean=0.0,
    weight_std=0.1,
    recurrent_std=0.02,
    readout_std=0.02,
)

#: Recipe by name of the data set. Those of `shd` and `ssc` were chosen on other recordings of the same layout, on 15 % of
#: their training part: nobody has run them on SHD or SSC themselves.
RECIPES = {
    "yinyang": Recipe(
        epochs=5,
        eta_weight=0.02,
        eta_delay=1.0,
        eta_axonal=1.0,
        eta_readout=0.01,
        decay=0.6,
        alpha=0.95,
        kappa=0.9,
        weight_mean=1.0,
        weight_std=0.5,
        readout_std=0.25,
    ),
    "braille": Recipe(
        epochs=12,
        eta_weight=0.004,
        eta_delay=3.0,
        eta_axonal=0.1,
        eta_readout=0.004,
        decay=0.8,
        alpha=0.9,
        kappa=0.875,
        weight_mean=0.1,
        weight_std=0.3,
        readout_std=0.15,
    ),
    "shd": SPOKEN,
    "ssc": SPOKEN.replace(epochs=10),
}
RECIPES["yinyang60"] = RECIPES["yinyang"].replace(alpha=0.975, kappa=0.95, eta_delay=2.0, eta_axonal=2.0)

#: The same with all delays 0 at first, so that whatever they do for the accuracy was learned; they have further to go.
FROM_ZERO = {
    "yinyang": RECIPES["yinyang"].replace(delay_span=0.0, eta_delay=6.0),
    "yinyang60": RECIPES["yinyang60"].replace(delay_span=0.0, eta_delay=12.0),
    "braille": RECIPES["braille"].replace(delay_span=0.0, eta_delay=24.0),
    "shd": RECIPES["shd"].replace(delay_span=0.0),
    "ssc": RECIPES["ssc"].replace(delay_span=0.0),
}


def with_delays(config: CoreConfig, recipe: AnyRecipe, mode: DelayMode) -> tuple[CoreConfig, AnyRecipe]:
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


#: Steps of rewiring per epoch while a core learns.
REWIRED = 8
#: In all its steps, what theta loses and the standard deviation of its noise, in thresholds; theta of a new connection; and
#: the share of the training after which 1/e of drift and noise is left.
DRIFT, NOISE, FRESH, RESTLESS = 3.0, 0.0, 1.0, 1 / 8


def rewiring(connectivity: float, epochs: int, *, samples: int = 0, steps: int = 0) -> Rewiring:
    """How a network is rewired: much at first, and less and less, so that what it formed is learned.

    Parameters
    ----------
    connectivity : float
        Share of the possible connections that are active.
    epochs : int
        Passes over the training samples.
    samples : int
        Training samples of a core, which is rewired `REWIRED` times per epoch.
    steps : int
        Or the steps per epoch of an offline learner, which rewires after every one.
    """
    every = max(1, samples // REWIRED) if samples else None
    restless = RESTLESS * epochs * (-(-samples // every) if every else steps)
    decay = exp(-1 / restless)
    return Rewiring(
        connectivity=connectivity,
        l1=DRIFT * (1 - decay),
        temperature=NOISE**2 * (1 - decay) / 2,
        decay=decay,
        start=FRESH,
        every=every,
    )

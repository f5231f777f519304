"""DEEP R: a network stays sparse while it learns; connections that shrink to zero are replaced by others elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Real
from ranvier.plasticity.distance_prior import DistancePrior

__all__ = ["DeepR", "Rewiring"]

AnyNetwork = TypeVar("AnyNetwork", FloatNetwork, Network)


@dataclass(frozen=True, kw_only=True)
class Rewiring:
    """Number of connections, and parameters of their formation and loss.

    Parameters
    ----------
    connectivity : float
        Share of the possible connections that are active, above 0 and at most 1.
    eta, l1, temperature : float
        Besides learning, every step moves theta by ``-eta * l1 + sqrt(2 * eta * temperature) * nu`` with a standard normal
        ``nu``.
    decay : float
        Factor on `eta` from one step to the next, so that connections settle.
    start : float
        theta of a new connection, in thresholds.
    delay_span : float
        Its delay is uniform from 0 to this share of the core's largest delay (unless a `DistancePrior` is given).
    every : int or None
        Samples that a core learns between two steps; with None there is a step after every epoch. (An offline learner makes
        one after every mini-batch.)

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    connectivity: float
    eta: float = 1.0
    l1: float = 0.0
    temperature: float = 0.0
    decay: float = 1.0
    start: float = 0.0
    delay_span: float = 1.0
    every: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.connectivity <= 1:
            raise ConfigError(f"connectivity={self.connectivity:g} is out of range: give more than 0, and 1 at most")
        if not 0 <= self.delay_span <= 1:
            raise ConfigError(f"delay_span={self.delay_span:g} is out of range: give 0 to 1")
        if not 0 <= self.decay <= 1:
            raise ConfigError(f"decay={self.decay:g} is out of range: give 0 to 1")
        if self.every is not None and self.every < 1:
            raise ConfigError(f"every={self.every} is out of range: give at least 1")
        for name in ("eta", "l1", "temperature", "start"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ConfigError(f"{name}={getattr(self, name)} is out of range: give 0 or more")

    def replace(self, **changes: Any) -> "Rewiring":
        """A validated copy with some fields changed."""
        return replace(self, **changes)


class DeepR:
    """Structural plasticity of weights (Bellec et al. 2018) and of delays (Mészáros et al. 2024).

    An active connection has a sign s that never changes and a parameter theta > 0; its weight is ``W = s theta``. A dormant
    one has ``W = 0``. After every step of learning, by whatever rule::

        theta -= eta l1 - sqrt(2 eta temperature) nu      for active connections
        theta < least  ->  the connection becomes dormant
        as many dormant connections, chosen at random, become active: theta = start, sign and delay drawn anew

    so the number of active ones is constant, among input rows and among recurrent rows. `least` is the smallest weight that
    the core can hold: a weight that would round to 0 is dormant, so the dormant connections are exactly those with W = 0,
    in floating point and on the core. A gradient moves delays in the short term, rewiring selects them in the long term.
    (In Mészáros et al. new connections are placed where the gradient is largest; here they are drawn, as in Bellec et al.)
    An axonal delay belongs to a unit, not to a connection, and is not drawn anew. A neuron never projects onto itself.
    Wout stays dense.

    Parameters
    ----------
    config : CoreConfig
        Core of the networks that are rewired.
    recipe : Rewiring
        Number of connections, and parameters of their formation and loss.
    seed : int
        Of every draw.
    prior : DistancePrior, optional
        Positions of the neurons: delays and probabilities of recurrent connections follow from their distances.

    Raises
    ------
    ConfigError
        If `prior` has other neurons than the core.

    Attributes
    ----------
    sign : int array [rows, neurons]
        1 or -1 for an active connection, 0 for a dormant one; all are dormant before `start`.
    formed : int
        Connections formed by `step` so far.
    """

    def __init__(self, config: CoreConfig, recipe: Rewiring, seed: int = 0, prior: DistancePrior | None = None):
        if prior and len(prior.positions) != config.neurons:
            raise ConfigError(
                f"the prior has {len(prior.positions)} neurons but this core holds {config.neurons}: place as many"
            )
        self.config, self.recipe, self.prior = config, recipe, prior
        self.rng, self.eta = np.random.default_rng(seed), recipe.eta
        self.least = 1 / config.weight.one
        self.sign = np.zeros((config.rows, config.neurons), np.int64)
        self.formed = 0
        self.likelihood = np.ones(self.sign.shape)
        recurrent = self.likelihood[config.inputs :]
        recurrent[...] = prior.likelihood() if prior and config.recurrent else 1
        np.fill_diagonal(recurrent, 0)

    # ---------------------------------------------------------------- what resumes bit for bit

    def state(self) -> dict[str, Any]:
        """State on which the next step depends besides the network, as plain values that JSON can hold, for `restore`."""
        return {
            "sign": self.sign.tolist(),
            "eta": self.eta,
            "formed": self.formed,
            "rng": self.rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue like the object whose `state` this is."""
        self.sign[...] = state["sign"]
        self.eta, self.formed = float(state["eta"]), int(state["formed"])
        self.rng.bit_generator.state = state["rng"]

    @property
    def groups(self) -> list[tuple[slice, int]]:
        """Rows and number of their active connections: inputs, then (if recurrent) neurons."""
        c = self.config
        rows = [slice(0, c.inputs)] + ([slice(c.inputs, c.rows)] if c.recurrent else [])
        possible = [np.count_nonzero(self.likelihood[group]) for group in rows]
        return [
            (group, max(1, round(self.recipe.connectivity * count)))
            for group, count in zip(rows, possible, strict=True)
            if count
        ]

    # ---------------------------------------------------------------- networks

    def start(self, network: AnyNetwork) -> AnyNetwork:
        """A sparse network from a dense one: random connections stay, with delays drawn like those of new ones.

        Their weights are larger by ``1 / sqrt(connectivity)``, so that the current into a neuron varies as before; a
        connection with weight 0 in the dense network starts as a new one.
        """
        return self._changed(network, self._start)

    def adopt(self, network: AnyNetwork) -> AnyNetwork:
        """A network that keeps its connections: the strongest if there are too many; missing ones are formed."""
        return self._changed(network, self._adopt)

    def rewire(self, network: AnyNetwork) -> AnyNetwork:
        """`step` on the network of a core, as a host does it between epochs.

        Raw integers are rounded once, step sizes stay, and the core's random generators get a new seed, so that they do not
        repeat the draws of the last epoch.
        """
        changed = self._changed(network, self.step)
        if isinstance(changed, Network):
            return changed.replace(seed=int(self.rng.integers(1, 1 << 32)))
        return changed

    def _changed(self, network: AnyNetwork, change: Callable[[Real, Real], None]) -> AnyNetwork:
        """A copy of `network` with W and D changed by `change`."""
        if isinstance(network, FloatNetwork):
            copy = network.replace()
            change(copy.weight, copy.delay)
            return copy
        c, weight, delay = self.config, network.real("weight"), network.real("delay")
        change(weight, delay)
        return network.replace(
            weight=c.weight.quantise(weight), delay=np.minimum(c.delay.quantise(delay), c.delay_limit)
        )

    # ---------------------------------------------------------------- weights and delays in place

    def step(self, weight: Real, delay: Real) -> None:
        """Drift, noise and rewiring after learning changed W [rows, neurons] and D (steps), both in place."""
        r = self.recipe
        theta = self.sign * weight - self.eta * r.l1
        theta += np.sqrt(2 * self.eta * r.temperature) * self.rng.standard_normal(theta.shape)
        self.eta *= r.decay
        self.sign[theta < self.least] = 0
        weight[...] = self.sign * theta
        self.formed += self._form(weight, delay)

    def hold(self, weight: Real, delay: Real) -> None:
        """Instead of `step`, for static connections: dormant ones stay dormant, whatever learning did to them."""
        weight *= self.sign != 0

    def _start(self, weight: Real, delay: Real) -> None:
        dense = weight / np.sqrt(self.recipe.connectivity)
        self.sign[...] = 0
        self._form(weight, delay)
        kept = (self.sign != 0) & (np.abs(dense) >= self.least)
        self.sign[kept] = np.sign(dense[kept])
        weight[...] = np.where(kept, dense, np.where(self.sign, weight, 0))

    def _adopt(self, weight: Real, delay: Real) -> None:
        strength = np.where((self.likelihood > 0) & (np.abs(weight) >= self.least), np.abs(weight), 0)
        self.sign[...] = np.where(strength > 0, np.sign(weight), 0)
        for rows, count in self.groups:
            weakest = np.argsort(-strength[rows], axis=None, kind="stable")[count:]
            self.sign[rows][np.unravel_index(weakest, strength[rows].shape)] = 0
        weight *= self.sign != 0
        self._form(weight, delay)

    def _form(self, weight: Real, delay: Real) -> int:
        """Make dormant connections active until every group has its number; returns how many."""
        formed = 0
        fresh = self._delays()
        for rows, count in self.groups:
            missing = count - int(np.count_nonzero(self.sign[rows]))
            if not missing:
                continue
            dormant = np.where(self.sign[rows], 0, self.likelihood[rows]).ravel()
            chosen = self.rng.choice(dormant.size, missing, replace=False, p=dormant / dormant.sum())
            at = np.unravel_index(chosen, self.sign[rows].shape)
            self.sign[rows][at] = self.rng.choice((-1, 1), missing)
            weight[rows][at] = self.sign[rows][at] * max(self.recipe.start, self.least)
            if self.config.delays == "synaptic":
                delay[rows][at] = fresh[rows][at]
            formed += missing
        return formed

    def _delays(self) -> Real:
        """A new delay for every connection [rows, neurons]."""
        c = self.config
        delays = self.rng.uniform(0, self.recipe.delay_span * c.reach, self.sign.shape)
        if self.prior and c.recurrent:
            delays[c.inputs :] = self.prior.delays(self.rng)
        return np.clip(delays, 0, c.reach)

"""Positions of neurons, and the effect of distance on the delay and the probability of a connection."""

from dataclasses import dataclass

import numpy as np

from ranvier.parameters.config import ConfigError
from ranvier.parameters.qformat import Real

__all__ = ["DistancePrior"]


@dataclass(frozen=True)
class DistancePrior:
    """Positions of neurons, and a prior of recurrent connections that follows from them.

    A delay is drawn from a normal distribution around ``distance / velocity``; a connection is formed with a probability
    proportional to ``exp(-distance^2 / (2 reach^2))``.

    Parameters
    ----------
    positions : float array [neurons, dimensions]
        Of the neurons, in any unit of length.
    velocity : float
        Of conduction, in that unit per step.
    spread : float
        Standard deviation of delays around ``distance / velocity``, in steps.
    reach : float or None
        Range of connections, in that unit; None makes all equally likely.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    #: Smallest likelihood of a connection, at any distance, so that there are always enough to choose from.
    LEAST = 1e-12

    positions: Real
    velocity: float
    spread: float = 0.0
    reach: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", np.asarray(self.positions, dtype=np.float64))
        if self.positions.ndim != 2 or not np.isfinite(self.positions).all():
            raise ConfigError("positions must be finite numbers of shape [neurons, dimensions]")
        for name, value, fits in (
            ("velocity", self.velocity, self.velocity > 0),
            ("spread", self.spread, self.spread >= 0),
            ("reach", self.reach, self.reach is None or self.reach > 0),
        ):
            if not fits:
                raise ConfigError(
                    f"{name}={value} is out of range: a velocity and a reach are positive, a spread not negative"
                )

    @classmethod
    def square(
        cls, neurons: int, velocity: float, *, spread: float = 0.0, reach: float | None = None, seed: int = 0
    ) -> "DistancePrior":
        """Neurons at random places of a square with sides of length 1."""
        return cls(np.random.default_rng(seed).uniform(0, 1, (neurons, 2)), velocity, spread, reach)

    def distances(self) -> Real:
        """Between every two neurons, [neurons, neurons]."""
        return np.linalg.norm(self.positions[:, None] - self.positions, axis=2)

    def delays(self, rng: np.random.Generator) -> Real:
        """A delay in steps for every pair [neurons, neurons], not yet clipped to the range of the core."""
        distance = self.distances()
        return distance / self.velocity + self.spread * rng.standard_normal(distance.shape)

    def likelihood(self) -> Real:
        """Likelihood of every connection [neurons, neurons] relative to one between neighbours; never 0."""
        distance = self.distances()
        if self.reach is None:
            return np.ones_like(distance)
        return np.maximum(np.exp(-((distance / self.reach) ** 2) / 2), self.LEAST)

"""Rewiring of a sparse network while it learns: much at first, then less and less."""

from math import exp

from ranvier.plasticity.deep_r import Rewiring

__all__ = ["REWIRED", "rewiring"]

#: Steps of rewiring per epoch while a core learns.
REWIRED = 8
#: In all its steps, what theta loses and the standard deviation of its noise, in thresholds; theta of a new connection; and
#: the share of the training after which 1/e of drift and noise is left.
DRIFT, NOISE, FRESH, RESTLESS = 3.0, 0.0, 1.0, 1 / 8


def rewiring(connectivity: float, epochs: int, *, samples: int = 0, steps: int = 0) -> Rewiring:
    """Rewiring of a network: much at first, then less and less, so that new connections have time to learn.

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

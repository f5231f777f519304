"""Mean, deviation and confidence of a few results."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ranvier.extras import extra

__all__ = ["PairedInterval", "Spread"]

#: Share of confidence intervals that hold the true value.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (of the sample; 0 for one value) of `count` values."""

    mean: float
    std: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values))


@dataclass(frozen=True)
class PairedInterval:
    """Mean of paired differences, and the half-width of its 95 % confidence interval; None for fewer than two pairs."""

    mean: float
    half_width: float | None
    count: int

    @classmethod
    def of(cls, ones: Sequence[float], others: Sequence[float]) -> "PairedInterval":
        """Of ``ones - others``, pair by pair, by Student's t.

        Raises
        ------
        ExtraError
            If SciPy is missing.
        """
        stats = extra("scipy.stats", "bench")
        differences = np.subtract(ones, others)
        mean, count = float(np.mean(differences)), len(differences)
        if count < 2:
            return cls(mean, None, count)
        quantile = stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)
        return cls(mean, float(quantile * stats.sem(differences)), count)

    @property
    def clear(self) -> bool | None:
        """Whether the interval excludes zero; None without an interval."""
        return None if self.half_width is None else abs(self.mean) > self.half_width

"""Mean, deviation and confidence of a few results."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, pi, sin, sqrt

import numpy as np

__all__ = ["Difference", "Spread", "student"]

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
class Difference:
    """Mean of paired differences, and the half-width of its 95 % confidence interval; None for fewer than two pairs."""

    mean: float
    half_width: float | None
    count: int

    @classmethod
    def between(cls, ones: Sequence[float], others: Sequence[float]) -> "Difference":
        """Of ``ones - others``, pair by pair, by Student's t."""
        spread = Spread.of(np.subtract(ones, others).tolist())
        if spread.count < 2:
            return cls(spread.mean, None, spread.count)
        return cls(spread.mean, student(spread.count - 1) * spread.std / sqrt(spread.count), spread.count)

    @property
    def clear(self) -> bool | None:
        """Whether the interval excludes zero; None without an interval."""
        return None if self.half_width is None else abs(self.mean) > self.half_width


def student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Number t so that Student's distribution of whole `freedom` is within -t to t with probability `confidence`.

    The distribution function is the finite sum of Abramowitz and Stegun, 26.7.3 and 26.7.4.
    """
    low, high = 0.0, 1.0
    while _within(high, freedom) < confidence:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """Probability of -t to t."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term, total = cos(angle) if odd else 1.0, 0.0
    for n in range(1 + odd, freedom, 2):
        total += term
        term *= cos(angle) ** 2 * n / (n + 1)
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total

"""Exact comparisons that count what they compared, and how much happened meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ranvier.parameters.network import Network
from ranvier.parameters.record import COUNTERS


@dataclass
class Comparison:
    """Counts over all networks and samples of a test."""

    values: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def equal(self, want: Any, got: Any, name: str) -> None:
        """Require two arrays to be equal; lists in place of `got` may lack empty dimensions."""
        want = np.asarray(want)
        np.testing.assert_array_equal(want, np.asarray(got).reshape(want.shape), err_msg=name)
        self.values += want.size

    def learned(self, before: Network, after: Network, counters: Mapping[str, int]) -> None:
        """Count what has changed since a network was loaded."""
        self.weights_moved += np.count_nonzero(after.weight != before.weight)
        self.weights_moved += np.count_nonzero(after.readout != before.readout)
        self.delays_moved += np.count_nonzero(after.delay != before.delay)
        for name, count in counters.items():
            self.counters[name] += count

"""Counts of what a testbench compared and what happened: every comparison is exact, and every one counts."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ranvier.parameters.network import Network
from ranvier.parameters.record import COUNTERS

__all__ = ["Scoreboard", "read_scoreboards"]


@dataclass
class Scoreboard:
    """Counts of one scenario.

    Parameters
    ----------
    values : int
        Values of the core that were compared, all equal.
    samples, steps, clocks : int
        What was run.
    busy_requests : int
        Host requests offered while the core was busy.
    errors : int
        Host requests that the core refused, as it had to.
    given_up : int
        Bus transfers that the master took back before they were answered.
    weights_moved, delays_moved : int
        Parameters that learning changed from sample to sample.
    counters : dict of str to int
        The core's own counters, added up.
    """

    values: int = 0
    samples: int = 0
    steps: int = 0
    clocks: int = 0
    busy_requests: int = 0
    errors: int = 0
    given_up: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def compare(self, what: str, expected: ArrayLike, actual: ArrayLike) -> None:
        """Require that two arrays are equal; `AssertionError` names the first index at which they are not."""
        expected, actual = np.atleast_1d(expected), np.atleast_1d(actual)
        if expected.shape != actual.shape:
            raise AssertionError(f"{what}: {expected.shape} values in the golden model, {actual.shape} in the core")
        if (expected != actual).any():
            index = tuple(int(n) for n in np.argwhere(expected != actual)[0])
            raise AssertionError(f"{what}{list(index)}: golden {expected[index]}, core {actual[index]}")
        self.values += expected.size

    def learned(self, before: Network, after: Network) -> None:
        """Count the parameters that differ."""
        self.weights_moved += int((before.weight != after.weight).sum() + (before.readout != after.readout).sum())
        self.delays_moved += int((before.delay != after.delay).sum())

    def __add__(self, other: "Scoreboard") -> "Scoreboard":
        mine, theirs = asdict(self), asdict(other)
        counters = {name: self.counters[name] + other.counters[name] for name in COUNTERS}
        return Scoreboard(**{name: mine[name] + theirs[name] for name in mine if name != "counters"}, counters=counters)

    def __str__(self) -> str:
        return (
            f"{self.values:,} values compared, {self.samples:,} samples of {self.steps:,} steps, "
            f"{self.counters['spikes']:,} spikes, {self.weights_moved:,} weights and {self.delays_moved:,} delays moved, "
            f"{self.busy_requests:,} requests while busy, {self.errors:,} refused, "
            f"{self.given_up:,} given up, {self.clocks:,} clock cycles"
        )

    def save(self, folder: Path, scenario: str) -> None:
        """Leave the counts where `read_scoreboards` finds them."""
        (folder / f"{scenario}.scoreboard.json").write_text(json.dumps(asdict(self)))


def read_scoreboards(folder: Path) -> dict[str, Scoreboard]:
    """Scenario -> counts, as saved in `folder`."""
    files = sorted(folder.glob("*.scoreboard.json"))
    return {path.name.removesuffix(".scoreboard.json"): Scoreboard(**json.loads(path.read_text())) for path in files}

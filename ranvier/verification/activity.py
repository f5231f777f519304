"""Work of a sample for the hardware, as counted by the cycle formulas of `ranvier.hw.budget`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.core import GoldenCore
from ranvier.golden.eligibility import Eligibility
from ranvier.golden.learning_signal import Credit
from ranvier.hw.budget import Activity
from ranvier.parameters.sample import Sample

__all__ = ["ObservedCore"]


class ObservedEligibility(Eligibility):
    """Notes the rows that are visited on each step, and the words of credit that each of them is updated with."""

    def step(self, step: int, credit: Credit, *others: Any) -> None:
        due = [*self.credits, credit][0]
        self.visits.append((len(self.lines), len(due.words(self.config.lanes))))
        super().step(step, credit, *others)

    def forget(self) -> None:
        """Begin a new list."""
        self.visits: list[tuple[int, int]] = []


class ObservedCore(GoldenCore):
    """The plain golden model, recording the work of its last sample."""

    def restart(self) -> None:
        """Seed the generators; clear state and counters."""
        super().restart()
        self.eligibility: ObservedEligibility = ObservedEligibility(self.config)
        self._forget()

    def step(self, units: NDArray[np.int64], *, scored: bool, target: int | None, learn: bool) -> None:
        """One step; see `GoldenCore.step`."""
        super().step(units, scored=scored, target=target, learn=learn)
        active = (self.neurons.surrogate > 0) | (self.neurons.readout_trace > 0)
        credited = int(active.sum()) if scored and learn else 0
        self._work.append((len(units), int(self.neurons.spiked.sum()), int(scored), credited))

    def observe(self, sample: Sample, target: int | None = None, *, learn: bool = False) -> Activity:
        """Run a sample and return its work; arguments and errors as of `run`."""
        _ = self._network  # refuses if there is none
        self._forget()
        self.run(sample, target=target, learn=learn)
        input_spikes, spikes, scored, credited = np.array(self._work, np.int64).T
        awake, words = np.array(self.eligibility.visits, np.int64).reshape(-1, 2).T
        return Activity(input_spikes, spikes, scored.astype(bool), credited, awake, words)

    def _forget(self) -> None:
        self._work: list[tuple[int, int, int, int]] = []
        self.eligibility.forget()

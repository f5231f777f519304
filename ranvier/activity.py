"""How much work a sample makes for the hardware: what the cycle formulas of `ranvier.hw.budget` count."""

from typing import Any

from ranvier.golden.core import GoldenCore
from ranvier.golden.eligibility import Eligibility
from ranvier.golden.learning_signal import Credit, LearningSignal
from ranvier.golden.spikes import Sample
from ranvier.hw.budget import Activity

__all__ = ["ObservedCore"]


class ObservedSignal(LearningSignal):
    """Counts the neurons whose readout row and learning signal are visited."""

    credited = 0

    def step(self, error: Any, surrogate: Any, trace: Any, *others: Any) -> Credit:
        self.credited += int(((surrogate > 0) | (trace > 0)).sum())
        return super().step(error, surrogate, trace, *others)


class ObservedEligibility(Eligibility):
    """Counts the rows that are visited, and the clocks that their words take."""

    learning_steps = visits = visit_clocks = 0

    def step(self, step: int, credit: Credit, *others: Any) -> None:
        due = [*self.credits, credit][0]
        self.learning_steps += 1
        self.visits += len(self.lines)
        self.visit_clocks += len(self.lines) * max(3, len(due.words(self.config.lanes)) + 1)
        super().step(step, credit, *others)


class ObservedCore(GoldenCore):
    """The plain golden model, counting the work of its last sample on the way."""

    def restart(self) -> None:
        """Seed the generators; clear state and counters."""
        super().restart()
        self.signal: ObservedSignal = ObservedSignal(self.config)
        self.eligibility: ObservedEligibility = ObservedEligibility(self.config)

    def observe(self, sample: Sample, target: int | None = None, *, learn: bool = False) -> Activity:
        """Run a sample and say what there was to do; arguments and errors as of `run`."""
        signal, rows = self.signal, self.eligibility
        before = signal.credited, rows.learning_steps, rows.visits, rows.visit_clocks
        record = self.run(sample, target=target, learn=learn)
        after = signal.credited, rows.learning_steps, rows.visits, rows.visit_clocks
        return Activity(
            sample.steps,
            int(sample.scored.sum()),
            len(sample.units),
            record.spikes,
            *(now - then for now, then in zip(after, before, strict=True)),
        )

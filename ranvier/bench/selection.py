"""Selection of the trainings of a suite."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, get_args

from ranvier.bench.suite import STRUCTURES, SUITES, WIRINGS, Run
from ranvier.learners import LEARNERS
from ranvier.parameters.config import ConfigError
from ranvier.recipes import VARIANTS

__all__ = ["SUITE_LEARNERS", "Filter", "Selection"]

#: Learners of every suite, unless others are named.
SUITE_LEARNERS = ("online", "eventprop", "bptt")

ONLY = "only these rows; may be repeated"


def _filter(text: str, choices: Collection[str] | None = None) -> Any:
    return field(default=(), metadata={"text": text, "choices": choices})


@dataclass(frozen=True)
class Filter:
    """A field of `Selection`, for a command line.

    Parameters
    ----------
    name, text : str
        Its name, and its help.
    kind : type
        Type of its values.
    choices : collection of str or None
        All valid values.
    """

    name: str
    text: str
    kind: type
    choices: Collection[str] | None


@dataclass(frozen=True)
class Selection:
    """Values of which a training must have one; an empty field does not restrict.

    Parameters
    ----------
    learner : sequence of str
        Out of `ranvier.learners.LEARNERS`; if empty, those of `SUITE_LEARNERS`.
    delays : sequence of str
        Out of `ranvier.recipes.VARIANTS`.
    wiring : sequence of str
        Out of `ranvier.bench.WIRINGS`.
    neurons : sequence of int
        Sizes of the suite.
    connectivity : sequence of float
        Shares of active synapses, which need not be in the suite; if empty, all synapses are active.
    structure : sequence of str
        Out of `ranvier.bench.STRUCTURES`, for sparse networks.
    """

    learner: Sequence[str] = _filter(ONLY, LEARNERS)
    delays: Sequence[str] = _filter(ONLY, VARIANTS)
    wiring: Sequence[str] = _filter(ONLY, WIRINGS)
    neurons: Sequence[int] = _filter(ONLY)
    connectivity: Sequence[float] = _filter("share of active synapses (default 1); may be repeated")
    structure: Sequence[str] = _filter(
        "only sparse networks that stay as drawn (static), or that DEEP R rewires; may be repeated", STRUCTURES
    )

    @classmethod
    def filters(cls) -> list[Filter]:
        """All fields."""
        return [Filter(found.name, kind=get_args(found.type)[0], **found.metadata) for found in fields(cls)]

    @classmethod
    def of(cls, options: object) -> Self:
        """From the attributes of a parsed command line; one that is None is empty."""
        return cls(**{found.name: getattr(options, found.name) or () for found in fields(cls)})

    def usable(self, data: str) -> tuple[Self, list[str]]:
        """A selection without the learners that cannot learn a data set here, and the reasons.

        Raises
        ------
        ConfigError
            If one of those was named, or no learner is left.
        """
        found, reasons = [], []
        for name in self.learner or SUITE_LEARNERS:
            if reason := LEARNERS[name].refusal(data):
                reasons.append(f"{name} was omitted: {reason}")
            else:
                found.append(name)
        if reasons and (self.learner or not found):
            raise ConfigError(reasons[0])
        return replace(self, learner=found), reasons

    def runs(self, suite: str, *, seeds: int, epochs: int | None = None) -> list[Run]:
        """Trainings of a suite, each once: first all with seed 0, then all with seed 1, and so on.

        Raises
        ------
        ConfigError
            If there is none.
        """
        kinds = [
            (level, structure)
            for level in self.connectivity or (1.0,)
            for structure in STRUCTURES
            if (structure in (self.structure or STRUCTURES) if level < 1 else structure == "static")
        ]
        found = [
            Run(suite, learner, delays, wiring, neurons, seed, epochs, level, structure)
            for seed in range(seeds)
            for learner in self.learner or SUITE_LEARNERS
            for wiring, neurons, delays in SUITES[suite].networks()
            for level, structure in kinds
            if delays in (self.delays or (delays,))
            and wiring in (self.wiring or (wiring,))
            and neurons in (self.neurons or (neurons,))
        ]
        if not found:
            raise ConfigError(f"the suite {suite} has no such row: choose from {SUITES[suite].sizes()}")
        return list(dict.fromkeys(found))  # a row named twice, perhaps as 1 and as 1.0, is one row

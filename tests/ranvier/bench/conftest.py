"""Small trainings, and what this process makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ranvier.bench.executor import execute
from ranvier.bench.selection import Selection
from ranvier.bench.suite import ExperimentResult, Material, Run
from ranvier.data import yin_yang


@dataclass(frozen=True)
class Known:
    """Experiments by their keys, and all that is in their results but the time that they took."""

    material: Material
    experiments: Mapping[str, Run]
    results: Mapping[str, dict[str, Any]]

    @staticmethod
    def values(result: ExperimentResult) -> dict[str, Any]:
        """What is in `results`."""
        return {name: value for name, value in result.values.items() if name != "cpu_seconds"} | result.files


@pytest.fixture(scope="session")
def known() -> Known:
    """Twelve trainings."""
    material = Material.of(yin_yang(train=30, test=30))
    selected = Selection(learner=["online"], wiring=["feedforward"], neurons=[10])
    runs = {run.key(material): run for run in selected.runs("yinyang", seeds=3, epochs=1)}
    results = {key: Known.values(result) for key, result in execute(runs, material)}
    assert results.keys() == runs.keys()
    assert len(runs) == 12
    return Known(material, runs, results)

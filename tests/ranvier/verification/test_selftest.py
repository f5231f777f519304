"""All scenarios on the golden model, and what is reported of them."""

import pytest

from ranvier.golden.compiled import CompiledCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.presets import preset
from ranvier.verification import register_scenarios
from ranvier.verification.selftest import SCENARIOS, selftest

CONFIG = preset("test")


@pytest.mark.parametrize(
    "changes",
    [{"learning": False}, {"delays": "none"}, {"delays": "axonal", "recurrent": False}, {"feedback": "random"}],
    ids=str,
)
def test_every_kind_of_core_can_pass(changes):
    config: CoreConfig = CONFIG.replace(**changes)
    result = selftest("golden", config)
    assert result.failures == 0, result.lines()
    assert sum(outcome.compared for outcome in result.outcomes) > 300
    assert result.skipped == list(register_scenarios.SCENARIOS)
    assert result.rates == []


def test_there_is_a_line_for_each_scenario(monkeypatch):
    result = selftest("golden", CONFIG)
    assert len(result.lines()) == len(SCENARIOS) + 1
    assert result.lines()[-1].startswith(f"0 of {len(result.outcomes)} scenarios failed")
    assert result.summary()["failures"] == 0
    monkeypatch.setattr(CompiledCore, "counters", lambda core: {"spikes": id(core)})
    result = selftest("golden", CONFIG)
    assert result.failures == result.summary()["failures"] >= 1
    assert result.lines()[0].startswith("failed  load: counters after loading[0]: expected 0, received ")

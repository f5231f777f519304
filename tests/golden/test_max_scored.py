"""How many steps of a sample may be scored before a score leaves its 32 bits."""

import pytest
from full_scores import CORE, sample, saturated

from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import SampleError


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 255),  # readouts of 24 bits: -2**23 a step
        ({"potential": QFormat(True, 5, 12), "weight": QFormat(True, 5, 12)}, 16383),
        ({"prediction": "softmax"}, ((1 << 31) - 1) >> 10),
        ({"prediction": "softmax", "error": QFormat(True, 1, 14)}, ((1 << 31) - 1) >> 14),
    ],
)
def test_limit(changes, expected):
    assert CORE.replace(**changes).max_scored == expected


@pytest.mark.parametrize("device", [GoldenCore, CompiledCore])
@pytest.mark.parametrize("extreme", ["max", "min"])
def test_scores_at_the_limit_fit_and_one_step_more_is_refused(device, extreme):
    core = device(CORE)
    core.load(saturated(getattr(CORE.weight, extreme)))
    record = core.run(sample(CORE.max_scored))
    step = getattr(CORE.potential, extreme)
    assert abs(record.scores[0]) > (1 << 31) - 2 * abs(step)  # full but for a step
    assert abs(record.scores[0]) < 1 << 31
    assert record.prediction == (0 if extreme == "max" else 1)
    with pytest.raises(
        SampleError, match="has 256 scored steps but the scores of this core hold 255: score fewer steps"
    ):
        core.run(sample(CORE.max_scored + 1))


@pytest.mark.parametrize("device", [GoldenCore, CompiledCore])
def test_counters_wrap_like_registers(device, monkeypatch):
    core = device(CORE)
    core.load(saturated(1))
    counts = {name: (1 << 32) + n for n, name in enumerate(COUNTERS)}
    monkeypatch.setattr(core, "_counters", lambda: counts)
    assert core.counters() == {name: n for n, name in enumerate(COUNTERS)}

"""How many steps of a sample may be scored before a score leaves its 32 bits."""

import numpy as np
import pytest

from ranvier.golden.compiled import CompiledCore
from ranvier.golden.config import CoreConfig
from ranvier.golden.core import GoldenCore
from ranvier.golden.network import Network
from ranvier.golden.qformat import QFormat
from ranvier.golden.record import COUNTERS
from ranvier.golden.spikes import Sample, SampleError

WIDE = QFormat(True, 11, 12)
CORE = CoreConfig(
    inputs=1,
    neurons=1,
    outputs=2,
    lanes=1,
    delays="none",
    learning=False,
    prediction="readout",
    weight=WIDE,
    potential=WIDE,
)


def saturated(config, weight):
    """A network whose first readout is at `weight`'s end of its range on every step of `sample`."""
    net = Network.zeros(config, alpha=0.0, kappa=1.0)
    return net.replace(weight=np.array([[config.weight.max]]), readout=np.array([[weight, 5]]), kappa=config.decay.max)


def sample(scored, lead=8):
    """A spike per step; what is scored comes after `lead` steps in which the readout fills up."""
    steps = lead + scored
    return Sample(np.arange(steps), np.zeros(steps, int), np.arange(steps) >= lead)


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
    core.load(saturated(CORE, getattr(CORE.weight, extreme)))
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
    core.load(saturated(CORE, 1))
    counts = {name: (1 << 32) + n for n, name in enumerate(COUNTERS)}
    monkeypatch.setattr(core, "_counters", lambda: counts)
    assert core.counters() == {name: n for n, name in enumerate(COUNTERS)}

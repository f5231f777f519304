"""What a training suffered from: every cause once, by hand where it is counted and from a training that has it."""

import numpy as np
import pytest

from ranvier.data import Dataset, yin_yang
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.learners.diagnosis import (
    NAMED,
    SATURATED,
    SILENT,
    STILL,
    UNDERFLOW,
    accuracy_warnings,
    firing_warnings,
    moving_warnings,
    opportunities,
    saturation_warnings,
)
from ranvier.learners.online import OnlineTraining, train
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.recipes import RECIPES, initial_network
from ranvier.verification.stimulus import random_network

CONFIG = CoreConfig(inputs=3, neurons=4, outputs=2, max_delay=5)
NOTHING = dict.fromkeys(COUNTERS, 0)
POSSIBLE = opportunities(CONFIG, {"deliveries": 100, "spikes": 50}, steps=100, learned=50, scored=10)


def spiking(*units: int, steps: int = 3) -> Sample:
    return Sample(np.zeros(len(units), np.int64), np.array(units, np.int64), np.ones(steps, bool))


# -------------------------------------------------------------------- counters


def test_what_could_saturate_by_hand() -> None:
    assert POSSIBLE == {
        "delay_line_saturated": 400,
        "potential_saturated": 400,
        "readout_saturated": 100,
        "trace_saturated": 350,
        "signal_saturated": 10 * (2 + 4 * 4 + 3 * 4),
        "weight_saturated": 200,
        "signal_underflow": 10 * (2 + 4 * 4 + 3 * 4),
    }
    for changes, narrowed in (({"delays": "none"}, 0), ({"delays": "axonal"}, 3), ({"recurrent": True}, 7 * 4)):
        possible = opportunities(CONFIG.replace(**changes), {}, steps=100, learned=50, scored=10)
        assert possible["signal_saturated"] == possible["signal_underflow"] == 10 * (2 + 4 * 4 + narrowed)
    exponential = opportunities(CONFIG.replace(synapse="exponential"), {}, steps=100, learned=0, scored=0)
    assert exponential["potential_saturated"] == 800
    assert set(POSSIBLE) - {"signal_underflow"} == {name for name in COUNTERS if "saturated" in name} - {
        "delay_saturated"
    }


@pytest.mark.parametrize("name", POSSIBLE)
def test_counters_above_their_share(name: str) -> None:
    share = UNDERFLOW if name == "signal_underflow" else SATURATED
    border = int(share * POSSIBLE[name])
    assert list(saturation_warnings(NOTHING | {name: border}, POSSIBLE)) == []
    (line,) = saturation_warnings(NOTHING | {name: border + 1}, POSSIBLE)
    assert line.startswith(f"{name} {border + 1} times, {(border + 1) / POSSIBLE[name]:.1%} of what is possible: ")
    (line,) = saturation_warnings(NOTHING | {name: 10**6}, POSSIBLE)
    assert "1,000,000 times, 100.0%" in line


def test_opportunities_bound_what_is_counted() -> None:
    """A core all of whose quantities saturate wherever they can never counts more, update of delays aside."""
    config = preset("test")
    network = Network.zeros(config).replace(
        weight=np.full((12, 7), config.weight.max), readout=np.full((7, 3), config.weight.max)
    )
    core, steps = GoldenCore(config), 30
    core.load(network)
    for _ in range(3):
        core.run(Sample(np.repeat(np.arange(steps), 5), np.tile(np.arange(5), steps), np.ones(steps, bool)))
    counters = core.counters()
    possible = opportunities(config, counters, steps=3 * steps, learned=0, scored=0)
    for name in ("delay_line_saturated", "potential_saturated", "readout_saturated"):
        assert 0 < counters[name] <= possible[name], name


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize("name", ["signal_saturated", "signal_underflow"])
def test_opportunities_bound_what_learning_products_count(delays: str, name: str) -> None:
    """Formats so narrow, or step sizes so small, that many products clip or vanish: more than is warned of, never all."""
    formats = {"signal": QFormat(True, 0, 4), "step_weight": QFormat(True, 0, 6), "step_delay": QFormat(True, 0, 4)}
    config = preset("test").replace(delays=delays, surrogate_width=4.0, **formats)
    rng, steps, scored = np.random.default_rng(3), 30, 0
    eta = StepSize(255, 0) if name == "signal_saturated" else StepSize(1, 12)
    network = random_network(config, rng).replace(eta_weight=eta, eta_delay=eta, eta_readout=eta)
    core = GoldenCore(config)
    core.load(network)
    for _ in range(4):
        core.run(Sample.from_raster(rng.random((steps, config.inputs)) < 0.6), target=0, learn=True)
        scored += steps
    possible = opportunities(config, core.counters(), steps=scored, learned=scored, scored=scored)[name]
    assert SATURATED * possible < core.counters()[name] <= possible


def test_delays_at_their_ends_are_no_fault() -> None:
    assert list(saturation_warnings(NOTHING | {"delay_saturated": 10**9}, POSSIBLE)) == []


# -------------------------------------------------------------------- what never spikes, what never moves


def test_silence() -> None:
    samples = [spiking(0, 2), spiking(2)]
    assert list(firing_warnings(samples, 3, None, 100)) == [
        "1 of 3 inputs never spike in the training samples (1): check the data"
    ]
    most = int(SILENT * 100)
    assert list(firing_warnings([spiking(0, 1, 2)], 3, most, 100)) == []
    (line,) = firing_warnings([spiking(0, 1, 2)], 3, most + 1, 100)
    assert line.startswith("6 of 100 neurons never spike: ")
    (line,) = firing_warnings([spiking(0)], 20, 0, 100)
    assert line.startswith("19 of 20 inputs never spike in the training samples (1, 2, 3, 4, 5, ...)")
    assert line.count(",") == NAMED


def test_stillness() -> None:
    config = CoreConfig(inputs=10, neurons=10, outputs=2, max_delay=5, recurrent=True)
    rng, samples = np.random.default_rng(0), [spiking(*range(8))]
    before = Network.zeros(config).replace(weight=rng.integers(1, 9, (20, 10)))
    etas = {"weight": 0.1, "delay": 0.2, "readout": 0.3}
    still = [line.split(" did not move")[0] for line in moving_warnings(before, before, etas, samples, False)]
    assert still == ["100.0% of the weights", "100.0% of the delays", "100.0% of the readout weights"]
    frozen = {"weight": 0.1, "delay": 0.0, "readout": 0.0}
    assert len(list(moving_warnings(before, before, frozen, samples, False))) == 1
    can_move = np.ones((20, 10), bool)
    can_move[8:10] = can_move[np.arange(10, 20), np.arange(10)] = False  # silent inputs, synapses onto themselves
    places = np.argwhere(can_move)
    enough = round((1 - STILL) * len(places)) + 1
    for moved, count in ((enough, 0), (enough - 2, 1)):
        weight = before.weight.copy()
        weight[tuple(places[:moved].T)] += 1
        assert len(list(moving_warnings(before, before.replace(weight=weight), frozen, samples, False))) == count
    weight = before.weight.copy()
    weight[~can_move] += 1
    assert len(list(moving_warnings(before, before.replace(weight=weight), frozen, samples, False))) == 1


def test_dormant_synapses_do_not_count() -> None:
    before = Network.zeros(CONFIG).replace(weight=np.eye(3, 4, dtype=int))
    after, etas, samples = before.replace(weight=before.weight * 2), {"weight": 0.1}, [spiking(0, 1, 2)]
    assert list(moving_warnings(before, after, etas, samples, True)) == []
    (line,) = moving_warnings(before, before, etas, samples, True)
    assert "100.0% of the weights" in line
    assert len(list(moving_warnings(Network.zeros(CONFIG), Network.zeros(CONFIG), etas, samples, False))) == 1


# -------------------------------------------------------------------- accuracy


@pytest.mark.parametrize(
    ("curve", "kept", "expected"),
    [
        ([0.57, 0.8, 0.9], 2, []),
        ([0.57, 0.9, 0.80], 1, []),
        ([0.57, 0.9, 0.1], 1, ["accuracy fell from 90.0% in epoch 2 to 10.0% in epoch 3"]),
        ([0.11, 0.1, 0.09], 0, ["a test accuracy of 11.0% is no better than guessing (10.0%)"]),
        ([0.57, 0.10], 1, ["accuracy fell", "a test accuracy of 10.0%"]),
    ],
)
def test_accuracy(curve: list[float], kept: int, expected: list[str]) -> None:
    samples = [spiking(0)] * 100
    labels = np.arange(100) % 10
    data = Dataset("ten", 1, tuple("0123456789"), samples, labels, samples, labels)
    for held in (None, data):
        lines = list(accuracy_warnings(curve, kept, curve[kept], data, held))
        assert len(lines) == len(expected)
        assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))
        if lines and "fell" in lines[0]:
            assert ("was kept" in lines[0]) == (held is not None)


# -------------------------------------------------------------------- from trainings


def taught(**changes: float) -> OnlineTraining:
    config, recipe = preset("yinyang").replace(neurons=20), RECIPES["yinyang"].replace(epochs=2, **changes)
    data = yin_yang(train=300, test=100)
    return train(CompiledCore(config), initial_network(config, recipe, 0), data, recipe, validation=0.1)


def test_a_healthy_training_has_none() -> None:
    assert taught().warnings == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"eta_weight": 1e-9, "eta_delay": 1e-9, "eta_readout": 1e-9}, ["weights", "delays", "readout weights"]),
        ({"eta_readout": 8.0}, ["readout_saturated"]),
        ({"weight_mean": -2.0}, ["20 of 20 neurons never spike", "no better than guessing"]),
    ],
    ids=["frozen", "saturated", "silent"],
)
def test_an_ailing_training_says_so(changes: dict[str, float], expected: list[str]) -> None:
    result = taught(**changes)
    text = "\n".join(result.warnings)
    assert all(cause in text for cause in expected), text
    assert all("\n" not in line for line in result.warnings)
    assert result.summary()["warnings"] == result.warnings

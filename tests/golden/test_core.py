"""The plain golden model as a whole: order within a step, what lasts between samples, what the device refuses."""

import numpy as np
import pytest

from ranvier.golden.core import GoldenCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS, TRACED
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_network, random_sample

TINY = CoreConfig(inputs=1, neurons=2, outputs=2, recurrent=True, max_delay=6)
FREEZE = StepSize()
RATE = StepSize.of(0.02)


def tiny(**changes):
    """Input drives neuron 0 after one step of delay, which drives neuron 1 after none; each writes its own readout."""
    network = Network.zeros(TINY, alpha=0.5, kappa=0.5)
    network.weight[0, 0], network.delay[0, 0] = 8192, 64
    network.weight[1] = [32767, 6000]
    network.readout[:] = [[4096, 0], [0, 4096]]
    return network.replace(**changes)


def opened(network):
    core = GoldenCore(network.config)
    core.load(network)
    return core


def impulse(steps=8, scored=None, count=1):
    raster = np.zeros((steps, 1), int)
    raster[0] = count
    return Sample.from_raster(raster, scored)


def test_by_hand():
    record = opened(tiny()).run(impulse(), record=TRACED)
    spikes, potential, readout = (record.steps[name] for name in ("spikes", "potential", "readout"))
    np.testing.assert_array_equal(np.argwhere(spikes), [[2, 0], [3, 1]])
    np.testing.assert_array_equal(potential[:, 0], [0, 0, 8192, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(potential[:, 1], [0, 0, 0, 6000, -1096, -548, -274, -137])
    np.testing.assert_array_equal(readout[:, 0], [0, 0, 4096, 2048, 1024, 512, 256, 128])
    np.testing.assert_array_equal(readout[:, 1], [0, 0, 0, 4096, 2048, 1024, 512, 256])
    assert (record.spikes, record.prediction) == (2, 1)
    assert not any(record.steps[name].any() for name in ("surrogate", "readout_trace", "trace"))  # not learning
    assert record.cycles is None


def test_traces_by_hand():
    trace = opened(tiny()).run(impulse(), target=0, learn=True, record=TRACED).steps["trace"]
    np.testing.assert_array_equal(trace[:4], [[256, 0, 0], [128, 0, 0], [64, 256, 0], [32, 128, 256]])


def test_scores_of_both_kinds():
    scored = [False, False, True, True, False, False, False, False]
    assert opened(tiny()).run(impulse(scored=scored)).scores.tolist() == [1135, 913]  # softmax of (1, 0) and (1/2, 1)
    readout = TINY.replace(prediction="readout")
    network = Network(**vars(tiny()) | {"config": readout})
    assert opened(network).run(impulse(scored=scored)).scores.tolist() == [4096 + 2048, 4096]


def test_ties_go_to_the_lower_class():
    assert opened(tiny()).run(Sample([], [], [True] * 3)).prediction == 0


def test_nothing_scored_learns_nothing():
    network = tiny(eta_weight=RATE, eta_delay=RATE, eta_readout=RATE)
    core = opened(network)
    record = core.run(impulse(scored=[False] * 8), target=0, learn=True)
    assert record.spikes == 2
    assert record.scores.tolist() == [0, 0]
    assert_parameters(core.network(), network)


def assert_parameters(a, b, same=True):
    for name in ("weight", "delay", "readout"):
        assert np.array_equal(getattr(a, name), getattr(b, name)) == same, name


def test_state_ends_with_the_sample_but_draws_go_on():
    rng = np.random.default_rng(0)
    core = opened(random_network(preset("test"), rng))
    sample = random_sample(core.config, rng)
    first, second = (core.run(sample, record=TRACED) for _ in range(2))
    assert first.spikes == second.spikes > 0
    for name in TRACED:
        np.testing.assert_array_equal(first.steps[name], second.steps[name])

    network = tiny(eta_weight=RATE, eta_delay=RATE, eta_readout=RATE)
    once, twice = opened(network), opened(network)
    twice.run(impulse(), target=0, learn=True)
    state = twice.random.state.copy()
    assert not np.array_equal(state, once.random.state)
    twice.run(impulse())  # without learning nothing is drawn
    np.testing.assert_array_equal(twice.random.state, state)
    twice.load(network)
    np.testing.assert_array_equal(twice.random.state, once.random.state)


def test_step_size_zero_freezes_each_parameter():
    rates = {"weight": "eta_weight", "delay": "eta_delay", "readout": "eta_readout"}
    for frozen, eta in rates.items():
        network = random_network(preset("test"), np.random.default_rng(3)).replace(
            eta_weight=StepSize.of(0.1), eta_delay=StepSize.of(10), eta_readout=StepSize.of(0.1)
        )
        core = opened(network)
        core.step_sizes(**{name: FREEZE if name == frozen else getattr(network, e) for name, e in rates.items()})
        for target in range(3):
            core.run(Sample.from_raster(np.ones((20, 5), int)), target=target, learn=True)
        after = core.network()
        assert getattr(after, eta) == FREEZE
        for name in rates:
            assert np.array_equal(getattr(after, name), getattr(network, name)) == (name == frozen), (frozen, name)


def test_learning_reaches_the_target():
    for target in (0, 1):
        network = tiny(eta_readout=StepSize.of(0.1))
        core = opened(network)
        before = core.run(impulse()).scores[target]
        for _ in range(50):
            core.run(impulse(), target=target, learn=True)
        record = core.run(impulse())
        assert record.prediction == target
        assert record.scores[target] > before + 500
        assert core.counters()["weight_saturated"] == 0


def test_network_is_a_copy_both_ways():
    network = tiny()
    core = opened(network)
    network.weight[:] = 0
    core.network().weight[:] = 0
    assert core.run(impulse()).spikes == 2


NARROW = {"potential": QFormat(True, 3, 12)}


@pytest.mark.parametrize(
    ("counter", "config", "network"),
    [
        ("spikes", {}, {}),
        ("deliveries", {}, {}),
        ("delay_line_saturated", NARROW, {}),
        ("potential_saturated", NARROW, {"alpha": 4000}),
        ("readout_saturated", NARROW, {"kappa": 4000}),
        ("trace_saturated", {"trace": QFormat(False, 1, 8)}, {}),
        ("signal_saturated", {}, {"eta_weight": StepSize(255, 0)}),
        ("weight_saturated", {}, {"eta_readout": StepSize(1, 0), "readout": np.full((2, 2), 32767)}),
        ("delay_saturated", {}, {"eta_delay": StepSize(255, 0)}),
    ],
)
def test_every_counter_bites(counter, config, network):
    network = Network(**vars(tiny()) | {"config": TINY.replace(**config)} | network)
    core = opened(network)
    core.run(Sample.from_raster(np.full((20, 1), 5)), target=0, learn=True)
    assert tuple(core.counters()) == COUNTERS
    assert core.counters()[counter] > 0
    core.load(network)
    assert not any(core.counters().values())


def test_counters_by_hand():
    core = opened(tiny())
    core.run(impulse())
    core.run(impulse())
    assert core.counters() == dict.fromkeys(COUNTERS, 0) | {"spikes": 4, "deliveries": 6}


def test_refuses_before_anything_changes():
    core = opened(tiny())
    with pytest.raises(NetworkError, match=r"made for another configuration: open the device with network\.config"):
        core.load(Network.zeros(preset("test")))
    with pytest.raises(SampleError, match="the sample has input 1 but"):
        core.run(Sample([0], [1], [True]))
    with pytest.raises(SampleError, match="record='voltage' is unknown: choose from spikes, potential"):
        core.run(impulse(), record=["voltage"])
    assert not any(core.counters().values())
    assert_parameters(core.network(), tiny())


def test_a_silent_network_counts_what_arrives():
    with GoldenCore(preset("test")) as core:
        core.load(Network.zeros(core.config))
        assert core.run(Sample.from_raster(np.ones((5, 5), int))).spikes == 0
        assert core.counters()["deliveries"] == 25

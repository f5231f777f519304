"""The simulated core as a device: what it refuses, and that the host port is the only way in."""

from unittest.mock import Mock

import numpy as np
import pytest

from ranvier.device_base import DeviceError
from ranvier.golden.core import GoldenCore
from ranvier.hw.core import Phase
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.network import NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.record import TRACED
from ranvier.parameters.sample import Sample, SampleError
from ranvier.sim.build import library
from ranvier.sim.device import SimulatedCore, SimulationError
from ranvier.verification.stimulus import random_network, random_sample

CONFIG = preset("test")


@pytest.fixture
def device():
    with SimulatedCore(CONFIG, library(CONFIG, optimise=False)) as core:
        yield core


@pytest.mark.parametrize(
    ("space", "row", "column"),
    [(AddressSpace.WEIGHT, CONFIG.rows, 0), (AddressSpace.POTENTIAL, 0, CONFIG.neurons), (AddressSpace.FEEDBACK, 0, 0)],
)
def test_an_address_that_does_not_exist_is_refused(device, space, row, column):
    with pytest.raises(SimulationError, match=rf"refused to read {space.name}\[{row}, {column}\]"):
        device.read(space, row, column)
    assert device.read(AddressSpace.REGISTER, 0, Register.DIGEST.value) & 0xFFFFFFFF == CONFIG.digest


def test_what_is_read_only_cannot_be_written(device):
    with pytest.raises(SimulationError, match=r"refused to write REGISTER\[0, 1\]"):
        device.write(AddressSpace.REGISTER, 0, Register.DIGEST.value, 1)


def test_a_library_of_another_core_is_refused():
    with pytest.raises(SimulationError, match="another configuration"):
        SimulatedCore(CONFIG.replace(reset="zero"), library(CONFIG, optimise=False))


def test_a_network_of_another_core_is_refused(device):
    other = CONFIG.replace(outputs=4)
    with pytest.raises(NetworkError, match=r"network\.config"):
        device.load(random_network(other, np.random.default_rng(0)))


def test_learning_needs_a_target(device):
    with pytest.raises(SampleError, match="target"):
        device.run(random_sample(CONFIG, np.random.default_rng(0)), learn=True)


def test_samples_grow_by_the_lag_of_the_network(device):
    rng = np.random.default_rng(5)
    golden, network = GoldenCore(CONFIG), random_network(CONFIG, rng).replace(lag=3)
    sample = Sample.from_raster(rng.random((20, CONFIG.inputs)) < 0.6, np.arange(20) > 5)
    later = Sample(sample.times, sample.units, np.concatenate([np.zeros(3, bool), sample.scored]))
    golden.load(network.replace(lag=0))
    expected = golden.run(later, target=1, learn=True, record=TRACED)
    device.load(network)
    assert device.network().lag == 3
    actual = device.run(sample, target=1, learn=True, record=TRACED)
    for name in TRACED:
        assert len(actual.steps[name]) == sample.steps + 3
        np.testing.assert_array_equal(actual.steps[name], expected.steps[name])
    np.testing.assert_array_equal(actual.scores, expected.scores)
    assert actual.spikes > 10


def test_what_is_loaded_can_be_read_back_and_counts_start_at_zero(device):
    rng = np.random.default_rng(3)
    for _ in range(2):
        network = random_network(CONFIG, rng)
        device.load(network)
        held = device.network()
        for name in ("weight", "delay", "readout"):
            np.testing.assert_array_equal(getattr(held, name), getattr(network, name))
        assert not any(device.counters().values())
        assert device.cycles() == 0
        device.run(random_sample(CONFIG, rng), target=0, learn=True)
        assert device.cycles() > 0


def test_a_record_is_that_of_the_golden_model(device):
    rng, compared = np.random.default_rng(4), 0
    golden, network = GoldenCore(CONFIG), random_network(CONFIG, rng)
    golden.load(network)
    device.load(network)
    for learn in (True, False, True):
        sample = random_sample(CONFIG, rng)
        expected, actual = (core.run(sample, target=1, learn=learn, record=TRACED) for core in (golden, device))
        for name, values in expected.steps.items():
            np.testing.assert_array_equal(actual.steps[name], values)
            compared += values.size
        np.testing.assert_array_equal(actual.scores, expected.scores)
        assert (actual.prediction, actual.spikes) == (expected.prediction, expected.spikes)
        assert actual.cycles > sample.steps
    assert golden.counters() == device.counters()
    assert golden.counters()["spikes"] > 0
    assert compared > 100


def test_a_sample_that_was_interrupted_leaves_no_state(device, monkeypatch):
    golden, network = GoldenCore(CONFIG), random_network(CONFIG, np.random.default_rng(6))
    sample = Sample.from_raster(np.ones((8, CONFIG.inputs)))
    golden.load(network)
    device.load(network)
    with monkeypatch.context() as patch:
        reads = [KeyboardInterrupt, *[np.zeros((1, CONFIG.neurons))] * (sample.steps // 2)]
        patch.setattr(device, "_read_matrix", Mock(side_effect=reads[::-1]))
        with pytest.raises(KeyboardInterrupt):
            device.run(sample, record=("potential",))
    expected, actual = (core.run(sample, record=("potential",)) for core in (golden, device))
    np.testing.assert_array_equal(actual.steps["potential"], expected.steps["potential"])
    assert expected.steps["potential"].any()


@pytest.mark.parametrize("method", ["cycles", "simulated_cycles", "phases"])
def test_clocks_are_those_of_a_device_that_is_open_and_loaded(device, method):
    with pytest.raises(DeviceError, match=r"^no network is loaded"):
        getattr(device, method)()
    device.load(random_network(CONFIG, np.random.default_rng(7)))
    getattr(device, method)()
    device.close()
    with pytest.raises(DeviceError, match=r"^the device was closed: open it again$"):
        getattr(device, method)()


def test_the_host_port_of_a_closed_device_is_refused(device):
    device.close()
    with pytest.raises(DeviceError, match=r"^the device was closed"):
        device.read(AddressSpace.REGISTER, 0, 0)


def test_every_clock_belongs_to_a_phase(device):
    device.load(random_network(CONFIG, np.random.default_rng(5)))
    device.run(random_sample(CONFIG, np.random.default_rng(5)), target=0, learn=True)
    clocks = device.phases()
    assert clocks.sum() == device.simulated_cycles()
    assert all(clocks[phase] > 0 for phase in (Phase.SWEEP, Phase.LEARN, Phase.FINISH, Phase.CLEAR))

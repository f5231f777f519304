"""Networks in real numbers: what is held, what is refused, and that the file is not mistaken for a core's."""

import os

import numpy as np
import pytest

from ranvier.golden.float_core import FloatCore
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.verification.stimulus import random_network


@pytest.fixture(params=["none", "axonal", "synaptic"])
def network(request):
    config = preset("test").replace(delays=request.param)
    return FloatNetwork.of(random_network(config, np.random.default_rng(0)))


def test_file_round_trip(network, tmp_path):
    network = network.replace(beta=0.25, weight=network.weight / 3)
    network.save(tmp_path / "float.npz")
    again = FloatNetwork.read(tmp_path / "float.npz")
    for name in ("weight", "delay", "readout"):
        np.testing.assert_array_equal(getattr(again, name), getattr(network, name))
    for name in ("config", "alpha", "kappa", "beta"):
        assert getattr(again, name) == getattr(network, name)
    assert os.listdir(tmp_path) == ["float.npz"]


def test_files_of_either_kind_are_told_apart(network, tmp_path):
    raw = random_network(network.config, np.random.default_rng(0))
    raw.save(tmp_path / "raw.npz")
    with pytest.raises(NetworkError, match=r"raw\.npz: holds raw integers: this network is quantised already"):
        FloatNetwork.read(tmp_path / "raw.npz")
    network.save(tmp_path / "float.npz")
    with pytest.raises(NetworkError, match="not a Ranvier network"):
        Network.read(tmp_path / "float.npz")


def test_copies_never_share(network):
    copy = network.replace()
    copy.weight[0, 0] += 1
    assert copy.weight[0, 0] != network.weight[0, 0]


def test_arrivals_round_half_up():
    network = FloatNetwork.of(random_network(preset("test"), np.random.default_rng(0)))
    network.delay[0, :4] = [0, 0.49, 0.5, 5.5]
    assert network.arrivals()[0, :4].tolist() == [0, 0, 1, 6]
    assert network.arrivals().shape == network.weight.shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": np.zeros((3, 3))}, r"weight has shape \[3, 3\] but this core holds \[12, 7\]"),
        ({"weight": np.full((12, 7), np.nan)}, "weight holds values that are not finite"),
        ({"delay": np.full((12, 7), 6.5)}, "delay runs from 6.5 to 6.5 steps but this core holds 0 to 6"),
        ({"delay": np.full((12, 7), -1.0)}, "delay runs from -1"),
        ({"alpha": 1.0}, "alpha=1 is not a decay"),
        ({"beta": -0.1}, "beta=-0.1 is not a decay"),
        ({"alpha": "x"}, "alpha='x' is not a decay: give 0 to below 1"),
        ({"alpha": None}, "alpha=None is not a decay"),
        ({"kappa": np.zeros(2)}, "kappa=array"),
        ({"weight": "x"}, r"weight has shape \[\] but"),
        ({"weight": [[0.0], [0.0, 1.0]]}, "weight is not an array of numbers: "),
        ({"weight": np.zeros((12, 7), complex)}, "weight holds complex128 values: give real numbers"),
        ({"weight": np.full((12, 7), "x")}, "weight holds <U1 values: give real numbers"),
        ({"weight": np.full((12, 7), None)}, "weight holds object values: give real numbers"),
    ],
)
def test_refused(changes, message):
    network = FloatNetwork.of(random_network(preset("test"), np.random.default_rng(0)))
    with pytest.raises(NetworkError, match=message) as caught:
        network.replace(**changes)
    assert "\n" not in str(caught.value)


def test_what_a_float_core_gives_back_are_all_real_numbers_that_it_was_given():
    config = preset("test").replace(synapse="exponential")
    real = FloatNetwork.of(random_network(config, np.random.default_rng(1)))
    real = real.replace(alpha=0.3001, kappa=0.6002, beta=0.4003, lag=3)
    core = FloatCore(config)
    for _ in range(2):
        core.load_real(real)
        held = core.network()
        assert held.lag == 3
        for name in ("alpha", "kappa", "beta"):
            assert getattr(held, name) == round(getattr(real, name) * config.decay.one)
        for name in ("weight", "readout"):
            np.testing.assert_array_equal(getattr(held, name), config.weight.quantise(getattr(real, name)))
        core.load(Network.zeros(config))


def test_float_core_runs_the_unrounded_values():
    """A weight between two raw values fires where the rounded one does not."""
    config = preset("test").replace(recurrent=False)
    network = FloatNetwork.of(Network.zeros(config))
    network.weight[0, 0] = 0.5 + 1e-6  # the nearest raw value is 0.5: two spikes reach the threshold exactly
    network.weight[0, 1] = 0.5 - 1e-6
    core = FloatCore(config)
    sample = Sample([0, 0, 3], [0, 0, 1], np.ones(5, bool))
    core.load_real(network)
    assert core.run(sample, record=["spikes"]).steps["spikes"].sum(axis=0).tolist() == [1, 0, 0, 0, 0, 0, 0]
    core.load_real(network.replace(alpha=0.3))
    core.run(sample)
    assert core.history.potential[2, 1] == pytest.approx(0.3 * (1 - 2e-6), rel=1e-12)
    with pytest.raises(NetworkError, match="another configuration"):
        core.load_real(FloatNetwork.of(Network.zeros(config.replace(lanes=1))))

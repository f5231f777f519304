"""Formats that follow the values: what was clipped fits, and nothing grows without need."""

import numpy as np
import pytest

import ranvier
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.qformat import QFormat
from ranvier.quantisation.quantise import quantise
from ranvier.quantisation.widen import finer, widened
from ranvier.recipes import RECIPES

CONFIG = ranvier.preset("yinyang").replace(neurons=12, learning=False)


@pytest.fixture(scope="module")
def data() -> ranvier.Dataset:
    return ranvier.yin_yang(train=100, test=50)


@pytest.fixture
def network() -> FloatNetwork:
    return RECIPES["yinyang"].draw(CONFIG, np.random.default_rng(0))


def test_what_fits_stays(network: FloatNetwork, data: ranvier.Dataset) -> None:
    assert widened(network, data.train) == CONFIG


@pytest.mark.parametrize(("name", "factor"), [("readout", 60.0), ("weight", 12.0)])
def test_nothing_is_clipped_afterwards(network: FloatNetwork, data: ranvier.Dataset, name: str, factor: float) -> None:
    loud = network.replace(**{name: getattr(network, name) * factor})
    before = quantise(loud, dataset=data)
    assert before.after
    assert before.after.saturated or before.roundings[name].clipped
    core = widened(loud, data.train)
    assert core.potential.integer > CONFIG.potential.integer
    assert core.potential.fraction == CONFIG.potential.fraction
    result = quantise(loud, core, dataset=data)
    assert result.after
    assert result.after.saturated == {}
    assert [r.clipped for r in result.roundings.values()] == [0, 0, 0]
    assert result.agreement
    assert result.agreement > 0.95


def test_no_wider_than_a_core_can_be(network: FloatNetwork, data: ranvier.Dataset) -> None:
    core = widened(network.replace(readout=network.readout * 1e9), data.train)
    assert (core.weight.width, core.potential.width) == (24, 24)


def test_slow_exponential_synapses_get_fraction_bits(data: ranvier.Dataset) -> None:
    """(1 / (1 - 0.9) + 1) / (1 - 0.975) = 440 last places are at most 1/64 threshold from 15 fraction bits on."""
    config = CONFIG.replace(synapse="exponential")
    slow = RECIPES["yinyang"].replace(alpha=0.975, beta=0.9, weight_mean=0.02).draw(config, np.random.default_rng(0))
    assert widened(slow, data.train).potential.fraction == 15
    assert widened(slow.replace(beta=0.0), data.train).potential.fraction == CONFIG.potential.fraction


def test_small_weights_get_fraction_bits(network: FloatNetwork, data: ranvier.Dataset) -> None:
    """Half of them have four places or more: 4 / 1e-4 is 2 ** 15.3."""
    faint = network.replace(weight=np.full_like(network.weight, 1e-4))
    core = widened(faint, data.train)
    assert (str(core.weight), core.potential.fraction) == ("s3.16", 16)
    assert quantise(faint, core).roundings["weight"].zeroed == 0


def test_small_weights_among_large_ones_get_fraction_bits(network: FloatNetwork, data: ranvier.Dataset) -> None:
    """1e-5 is 2 ** -16.6: what is widened has nothing to warn about."""
    weight = np.full_like(network.weight, 0.5)
    weight[:, 3] = 1e-5
    mixed = network.replace(weight=weight)
    assert any("rounded to 0" in warning for warning in quantise(mixed).warnings())
    core = widened(mixed, data.train)
    assert str(core.weight) == "s3.17"
    assert not any("rounded to 0" in warning for warning in quantise(mixed, core).warnings())
    hopeless = network.replace(weight=np.where(weight == 1e-5, 1e-12, weight))
    assert widened(hopeless, data.train).weight == CONFIG.weight  # bits that hold nothing cost memory


def test_finer_formats() -> None:
    form = QFormat(True, 3, 12)
    assert finer(form, np.zeros(3)) == finer(form, np.array([0.0, 1.0, -2.0])) == form
    assert str(finer(form, np.array([0.0, 2.0**-12]))) == "s3.14"
    assert finer(form, np.array([1e-300])).width == 24

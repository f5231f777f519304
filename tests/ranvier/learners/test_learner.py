"""One verb for all learners: core, data and seed in, a network for the core out."""

import doctest
from importlib.util import find_spec

import numpy as np
import pytest

import ranvier.learners
from ranvier.data import DataError, Dataset, yin_yang
from ranvier.learners import LEARNERS, learner
from ranvier.parameters.config import ConfigError
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, VARIANTS, recipe_of

CONFIG = preset("yinyang").replace(neurons=10)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return yin_yang(train=60, test=20)


def usable(name: str) -> str:
    if not all(map(find_spec, LEARNERS[name].needs)):
        pytest.skip(f"a package is missing that {name} needs")
    return name


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_makes_a_network_for_the_core(name: str, data: Dataset) -> None:
    online = name.startswith("online")
    seen: list[int] = []
    trained = learner(usable(name)).train(
        CONFIG, data, seed=3, epochs=2, validation=0.2, report=lambda training: seen.append(len(training.epochs))
    )
    assert seen == [1, 2] == list(range(1, len(trained.epochs) + 1))
    assert (trained.initial.weight != trained.network.weight).mean() > 0.5
    assert (trained.network.config.learning, trained.float_network is None) == (online, online)
    assert trained.network.config.replace(learning=True).neurons == 10
    assert not trained.interrupted
    assert trained.warnings == trained.training.warnings
    assert trained.lines()[:2] == list(ranvier.learners.training.LEGEND)
    assert 0 < trained.golden(data).accuracy <= 1
    again = learner(name).train(CONFIG, data, seed=3, epochs=2, validation=0.2)
    other = learner(name).train(CONFIG, data, seed=4, epochs=2, validation=0.2)
    np.testing.assert_array_equal(again.network.weight, trained.network.weight)
    assert (other.network.weight != trained.network.weight).any()


def test_the_online_learner_is_train(data: Dataset) -> None:
    trained = learner("online").train(CONFIG, data, seed=5, epochs=2)
    recipe = RECIPES["yinyang"].replace(epochs=2)
    with ranvier.open_device("golden", CONFIG) as device:
        expected = ranvier.train(device, ranvier.initial_network(CONFIG, recipe, 5), data, recipe, 5)
    plain = learner("online", "golden:plain").train(CONFIG, data, seed=5, epochs=2)
    for name in Network.layout(CONFIG):
        np.testing.assert_array_equal(getattr(trained.network, name), getattr(expected.network, name))
        np.testing.assert_array_equal(getattr(plain.network, name), getattr(expected.network, name))
    assert trained.training.counters == expected.counters
    assert trained.saturated == expected.saturated


@pytest.mark.parametrize("delays", VARIANTS)
@pytest.mark.parametrize("name", ["online", "eventprop"])
def test_kinds_of_delays(name: str, delays: str, data: Dataset) -> None:
    trained = learner(name).train(CONFIG, data, delays=delays, epochs=1)
    expected = {"fixed": "synaptic", "zero": "synaptic"}.get(delays, delays)
    assert trained.network.config.delays == expected
    if expected != "none":
        assert trained.initial.delay.any() == (delays != "zero")
        assert (trained.initial.delay == trained.network.delay).all() == (delays == "fixed")


@pytest.mark.parametrize("name", ["online", "eventprop"])
def test_a_recipe_of_one_s_own(name: str, data: Dataset) -> None:
    """Whose other fields hold: also for delays that all start at 0."""
    recipe = recipe_of(name, "yinyang").replace(epochs=1, eta_readout=0.0)
    for delays in ("synaptic", "zero"):
        trained = learner(name).train(CONFIG, data, delays=delays, recipe=recipe)
        assert len(trained.epochs) == 1
        np.testing.assert_array_equal(trained.network.readout, trained.initial.readout)
        assert trained.initial.delay.any() == (delays == "synaptic")


def test_what_is_refused(data: Dataset) -> None:
    with pytest.raises(DataError, match="dataset='yinyang' is not a data set"):
        learner("online").train(CONFIG, "yinyang")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs 5 inputs but this core holds 3"):
        learner("online").train(CONFIG.replace(inputs=3), data)
    start = learner("eventprop").train(CONFIG, data, epochs=1).float_network
    with pytest.raises(ConfigError, match="has neurons=10 but this training neurons=11"):
        learner("eventprop").train(CONFIG.replace(neurons=11), data, start=start)


def test_usage_in_the_docstring() -> None:
    result = doctest.testmod(ranvier.learners)
    assert (result.attempted, result.failed) == (4, 0)

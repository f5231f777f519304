"""Recipes, initial networks and training: what moves, what must not, and that a seed decides everything."""

import numpy as np
import pytest

from ranvier.data import Dataset, yin_yang
from ranvier.device import DeviceError, open_device
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.network import Network
from ranvier.golden.presets import preset
from ranvier.golden.record import COUNTERS
from ranvier.golden.spikes import SampleError
from ranvier.recipes import DELAY_MODES, RECIPES, DelayMode, Recipe, initial_network, with_delays
from ranvier.training import DelayChange, Training, evaluate, train

CONFIG = preset("yinyang").replace(neurons=30)
RECIPE = RECIPES["yinyang"].replace(epochs=2)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return yin_yang(train=300, test=100)


def teach(
    data: Dataset, mode: DelayMode = "synaptic", seed: int = 0, device: str = "golden", recipe: Recipe = RECIPE
) -> Training:
    config, recipe = with_delays(CONFIG, recipe, mode)
    with open_device(device, config) as opened:
        return train(opened, initial_network(config, recipe, seed), data, recipe, seed)


def same(one: Network, other: Network) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Network.layout(one.config))


# -------------------------------------------------------------------- recipes and initial networks


@pytest.mark.parametrize("name", RECIPES)
def test_initial_network_has_the_recipe_s_distributions(name: str) -> None:
    config, recipe = preset(name), RECIPES[name]
    network = initial_network(config.replace(neurons=1000), recipe, seed=3)
    weight, recurrent = np.split(network.real("weight"), [config.inputs])
    assert not len(recurrent) or abs(recurrent.std() / recipe.recurrent_std - 1) < 0.05
    assert abs(weight.mean() - recipe.weight_mean) < 0.1 * recipe.weight_std
    assert abs(weight.std() / recipe.weight_std - 1) < 0.05
    assert abs(network.real("readout").std() / recipe.readout_std - 1) < 0.05
    assert abs(network.real("delay").mean() / (recipe.delay_span * config.max_delay) - 0.5) < 0.05
    assert network.alpha / config.decay.one == pytest.approx(recipe.alpha, abs=1 / config.decay.one)
    assert all(float(eta) > 0 for eta in (network.eta_weight, network.eta_delay, network.eta_readout))


@pytest.mark.parametrize(
    ("config", "shapes"),
    [
        (CONFIG.replace(delays="none"), {"weight": (5, 30), "delay": (0, 0), "feedback": (0, 0)}),
        (CONFIG.replace(delays="axonal", feedback="random"), {"delay": (5, 1), "feedback": (30, 3)}),
        (CONFIG.replace(recurrent=True), {"weight": (35, 30), "delay": (35, 30)}),
    ],
)
def test_initial_network_fits_every_kind_of_core(config: CoreConfig, shapes: dict[str, tuple[int, int]]) -> None:
    network = initial_network(config, RECIPE.replace(recurrent_std=0.1), seed=0)
    assert {name: getattr(network, name).shape for name in shapes} == shapes
    assert same(network, initial_network(config, RECIPE.replace(recurrent_std=0.1), seed=0))
    assert not same(network, initial_network(config, RECIPE.replace(recurrent_std=0.1), seed=1))


@pytest.mark.parametrize(
    ("mode", "delays", "eta"),
    [("none", "none", 0), ("fixed", "synaptic", 0), ("axonal", "axonal", 0.25), ("synaptic", "synaptic", 0.5)],
)
def test_delay_modes(mode: DelayMode, delays: str, eta: float) -> None:
    config, recipe = with_delays(CONFIG, RECIPE.replace(eta_delay=0.5, eta_axonal=0.25), mode)
    assert config.delays == delays
    assert float(recipe.step_sizes(config, 0)[1]) == eta


def test_step_sizes_decay_from_epoch_to_epoch() -> None:
    recipe = RECIPE.replace(eta_weight=0.5, eta_delay=2.0, eta_readout=0.25, decay=0.5)
    sizes = [[float(eta) for eta in recipe.step_sizes(CONFIG, epoch)] for epoch in range(3)]
    assert sizes == [[0.5, 2.0, 0.25], [0.25, 1.0, 0.125], [0.125, 0.5, 0.0625]]


def test_recipe_needs_an_epoch() -> None:
    with pytest.raises(ConfigError, match="epochs=0"):
        RECIPE.replace(epochs=0)


# -------------------------------------------------------------------- training


@pytest.mark.parametrize("mode", DELAY_MODES)
def test_training_moves_what_it_should(data: Dataset, mode: DelayMode) -> None:
    result = teach(data, mode)
    assert (result.network.weight != result.initial.weight).mean() > 0.5
    assert (result.network.readout != result.initial.readout).mean() > 0.5
    moved = result.delays.mean if result.delays else None
    assert moved is None if mode == "none" else moved == 0 if mode == "fixed" else moved > 0.05
    assert result.accuracy > 0.5
    assert [epoch.train.samples for epoch in result.epochs] == [300, 300]
    assert result.epochs[0].train.rate > 0.001
    assert set(result.counters) == set(COUNTERS)


def test_same_seed_same_bits_on_plain_and_compiled(data: Dataset) -> None:
    few, recipe = data.part(40, 10), RECIPE.replace(epochs=1)
    plain, compiled, again, other = (
        teach(few, seed=seed, device=device, recipe=recipe)
        for device, seed in (("golden:plain", 7), ("golden", 7), ("golden", 7), ("golden", 8))
    )
    assert same(plain.network, compiled.network)
    assert same(compiled.network, again.network)
    assert not same(compiled.network, other.network)
    assert plain.counters == compiled.counters
    assert plain.counters["spikes"] > 500
    assert plain.delays
    assert plain.delays.mean > 0


def test_evaluation_learns_nothing_and_repeats(data: Dataset) -> None:
    learned = teach(data).network
    with open_device("golden", CONFIG) as device:
        device.load(learned)
        first, second = evaluate(device, data), evaluate(device, data)
        assert same(device.network(), learned)
    assert first.samples == 100
    assert (first.correct, first.spikes, first.steps) == (second.correct, second.spikes, second.steps)
    assert first.cycles_per_sample is None


class Interrupted(CompiledCore):
    """Ctrl-C while sample number `last` runs."""

    last = 0

    def play(self, *arguments, **named):  # type: ignore[no-untyped-def]
        self.last -= 1
        if self.last < 0:
            raise KeyboardInterrupt
        return super().play(*arguments, **named)


def test_interrupt_keeps_the_last_finished_epoch(data: Dataset) -> None:
    few, recipe = data.part(30, 10), RECIPE.replace(epochs=3)
    device = Interrupted(CONFIG)
    device.last = 2 * 40 + 5
    result = train(device, initial_network(CONFIG, recipe, 0), few, recipe)
    assert result.interrupted
    assert len(result.epochs) == 2
    assert same(result.network, teach(few, recipe=recipe.replace(epochs=2)).network)


def test_interrupt_before_anything_is_finished(data: Dataset) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(CONFIG), initial_network(CONFIG, RECIPE, 0), data, RECIPE)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (CONFIG.replace(inputs=3), ConfigError, "needs 5 inputs"),
        (CONFIG.replace(outputs=2), ConfigError, "needs 3 outputs"),
        (CONFIG.replace(learning=False), SampleError, "without learning"),
    ],
)
def test_training_refuses(data: Dataset, config: CoreConfig, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(CompiledCore(config), initial_network(config, RECIPE, 0), data, RECIPE)


def test_unknown_device() -> None:
    with pytest.raises(DeviceError, match="choose one of golden"):
        open_device("fpga", CONFIG)


def test_delay_change_counts_by_hand() -> None:
    config = CoreConfig(inputs=1, neurons=4, outputs=2, max_delay=10)
    before = Network.zeros(config).replace(delay=config.delay.quantise([[0, 2, 5, 10]]))
    change = DelayChange.between(before, before.replace(delay=config.delay.quantise([[1, 2, 6, 8]])), bins=5)
    assert change
    assert change.mean == 1.0
    np.testing.assert_array_equal(change.edges, [0, 2, 4, 6, 8, 10])
    np.testing.assert_array_equal(change.before, [1, 1, 1, 0, 1])
    np.testing.assert_array_equal(change.after, [1, 1, 0, 1, 1])
    assert len(change.text()) == 6
    assert DelayChange.between(*[Network.zeros(config.replace(delays="none"))] * 2) is None

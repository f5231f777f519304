"""Recipes, initial networks and training: what moves, what must not, and that a seed decides everything."""

import numpy as np
import pytest

from ranvier.data import Dataset, yin_yang
from ranvier.device import Device, DeviceError, open_device
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.learners.online import DelayChange, Training, evaluate, train
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import SampleError
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.quantisation.quantise import Behaviour
from ranvier.recipes import DELAY_MODES, RECIPES, DelayMode, Recipe, initial_network, with_delays

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


@pytest.mark.parametrize("device", ["golden", "float64"])
def test_rates_and_shares_count_the_steps_by_which_samples_grow(data: Dataset, device: str) -> None:
    few, lag = data.part(20, 10), 7
    steps = few.test[0].steps
    network = initial_network(CONFIG, RECIPE, seed=0)
    with open_device(device, CONFIG) as core:
        for late in (0, lag):
            core.load(network.replace(lag=late))
            assert core.run(few.test[0]).length == steps + late
            result = evaluate(core, few)
            assert result.steps == 10 * (steps + late)
            assert result.rate == result.spikes / (10 * (steps + late) * CONFIG.neurons) > 0
            assert Behaviour.of("float", core, few).rate == pytest.approx(result.rate, rel=1e-12)


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


# -------------------------------------------------------------------- rewiring

SPARSE = CONFIG.replace(dormant=True)
REWIRING = Rewiring(connectivity=0.2, l1=0.2, temperature=1.0, start=0.5)


class Watched(CompiledCore):
    """Keeps which synapses were active whenever a sample was run: learned on, or tested."""

    def play(self, *arguments):  # type: ignore[no-untyped-def]
        scores = super().play(*arguments)
        learn = arguments[2]
        self.__dict__.setdefault("seen", {True: [], False: []})[learn].append(self.network().weight != 0)
        return scores


def rewired(data: Dataset, device: Device, every: int | None = None, epochs: int = 3) -> tuple[Training, DeepR]:
    plasticity = DeepR(device.config, REWIRING.replace(every=every), seed=5)
    recipe = RECIPE.replace(epochs=epochs)
    start = plasticity.start(initial_network(device.config, recipe, 5))
    return train(device, start, data, recipe, 5, rewiring=plasticity), plasticity


@pytest.mark.parametrize("every", [None, 25])
def test_rewiring_keeps_the_number_of_connections(data: Dataset, every: int | None) -> None:
    """In every test and in the result; while the core learns, dormant synapses stay as they are."""
    device = Watched(SPARSE)
    result, plasticity = rewired(data.part(60, 10), device, every)
    tested, learned = (np.array(device.seen[learn]) for learn in (False, True))
    assert (tested.sum(axis=(1, 2)) == 30).all()
    assert tested.shape == (30, 5, 30)
    assert np.count_nonzero(result.network.weight) == 30
    assert (learned.sum(axis=(1, 2)) <= 30).all()
    fresh = np.flatnonzero((learned[1:] & ~learned[:-1]).any(axis=(1, 2))) + 1
    assert plasticity.formed > 10
    assert set(fresh) == ({60, 120} if every is None else {25, 50, 60, 85, 110, 120, 145, 170})
    kept = (result.network.weight != 0) & (result.initial.weight != 0)
    assert kept.sum() > 5
    assert (result.network.weight != result.initial.weight)[kept].any()
    assert (result.network.delay != result.initial.delay).any()


def test_counters_go_on_through_rewiring(data: Dataset) -> None:
    result, _ = rewired(data.part(60, 10), CompiledCore(SPARSE), 20, epochs=2)
    spikes = sum(epoch.train.spikes + epoch.test.spikes for epoch in result.epochs)
    assert [epoch.train.samples for epoch in result.epochs] == [60, 60]
    assert result.counters["spikes"] == spikes > 300


def test_only_structure_moves_delays_without_a_gradient(data: Dataset) -> None:
    few, recipe = data.part(60, 10), RECIPE.replace(epochs=1, eta_delay=0.0)
    plasticity = DeepR(SPARSE, REWIRING.replace(every=20), seed=5)
    start = plasticity.start(initial_network(SPARSE, recipe, 5))
    result = train(CompiledCore(SPARSE), start, few, recipe, 5, rewiring=plasticity)
    moved = result.network.delay != start.delay
    assert moved.any()
    assert moved.sum() <= plasticity.formed
    static = train(CompiledCore(SPARSE), start, few, recipe, 5)
    np.testing.assert_array_equal(static.network.delay, start.delay)


def test_rewiring_is_the_same_on_plain_and_compiled(data: Dataset) -> None:
    (plain, _), (compiled, plasticity) = (
        rewired(data.part(12, 4), core(SPARSE), 5, epochs=2) for core in (GoldenCore, CompiledCore)
    )
    assert plasticity.formed > 3
    assert same(plain.network, compiled.network)
    assert plain.network.seed == compiled.network.seed != plain.initial.seed
    assert plain.counters == compiled.counters
    assert plain.counters["spikes"] > 50


def test_rewiring_needs_a_core_with_dormant_synapses(data: Dataset) -> None:
    with pytest.raises(ConfigError, match="dormant=true"):
        rewired(data, CompiledCore(CONFIG))


def test_several_synapses_between_an_input_and_a_neuron(data: Dataset) -> None:
    """Through copies of the inputs; each comes and goes by itself and keeps a delay of its own."""
    few = data.part(60, 10).repeated(3)
    config = SPARSE.replace(inputs=15)
    result, plasticity = rewired(few, CompiledCore(config))
    weight, delay = (getattr(result.network, name).reshape(3, 5, 30) for name in ("weight", "delay"))
    assert np.count_nonzero(weight) == 90
    several = (weight != 0).sum(axis=0) > 1
    assert several.sum() > 10
    pairs = [delay[:, i, j][weight[:, i, j] != 0] for i, j in np.argwhere(several)]
    assert all(len(set(pair)) == len(pair) for pair in pairs)
    assert plasticity.formed > 20


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


def test_delay_change_of_active_synapses() -> None:
    config = CoreConfig(inputs=1, neurons=4, outputs=2, max_delay=10, dormant=True)
    before = Network.zeros(config).replace(delay=config.delay.quantise([[0, 2, 5, 10]]), weight=[[1, 1, 0, 0]])
    after = before.replace(delay=config.delay.quantise([[3, 2, 7, 1]]), weight=[[-1, 0, 1, 0]])
    change = DelayChange.between(before, after, bins=5)
    assert change
    assert change.mean == 3.0
    np.testing.assert_array_equal(change.before, [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(change.after, [0, 1, 0, 1, 0])
    nothing = DelayChange.between(before, before.replace(weight=[[0, 0, 0, 0]]))
    assert nothing
    assert nothing.mean == 0

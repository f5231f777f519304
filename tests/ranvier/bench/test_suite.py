"""What decides a result decides its key, nothing else does, and a run leaves a network that gives its numbers again."""

from dataclasses import replace

import numpy as np
import pytest

import ranvier.recipes.sparsity as sparsity
from ranvier.bench.selection import SUITE_LEARNERS, Selection
from ranvier.bench.suite import SUITES, TRIAL, Material, Run, parameters
from ranvier.data import Dataset, yin_yang
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.budget import memories
from ranvier.learners import Trained
from ranvier.learners.evaluation import evaluate
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, VARIANTS

RUN = Run("yinyang", "online", "synaptic", "feedforward", 10, seed=0, epochs=1)


@pytest.fixture
def material() -> Material:
    return Material.of(yin_yang(train=30, test=30))


@pytest.mark.parametrize(
    "changes",
    [
        {"learner": "online-float"},
        {"delays": "fixed"},
        {"delays": "zero"},
        {"wiring": "recurrent"},
        {"neurons": 11},
        {"seed": 1},
        {"epochs": 2},
        {"connectivity": 0.3},
    ],
    ids=str,
)
def test_key_follows_the_settings(changes, material):
    assert RUN.key(material) == RUN.key(material) != replace(RUN, **changes).key(material)


def test_key_of_a_sparse_run_follows_structure_and_rewiring(material, monkeypatch):
    sparse = replace(RUN, connectivity=0.3, structure="rewired")
    keys = {RUN.key(material), sparse.key(material), replace(sparse, structure="static").key(material)}
    monkeypatch.setattr(sparsity, "DRIFT", 2.0)
    assert len(keys | {sparse.key(material)}) == 4
    assert RUN.key(material) in keys


def test_key_follows_the_data(material):
    key = RUN.key(material)
    assert RUN.key(Material.of(yin_yang(train=40, test=40), samples=30)) == key
    assert RUN.key(Material.of(yin_yang(train=31, test=30))) != key
    assert RUN.key(Material.of(yin_yang(seed=1, train=30, test=30))) != key


def test_key_follows_the_recipe(material, monkeypatch):
    key = RUN.key(material)
    monkeypatch.setitem(RECIPES, "yinyang", RECIPES["yinyang"].replace(decay=0.5))
    assert RUN.key(material) != key


def test_key_follows_the_arithmetic(material, monkeypatch):
    key = RUN.key(material)
    network, learned = CompiledCore.network, []

    def bent(core: CompiledCore) -> Network:
        learned.append(core.counters()["spikes"])
        return (n := network(core)).replace(weight=n.weight ^ 1)

    monkeypatch.setattr(CompiledCore, "network", bent)
    assert RUN.key(replace(material, _trials={})) != key
    assert learned[-1] > TRIAL, "nothing spiked"


def test_grid():
    found = Selection(learner=["online"]).runs("yinyang", seeds=2)
    assert len(found) == len(set(found)) == 2 * (4 * 4 + 1)
    assert [run.seed for run in found] == sorted(run.seed for run in found)
    assert {run.delays for run in found} == set(VARIANTS)
    some = Selection(learner=["online"], delays=["fixed"], wiring=["recurrent"], neurons=[30, 60]).runs(
        "yinyang", seeds=1
    )
    assert some == [Run("yinyang", "online", "fixed", "recurrent", 30, 0)]
    small = Selection(learner=["online"], delays=["none"], neurons=[10], connectivity=[1, 0.1])
    sparse = small.runs("yinyang", seeds=1)
    assert [(run.connectivity, run.structure) for run in sparse] == [(1, "static"), (0.1, "static"), (0.1, "rewired")]
    assert sparse[0] == Run("yinyang", "online", "none", "feedforward", 10, 0)
    assert replace(small, connectivity=[0.1], structure=["rewired"]).runs("yinyang", seeds=1) == sparse[2:]
    assert replace(small, connectivity=[1, 1.0]).runs("yinyang", seeds=1) == sparse[:1], "asked for twice"
    assert {run.learner for run in Selection().runs("yinyang", seeds=1)} == set(SUITE_LEARNERS)
    with pytest.raises(
        ConfigError, match="no such row: choose from feedforward: 10, 30, 60 neurons; recurrent: 30 neurons"
    ):
        Selection(neurons=[11]).runs("yinyang", seeds=1)
    for name, suite in SUITES.items():
        assert suite.shown in {(wiring, neurons) for wiring, neurons, _ in suite.networks()}, name


@pytest.mark.parametrize("name", SUITES)
def test_cores_of_a_suite_can_be_built(name):
    """Their memories can be added up, and every synapse that is used counts once."""
    for wiring, neurons, delays in SUITES[name].networks():
        mode = {"fixed": "synaptic", "zero": "synaptic"}.get(delays, delays)
        config: CoreConfig = preset(name).replace(neurons=neurons, recurrent=wiring == "recurrent", delays=mode)
        assert sum(memories(config).values()) > 0
        own = neurons if config.recurrent else 0
        synapses = config.rows * neurons - own
        delayed = {"none": 0, "axonal": config.rows, "synaptic": synapses}[mode]
        assert parameters(config) == synapses + delayed + neurons * config.outputs


@pytest.mark.parametrize("learner", ["online", "eventprop"])
def test_a_run_that_is_stopped_ends_at_once(learner, material, monkeypatch):
    """After its first epoch, of which nothing is quantised or tested."""
    seen, epoch = [], Dataset.epoch

    def second(dataset: Dataset, seed: object) -> Dataset:
        seen.append(seed)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return epoch(dataset, seed)

    def work(*_: object, **__: object) -> None:
        raise AssertionError("work for a run that was stopped")

    monkeypatch.setattr("ranvier.learners.offline.widened", work)
    monkeypatch.setattr(Trained, "golden", work)
    monkeypatch.setattr(Dataset, "epoch", second)
    with pytest.raises(KeyboardInterrupt):
        replace(RUN, learner=learner, epochs=3).result(material)
    assert len(seen) == 2


def test_run_leaves_a_network_that_gives_its_numbers_again(material, tmp_path):
    run = replace(RUN, wiring="recurrent")
    result = run.result(material)
    values, (name, content) = result.values, result.files["network"]
    assert name == "online-synaptic-recurrent-10-seed0"
    path = tmp_path / "network.npz"
    path.write_bytes(content)
    network = Network.read(path)
    with CompiledCore(network.config) as core:
        core.load(network)
        result = evaluate(core, material.dataset)
    assert values["golden_accuracy"] == result.accuracy == values["curve"][-1]
    assert values["spikes_per_sample"] == pytest.approx(result.spikes / result.samples)
    assert result.spikes > 100
    assert values["parameters"] == 15 * 10 * 2 - 2 * 10 + 30
    assert values["memory_bits"] == sum(memories(network.config).values())
    assert values["learning_cycles_per_sample"] > values["cycles_per_sample"] > material.dataset.test[0].steps
    assert np.sum(values["histogram"]["after"]) == network.delay.size
    assert values["delays_moved"] > 0

"""What decides a result decides its key, nothing else does, and a run leaves a network that gives its numbers again."""

from dataclasses import replace

import numpy as np
import pytest

import ranvier.learners
import ranvier.recipes
from ranvier.bench.suite import SUITES, TRIAL, Material, Run, parameters, runs
from ranvier.data import yin_yang
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.budget import memories
from ranvier.learners import VARIANTS
from ranvier.learners.online import evaluate
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES

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
    monkeypatch.setattr(ranvier.recipes, "DRIFT", 2.0)
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


def test_key_follows_the_code_of_the_learner_but_not_its_comments(material, monkeypatch, tmp_path):
    source = tmp_path / "learner.py"
    monkeypatch.setattr(ranvier.learners.Online, "sources", ("learner.py",))
    monkeypatch.setattr(ranvier, "__path__", [str(tmp_path)])

    def key(text: str) -> str:
        source.write_text(text)
        ranvier.learners._code.cache_clear()
        return RUN.key(material)

    first = key('"""Words."""\n\ndef f(x):\n    """More."""\n    return 2 * x\n')
    assert key('"""Other words."""\n\ndef f(x):  # new\n    return 2 * x\n') == first
    assert key("def f(x):\n    return 3 * x\n") != first


def test_every_learner_has_its_sources():
    for name, way in ranvier.learners.LEARNERS.items():
        if not any(ranvier.learners.find_spec(module) is None for module in way.needs):
            assert way.digest() != replaced_digest(way), name


def replaced_digest(way: ranvier.learners.Way) -> str:
    """Digest of a learner without sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(way, "sources", (), raising=False)
        return way.digest()


def test_grid():
    found = runs("yinyang", learners=["online"], seeds=2)
    assert len(found) == len(set(found)) == 2 * (4 * 4 + 1)
    assert [run.seed for run in found] == sorted(run.seed for run in found)
    assert {run.delays for run in found} == set(VARIANTS)
    some = runs("yinyang", learners=["online"], seeds=1, delays=["fixed"], wirings=["recurrent"], neurons=[30, 60])
    assert some == [Run("yinyang", "online", "fixed", "recurrent", 30, 0)]
    sparse = runs("yinyang", learners=["online"], seeds=1, delays=["none"], neurons=[10], connectivity=[1, 0.1])
    assert [(run.connectivity, run.structure) for run in sparse] == [(1, "static"), (0.1, "static"), (0.1, "rewired")]
    assert sparse[0] == Run("yinyang", "online", "none", "feedforward", 10, 0)
    one = runs(
        "yinyang",
        learners=["online"],
        seeds=1,
        delays=["none"],
        neurons=[10],
        connectivity=[0.1],
        structures=["rewired"],
    )
    assert one == sparse[2:]
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


def test_run_leaves_a_network_that_gives_its_numbers_again(material, tmp_path):
    run = replace(RUN, wiring="recurrent")
    outcome = run.result(material)
    row, (name, content) = outcome.row, outcome.files["network"]
    assert name == "online-synaptic-recurrent-10-seed0"
    path = tmp_path / "network.npz"
    path.write_bytes(content)
    network = Network.read(path)
    with CompiledCore(network.config) as core:
        core.load(network)
        tally = evaluate(core, material.dataset)
    assert row["golden_accuracy"] == tally.accuracy == row["curve"][-1]
    assert row["spikes_per_sample"] == pytest.approx(tally.spikes / tally.samples)
    assert tally.spikes > 100
    assert row["parameters"] == 15 * 10 * 2 - 2 * 10 + 30
    assert row["memory_bits"] == sum(memories(network.config).values())
    assert row["learning_cycles_per_sample"] > row["cycles_per_sample"] > material.dataset.test[0].steps
    assert np.sum(row["histogram"]["after"]) == network.delay.size
    assert row["delays_moved"] > 0

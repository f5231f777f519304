"""Networks that become NIR graphs and come back are the same, raw integer for raw integer; the graphs spike as they do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.golden.float_core import FloatCore
from ranvier.nir.dialects import DIALECTS
from ranvier.nir.exporter import export_graph
from ranvier.nir.graph import NirError, read_graph, write_graph
from ranvier.nir.importer import import_graph
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.sample import Sample
from ranvier.quantisation.quantise import quantised

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")

DT = 1e-3
KINDS = ("none", "axonal", "synaptic")


def core_network(rng: np.random.Generator, **changes: Any) -> Network:
    """Random raw integers, every synapse in use."""
    config = CoreConfig(
        **{"inputs": 4, "neurons": 5, "outputs": 3, "max_delay": 9, "lanes": 2, "threshold": 0.5} | changes
    )
    net = Network.zeros(config, alpha=0.9, kappa=0.8)
    weight = rng.integers(1, 3 * config.weight.one // 4, net.weight.shape) * rng.choice([-1, 1, 1], net.weight.shape)
    delay = rng.integers(0, config.delay_limit + 1, net.delay.shape)
    for array in (weight, delay) if config.delays == "synaptic" else (weight,):
        np.fill_diagonal(array[config.inputs :], 0)  # never used
    readout = rng.integers(config.weight.min, config.weight.max + 1, net.readout.shape)
    beta = int(config.decay.quantise(0.6 * config.exponential))
    return net.replace(weight=weight, delay=delay, readout=readout, beta=beta)


def spikes_of(network: FloatNetwork, raster: np.ndarray) -> np.ndarray:
    core = FloatCore(network.config)
    core.load_real(network)
    return core.run(Sample.from_raster(raster), record=["spikes"]).steps["spikes"]


@pytest.mark.parametrize("integration", ["euler", "exp"])
@pytest.mark.parametrize(("reset", "synapse"), [("soft now", "delta"), ("zero", "exponential")])
@pytest.mark.parametrize("recurrent", [False, True], ids=["feedforward", "recurrent"])
@pytest.mark.parametrize("delays", KINDS)
def test_there_and_back(
    delays: str, recurrent: bool, reset: str, synapse: str, integration: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    network = core_network(rng, delays=delays, recurrent=recurrent, reset=reset, synapse=synapse)
    write_graph(tmp_path / "n.nir", export_graph(network, dt=DT, integration=integration, fractions=True).graph)
    back = import_graph(read_graph(tmp_path / "n.nir"))
    returned = quantised(back.network)
    assert returned.config == network.config
    compared = 0
    for name in ("weight", "delay", "readout", "alpha", "beta", "kappa"):
        np.testing.assert_array_equal(getattr(returned, name), getattr(network, name))
        compared += np.size(getattr(network, name))
    assert compared >= 38
    folded = 1 if synapse == "exponential" else 1 - back.network.alpha  # r of a LIF went into the weights
    assert back.values["weight_factor"] == pytest.approx([folded, folded])
    raster = (rng.random((60, 4)) < 0.3).astype(int)
    spikes = spikes_of(FloatNetwork.of(network), raster)
    np.testing.assert_array_equal(spikes_of(back.network, raster), spikes)
    assert 10 < spikes.sum() < 0.8 * spikes.size


@pytest.mark.parametrize("delays", ["axonal", "synaptic"])
def test_rounded_delays_arrive_on_the_same_step(delays: str) -> None:
    network = FloatNetwork.of(core_network(np.random.default_rng(8), delays=delays, recurrent=True))
    exported = export_graph(network, dt=DT)
    assert any("rounded to steps, by up to 0." in note for note in exported.notes)
    back = import_graph(exported.graph)
    np.testing.assert_array_equal(back.network.arrivals(), network.arrivals())
    np.testing.assert_array_equal(back.network.weight, network.weight)
    assert back.values["rounded"] == 0
    assert (back.network.delay != network.delay).any()


def test_one_delay_node_or_one_branch_for_each_delay() -> None:
    rng = np.random.default_rng(9)
    nodes = export_graph(core_network(rng, delays="axonal"), dt=DT).graph.nodes
    assert [name for name in nodes if "delay" in name] == ["input_delay"]
    assert nodes["input_delay"].delay.shape == (4,)
    network = FloatNetwork.of(core_network(rng, delays="synaptic", recurrent=True))
    nodes = export_graph(network, dt=DT).graph.nodes
    for source, rows in (("input", slice(0, 4)), ("neurons", slice(4, None))):
        used = np.unique(network.arrivals()[rows][network.weight[rows] != 0])
        branches = [node for name, node in nodes.items() if name.startswith(f"{source}_delay")]
        np.testing.assert_allclose([node.delay[0] for node in branches], (used + 1) * DT)
        assert all((node.delay == node.delay[0]).all() for node in branches)
        parts = [node.weight != 0 for name, node in nodes.items() if name.startswith(f"{source}_weight")]
        assert len(parts) == len(used) > 3
        np.testing.assert_array_equal(np.sum(parts, axis=0), (network.weight[rows] != 0).T)  # disjoint


def test_what_nir_cannot_say_is_said() -> None:
    exported = export_graph(core_network(np.random.default_rng(0), delays="none", reset="soft"), dt=DT)
    assert any("one step earlier" in note for note in exported.notes)
    assert any("no reset that subtracts" in note for note in exported.notes)
    exported = export_graph(
        core_network(np.random.default_rng(0), delays="axonal", reset="zero"), dt=DT, fractions=True
    )
    assert exported.notes == []


def test_synapses_onto_themselves_are_never_used_and_left_out() -> None:
    network = FloatNetwork.of(core_network(np.random.default_rng(4), delays="axonal", recurrent=True))
    used = network.weight.copy()
    network.weight[4:][np.diag_indices(5)] = 3.0
    np.testing.assert_array_equal(import_graph(export_graph(network, dt=DT).graph).network.weight, used)


def test_a_readout_without_memory_needs_no_node() -> None:
    network = FloatNetwork.of(core_network(np.random.default_rng(0))).replace(kappa=0.0)
    graph = export_graph(network, dt=DT).graph
    assert "readout" not in graph.nodes
    assert import_graph(graph).network.kappa == 0


def test_a_network_without_synapses_keeps_its_shape() -> None:
    config = CoreConfig(inputs=4, neurons=5, outputs=3, recurrent=True)
    back = import_graph(export_graph(Network.zeros(config), dt=DT).graph).network
    assert back.config == config
    assert not back.weight.any()


def test_decays_without_a_time_constant_are_refused() -> None:
    network = FloatNetwork.of(core_network(np.random.default_rng(0))).replace(alpha=0.0)
    with pytest.raises(NirError, match=r"alpha=0 is the decay of no time constant .* take integration euler"):
        export_graph(network, dt=DT, integration="exp")
    assert import_graph(export_graph(network, dt=DT).graph).network.alpha == 0
    with pytest.raises(NirError, match="dt=0 is not a step"):
        export_graph(network, dt=0)


# -------------------------------------------------------------------- what other simulators make of it


def small(beta: float = 0.0, *, recurrent: bool = False, **changes: Any) -> FloatNetwork:
    rng, synapse = np.random.default_rng(0), "exponential" if beta else "delta"
    shape = {"inputs": 4, "neurons": 5, "outputs": 3, "reset": "zero", "delays": "none", "synapse": synapse}
    config = CoreConfig(**shape | {"recurrent": recurrent} | changes)
    weight = rng.normal(0.3, 0.4, (config.rows, 5)) * (1 - beta)
    return FloatNetwork(config, weight, np.zeros((0, 0)), rng.normal(0, 1, (5, 3)), 0.9, 0.8, beta)


def euler(graph: Any, raster: np.ndarray, *, hears_r: bool, dt: float = DT) -> np.ndarray:
    """Spikes of a LIF layer as Norse's LIFBox (which does not hear r) and others (which do) compute them."""
    lif, weight = graph.nodes["neurons"], graph.nodes["input_weight"].weight
    v, spikes = np.zeros(5), []
    for row in raster:
        v = v + dt / lif.tau * ((lif.r if hears_r else 1) * (weight @ row) - v)
        spikes.append(v > lif.v_threshold)
        v = np.where(spikes[-1], lif.v_reset, v)
    return np.array(spikes)


def test_r_is_folded_into_the_weights() -> None:
    """So that who ignores r spikes as who does not, and both as the core."""
    network, raster = small(), (np.random.default_rng(1).random((60, 4)) < 0.4).astype(int)
    graph = export_graph(network, dt=DT).graph
    expected = spikes_of(network, np.vstack([raster, np.zeros((1, 4))]))[1:]
    for hears_r in (True, False):
        np.testing.assert_array_equal(euler(graph, raster, hears_r=hears_r), expected)
    assert 10 < expected.sum() < 0.8 * expected.size
    assert (graph.nodes["neurons"].r == 1).all()
    assert (graph.nodes["readout"].r == 1).all()
    current = export_graph(small(0.6), dt=DT).graph.nodes["neurons"]  # whose readers insist on these
    np.testing.assert_allclose(current.r, current.tau_mem / DT)
    np.testing.assert_allclose(current.w_in, current.tau_syn / DT)


def test_a_readout_that_others_load() -> None:
    network = small()
    exported = export_graph(network, dt=DT, readout="linear")
    assert [type(node).__name__ for node in exported.graph.nodes.values()] == [
        "Input",
        "LIF",
        "Linear",
        "Linear",
        "Output",
    ]
    np.testing.assert_array_equal(exported.graph.nodes["readout_weight"].weight, network.readout.T)
    assert any("y[t] = 0.8 y[t-1] + output" in note for note in exported.notes)
    back = import_graph(exported.graph).network
    assert back.kappa == 0.8
    np.testing.assert_allclose(back.readout, network.readout, rtol=1e-12)
    with pytest.raises(NirError, match="readout='lif' is unknown: choose one of li, linear"):
        export_graph(network, dt=DT, readout="lif")


@pytest.mark.parametrize(
    ("network", "options", "who"),
    [
        (small(), {"dt": 1e-4, "readout": "linear"}, {"norse", "spikingjelly", "snntorch"}),
        (small(0.6), {"dt": 1e-4, "readout": "linear"}, {"norse", "spikingjelly", "snntorch"}),
        (small(), {"dt": 1e-3, "readout": "linear"}, {"norse", "spikingjelly"}),
        (small(recurrent=True), {"dt": 1e-4, "readout": "linear"}, {"norse", "spikingjelly"}),
        (small(), {"dt": 1e-4}, set()),
        (small(), {"dt": 1e-4, "readout": "linear", "integration": "exp"}, set()),
        (small(reset="soft"), {"dt": 1e-4, "readout": "linear"}, set()),
    ],
)
def test_who_can_read_it_is_said(network: FloatNetwork, options: dict[str, Any], who: set[str]) -> None:
    """What importers do with such graphs is tested in test_nir_peers.py."""
    exported = export_graph(network, **options)
    assert {name for name, why in exported.values["readers"].items() if not why} == who
    assert set(exported.values["readers"]) == set(DIALECTS)
    for name in DIALECTS:
        assert any(line.startswith(f"{name} ") for line in exported.lines())


def test_a_lag_comes_back() -> None:
    for lag in (0, 1, 5):
        network = small().replace(lag=lag)
        exported = export_graph(network, dt=DT)
        assert any(f"answers {lag} steps late" in note for note in exported.notes) == bool(lag)
        assert import_graph(exported.graph).network.lag == lag


# -------------------------------------------------------------------- what a graph of ours says of itself


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_else_wrote_it_is_refused(dialect: str, tmp_path: Path) -> None:
    """The graph says itself how it is read; other readings change weights by factors."""
    write_graph(tmp_path / "n.nir", export_graph(small(0.6), dt=DT).graph)
    with pytest.raises(NirError, match=f"this program wrote the graph .* not as {dialect} reads: leave out --from"):
        import_graph(read_graph(tmp_path / "n.nir"), dialect=dialect)


@pytest.mark.parametrize(
    ("name", "value"), [("dt", 5e-4), ("integration", "exp"), ("reset", "soft"), ("spike", "jump")]
)
def test_other_options_than_a_graph_says_are_said(name: str, value: Any) -> None:
    graph, same = (
        export_graph(small(), dt=DT).graph,
        {"dt": DT, "integration": "euler", "reset": "zero", "spike": "step"},
    )
    said = f"the graph contains {name}={same[name]} but {name}={value} was given"
    assert any(said in note for note in import_graph(graph, **{name: value}).notes)
    assert not any("was given" in note for note in import_graph(graph, **same).notes)
    assert not any("was given" in note for note in import_graph(graph).notes)


@pytest.mark.parametrize("written", ["euler", "exp"])
@pytest.mark.parametrize(
    "changes", [{"dt": 5e-4}, {"dt": 2e-3}, {"integration": "exp"}, {"dt": 3e-4, "integration": "euler"}]
)
def test_a_readout_left_out_changes_with_the_step_as_one_that_is_there(written: Any, changes: dict[str, Any]) -> None:
    there, left = (
        import_graph(export_graph(small(), dt=DT, integration=written, readout=readout).graph, **changes).network
        for readout in ("li", "linear")
    )
    assert left.kappa == pytest.approx(there.kappa, rel=1e-12)
    np.testing.assert_allclose(left.readout, there.readout, rtol=1e-9)
    assert (left.kappa == 0.8) == (changes == {"integration": written})


def test_small_weights_come_back() -> None:
    """They are far below a step of the format, but not 0."""
    network = small()
    faint = network.replace(weight=network.weight * 1e-12)
    back = import_graph(export_graph(faint, dt=DT).graph).network
    np.testing.assert_allclose(back.weight, faint.weight, rtol=1e-9)
    assert back.weight.any()


@pytest.mark.parametrize("thing", [None, "x", 3, [], {}, np.zeros(3)])
def test_what_is_no_network_is_refused(thing: Any) -> None:
    with pytest.raises(NirError, match="is not a network: give a Network or a FloatNetwork"):
        export_graph(thing, dt=DT)


@pytest.mark.parametrize("name", ["dt", "integration", "readout", "fractions"])
@pytest.mark.parametrize("value", [None, ["li"], np.array(["li", "euler"]), 10**400, 1j, "\n" * 300])
def test_options_of_any_kind_end_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(NirError, match=f"^{name}=") as caught:
        export_graph(small(), **{"dt": DT} | {name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("classes", ["[", "7", "[1, 2]", '["a", "a"]', '["a"]', "[" * 5000, 3.5])
def test_names_in_metadata_that_are_none(classes: object) -> None:
    config = CoreConfig(inputs=2, neurons=3, outputs=2, delays="none")
    graph = export_graph(Network.zeros(config, alpha=0.9, kappa=0.9), dt=1e-3, classes=("a", "b")).graph
    assert import_graph(graph).classes == ("a", "b")
    graph.metadata["ranvier_classes"] = classes
    with pytest.raises(
        NirError, match="metadata ranvier_classes of the graph is not a list of 2 different names: remove it"
    ):
        import_graph(graph)

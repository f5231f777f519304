"""Networks that become NIR graphs and come back are the same, raw integer for raw integer; the graphs spike as they do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.golden.config import CoreConfig
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.network import Network
from ranvier.golden.reference import FloatCore
from ranvier.golden.spikes import Sample
from ranvier.nir_export import export_graph
from ranvier.nir_graph import NirError, read_graph, write_graph
from ranvier.nir_import import import_graph
from ranvier.quantise import quantised

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
    with pytest.raises(NirError, match="dt=0 is no step"):
        export_graph(network, dt=0)

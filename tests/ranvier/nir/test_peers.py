"""The simulators themselves, where they are installed: what they export is imported, what is exported they load.

None of them is a dependency; `tests/ranvier/nir/test_dialects.py` has their equations. Run with snnTorch 1.0.0, Norse 1.1.0,
Rockpool 3.1.0, SpikingJelly 2.0.0, nirtorch 2.6 and nir 1.0.8. sinabs 3.1.3 asks for an older nir and is left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ranvier.golden.float_core import FloatCore
from ranvier.nir.dialects import DIALECTS
from ranvier.nir.exporter import export_graph
from ranvier.nir.graph import read_graph, write_graph
from ranvier.nir.importer import import_graph
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")
torch = pytest.importorskip("torch")
pytest.importorskip("nirtorch", reason="no simulator exchanges graphs without nirtorch")

STEPS, IN, HIDDEN = 80, 4, 6


def raster(seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random((STEPS, IN)) < 0.5).astype(np.float32)


def weights(scale: float) -> Any:
    return torch.tensor(scale * np.random.default_rng(3).uniform(-0.15, 0.45, (HIDDEN, IN)), dtype=torch.float32)


# -------------------------------------------------------------------- theirs, imported: (graph, spikes)


def norse() -> tuple[Any, np.ndarray]:
    lib = pytest.importorskip("norse.torch")
    net = lib.SequentialState(torch.nn.Linear(IN, HIDDEN, bias=False), lib.LIFCell(lib.LIFParameters()))
    net[0].weight.data = weights(3.0)
    state, spikes = None, []
    for row in raster():
        z, state = net(torch.tensor(row[None]), state)
        spikes.append(z.detach().numpy()[0])
    return lib.to_nir(net, torch.zeros(1, IN)), np.array(spikes)


def rockpool() -> tuple[Any, np.ndarray]:
    lib = pytest.importorskip("rockpool.nn.modules")
    combinators = pytest.importorskip("rockpool.nn.combinators")
    exchange = pytest.importorskip("rockpool.nn.modules.torch.nir")
    linear = lib.LinearTorch((IN, HIDDEN))
    linear.weight.data = weights(0.25).T.contiguous()
    neurons = lib.LIFTorch((HIDDEN,), tau_mem=2e-2, tau_syn=1e-2, bias=0.0, threshold=1.0, dt=2e-3)
    net = combinators.Sequential(linear, neurons)
    return exchange.to_nir(net), net(torch.tensor(raster()[None]))[0].detach().numpy()[0]


def spikingjelly() -> tuple[Any, np.ndarray]:
    lib = pytest.importorskip("spikingjelly.activation_based")
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange")
    net = torch.nn.Sequential(torch.nn.Linear(IN, HIDDEN, bias=False), lib.neuron.LIFNode(tau=20.0, decay_input=False))
    net[0].weight.data = weights(1.0)
    spikes = np.array([net(torch.tensor(row[None])).detach().numpy()[0] for row in raster()])
    lib.functional.reset_net(net)
    return exchange.export_to_nir(net, torch.zeros(1, IN)), spikes


@pytest.mark.parametrize("simulated", [norse, rockpool, spikingjelly], ids=lambda f: f.__name__)
def test_what_they_export_spikes_as_they_do(simulated: Callable[[], tuple[Any, np.ndarray]]) -> None:
    """snnTorch is in test_nir_import.py. They compute in float32, so that a sum near the threshold could differ."""
    graph, expected = simulated()
    network = import_graph(graph, dialect=simulated.__name__).network
    core = FloatCore(network.config)
    core.load_real(network)
    spikes = core.run(Sample.from_raster(raster().astype(int)), record=["spikes"]).steps["spikes"][1:]
    np.testing.assert_array_equal(spikes, np.minimum(expected, 1))
    assert expected.max() == 1, "no neuron spikes twice in a step here"
    assert 0.03 < expected.mean() < 0.7


# -------------------------------------------------------------------- ours, loaded: what comes out of the graph


def stepped(net: Any, rows: np.ndarray) -> np.ndarray:
    state, out = None, []
    for row in rows:
        value = net(torch.tensor(row[None]), state)
        value, state = value if isinstance(value, tuple) else (value, state)
        out.append(value.detach().numpy()[0])
    return np.array(out)


def read_by_norse(graph: Any, dt: float) -> Any:
    return pytest.importorskip("norse.torch").from_nir(graph, dt=dt)


def read_by_snntorch(graph: Any, dt: float) -> Any:
    return pytest.importorskip("snntorch.import_nir").import_from_nir(graph)


def read_by_spikingjelly(graph: Any, dt: float) -> Any:
    return pytest.importorskip("spikingjelly.activation_based.nir_exchange").import_from_nir(graph, dt=dt)


READERS = {"norse": read_by_norse, "snntorch": read_by_snntorch, "spikingjelly": read_by_spikingjelly}


@pytest.mark.parametrize("recurrent", [False, True], ids=["feedforward", "recurrent"])
@pytest.mark.parametrize("beta", [0.0, 0.8])
@pytest.mark.parametrize("name", READERS)
def test_they_read_what_the_report_says_they_read(name: str, beta: float, recurrent: bool, tmp_path: Any) -> None:
    rng, synapse = np.random.default_rng(0), "exponential" if beta else "delta"
    shape = {"inputs": IN, "neurons": HIDDEN, "outputs": 3, "recurrent": recurrent}
    config = CoreConfig(**shape, reset="zero", delays="none", synapse=synapse)
    weight = rng.normal(0.3, 0.4, (config.rows, HIDDEN)) * (1 - beta)
    network = FloatNetwork(config, weight, np.zeros((0, 0)), rng.normal(0, 1, (HIDDEN, 3)), 0.9, 0.8, beta)
    exported = export_graph(network, dt=1e-4, readout="linear")
    write_graph(tmp_path / "n.nir", exported.graph)
    core = FloatCore(config)
    core.load_real(network)
    late = Sample.from_raster(np.vstack([raster().astype(int), np.zeros((1, IN), int)]))
    expected = core.run(late, record=["spikes"]).steps["spikes"][1:] @ network.readout
    got = stepped(READERS[name](read_graph(tmp_path / "n.nir"), 1e-4), raster())
    same = bool(np.abs(got - expected).max() < 1e-4)
    assert same == (not exported.values["readers"][name])
    assert np.count_nonzero(expected) > 60


def test_every_dialect_is_somebody() -> None:
    assert set(DIALECTS) == {"snntorch", "norse", "rockpool", "sinabs", "spikingjelly"}

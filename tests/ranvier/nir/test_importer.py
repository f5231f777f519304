"""NIR graphs become networks that spike like the graphs themselves, computed node by node from the equations of ``nir``."""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.golden.float_core import FloatCore
from ranvier.nir.graph import Circuit, NirError, read_graph, write_graph
from ranvier.nir.importer import Imported, _Import, import_graph
from ranvier.parameters.sample import Sample

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")

DT, STEPS = 1e-3, 60


class NodeByNode:
    """A graph without subgraphs, every node by its equation; what a loop has not computed yet is taken a step earlier."""

    def __init__(self, graph: Any, integration: str = "euler", *, soft: bool = False) -> None:
        self.nodes, self.soft = graph.nodes, soft
        self.before = {name: [b for b, a in graph.edges if a == name] for name in graph.nodes}
        self.rate = {
            "euler": lambda tau: DT / tau,
            "exp": lambda tau: 1 - np.exp(-DT / tau),
        }[integration]

    def run(self, raster: np.ndarray, *names: str) -> list[np.ndarray]:
        """What the named nodes send on every step [steps, units]."""
        self.raster, self.sent, self.busy = raster, {}, set()
        self.v, self.current = {}, {}
        return [np.array([self.send(name, t) for t in range(len(raster))]) for name in names]

    def send(self, name: str, t: int) -> Any:
        kind = type(self.nodes[name]).__name__
        if t < 0:
            return 0.0
        if kind not in ("LIF", "CubaLIF", "LI", "CubaLI"):
            return getattr(self, kind)(self.nodes[name], name, t)
        if (name, t) not in self.sent:
            before = self.send(name, t - 1)  # brings v and current to the step before
            if (name, t) in self.busy:
                return before
            self.busy.add((name, t))
            self.sent[name, t] = getattr(self, kind)(self.nodes[name], name, t)
        return self.sent[name, t]

    def heard(self, name: str, t: int) -> Any:
        return sum(self.send(before, t) for before in self.before[name])

    def Input(self, node: Any, name: str, t: int) -> Any:
        return self.raster[t]

    def Output(self, node: Any, name: str, t: int) -> Any:
        return self.heard(name, t)

    def Linear(self, node: Any, name: str, t: int) -> Any:
        return node.weight @ self.heard(name, t) if np.ndim(self.heard(name, t)) else 0.0

    def Affine(self, node: Any, name: str, t: int) -> Any:
        return self.Linear(node, name, t) + node.bias

    def Scale(self, node: Any, name: str, t: int) -> Any:
        return node.scale * self.heard(name, t)

    def Delay(self, node: Any, name: str, t: int) -> Any:
        steps = np.floor(node.delay / DT + 0.5).astype(int)
        return np.array([np.broadcast_to(self.heard(name, t - n), steps.shape)[c] for c, n in enumerate(steps)])

    def integrate(self, name: str, tau: np.ndarray, node: Any, current: Any, kept: Any) -> np.ndarray:
        return kept + self.rate(tau) * (node.v_leak - kept + node.r * current)

    def fire(self, name: str, node: Any, tau: np.ndarray, current: Any) -> np.ndarray:
        v, z = self.v.get(name, (node.v_leak, 0.0))
        v = self.integrate(name, tau, node, current, v) - self.soft * node.v_threshold * z
        z = (v > node.v_threshold).astype(float)
        self.v[name] = (v if self.soft else np.where(z, node.v_reset, v), z)
        return z

    def filtered(self, name: str, node: Any, t: int) -> Any:
        before = self.current.get(name, 0.0)
        self.current[name] = before + self.rate(node.tau_syn) * (node.w_in * self.heard(name, t) - before)
        return self.current[name]

    def LIF(self, node: Any, name: str, t: int) -> Any:
        return self.fire(name, node, node.tau, self.heard(name, t))

    def CubaLIF(self, node: Any, name: str, t: int) -> Any:
        return self.fire(name, node, node.tau_mem, self.filtered(name, node, t))

    def LI(self, node: Any, name: str, t: int) -> Any:
        self.v[name] = self.integrate(name, node.tau, node, self.heard(name, t), self.v.get(name, 0.0))
        return self.v[name]

    def CubaLI(self, node: Any, name: str, t: int) -> Any:
        self.v[name] = self.integrate(name, node.tau_mem, node, self.filtered(name, node, t), self.v.get(name, 0.0))
        return self.v[name]


# -------------------------------------------------------------------- graphs


def lif(size: int, **changes: Any) -> Any:
    given = {"tau": 0.02, "r": 20.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | changes
    return nir.LIF(**{name: np.full(size, value) for name, value in given.items()})


def cuba_lif(size: int, **changes: Any) -> Any:
    given = {
        "tau_syn": 0.005,
        "tau_mem": 0.02,
        "r": 20.0,
        "v_leak": 0.0,
        "v_threshold": 1.0,
        "v_reset": 0.0,
        "w_in": 3.0,
    }
    return nir.CubaLIF(**{name: np.full(size, value) for name, value in (given | changes).items()})


def li(size: int, **changes: Any) -> Any:
    given = {"tau": 0.01, "r": 10.0, "v_leak": 0.0} | changes
    return nir.LI(**{name: np.full(size, value) for name, value in given.items()})


def graph_of(nodes: dict[str, Any], *ways: str) -> Any:
    """Ways are written ``in > w > n``; input and output are there already."""
    edges = {edge for way in ways for edge in zip(way.split(" > "), way.split(" > ")[1:], strict=False)}
    nodes = {"in": nir.Input(np.array([4])), "out": nir.Output(np.array([3]))} | nodes
    return nir.NIRGraph(nodes, sorted(edges), type_check=False)


def linear(rng: np.random.Generator, after: int, before: int, mean: float = 0.3) -> Any:
    return nir.Linear(weight=rng.normal(mean, 1.0, (after, before)))


def hollow(node: Any) -> Any:
    """Without synapses of a neuron onto itself."""
    np.fill_diagonal(node.weight, 0)
    return node


def seconds(*steps: float) -> Any:
    return nir.Delay(delay=DT * np.array(steps, float))


def plain(rng: np.random.Generator, neurons: Any) -> Any:
    nodes = {"w": linear(rng, 5, 4), "n": neurons, "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > w > n > wo > y > out")


def feedforward(rng: np.random.Generator) -> Any:
    return plain(rng, lif(5))


def folded(rng: np.random.Generator) -> Any:
    """Neurons that differ in everything that goes into weights."""
    neurons = lif(5)
    neurons.r, neurons.v_threshold = 12 + 3.0 * np.arange(5), 0.3 + 0.1 * np.arange(5)
    return plain(rng, neurons)


def resting(rng: np.random.Generator) -> Any:
    """Neurons that rest off 0; a reset that subtracts is refused for them."""
    return plain(rng, lif(5, v_leak=-0.4, v_reset=-0.4, v_threshold=0.5))


def delays_before(rng: np.random.Generator) -> Any:
    nodes = {"d": seconds(1, 2, 5, 9), "w": linear(rng, 5, 4), "n": lif(5), "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > d > w > n > wo > y > out")


def delays_after(rng: np.random.Generator) -> Any:
    nodes = {"w": linear(rng, 5, 4), "d": seconds(0, 1, 4, 2, 7), "n": lif(5), "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > w > d > n > wo > y > out")


def both_sides(rng: np.random.Generator) -> Any:
    nodes = {"d": seconds(1, 0, 3, 2), "w": linear(rng, 5, 4), "e": seconds(0, 1, 4, 2, 7), "n": lif(5)}
    nodes |= {"s": nir.Scale(np.linspace(0.5, 1.5, 4)), "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > s > d > w > e > n > wo > y > out")


def between(rng: np.random.Generator) -> Any:
    """A delay between two dense nodes: several delays from one input to one neuron."""
    nodes = {"u": linear(rng, 3, 4), "d": seconds(2, 6, 3), "w": linear(rng, 5, 3), "n": lif(5)}
    nodes |= {"wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > u > d > w > n > wo > y > out")


def branches(rng: np.random.Generator) -> Any:
    """Parallel branches that share no synapse."""
    which = rng.integers(3, size=(5, 4))
    nodes = {f"w{n}": nir.Linear(np.where(which == n, rng.standard_normal((5, 4)), 0)) for n in range(3)}
    nodes |= {f"d{n}": seconds(*[3 * n + 1] * 4) for n in range(3)} | {"n": lif(5), "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, *(f"in > d{n} > w{n} > n" for n in range(3)), "n > wo > y > out")


def overlapping(rng: np.random.Generator) -> Any:
    """Branches that share synapses, one of them without a delay, two of them with the same."""
    nodes = {f"w{n}": linear(rng, 5, 4) for n in range(4)} | {"d1": seconds(*[4] * 4), "d2": seconds(8, 4, 8, 8)}
    nodes |= {"n": lif(5), "wo": linear(rng, 3, 5), "y": li(3)}
    return graph_of(nodes, "in > w0 > n", "in > w3 > n", "in > d1 > w1 > n", "in > d2 > w2 > n", "n > wo > y > out")


def recurrent(rng: np.random.Generator) -> Any:
    graph = feedforward(rng)
    return graph_of(graph.nodes | {"r": hollow(linear(rng, 5, 5))}, *map(" > ".join, graph.edges), "n > r > n")


def recurrent_delays(rng: np.random.Generator) -> Any:
    graph = delays_before(rng)
    nodes = graph.nodes | {"r": hollow(linear(rng, 5, 5)), "rd": seconds(1, 3, 0, 8, 2)}
    return graph_of(nodes, *map(" > ".join, graph.edges), "n > rd > r > n")


def two_layers(rng: np.random.Generator) -> Any:
    """Spiking layers one after the other, the second one heard as it is, with a way round the first."""
    nodes = {
        "w": linear(rng, 5, 4),
        "n": lif(5),
        "w2": linear(rng, 3, 5),
        "m": lif(3),
        "r": hollow(linear(rng, 3, 3)),
    }
    nodes |= {"d": seconds(2, 0, 3, 1), "skip": linear(rng, 3, 4)}
    return graph_of(nodes, "in > w > n > w2 > m > out", "m > r > m", "in > d > skip > m")


def side_by_side(rng: np.random.Generator) -> Any:
    """Two populations that the readout hears together, though one could be earlier."""
    nodes = {"w": linear(rng, 5, 4), "n": lif(5), "d": seconds(*[3] * 4), "w2": linear(rng, 3, 4), "m": lif(3)}
    nodes |= {"wo": linear(rng, 3, 5), "wm": linear(rng, 3, 3), "y": li(3)}
    return graph_of(nodes, "in > w > n > wo > y > out", "in > d > w2 > m > wm > y")


def current(rng: np.random.Generator) -> Any:
    return plain(rng, cuba_lif(5))


def current_recurrent(rng: np.random.Generator) -> Any:
    graph = branches(rng)
    nodes = graph.nodes | {"n": cuba_lif(5), "r": hollow(linear(rng, 5, 5)), "rd": seconds(*[3] * 5)}
    return graph_of(nodes, *map(" > ".join, graph.edges), "n > rd > r > n")


GRAPHS: dict[Callable[..., Any], dict[str, Any]] = {
    feedforward: {"lag": 1, "delays": "none"},
    folded: {"lag": 1, "delays": "none"},
    delays_before: {"lag": 0, "delays": "axonal", "max_delay": 14},
    delays_after: {"lag": 1, "delays": "synaptic", "max_delay": 14},
    both_sides: {"lag": 1, "delays": "synaptic"},
    between: {"lag": 0, "delays": "axonal", "copies": 3},
    branches: {"lag": 0, "delays": "synaptic", "max_delay": 6},
    overlapping: {"lag": 1, "delays": "axonal", "copies": 3},
    recurrent: {"lag": 1, "delays": "none"},
    recurrent_delays: {"lag": 0, "delays": "axonal"},
    two_layers: {"lag": 2, "delays": "synaptic"},
    side_by_side: {"lag": 1, "lags": {"n": 1, "m": 1}},
    current: {"lag": 1, "delays": "none", "synapse": "exponential"},
    current_recurrent: {"lag": 0, "delays": "synaptic", "synapse": "exponential"},
}


def played(result: Imported, raster: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Spikes of every population and readout of the imported network, without the steps by which they are late."""
    values, network = result.values, result.network
    core = FloatCore(network.config)
    core.load_real(network)
    longer = np.concatenate(
        [np.tile(raster, values["copies"]), np.zeros((max(values["lags"].values()), network.config.inputs))]
    )
    steps = core.run(Sample.from_raster(longer), record=["spikes", "readout"]).steps

    def seen(quantity: str, lag: int) -> np.ndarray:
        return steps[quantity][lag : lag + len(raster)]

    parts = [
        seen("spikes", values["lags"][n])[:, first : last + 1] for n, (first, last) in values["populations"].items()
    ]
    return parts, seen("readout", values["lag"])


@pytest.mark.parametrize("integration", ["euler", "exp"])
@pytest.mark.parametrize("reset", ["zero", "soft"])
@pytest.mark.parametrize("make", GRAPHS, ids=lambda make: make.__name__)
def test_spikes_as_the_graph_does(make: Callable[..., Any], reset: Any, integration: Any) -> None:
    rng = np.random.default_rng(5)
    graph, raster = make(rng), (rng.random((STEPS, 4)) < 0.3).astype(int)
    result = import_graph(graph, dt=DT, integration=integration, reset=reset)
    for name, value in GRAPHS[make].items():
        assert result.values.get(name, getattr(result.network.config, name, None)) == value, name
    *expected, readout = NodeByNode(graph, integration, soft=reset == "soft").run(
        raster, *result.values["populations"], "out"
    )
    spikes, read = played(result, raster)
    for seen, meant in zip(spikes, expected, strict=True):
        np.testing.assert_array_equal(seen, meant)
        assert 0.03 < meant.mean() < 0.7, "some spikes, some silence"
    np.testing.assert_allclose(read[:, : readout.shape[1]], readout, atol=1e-9)


def test_rest_off_zero() -> None:
    rng = np.random.default_rng(5)
    graph, raster = resting(rng), (rng.random((STEPS, 4)) < 0.3).astype(int)
    result = import_graph(graph, dt=DT, reset="zero")
    assert any("measured from its v_leak of -0.4" in note for note in result.notes)
    (spikes,), _ = played(result, raster)
    np.testing.assert_array_equal(spikes, NodeByNode(graph).run(raster, "n")[0])
    assert 0.03 < spikes.mean() < 0.7


# -------------------------------------------------------------------- other people's graphs


def test_subgraphs_as_exporters_write_them(tmp_path: Path) -> None:
    """A recurrent layer as a graph of its own, as in the recurrent example of the NIR paper, through a file."""
    rng = np.random.default_rng(3)
    flat = recurrent(rng)
    layer = {"input": nir.Input(np.array([5])), "lif": flat.nodes["n"], "output": nir.Output(np.array([5]))}
    layer["w_rec"] = nir.Affine(flat.nodes["r"].weight, np.zeros(5))
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    nodes = flat.nodes | {"n": nir.NIRGraph(layer, edges), "flat": nir.Flatten({"input": np.array([2, 2])}, 0, -1)}
    nodes |= {"in": nir.Input(np.array([2, 2]))}
    nested = graph_of({name: node for name, node in nodes.items() if name != "r"}, "in > flat > w > n > wo > y > out")
    write_graph(tmp_path / "nested.nir", nested)
    expected, result = (import_graph(graph, dt=DT) for graph in (flat, read_graph(tmp_path / "nested.nir")))
    assert result.values["populations"] == {"n/lif": [0, 4]}
    assert result.network.config == expected.network.config
    for name in ("weight", "readout", "alpha", "kappa"):
        np.testing.assert_array_equal(getattr(result.network, name), getattr(expected.network, name))


@pytest.mark.parametrize(
    ("layer", "mechanism"),
    [
        ("Leaky", "subtract"),
        ("Leaky", "zero"),
        ("RLeaky", "subtract"),
        ("Synaptic", "subtract"),
        ("RSynaptic", "subtract"),
    ],
)
def test_snntorch_spikes_the_same(layer: str, mechanism: str) -> None:
    """snnTorch runs its own layers, in float32, and exports them for a step of 1e-4 s."""
    torch = pytest.importorskip("torch")
    snn = pytest.importorskip("snntorch")
    export_nir = pytest.importorskip("snntorch.export_nir", reason="snnTorch exports with nirtorch")

    def neurons(layer: str, size: int, **options: Any) -> Any:
        decays = ("alpha", "beta") if "Synaptic" in layer else ("beta",)
        options |= {name: torch.full((size,), 0.8) for name in decays} | {"threshold": torch.linspace(0.8, 1.6, size)}
        return getattr(snn, layer)(**options, init_hidden=True, reset_mechanism=mechanism)

    torch.manual_seed(0)
    loops = {"linear_features": 6, "all_to_all": True} if layer[0] == "R" else {}
    hidden, last = neurons(layer, 6, **loops), neurons(layer.removeprefix("R"), 3, output=True)
    torchy = torch.nn.Sequential(torch.nn.Linear(4, 6, bias=False), hidden, torch.nn.Linear(6, 3, bias=False), last)
    with torch.no_grad():
        for weights in (torchy[0].weight, torchy[2].weight):
            weights += 0.05 if "Synaptic" in layer else 0.4
        if loops:
            hidden.recurrent.bias.zero_()
            hidden.recurrent.weight.sub_(0.2).fill_diagonal_(0)
        graph = export_nir.export_to_nir(torchy, torch.zeros(1, 4), ignore_dims=[0])
        for part in (hidden, last):
            part.reset_mem()
        raster = (np.random.default_rng(1).random((STEPS, 4)) < 0.3).astype(int)
        theirs = np.array([torchy(torch.tensor(row[None], dtype=torch.float32))[0][0].numpy() for row in raster])
    result = import_graph(graph, dt=1e-4, reset="soft" if mechanism == "subtract" else "zero")
    (_, spikes), read = played(result, raster)
    np.testing.assert_array_equal(spikes, theirs)
    np.testing.assert_array_equal(read, theirs)
    assert 10 < theirs.sum() < 0.7 * theirs.size


# -------------------------------------------------------------------- reports


def test_what_is_rounded_and_clipped_is_said() -> None:
    rng = np.random.default_rng(2)
    graph = graph_of(feedforward(rng).nodes | {"d": seconds(1, 2.3, 7.5, 12)}, "in > d > w > n > wo > y > out")
    result = import_graph(graph, dt=DT, max_delay=8)
    assert result.values["rounded"] == 10
    assert result.values["worst_rounding_steps"] == pytest.approx(0.5)
    assert (result.values["clipped"], result.values["worst_clip_steps"]) == (5, 3)
    np.testing.assert_allclose(result.network.delay[:, 0], [0, 1.3, 6.5, 8])
    np.testing.assert_array_equal(result.network.arrivals()[:, 0], [0, 1, 7, 8])
    assert any("no whole steps" in note for note in result.notes)
    assert any("clipped to 8 steps" in note for note in result.notes)
    exact = import_graph(delays_before(rng), dt=DT)
    assert (exact.values["rounded"], exact.values["worst_rounding_steps"]) == (0, 0)
    assert not any("steps" in note for note in exact.notes)


def test_repeated_inputs_are_said() -> None:
    result = import_graph(overlapping(np.random.default_rng(2)), dt=DT)
    assert result.network.config.inputs == 12
    assert any("Dataset.repeated(3)" in note for note in result.notes)


def test_approximations_are_said() -> None:
    rng = np.random.default_rng(2)
    graph = recurrent(rng)
    graph.nodes["n"].tau = np.array([0.02, 0.02, 0.02, 0.02, 0.01])
    graph.nodes["r"].weight[2, 2] = 3.0
    result = import_graph(graph, dt=DT, approximate=True)
    assert result.network.alpha == pytest.approx(0.94)
    assert result.values["alpha_off"] == pytest.approx(0.04)
    assert result.values["dropped"] == 1
    assert not np.diag(result.network.weight[4:]).any()
    assert any("onto themselves were dropped" in note for note in result.notes)


def test_two_poles_become_one_of_the_same_area_and_delay() -> None:
    rng = np.random.default_rng(5)
    graph = feedforward(rng)
    values = {"tau_syn": 0.004, "tau_mem": 0.01, "r": 3.0, "v_leak": 0.0, "w_in": 2.0}
    graph.nodes["y"] = nir.CubaLI(**{name: np.full(3, value) for name, value in values.items()})
    raster = np.zeros((300, 4), int)
    raster[:20] = rng.random((20, 4)) < 0.4
    result = import_graph(graph, dt=DT, approximate=True)
    (spikes,), read = played(result, raster)
    meant, readout = NodeByNode(graph).run(raster, "n", "out")
    np.testing.assert_array_equal(spikes, meant)
    assert spikes.sum() > 5
    for moment in (np.ones(300), np.arange(300)):
        np.testing.assert_allclose(moment @ read, moment @ readout, rtol=1e-5)


def test_one_output_gets_a_silent_companion() -> None:
    graph = feedforward(np.random.default_rng(2))
    graph.nodes["wo"].weight, graph.nodes["y"] = graph.nodes["wo"].weight[:1], li(1)
    result = import_graph(graph, dt=DT)
    assert result.network.config.outputs == 2
    assert result.network.readout[:, 0].all()
    assert not result.network.readout[:, 1].any()


# -------------------------------------------------------------------- refusals


def weights(*shape: int) -> Any:
    return nir.Linear(np.ones(shape))


class Novelty:
    """A kind of node that NIR may have one day."""


#: Name -> (nodes to add or change in `feedforward`, further ways, words of the message).
REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "convolution": (
        {"w": nir.Conv1d(4, np.ones((5, 1, 3)), 1, 1, 1, 1, np.zeros(5))},
        [],
        "w is a node of kind Conv1d",
    ),
    "no leak": ({"n": nir.IF(np.ones(5), np.ones(5))}, [], "n is a node of kind IF: it never leaks"),
    "novelty": ({"q": Novelty()}, ["in > q > n"], "q is a node of kind Novelty: the core has nothing like it"),
    "bias": ({"w": nir.Affine(np.ones((5, 4)), np.full(5, -0.5))}, [], "w has a bias of up to 0.5: the core has none"),
    "reset elsewhere": ({"n": lif(5, v_leak=0.2)}, [], "v_reset=0 is not v_leak=0.2"),
    "threshold below rest": ({"n": lif(5, v_leak=2.0, v_reset=2.0)}, [], "v_threshold=1 is not above v_leak=2"),
    "short constant": ({"n": lif(5, tau=0.0005)}, [], "n: tau=0.0005 s is shorter than dt=0.001 s: .* integration exp"),
    "no constant": ({"n": lif(5, tau=-1.0)}, [], "tau=-1 s is no time constant"),
    "endless constant": ({"n": lif(5, tau=np.inf)}, [], "tau=inf s does not leak"),
    "mixed constants": ({"n": lif(5, tau=[0.02, 0.02, 0.02, 0.02, 0.01])}, [], "one alpha: .* with --approximate"),
    "resting readout": ({"y": li(3, v_leak=1.0)}, [], "y: v_leak=1 but the core's readout rests at 0"),
    "second pole": (
        {"y": nir.CubaLI(*np.ones((3, 3)), np.zeros(3))},
        [],
        "y filters its current .* --approximate",
    ),
    "self": ({"r": weights(5, 5)}, ["n > r > n"], "n: 5 neurons project onto themselves .* diagonal .* --approximate"),
    "neurons": ({"n": lif(6)}, [], "n has 6 neurons but w sends 5 values"),
    "shapes": ({"w": weights(5, 3)}, [], r"w has weights of shape \[5, 3\] but 4 values reach it"),
    "tensor": ({"w": weights(2, 5, 4)}, [], r"w has weights of shape \[2, 5, 4\]"),
    "channels": ({"d": seconds(1, 2)}, ["in > d > w"], "d has 2 values but 4 reach it"),
    "past": ({"d": seconds(1, -2, 1, 1)}, ["in > d > w"], "d delays by -0.002 to 0.001 s: give 0 s or more"),
    "never": ({"d": seconds(1, np.inf, 1, 1)}, ["in > d > w"], "d delays by 0.001 to inf s: give 0 s or more"),
    "loop": ({"u": weights(5, 5), "x": weights(5, 5)}, ["w > u > x > u"], "u is part of a loop without a neuron"),
    "inputs": ({"in2": nir.Input(np.array([4]))}, ["in2 > w"], "the graph has 2 Input nodes: in, in2"),
    "shapeless": ({"in": nir.Input(None)}, [], "in does not say how many inputs there are"),
    "feedback": ({"b": weights(5, 3)}, ["y > b > n"], "y sends what it integrates to neurons"),
    "two readouts": ({"y2": li(3)}, ["wo > y2 > out"], "y2? is a node of kind LI but not the only one before out"),
    "scaled": ({"s": nir.Scale(np.full(3, 2.0)), "y": li(3)}, ["y > s > out"], "y is weighed or delayed before out"),
    "skip": ({"s": weights(3, 4)}, ["in > s > y"], "y hears in without a neuron between"),
    "late readout": (
        {"d": seconds(2, 2, 2)},
        ["wo > d > y"],
        "y hears n after 0.002 s but .* no delays",
    ),
    "long": (
        {"d": seconds(2000, 1, 1, 1)},
        ["in > d > w"],
        "is 2000 steps .* clip it with --max-delay 1022",
    ),
    "two loops": (
        {"r": hollow(weights(5, 5)), "d": seconds(3, 3, 3, 3, 3)},
        ["n > r > n", "n > d > r"],
        "n projects with several delays onto one neuron",
    ),
    "short loop": (
        {"m": lif(5), "a": weights(5, 5), "b": weights(5, 5)},
        ["n > a > m > b > n"],
        "the loop through n and m is shorter than a step",
    ),
    "depths": (
        {"m": lif(5), "a": weights(5, 5), "b": weights(3, 5)},
        ["n > a > m > b > y"],
        "y hears n and m on the step of their spikes",
    ),
    "alone": ({"m": lif(5)}, ["m > wo"], "m hears nothing of in"),
    "nowhere": ({}, ["x > n"], "an edge names x: there is no such node"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node_and_the_way_out(name: str) -> None:
    nodes, ways, words = REFUSED[name]
    graph = feedforward(np.random.default_rng(0))
    with pytest.raises(NirError, match=words) as caught:
        import_graph(graph_of(graph.nodes | nodes, *map(" > ".join, graph.edges), *ways), dt=DT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give --dt SECONDS"),
        ({"dt": 0.0}, "dt=0.0 is no step"),
        ({"dt": DT, "integration": "heun"}, "choose one of euler, exp"),
        ({"dt": DT, "reset": "soft"}, "v_leak=-0.4 and v_reset=-0.4 mean nothing"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(NirError, match=words):
        import_graph(resting(np.random.default_rng(0)), **options)


def test_a_graph_that_lost_its_output() -> None:
    graph = feedforward(np.random.default_rng(0))
    with pytest.raises(NirError, match="out hears nothing of in"):
        import_graph(graph_of({name: graph.nodes[name] for name in ("in", "w", "n", "wo")}, "in > w > n > wo"), dt=DT)


def test_metadata_that_is_no_configuration() -> None:
    graph = feedforward(np.random.default_rng(0))
    graph.metadata["ranvier_config"] = "inputs = many"
    with pytest.raises(NirError, match="metadata ranvier_config of the graph"):
        import_graph(graph, dt=DT)


# -------------------------------------------------------------------- what graphs in memory may hold


class Tensor(np.ndarray):
    """Like a tensor of PyTorch: its size is a method."""

    def size(self) -> Any:  # type: ignore[override]
        return self.shape


class Grown:
    """Like a tensor that requires a gradient: no array before it is detached."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self) -> Any:
        return np.asarray(self.values).view(Tensor)


def everything() -> Any:
    """Nodes of every kind that is read."""
    rng = np.random.default_rng(4)
    graph = delays_before(rng)
    nodes = graph.nodes | {"r": hollow(linear(rng, 5, 5)), "n": cuba_lif(5), "s": nir.Scale(np.ones(4))}
    nodes["w"] = nir.Affine(nodes["w"].weight, np.zeros(5))
    return graph_of(nodes, "in > s > d > w > n > wo > y > out", "n > r > n")


@pytest.mark.parametrize("wrap", [lambda a: a.view(Tensor), Grown, lambda a: a.tolist(), lambda a: a.astype("f4")])
def test_parameters_may_be_anything_like_an_array(wrap: Callable[..., Any]) -> None:
    plain, graph, wrapped = import_graph(everything(), dt=DT), everything(), 0
    for node in graph.nodes.values():
        for name, value in vars(node).items():
            if isinstance(value, np.ndarray):
                setattr(node, name, wrap(value))
                wrapped += 1
    graph.nodes["in"].input_type = {"input": wrap(np.array([4]))}
    network = import_graph(graph, dt=DT).network
    assert wrapped > 15
    for name in ("weight", "delay", "readout"):
        np.testing.assert_allclose(getattr(network, name), getattr(plain.network, name), rtol=1e-6)
        assert getattr(network, name).any()


def test_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    plain, graph = import_graph(everything(), dt=DT), everything()
    for node in graph.nodes.values():
        for name, value in vars(node).items():
            if isinstance(value, np.ndarray):
                setattr(node, name, torch.tensor(value, requires_grad=True))
    np.testing.assert_array_equal(import_graph(graph, dt=DT).network.weight, plain.network.weight)


#: Node, parameter, what it holds -> what is said.
WRONG: list[tuple[str, str, Any, str]] = [
    ("n", "tau_mem", np.full(5, np.inf), "n: tau_mem=inf s does not leak, it is a node of kind IF: it never leaks"),
    ("y", "tau", np.full(3, np.inf), "y: tau=inf s does not leak, it is a node of kind I: .*: use a LI"),
    (
        "n",
        "tau_mem",
        np.full(5, 1e-4),
        "n: tau_mem=0.0001 s is shorter than dt=0.001 s: take a smaller dt, at most 0.0001 s",
    ),
    ("n", "tau_syn", np.full(5, -1.0), "n: tau_syn=-1 s is no time constant"),
    ("n", "tau_mem", np.full(5, np.nan), "n: tau_mem holds 5 NaN of 5 values"),
    ("n", "tau_mem", np.full(5, 1e30), "n: tau_mem=1e\\+30 s does not leak within a step of 0.001 s"),
    ("w", "weight", np.full((5, 4), np.nan), "w: weight holds 20 NaN of 20 values: train it again"),
    ("w", "weight", np.full((5, 4), np.inf), "w: weight holds infinite values"),
    ("w", "weight", np.full((5, 4), b"0.5"), "w: weight holds no real numbers but .S3"),
    ("w", "weight", b"0.5", "w: weight holds no real numbers but bytes"),
    ("w", "weight", None, "w: weight holds no real numbers but nothing"),
    ("w", "weight", [[1, 2], [3]], "w: weight holds no real numbers but list"),
    ("w", "weight", np.full((5, 4), 1j), "w: weight holds no real numbers but complex128"),
    ("w", "bias", np.full(5, np.nan), "w: bias holds 5 NaN"),
    ("d", "delay", np.full(4, np.nan), "d: delay holds 4 NaN"),
    ("s", "scale", np.full(4, np.inf), "s: scale holds infinite values"),
    (
        "n",
        "r",
        np.full(5, 1e300),
        "n: r, w_in and v_threshold make weights of up to 3e.298 thresholds: look at n: r=1e.300",
    ),
    ("n", "w_in", np.ones(2), "n has 5 neurons but w_in has 2 values"),
    ("in", "input_type", {"input": np.array([-4])}, r"in has the shape .-4.0.: give whole numbers of at least 1"),
    ("in", "input_type", {"input": np.array([0])}, "in has the shape .* at least 1"),
    ("in", "input_type", {"input": np.array([2.5])}, "in has the shape .* at least 1"),
    ("in", "input_type", {"input": np.array([])}, "in does not say how many inputs there are"),
    ("in", "input_type", {"input": None}, "in does not say how many inputs there are"),
    ("in", "input_type", {}, "in does not say how many inputs there are"),
    ("in", "input_type", {"input": b"4"}, "in: its shape holds no real numbers but bytes"),
    ("in", "input_type", {"input": np.array([2, 128, 128])}, "in has 32768 inputs but a core holds 1 to 4096"),
    ("in", "input_type", {"input": np.array([2, 260, 346])}, "in has 179920 inputs but a core holds 1 to 4096"),
    ("in", "input_type", {"input": np.array([100_000])}, "in has 100000 inputs but a core holds 1 to 4096"),
    ("in", "input_type", {"input": np.array([1 << 62, 1 << 62])}, "in has .* inputs but a core holds 1 to 4096"),
]


@pytest.mark.parametrize(("node", "parameter", "value", "words"), WRONG)
def test_a_wrong_parameter_is_named_before_anything_is_made_of_it(
    node: str, parameter: str, value: Any, words: str
) -> None:
    graph = everything()
    setattr(graph.nodes[node], parameter, value)
    tracemalloc.start()
    try:
        with pytest.raises(NirError, match=words) as caught:
            import_graph(graph, dt=DT)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [4097, 70_000])
def test_too_many_neurons_or_outputs_are_refused_before_they_cost_memory(size: int) -> None:
    for nodes, way, words in (
        ({"w": nir.Linear(np.ones((size, 4), np.int8)), "n": lif(1)}, "in > w > n > out", f"n has {size} neurons"),
        (
            {"w": nir.Linear(np.ones((3, 4))), "n": lif(3), "wo": nir.Linear(np.ones((size, 3), np.int8)), "y": li(1)},
            "in > w > n > wo > y > out",
            f"y has {size} values but a core holds 1 to 256",
        ),
    ):
        with pytest.raises(NirError, match=words):
            import_graph(graph_of(nodes, way), dt=DT)


@pytest.mark.parametrize("dt", [0, -1e-3, np.inf, np.nan, "1e-3", True, [1e-3]])
def test_a_step_is_a_positive_number(dt: Any) -> None:
    with pytest.raises(NirError, match=r"dt=.* is no step: give a positive number of seconds"):
        import_graph(feedforward(np.random.default_rng(0)), dt=dt)


@pytest.mark.parametrize("most", [0, -1, 1023, 2.5, True, "7"])
def test_a_largest_delay_of_zero_is_not_a_missing_one(most: Any) -> None:
    with pytest.raises(NirError, match=rf"max_delay={most!r} is out of range: give a whole number from 1 to 1022"):
        import_graph(delays_before(np.random.default_rng(0)), dt=DT, max_delay=most)


def diamonds(count: int, delays: Callable[[int], float]) -> Any:
    """Two ways round and round again: ``2 ** count`` ways in all."""
    nodes, way, edges = {"n": lif(4)}, "in", []
    for k in range(count):
        nodes |= {
            f"a{k}": nir.Delay(np.full(4, delays(k))),
            f"b{k}": nir.Delay(np.zeros(4)),
            f"j{k}": nir.Scale(np.full(4, 0.5)),
        }
        edges += [f"{way} > a{k} > j{k}", f"{way} > b{k} > j{k}"]
        way = f"j{k}"
    return graph_of(nodes | {"out": nir.Output(np.array([4]))}, *edges, f"{way} > n > out")


def test_the_number_of_ways_through_a_graph_costs_nothing() -> None:
    start = time.process_time()
    result = import_graph(diamonds(18, lambda k: 0.0), dt=DT)
    np.testing.assert_allclose(result.network.weight, np.eye(4))  # 2 ** 18 ways of 2 ** -18, times r dt / tau = 1
    assert import_graph(diamonds(60, lambda k: 0.0), dt=DT).network.weight[0, 0] == pytest.approx(1)
    few = import_graph(diamonds(5, lambda k: DT), dt=DT)
    assert few.values["copies"] == 6  # delays of 0 to 5 steps
    weights = few.network.weight.reshape(6, 4, 4)[:, 0, 0]
    np.testing.assert_allclose(weights, np.array([1, 5, 10, 10, 5, 1]) / 32)  # Pascal's triangle
    with pytest.raises(NirError, match=r"j9 is reached over 1024 different delays.*leave fewer branches"):
        import_graph(diamonds(18, lambda k: DT * 2**k), dt=DT)
    assert time.process_time() - start < 5


#: Node, parameter, value -> what is said. All of these once made every weight 0, or none that is finite.
LOST: list[tuple[str, str, float, str]] = [
    ("n", "v_threshold", np.inf, "n: v_threshold=inf: give finite values"),
    (
        "n",
        "v_threshold",
        1e300,
        r"n is reached by weights of \S+ thresholds at most, .* look at n: v_threshold=1e\+300",
    ),
    ("n", "r", 0.0, "n: r=0 makes every weight onto it 0"),
    ("n", "r", 1e-200, r"n is reached by weights of .* look at n: r=1e-200"),
    ("n", "r", np.inf, "n: r=inf: give finite values"),
    ("n", "w_in", 0.0, "n: w_in=0 makes every weight onto it 0"),
    ("n", "w_in", -np.inf, "n: w_in=-inf: give finite values"),
    ("w", "weight", 1e-30, r"n is reached by weights of .* look at w: weight="),
    ("w", "weight", 0.0, r"n is reached by weights of 0 only, from .*: look at w: weight=0"),
    ("w", "weight", 1e305, r"n is reached by weights of up to .* look at w: weight="),
    ("s", "scale", 1e-300, r"n is reached by weights of .* look at s: scale=1e-300"),
    ("s", "scale", 0.0, r"n is reached by weights of 0 only, from .*: look at s: scale=0"),
    ("y", "r", 0.0, "y: r=0 makes every weight onto it 0"),
    ("y", "r", np.inf, "y: r=inf: give finite values"),
    ("y", "r", 1e300, r"y is reached by weights of up to .* look at y: r=1e\+300"),
    ("y", "r", 1e-300, r"y is reached by weights of .* look at y: r=1e-300"),
    ("wo", "weight", 0.0, r"y is reached by weights of 0 only, from .*: look at wo: weight=0"),
    ("wo", "weight", 1e306, r"y is reached by weights of up to .* look at wo: weight="),
]


@pytest.mark.parametrize(("node", "parameter", "value", "words"), LOST)
def test_what_leaves_a_dead_network_is_named(node: str, parameter: str, value: float, words: str) -> None:
    graph = everything()
    setattr(graph.nodes[node], parameter, np.full_like(getattr(graph.nodes[node], parameter), value))
    if (node, parameter) == ("w", "weight"):
        graph = graph_of({n: v for n, v in graph.nodes.items() if n != "r"}, "in > s > d > w > n > wo > y > out")
    with pytest.raises(NirError, match=words) as caught:
        import_graph(graph, dt=DT)
    assert "\n" not in str(caught.value)


def test_rests_beyond_all_numbers_are_named() -> None:
    graph = everything()
    graph.nodes["n"].v_leak = graph.nodes["n"].v_reset = np.full(5, -np.inf)
    with pytest.raises(NirError, match="n: v_leak=-inf: give finite values"):
        import_graph(graph, dt=DT)


@pytest.mark.filterwarnings("error")
def test_products_beyond_all_numbers_name_who_makes_them() -> None:
    graph = plain(np.random.default_rng(0), lif(5, r=1e10))
    graph.nodes["w"].weight[0, 0] = 1e305
    with pytest.raises(NirError, match=r"n is reached by weights of up to inf thresholds: look at w: weight=1e\+305"):
        import_graph(graph, dt=DT)
    nodes = graph.nodes | {"v": linear(np.random.default_rng(0), 5, 5)}
    graph = graph_of(nodes, "in > w > v > n > wo > y > out")
    nodes["v"].weight[0] = 1e200
    with pytest.raises(NirError, match=r"n is reached by weights of up to \S+ thresholds: look at w: weight=1e\+305"):
        import_graph(graph, dt=DT)


def test_a_gain_of_0_for_some_is_said() -> None:
    graph = plain(np.random.default_rng(0), lif(5, r=[20.0, 0.0, 20.0, 20.0, 0.0]))
    assert any("n: r=0 makes every weight onto 2 of its 5 units 0" in note for note in import_graph(graph, dt=DT).notes)


class Meta:
    """Like a tensor of PyTorch on the device meta: it has a shape and no values."""

    dtype = "torch.float32"

    def detach(self) -> Any:
        return self

    def cpu(self) -> Any:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")


@pytest.mark.parametrize("values", [Meta(), 10**400, [10**400], object(), {"a": 1}])
def test_parameters_without_numbers_are_named(values: Any) -> None:
    graph = everything()
    graph.nodes["n"].tau_mem = values
    with pytest.raises(NirError, match="n: tau_mem holds no real numbers but") as caught:
        import_graph(graph, dt=DT)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("thing", [None, 3, "x", [], {}, nir.LIF(*np.ones((4, 2))), nir.NIRGraph])
def test_what_is_no_graph_is_refused(thing: Any) -> None:
    with pytest.raises(NirError, match=r"is no NIR graph: give a nir\.NIRGraph"):
        import_graph(thing, dt=DT)


@pytest.mark.parametrize("edge", [("in",), ("in", "w", "n"), ("in", 3), 7, "in", None, (["in"], "w")])
def test_what_is_no_edge_is_refused(edge: Any) -> None:
    graph = feedforward(np.random.default_rng(0))
    graph.edges.append(edge)
    with pytest.raises(NirError, match="is no edge of a NIR graph: give pairs of names of nodes"):
        import_graph(graph, dt=DT)


@pytest.mark.parametrize("name", ["dialect", "integration", "reset", "spike", "dt", "max_delay", "approximate"])
@pytest.mark.parametrize("value", [["norse"], np.array(["zero", "soft"]), np.zeros(3), 10**400, {}, 1j, "\n" * 300])
def test_options_of_any_kind_end_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(NirError, match=f"^{name}=") as caught:
        import_graph(feedforward(np.random.default_rng(0)), **{"dt": DT} | {name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_order_in_which_layers_are_named_costs_nothing() -> None:
    """Every layer hears the input too, and the last one is reached first."""
    count = 250
    nodes = {"in": nir.Input(np.array([1])), "far": seconds(count), "out": nir.Output(np.array([1]))}
    nodes |= {f"n{k}": lif(1) for k in range(count)} | {f"w{k}": nir.Linear(np.ones((1, 1))) for k in range(1, count)}
    nodes |= {f"s{k}": nir.Scale(np.ones(1)) for k in range(count)}
    edges = [("in", "far"), *(edge for k in range(count)[::-1] for edge in (("far", f"s{k}"), (f"s{k}", f"n{k}")))]
    edges += [edge for k in range(1, count)[::-1] for edge in ((f"n{k - 1}", f"w{k}"), (f"w{k}", f"n{k}"))]
    graph = nir.NIRGraph(nodes, [*edges, (f"n{count - 1}", "out")], type_check=False)
    importer = _Import(Circuit(graph), DT, None, "zero", None, None, None, False)
    importer._settings()
    importer._split()
    assert next(iter(importer.first)) == f"n{count - 1}"
    start = time.process_time()
    assert importer._lags()[f"n{count - 1}"] == count - 1
    assert time.process_time() - start < 0.1


def test_metadata_of_any_kind_end_in_one_line() -> None:
    deep = "x = " + "[" * 5000 + "]" * 5000
    for key, value in (
        ("ranvier_config", deep),
        ("ranvier_config", "inputs = " + "9" * 5000),
        ("ranvier_config", b"\xff"),
        ("ranvier_config", np.zeros(3)),
        ("ranvier_dt", b"1"),
        ("ranvier_dt", np.array([np.inf])),
        ("ranvier_integration", 7),
    ):
        graph = feedforward(np.random.default_rng(0))
        graph.metadata[key] = value
        with pytest.raises(NirError) as caught:
            import_graph(graph, dt=None if key == "ranvier_dt" else DT)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 600

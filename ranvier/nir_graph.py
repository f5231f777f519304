"""A NIR graph read as populations of neurons and the synapses between them, still in the graph's own units.

NIR (https://neuroir.org) draws a network as nodes, each with an equation in its docstring, and edges that copy a signal;
where edges meet, signals are added up. Between two populations there are only linear nodes, delays and reshapings, so
whatever lies between them is a list of synapses: from which neuron, to which, with which weight, after which time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranvier.extras import extra
from ranvier.files import write_bytes

__all__ = ["LEAKY", "SPIKING", "Circuit", "NirError", "Projection", "read_graph", "write_graph"]

Real = NDArray[np.float64]
Index = NDArray[np.int64]

#: Kinds of nodes that spike, and of nodes that only integrate.
SPIKING, LEAKY = ("LIF", "CubaLIF"), ("LI", "CubaLI")

#: Why a node that the core cannot hold is refused.
REFUSED = {
    **dict.fromkeys(
        ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"), "the core holds dense synapses: write it as one Linear node"
    ),
    "IF": "it never leaks, and the core's decay is below 1: use a LIF with a long time constant",
    "I": "it never leaks, and the core's decay is below 1: use a LI with a long time constant",
    "Threshold": "the core's neurons have a threshold and a reset in one: use a LIF",
}


class NirError(ValueError):
    """A graph that cannot be read or that the core cannot hold; the message names the node, the cause and a way out."""


def read_graph(path: str | Path) -> Any:
    """The graph in a file; `NirError` names the file and what is wrong with it, `ExtraError` the package that is missing."""
    nir = extra("nir", "nir")
    if not Path(path).is_file():
        raise NirError(f"{path}: there is no such file")
    try:
        return nir.read(path, type_check=False)
    except Exception as error:  # what a damaged or foreign file raises depends on what is wrong with it
        raise NirError(f"{path}: not a NIR graph: {' '.join(str(error).split()) or type(error).__name__}") from None


def write_graph(path: str | Path, graph: Any) -> None:
    """Write a graph, see `ranvier.files.write_bytes`: in memory first, since HDF5 wants a file that it can seek in."""
    content = BytesIO()
    extra("nir", "nir").write(content, graph)
    write_bytes(path, content.getvalue())


class Signal(NamedTuple):
    """``y_c(t) = sum_i weight[i, c] x_i(t - delay[i, c])`` of the units x of a source, delays in seconds."""

    weight: Real  # [units, channels]
    delay: Real  # [units, channels]


@dataclass(frozen=True)
class Projection:
    """Synapses from one node to another; those of weight 0 are left out.

    Parameters
    ----------
    source, target : str
        Names of the nodes.
    pre, post : int array [synapses]
        Unit of the source and of the target.
    weight : float array [synapses]
        Factor on what the source sends.
    delay : float array [synapses]
        Seconds.
    """

    source: str
    target: str
    pre: Index
    post: Index
    weight: Real
    delay: Real

    @classmethod
    def of(cls, source: str, target: str, signal: Signal) -> "Projection":
        pre, post = np.nonzero(signal.weight)
        return cls(source, target, pre, post, signal.weight[pre, post], signal.delay[pre, post])


@dataclass
class Circuit:
    """A graph without subgraphs, walked from the input to the output.

    Parameters
    ----------
    graph : nir.NIRGraph
        What to read. It is not changed.

    Attributes
    ----------
    nodes : dict of str to nir.NIRNode
        Every node by name; a node of a subgraph is called ``subgraph/node``.
    sizes : dict of str to int
        Units of the input, of every population and of the output.
    projections : list of Projection
        In the order of the walk.

    Raises
    ------
    NirError
        If a node is of a kind, or the graph of a form, that the core cannot hold.
    """

    graph: Any
    nodes: dict[str, Any] = field(init=False, default_factory=dict)
    edges: list[tuple[str, str]] = field(init=False, default_factory=list)
    sizes: dict[str, int] = field(init=False, default_factory=dict)
    projections: list[Projection] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._flatten(self.graph, "")
        for name, kind in self.kinds.items():
            if kind in REFUSED:
                raise NirError(f"{name} is a node of kind {kind}: {REFUSED[kind]}")
        self.input, self.output = (self._only(kind) for kind in ("Input", "Output"))
        shape = self.nodes[self.input].input_type["input"]
        if shape is None:
            raise NirError(f"{self.input} does not say how many inputs there are: give it a shape")
        self.sizes[self.input] = int(np.prod(shape))
        waiting = [self.input]
        for source in waiting:  # grows while it is walked
            for projection in self._follow(source, source, Signal(*self._itself(source)), ()):
                self.projections.append(projection)
                if projection.target not in waiting and self.kinds[projection.target] in SPIKING + LEAKY:
                    waiting.append(projection.target)
        for name, kind in self.kinds.items():
            if kind in SPIKING + LEAKY and name not in waiting:
                raise NirError(f"{name} hears nothing of {self.input}: remove it or connect it")

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Class name of every node."""
        return {name: type(node).__name__ for name, node in self.nodes.items()}

    def populations(self) -> list[str]:
        """Nodes that spike, in the order in which spikes reach them."""
        return [name for name in self.sizes if self.kinds[name] in SPIKING]

    def parameter(self, name: str, parameter: str) -> Real:
        """A parameter of every neuron of a population [neurons]."""
        return np.broadcast_to(np.ravel(getattr(self.nodes[name], parameter)).astype(np.float64), self.sizes[name])

    # ---------------------------------------------------------------- form

    def _flatten(self, graph: Any, prefix: str) -> None:
        """Take over nodes and edges; an edge to a subgraph goes to its inputs, one from it comes from its outputs."""
        inner = {name for name, node in graph.nodes.items() if type(node).__name__ == "NIRGraph"}
        for name, node in graph.nodes.items():
            if name in inner:
                self._flatten(node, f"{prefix}{name}/")
            else:
                self.nodes[prefix + name] = node

        def ends(name: str, kind: str) -> list[str]:
            if name not in graph.nodes:
                raise NirError(f"an edge names {prefix}{name}: there is no such node")
            if name not in inner:
                return [prefix + name]
            ports = [p for p, node in graph.nodes[name].nodes.items() if type(node).__name__ == kind]
            return [f"{prefix}{name}/{port}" for port in ports]

        for before, after in graph.edges:
            self.edges += [(b, a) for b in ends(before, "Output") for a in ends(after, "Input")]

    def _only(self, kind: str) -> str:
        """The one node of a kind that is not the port of a subgraph."""
        names = [name for name in self.nodes if self.kinds[name] == kind and "/" not in name]
        if len(names) != 1:
            raise NirError(
                f"the graph has {len(names)} {kind} nodes{': ' if names else ''}{', '.join(names)}: the core has one"
            )
        return names[0]

    # ---------------------------------------------------------------- walk

    def _itself(self, source: str) -> tuple[Real, Real]:
        size = self.sizes[source]
        return np.eye(size), np.zeros((size, size))

    def _follow(self, source: str, name: str, signal: Signal, passed: tuple[str, ...]) -> Iterator[Projection]:
        """What becomes of the signal of `source` behind the node `name`."""
        for after in [a for b, a in self.edges if b == name]:
            kind = self.kinds[after]
            if kind in SPIKING + LEAKY or after == self.output:
                self._size(after, signal.weight.shape[1], name)
                yield Projection.of(source, after, signal)
            elif after in passed:
                raise NirError(f"{after} is part of a loop without a neuron: put one into it")
            else:
                for passing in self._through(after, signal):
                    yield from self._follow(source, after, passing, (*passed, after))

    def _size(self, name: str, channels: int, before: str) -> None:
        """A population takes the size of what reaches it, unless its parameters say otherwise."""
        node, fields = self.nodes[name], ("tau", "tau_mem", "r", "v_threshold")
        own = {np.size(getattr(node, parameter)) for parameter in fields if hasattr(node, parameter)} - {1}
        for size in own | {self.sizes.setdefault(name, channels)}:
            if size != channels:
                raise NirError(f"{name} has {size} neurons but {before} sends {channels} values: make them agree")

    def _through(self, name: str, signal: Signal) -> Iterator[Signal]:
        """The signal behind a node that only weighs, delays or reshapes it."""
        node, kind = self.nodes[name], self.kinds[name]
        if kind in ("Linear", "Affine"):
            yield from self._weighed(name, node, signal)
        elif kind == "Scale":
            yield signal._replace(weight=signal.weight * self._channels(name, node.scale, signal))
        elif kind == "Delay":
            delay = self._channels(name, node.delay, signal)
            if not ((delay >= 0) & (delay < np.inf)).all():
                raise NirError(f"{name} delays by {delay.min():g} to {delay.max():g} s: give 0 s or more")
            yield signal._replace(delay=signal.delay + delay)
        elif kind in ("Flatten", "Input", "Output"):  # ports of a subgraph
            yield signal
        else:
            raise NirError(f"{name} is a node of kind {kind}: the core has nothing like it")

    @staticmethod
    def _channels(name: str, values: Any, signal: Signal) -> Real:
        flat, channels = np.ravel(values).astype(np.float64), signal.weight.shape[1]
        if flat.size not in (1, channels):
            raise NirError(f"{name} has {flat.size} values but {channels} reach it: make them agree")
        return flat

    @staticmethod
    def _weighed(name: str, node: Any, signal: Signal) -> Iterator[Signal]:
        matrix = np.asarray(node.weight, np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != signal.weight.shape[1]:
            raise NirError(
                f"{name} has weights of shape {list(matrix.shape)} but {signal.weight.shape[1]} values reach it: "
                "make them agree"
            )
        bias = np.ravel(getattr(node, "bias", 0.0))
        if bias.any():
            raise NirError(
                f"{name} has a bias of up to {np.abs(bias).max():g}: the core has none, train without "
                "(or with an input that spikes on every step)"
            )
        units, shape = len(signal.weight), (len(signal.weight), len(matrix))
        own = np.diagonal(signal.weight)
        if units == matrix.shape[1] and np.count_nonzero(own) == np.count_nonzero(
            signal.weight
        ):  # nothing mixed as yet
            yield Signal(own[:, None] * matrix.T, np.broadcast_to(np.diagonal(signal.delay)[:, None], shape))
            return
        used = signal.weight != 0
        rows = np.where(used, signal.delay, -1).max(axis=1, keepdims=True)
        if (signal.delay == rows)[used].all():  # one delay per unit: every synapse of the unit has it
            yield Signal(signal.weight @ matrix.T, np.broadcast_to(np.maximum(rows, 0), shape))
            return
        for delay in np.unique(signal.delay[used]):
            chosen = np.where(used & (signal.delay == delay), signal.weight, 0) @ matrix.T
            yield Signal(chosen, np.full(shape, delay))

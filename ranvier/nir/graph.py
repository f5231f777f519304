"""A NIR graph read as populations of neurons and the synapses between them, still in the graph's own units.

NIR (https://neuroir.org) draws a network as nodes, each with an equation in its docstring, and edges that copy a signal;
where edges meet, signals are added. Between two populations there are only linear nodes, delays and reshapings, so
everything between them is a list of synapses: from which neuron, to which, with which weight, after which time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import RanvierError, shown
from ranvier.extras import extra
from ranvier.files.npz import NotPlain, check_plain
from ranvier.files.output import write_bytes
from ranvier.files.probe import probe
from ranvier.parameters.config import LIMITS
from ranvier.parameters.qformat import Real
from ranvier.parameters.scalars import is_real

__all__ = [
    "LEAKY",
    "REFUSED",
    "SPIKING",
    "Circuit",
    "Index",
    "NirError",
    "Projection",
    "chosen",
    "numbers",
    "read_graph",
    "seconds",
    "write_graph",
]

Index = NDArray[np.int64]

#: Kinds of nodes that spike, and of nodes that only integrate.
SPIKING, LEAKY = ("LIF", "CubaLIF"), ("LI", "CubaLI")

#: Graphs within graphs, entries of a file and numbers in it, synapses between two nodes: no core could hold more.
MOST_NESTED, MOST_ENTRIES, MOST_NUMBERS, MOST_SYNAPSES = 100, 100_000, 1 << 27, 1 << 27

#: Limits for reading a file: a graph that fills a core takes a second and a gigabyte.
MOST_SECONDS, MOST_MEGABYTES = 10, 3000

#: Largest factor by which compression reduces bytes; a dataset of at most this many bytes may be stored in any way.
SMALLEST, SMALL = 1100, 1 << 16

NEURONS = LIMITS["neurons"][1]

#: Different delays over which a unit may reach a node; an input gets a row for each of them.
MOST_BRANCHES = LIMITS["max_delay"][1] + 1

#: Why a node that the core cannot hold is refused.
REFUSED = {
    **dict.fromkeys(
        ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"), "the core holds dense synapses: write it as one Linear node"
    ),
    "IF": "it never leaks, and the core's decay is below 1: use a LIF with a long time constant",
    "I": "it never leaks, and the core's decay is below 1: use a LI with a long time constant",
    "Threshold": "the core's neurons have a threshold and a reset in one: use a LIF",
}


class NirError(RanvierError, ValueError):
    """A graph that cannot be read or that the core cannot hold; the message names the node, the cause and a way out."""


def chosen(name: str, value: Any, choices: Iterable[str]) -> str:
    """`value` of the option `name` if it is one of the choices; otherwise a `NirError` that lists them."""
    choices = tuple(choices)
    if not (isinstance(value, str) and value in choices):
        raise NirError(f"{name}={shown(value)} is unknown: choose one of {', '.join(choices)}")
    return value


def seconds(dt: Any) -> float:
    """`dt` as seconds per step; `NirError` if it is not a positive number."""
    with suppress(OverflowError):  # whole numbers beyond all floats
        if is_real(dt) and 0 < dt < np.inf:
            return float(dt)
    raise NirError(f"dt={shown(dt, str)} is not a step: give a positive number of seconds")


def read_graph(path: str | Path) -> Any:
    """The graph in a file; `NirError` names the file and what is wrong with it, `ExtraError` the package that is missing."""
    nir = extra("nir", "nir")
    try:
        check_plain(path)
    except NotPlain as error:  # which does not know the path
        raise NirError(f"{path}: {error}") from None
    except (OSError, ValueError):  # a value: a zero byte in a name
        raise NirError(f"{path}: there is no such file") from None
    if Path(path).is_dir():
        raise NirError(f"{path}: this is a folder: give the file of a graph")
    if complaint := probe(partial(_read, path), seconds=MOST_SECONDS, megabytes=MOST_MEGABYTES):
        raise NirError(f"{path}: {complaint}")
    try:
        return nir.read(path, type_check=False)
    except Exception as error:  # changed since, or there are no processes to try it in
        raise NirError(f"{path}: not a NIR graph: {_cause(error)}") from None


def _read(path: str | Path) -> None:
    """Read and forget it; `NirError` if it cannot be read."""
    try:
        _check_extent(path)
        extra("nir", "nir").read(path, type_check=False)
    except NirError:
        raise
    except Exception as error:  # what a damaged or foreign file raises depends on what is wrong with it
        raise NirError(f"not a NIR graph: {_cause(error)}") from None


def _cause(error: Exception) -> str:
    """Message of an error in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _check_extent(path: str | Path) -> None:
    """Refuse files that would take excessive memory or time: a few bytes of HDF5 can represent any number of zeros."""
    h5py, size = extra("h5py", "nir"), Path(path).stat().st_size
    with h5py.File(path, "r") as file:
        waiting, seen, held = [(file, 0)], 0, 0
        while waiting:
            group, depth = waiting.pop()
            if depth > 2 * MOST_NESTED + 3:  # a graph's nodes are a group within its own
                raise NirError(f"graphs are nested more than {MOST_NESTED} deep: write the nodes into fewer graphs")
            for name in group:
                entry, seen = group.get(name), seen + 1
                if seen > MOST_ENTRIES:
                    raise NirError(f"there are more than {MOST_ENTRIES} entries in it: no core holds such a graph")
                if isinstance(entry, h5py.Group):
                    waiting.append((entry, depth + 1))
                elif isinstance(entry, h5py.Dataset):
                    held += entry.size or 0
                    if entry.nbytes > SMALLEST * min(entry.id.get_storage_size(), size) + SMALL:
                        raise NirError(f"{entry.name} claims to hold {entry.nbytes:,} bytes, which the file does not")
            if held > MOST_NUMBERS:
                raise NirError(f"it holds more than {MOST_NUMBERS:,} numbers: no core holds such a graph")


def write_graph(path: str | Path, graph: Any) -> None:
    """Write a graph, see `ranvier.files.output.write_bytes`: in memory first, since HDF5 needs a seekable file."""
    content = BytesIO()
    extra("nir", "nir").write(content, graph)
    write_bytes(path, content.getvalue())


def numbers(values: Any, what: str) -> Real:
    """`values` as real numbers, from lists, arrays or tensors, including those that require a gradient.

    Raises
    ------
    NirError
        Naming `what`, if they are not real numbers, or NaN.
    """
    try:
        for method in ("detach", "cpu"):  # of tensors
            values = getattr(values, method, lambda values=values: values)()
        plain = np.asarray(values)
        array = plain.astype(np.float64) if plain.dtype.kind in "biuf" else None
    except Exception:  # ragged arrays, types unknown to NumPy, tensors without numbers, arbitrary classes
        array = None
    if array is None:
        came = shown(getattr(values, "dtype", None) or ("nothing" if values is None else type(values).__name__), str)
        raise NirError(f"{what} holds no real numbers but {came}: give an array of floats")
    if np.isnan(array).any():
        raise NirError(f"{what} holds {int(np.isnan(array).sum())} NaN of {array.size} values: train it again")
    return array


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


class _Branches:
    """Signals that reach a node on all paths, those of equal delay added."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sums: dict[tuple[Any, ...], Signal] = {}

    def add(self, signal: Signal) -> None:
        """Add a signal."""
        key = signal.weight.shape, blake2b(signal.delay.tobytes()).digest()
        before = self.sums.get(key)
        self.sums[key] = signal if before is None else before._replace(weight=before.weight + signal.weight)
        if len(self.sums) > MOST_BRANCHES or sum(each.weight.size for each in self.sums.values()) > MOST_SYNAPSES:
            raise NirError(
                f"{self.name} is reached over {len(self.sums)} different delays, more than a core can hold: "
                "leave fewer branches"
            )


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
        self._flatten(self.graph, "", 0)
        for name, kind in self.kinds.items():
            if kind in REFUSED:
                raise NirError(f"{name} is a node of kind {kind}: {REFUSED[kind]}")
        self.input, self.output = (self._only(kind) for kind in ("Input", "Output"))
        self.sizes[self.input] = self._inputs()
        waiting = [self.input]
        for source in waiting:  # grows while it is walked
            for projection in self._follow(source):
                self.projections.append(projection)
                if projection.target not in waiting and self.kinds[projection.target] in SPIKING + LEAKY:
                    waiting.append(projection.target)
        for name, kind in self.kinds.items():
            if kind in SPIKING + LEAKY and name not in waiting:
                raise NirError(f"{name} receives nothing from {self.input}: remove it or connect it")

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Class name of every node."""
        return {name: type(node).__name__ for name, node in self.nodes.items()}

    def populations(self) -> list[str]:
        """Nodes that spike, in the order in which spikes reach them."""
        return [name for name in self.sizes if self.kinds[name] in SPIKING]

    def parameter(self, name: str, parameter: str) -> Real:
        """A parameter of every neuron of a population [neurons]; `NirError` if it is not numeric, or NaN."""
        values = np.ravel(self._numbers(name, parameter))
        if values.size not in (1, self.sizes[name]):
            raise NirError(
                f"{name} has {self.sizes[name]} neurons but {parameter} has {values.size} values: make them agree"
            )
        return np.broadcast_to(values, self.sizes[name])

    def _numbers(self, name: str, parameter: str) -> Real:
        return numbers(getattr(self.nodes[name], parameter, None), f"{name}: {parameter}")

    def _inputs(self) -> int:
        """Number of inputs, checked before anything of their size is allocated."""
        types = getattr(self.nodes[self.input], "input_type", None)
        shape = types.get("input") if isinstance(types, dict) else None
        sizes = np.zeros(0) if shape is None else np.ravel(numbers(shape, f"{self.input}: its shape"))
        if not sizes.size:
            raise NirError(f"{self.input} does not say how many inputs there are: give it a shape")
        if (sizes < 1).any() or (sizes != np.trunc(sizes)).any():
            raise NirError(f"{self.input} has the shape {sizes.tolist()}: give whole numbers of at least 1")
        return self._within("inputs", self.input, float(np.prod(sizes)), LIMITS["inputs"][1])

    @staticmethod
    def _within(what: str, name: str, size: float, most: int) -> int:
        if size > most:
            raise NirError(f"{name} has {size:.0f} {what} but a core holds 1 to {most}: pool or crop what it is given")
        return int(size)

    # ---------------------------------------------------------------- form

    def _flatten(self, graph: Any, prefix: str, depth: int) -> None:
        """Take over nodes and edges; an edge to a subgraph goes to its inputs, one from it comes from its outputs."""
        if depth > MOST_NESTED:
            raise NirError(f"graphs are nested more than {MOST_NESTED} deep: write the nodes into fewer graphs")
        nodes, edges = (getattr(graph, name, None) for name in ("nodes", "edges"))
        if not (isinstance(nodes, dict) and isinstance(edges, list | tuple | set)):
            raise NirError(f"{prefix.rstrip('/') or shown(graph)} is not a NIR graph: give a nir.NIRGraph")
        for edge in (*((name, name) for name in nodes), *edges):
            if not (isinstance(edge, list | tuple) and len(edge) == 2 and all(isinstance(name, str) for name in edge)):
                raise NirError(f"{prefix}{shown(edge)} is not an edge of a NIR graph: give pairs of names of nodes")
        inner = {name for name, node in graph.nodes.items() if type(node).__name__ == "NIRGraph"}
        for name, node in graph.nodes.items():
            if name in inner:
                self._flatten(node, f"{prefix}{name}/", depth + 1)
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

    @cached_property
    def _after(self) -> dict[str, list[str]]:
        """The nodes behind every node; an edge that occurs twice counts twice."""
        after = defaultdict(list)
        for before, name in self.edges:
            after[before].append(name)
        return after

    def _ends(self, name: str) -> bool:
        """Whether what reaches this node is a synapse onto it, or the end."""
        return self.kinds[name] in SPIKING + LEAKY or name == self.output

    def _order(self, source: str) -> list[str]:
        """`source` and the nodes behind it that only weigh, delay or reshape, each after all of its sources."""
        heard: dict[str, set[str]] = {source: set()}
        waiting = [source]
        for name in waiting:  # grows while it is walked
            for after in self._after[name]:
                if not self._ends(after):
                    if after not in heard:
                        heard[after] = set()
                        waiting.append(after)
                    heard[after].add(name)
        try:
            return list(TopologicalSorter(heard).static_order())
        except CycleError as error:
            raise NirError(f"{error.args[1][0]} is part of a loop without a neuron: put one into it") from None

    def _follow(self, source: str) -> Iterator[Projection]:
        """Where the signal of `source` goes, up to the neurons, the readout or the output.

        Every node is passed once, with all that reaches it, because the number of paths through a graph is unbounded.
        """
        size = self.sizes[source]
        signals = [Signal(np.eye(size), np.zeros((size, size)))]
        reaching: dict[str, _Branches] = {}
        for name in self._order(source):
            if name != source:
                signals = [passed for each in reaching.pop(name).sums.values() for passed in self._through(name, each)]
            for after in self._after[name]:
                if not self._ends(after):
                    branches = reaching.setdefault(after, _Branches(after))
                    for signal in signals:
                        branches.add(signal)
                    continue
                for signal in signals:
                    self._size(after, signal.weight.shape[1], name)
                    yield Projection.of(source, after, signal)

    def _size(self, name: str, channels: int, before: str) -> None:
        """A population takes the size of what reaches it, unless its parameters say otherwise."""
        fields = [p for p in ("tau", "tau_mem", "r", "v_threshold") if hasattr(self.nodes[name], p)]
        own = {self._numbers(name, parameter).size for parameter in fields} - {1}
        for size in own | {self.sizes.setdefault(name, channels)}:
            if size != channels:
                raise NirError(f"{name} has {size} neurons but {before} sends {channels} values: make them agree")
        if self.kinds[name] in SPIKING:
            every = sum(self.sizes[population] for population in self.populations())
            self._within("neurons, with those before it," if every > channels else "neurons", name, every, NEURONS)
        else:
            self._within("values", name, channels, LIMITS["outputs"][1])

    def _through(self, name: str, signal: Signal) -> Iterator[Signal]:
        """The signal behind a node that only weighs, delays or reshapes it."""
        kind = self.kinds[name]
        if kind in ("Linear", "Affine"):
            yield from self._weighed(name, signal)
        elif kind == "Scale":
            self._finite(name, "scale")
            yield signal._replace(weight=signal.weight * self._channels(name, "scale", signal))
        elif kind == "Delay":
            delay = self._channels(name, "delay", signal)
            if not ((delay >= 0) & (delay < np.inf)).all():
                raise NirError(f"{name} delays by {delay.min():g} to {delay.max():g} s: give 0 s or more")
            yield signal._replace(delay=signal.delay + delay)
        elif kind in ("Flatten", "Input", "Output"):  # ports of a subgraph
            yield signal
        else:
            raise NirError(f"{name} is a node of kind {kind}: the core has nothing like it")

    def _channels(self, name: str, parameter: str, signal: Signal) -> Real:
        flat, channels = np.ravel(self._numbers(name, parameter)), signal.weight.shape[1]
        if flat.size not in (1, channels):
            raise NirError(f"{name} has {flat.size} values but {channels} reach it: make them agree")
        return flat

    def _finite(self, name: str, parameter: str) -> Real:
        values = self._numbers(name, parameter)
        if not np.isfinite(values).all():
            raise NirError(f"{name}: {parameter} holds infinite values: give finite ones")
        return values

    def _weighed(self, name: str, signal: Signal) -> Iterator[Signal]:
        matrix = self._finite(name, "weight")
        if matrix.ndim != 2 or matrix.shape[1] != signal.weight.shape[1]:
            raise NirError(
                f"{name} has weights of shape {list(matrix.shape)} but {signal.weight.shape[1]} values reach it: "
                "make them agree"
            )
        bias = (
            np.ravel(self._finite(name, "bias")) if getattr(self.nodes[name], "bias", None) is not None else np.zeros(1)
        )
        if bias.any():
            raise NirError(
                f"{name} has a bias of up to {np.abs(bias).max():g}: the core has none, train without "
                "(or with an input that spikes on every step)"
            )
        units, shape = len(signal.weight), (len(signal.weight), len(matrix))
        own = np.diagonal(signal.weight)
        if units == matrix.shape[1] and np.count_nonzero(own) == np.count_nonzero(signal.weight):  # nothing mixed yet
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

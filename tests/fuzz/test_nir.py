"""Whatever comes as a NIR graph, in memory or in a file, ends in a network or in one line, soon and in little memory."""

import resource
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import SEED, bounded, damaged, one_line
from hypothesis import given
from hypothesis import strategies as st

from ranvier.nir.dialects import DIALECTS
from ranvier.nir.graph import NirError, read_graph
from ranvier.nir.importer import import_graph

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")
h5py = pytest.importorskip("h5py")

#: Inputs of a target; what one may cost, and all of them.
EXAMPLES = 150
SECONDS, MEGABYTES = 5.0, 400


class Tensor(np.ndarray):
    """What a tensor has in common with an array, and what it has not."""

    def size(self) -> Any:  # type: ignore[override]
        return self.shape

    def __repr__(self) -> str:
        return f"Tensor({self.tolist()})"


class Grown:
    """A tensor that requires a gradient refuses to become an array until it is detached."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self) -> Any:
        return self.values.view(Tensor)


def nodes_of(n: int) -> dict[str, Any]:
    """One node of every kind that matters, for n neurons."""
    one, zero = np.ones(n), np.zeros(n)
    common = {"r": 10 * one, "v_leak": zero}
    spiking = common | {"v_threshold": one, "v_reset": zero}
    return {
        "in": nir.Input(np.array([n])),
        "out": nir.Output(np.array([n])),
        "fc": nir.Linear(0.3 * np.ones((n, n))),
        "af": nir.Affine(0.1 * (1 - np.eye(n)), zero),
        "sc": nir.Scale(one),
        "de": nir.Delay(2e-3 * one),
        "fl": nir.Flatten({"input": np.array([n])}, 0, -1),
        "lif": nir.LIF(tau=1e-2 * one, **spiking),
        "cuba": nir.CubaLIF(tau_syn=5e-3 * one, tau_mem=1e-2 * one, w_in=one, **spiking),
        "li": nir.LI(tau=1e-2 * one, **common),
        "if": nir.IF(r=one, v_threshold=one, v_reset=zero),
    }


CHAINS = (
    "in fc lif out",
    "in fc de lif fc2 li out",
    "in sc fl fc cuba af cuba li out",
    "in fc if out",
    "in de fc lif af lif li out",
)

#: What a parameter may hold instead of what it should.
STRANGE = st.one_of(
    st.sampled_from(
        [
            None,
            b"bytes",
            "text",
            [],
            [[]],
            [1, [2, 3]],
            {},
            True,
            0,
            -1,
            2.5,
            np.nan,
            np.inf,
            -np.inf,
            1e308,
            5e-324,
            10**400,
        ]
    ),
    st.sampled_from(["S5", "U3", "O", "c16", "M8[s]", "?", "u1", "f2", "i8", "V4"]).map(lambda kind: np.zeros(3, kind)),
    st.lists(st.floats(), min_size=0, max_size=5).map(np.array),
    st.lists(st.floats(width=32), min_size=1, max_size=4).map(lambda values: np.array(values, np.float32).view(Tensor)),
    st.lists(st.floats(0.1, 2), min_size=3, max_size=3).map(Grown),
    st.tuples(st.integers(0, 4), st.integers(0, 4)).map(np.zeros),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(np.ones),
    st.integers(-(2**70), 2**70),
    st.integers(1, 2**40).map(lambda n: np.array([n])),
)


@st.composite
def graphs(draw: Any) -> Any:
    """A graph that could be read, changed in some places."""
    n = draw(st.integers(1, 3))
    nodes, way = nodes_of(n), draw(st.sampled_from(CHAINS)).split()
    nodes["fc2"] = nir.Linear(np.ones((n, n)))
    edges = list(pairwise(way))
    graph = nir.NIRGraph({name: nodes[name] for name in dict.fromkeys(way)}, edges, type_check=False)
    names = sorted(graph.nodes)
    for _ in range(draw(st.integers(0, 3))):
        node = graph.nodes[draw(st.sampled_from(names))]
        fields = sorted(set(vars(node)) - {"metadata"})
        if fields:
            setattr(node, draw(st.sampled_from(fields)), draw(STRANGE))
    for _ in range(draw(st.integers(0, 2))):
        graph.edges.append((draw(st.sampled_from(names)), draw(st.sampled_from([*names, "nowhere"]))))
    if draw(st.booleans()):
        keys = [
            "ranvier_config",
            "ranvier_dt",
            "ranvier_integration",
            "ranvier_lag",
            "ranvier_kappa",
            "ranvier_classes",
            "other",
        ]
        graph.metadata = {draw(st.sampled_from(keys)): draw(st.one_of(STRANGE, st.text(max_size=20)))}
    return graph


OPTIONS = st.fixed_dictionaries(
    {"dt": st.one_of(st.sampled_from([1e-3, 1e-3, 1e-3, None, 0, -1, np.inf, np.nan, "x", True]), st.floats())},
    optional={
        "dialect": st.sampled_from([*DIALECTS, "nobody"]),
        "reset": st.sampled_from(["soft", "soft-now", "zero", "hard", 3]),
        "integration": st.sampled_from(["euler", "exp", "rk4"]),
        "spike": st.sampled_from(["step", "jump", "hop"]),
        "max_delay": st.sampled_from([0, 1, 7, 1022, 1023, 2.5, True, "1"]),
        "approximate": st.booleans(),
    },
)


class Tally:
    """What became of the examples, and how long the longest took."""

    def __init__(self) -> None:
        self.imported, self.refused, self.longest = 0, set(), 0.0
        self.before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def ends_well(self, make: Any, options: dict[str, Any]) -> None:
        start, said = time.process_time(), None
        try:
            import_graph(make(), **options)
        except NirError as error:
            said = one_line(error)
        if said is None:
            self.imported += 1
        else:
            self.refused.add(said.rpartition(".nir: ")[2][:40])
        self.longest = max(self.longest, time.process_time() - start)

    def check(self, imported: int, refused: int) -> None:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self.before) / 1024
        print(
            f"seed {SEED}: {self.imported} imported, {len(self.refused)} kinds of refusal, "
            f"{self.longest:.2f} s, {grown:.0f} MB"
        )
        assert self.imported >= imported
        assert len(self.refused) >= refused
        assert self.longest < SECONDS
        assert grown < MEGABYTES


def test_graphs_in_memory() -> None:
    tally = Tally()

    @bounded(EXAMPLES)
    @given(graphs(), OPTIONS)
    def target(graph: Any, options: dict[str, Any]) -> None:
        tally.ends_well(lambda: graph, options)

    target()
    tally.check(imported=2, refused=20)


#: Changes of a file: a dataset of it holds something else, or is not there.
EDITS = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.one_of(
            st.sampled_from([None, b"LIF", b"Linear", b"NIRGraph", b"", b"\xff", "text", 0, -1, np.nan, np.inf]),
            st.sampled_from(["S5", "u1", "f2", "i8", "c16", "?"]).map(lambda kind: np.zeros(3, kind)),
            st.sampled_from(
                [np.zeros(0), np.zeros((2, 2)), np.zeros((0, 3)), np.full(3, b"abc"), np.full((2, 2), b"in")]
            ),
        ),
    ),
    min_size=1,
    max_size=3,
)


def edited(path: Path, edits: list[tuple[int, Any]]) -> None:
    with h5py.File(path, "r+") as file:
        for which, value in edits:
            names: list[str] = []
            file.visit(names.append)
            if not names:
                return
            name = names[which % len(names)]
            del file[name]
            if value is not None:
                file[name] = value


def whole(path: Path) -> bytes:
    nodes = nodes_of(3)
    way = ["in", "de", "fc", "cuba", "af", "cuba", "li", "out"]
    edges = list(pairwise(way))
    nir.write(
        path, nir.NIRGraph({name: nodes[name] for name in dict.fromkeys(way)}, edges, metadata={"ranvier_dt": 1e-3})
    )
    return path.read_bytes()


def test_files_with_other_content(tmp_path: Path) -> None:
    tally, path = Tally(), tmp_path / "n.nir"
    content = whole(path)

    @bounded(EXAMPLES)
    @given(EDITS)
    def target(edits: list[tuple[int, Any]]) -> None:
        path.write_bytes(content)
        edited(path, edits)
        tally.ends_well(lambda: read_graph(path), {"dt": 1e-3})

    target()
    tally.check(imported=2, refused=10)


def test_damaged_files(tmp_path: Path) -> None:
    """Bytes that are wrong, missing or too many."""
    tally, path = Tally(), tmp_path / "n.nir"
    content = whole(path)

    @bounded(EXAMPLES)
    @given(damaged(content))
    def target(changed: bytes) -> None:
        path.write_bytes(changed)
        tally.ends_well(lambda: read_graph(path), {"dt": 1e-3})

    target()
    tally.check(imported=2, refused=2)

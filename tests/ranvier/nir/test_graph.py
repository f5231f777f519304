"""Files of NIR graphs, and the commands that exchange them: what is written, and what ends in one clear line."""

import json
import resource
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusal import contents, refused

from ranvier.cli import main
from ranvier.extras import ExtraError
from ranvier.nir import graph as nir_graph
from ranvier.nir.exporter import export_graph
from ranvier.nir.graph import NirError, read_graph, write_graph
from ranvier.nir.importer import import_graph
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network

nir = pytest.importorskip("nir", reason="NIR takes ranvier[nir]")


@pytest.fixture
def network() -> Network:
    config = CoreConfig(inputs=3, neurons=4, outputs=2, max_delay=6, reset="zero")
    net, rng = Network.zeros(config), np.random.default_rng(0)
    delay = rng.integers(0, 7, net.delay.shape) << config.delay_fraction
    return net.replace(weight=rng.integers(1, 9999, net.weight.shape), delay=delay, readout=np.ones_like(net.readout))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: Network) -> Path:
    """A folder with a network for the core and what is no graph."""
    monkeypatch.chdir(tmp_path)
    network.save("core.npz")
    Path("text.nir").write_text("no graph")
    nir.write("node.nir", nir.Linear(np.ones((2, 3))))
    graph = export_graph(network, dt=1e-3).graph
    graph.metadata.clear()
    write_graph("plain.nir", graph)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], line: str) -> dict[str, Any]:
    assert main([*line.split(), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_export_then_import(here: Path, network: Network, capsys: pytest.CaptureFixture[str]) -> None:
    exported = answer(capsys, "nir export core.npz --dt 0.002 --integration exp -o out.nir")
    assert exported["nodes"] == len(read_graph("out.nir").nodes)
    imported = answer(capsys, "nir import out.nir -o real.npz")
    assert (imported["dt"], imported["integration"], imported["quantisation"]) == (0.002, "exp", None)
    real = FloatNetwork.read("real.npz")
    np.testing.assert_array_equal(real.arrivals(), FloatNetwork.of(network).arrivals())
    quantised = answer(capsys, "nir import out.nir --quantise -o back.npz")
    assert quantised["quantisation"]["warnings"] == []
    for name in ("weight", "delay", "readout", "alpha", "kappa", "config"):
        np.testing.assert_array_equal(getattr(Network.read("back.npz"), name), getattr(network, name))
    assert answer(capsys, "nir export real.npz -o again.nir")["nodes"] == exported["nodes"]


def test_a_readout_without_memory_is_quantised(
    here: Path, network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    write_graph("memoryless.nir", export_graph(FloatNetwork.of(network).replace(kappa=0.0), dt=1e-3).graph)
    assert answer(capsys, "nir import memoryless.nir --quantise")["quantisation"]["decays"]["kappa"] == {
        "real": 0.0,
        "core": 0.0,
    }
    assert Network.read("model.npz").kappa == 0


def test_reports_for_people(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nir", "import", "plain.nir", "--dt", "1e-3", "--max-delay", "3", "--reset", "zero"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 inputs, 4 neurons, 2 outputs, synaptic delays up to 3 steps, reset zero"
    assert any(line.startswith("note: ") and "clipped to 3 steps" in line for line in lines)
    assert lines[-1] == "wrote model.npz"
    assert main(["nir", "export", "model.npz"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "wrote model.nir"


def test_eval_prolongs_samples_of_an_imported_network_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two layers: the graph answers on the step of its input, the core two steps later."""
    rng = np.random.default_rng(0)
    node = {"tau": 1e-2, "r": 10.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    layers = [nir.LIF(**{name: np.full(size, value) for name, value in node.items()}) for size in (8, 3)]
    nodes = {"in": nir.Input(np.array([5])), "a": nir.Linear(rng.uniform(0, 1, (8, 5))), "n": layers[0]}
    nodes |= {"b": nir.Linear(rng.uniform(0, 1, (3, 8))), "m": layers[1], "out": nir.Output(np.array([3]))}
    write_graph("deep.nir", nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False))
    imported = answer(capsys, "nir import deep.nir --dt 1e-3 --quantise -o deep.npz")
    assert imported["lag"] == 2
    late = answer(capsys, "eval deep.npz --data yinyang")
    assert late["notes"][-1] == "samples are extended by 2 steps: the imported network responds that much later"


#: Arguments -> part of the one line on stderr.
BAD = {
    "nir": "see ranvier nir --help",
    "nir import nope.nir --dt 1e-3": "nope.nir: there is no such file",
    "nir import text.nir --dt 1e-3": "text.nir: not a NIR graph",
    "nir import core.npz --dt 1e-3": "core.npz: not a NIR graph",
    "nir import node.nir --dt 1e-3": "node.nir: not a NIR graph",
    "nir import plain.nir": "give --dt SECONDS",
    "nir import plain.nir --dt 0": "'0' is not a positive number",
    "nir import plain.nir --dt soon": "'soon' is not a positive number",
    "nir import plain.nir --dt 1": "s is shorter than dt=1 s: take a smaller dt",
    "nir import plain.nir --dt 1e-3 --max-delay 2000": "not a whole number from 1 to 1022",
    "nir import plain.nir --dt 1e-3 -o nowhere/x.npz": "nowhere is not a folder",
    "nir export nope.npz": "nope.npz: No such file or directory",
    "nir export text.nir": "text.nir: not a Ranvier network",
    "nir export core.npz -o .": "is a folder",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input(line: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one line that says why, no file written or changed."""
    before = contents(here)
    assert BAD[line] in refused(capsys, *line.split())
    assert contents(here) == before


def test_a_full_disk_leaves_the_old_graph(here: Path) -> None:
    """A file system that ends after 1,000 bytes."""
    before = {path: path.read_bytes() for path in here.iterdir()}
    line = [sys.executable, "-m", "ranvier", "nir", "export", "core.npz", "-o", "plain.nir"]
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000))
    done = subprocess.run(line, preexec_fn=full, capture_output=True, text=True, timeout=120, check=False, cwd=here)
    assert done.returncode == 2
    assert done.stderr.startswith("ranvier: cannot write plain.nir: ")
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_failure_in_writing_leaves_the_old_graph(here: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}

    def broken(content: Any, graph: Any) -> None:
        content.write(b"half")
        raise RuntimeError("broken")

    monkeypatch.setattr(nir, "write", broken)
    with pytest.raises(RuntimeError, match="broken"):
        write_graph("plain.nir", export_graph(network, dt=1e-3).graph)
    assert {path: path.read_bytes() for path in here.iterdir()} == before


# -------------------------------------------------------------------- bounds


def test_a_file_that_stands_for_too_much(tmp_path: Path) -> None:
    """A kilobyte of HDF5 may say that it holds 80 GB of zeros."""
    h5py = pytest.importorskip("h5py")
    nir.write(tmp_path / "big.nir", nir.NIRGraph({"fc": nir.Linear(np.ones((2, 3)))}, [], type_check=False))
    with h5py.File(tmp_path / "big.nir", "r+") as file:
        del file["node/nodes/fc/weight"]
        file.create_dataset("node/nodes/fc/weight", (100_000, 100_000), "f8", chunks=(1000, 1000))
    assert (tmp_path / "big.nir").stat().st_size < 100_000
    with pytest.raises(
        NirError, match=r"big.nir: .*weight claims to hold 80,000,000,000 bytes, which the file does not"
    ):
        read_graph(tmp_path / "big.nir")


def test_a_file_of_more_numbers_than_a_core_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nir.write(tmp_path / "n.nir", nir.NIRGraph({"fc": nir.Linear(np.ones((20, 30)))}, [], type_check=False))
    monkeypatch.setattr(nir_graph, "MOST_NUMBERS", 600)
    with pytest.raises(NirError, match="it holds more than 600 numbers: no core holds such a graph"):
        read_graph(tmp_path / "n.nir")


def test_zeros_compress_well_and_are_read(tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", nir.NIRGraph({"fc": nir.Linear(np.zeros((1000, 1000)))}, [], type_check=False))
    assert (tmp_path / "n.nir").stat().st_size < 100_000
    assert read_graph(tmp_path / "n.nir").nodes["fc"].weight.shape == (1000, 1000)


def nested(depth: int) -> Any:
    inner = nir.LIF(*(np.full(2, value) for value in (1e-2, 1.0, 0.0, 1.0, 0.0)))
    for _ in range(depth):
        nodes = {"input": nir.Input(np.array([2])), "in": inner, "output": nir.Output(np.array([2]))}
        inner = nir.NIRGraph(nodes, [("input", "in"), ("in", "output")], type_check=False)
    return inner


@pytest.mark.parametrize(("depth", "fits"), [(1, True), (50, True), (102, False), (300, False)])
def test_graphs_within_graphs(depth: int, fits: bool, tmp_path: Path) -> None:
    start = time.process_time()
    if depth <= 102:  # nir takes its time to write more
        nir.write(tmp_path / "n.nir", nested(depth))
    made = time.process_time()
    for read in (lambda: nested(depth), *([lambda: read_graph(tmp_path / "n.nir")] if depth <= 102 else [])):
        if fits:
            assert import_graph(read(), dt=1e-3).network.config.neurons == 2
            continue
        with pytest.raises(NirError, match="graphs are nested more than 100 deep"):
            import_graph(read(), dt=1e-3)
    assert time.process_time() - made < 10, made - start


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ExtraError, match=r"install ranvier\[nir\]"):
        read_graph("x.nir")
    assert main(["nir", "import", "x.nir"]) == 2
    assert "install ranvier[nir]" in capsys.readouterr().err

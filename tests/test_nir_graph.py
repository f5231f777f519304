"""Files of NIR graphs, and the commands that exchange them: what is written, and what ends in one clear line."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.cli import main
from ranvier.extras import ExtraError
from ranvier.files import OutputError
from ranvier.golden.config import CoreConfig
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.network import Network
from ranvier.nir_export import export_graph
from ranvier.nir_graph import read_graph, write_graph

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
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ranvier: ")
    assert err.count("\n") == 1
    assert BAD[line] in err
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_failure_in_writing_leaves_the_old_graph(here: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}

    def broken(path: Path, graph: Any) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nir, "write", broken)
    with pytest.raises(OutputError, match=r"cannot write plain.nir: No space left"):
        write_graph("plain.nir", export_graph(network, dt=1e-3).graph)
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ExtraError, match=r"install ranvier\[nir\]"):
        read_graph("x.nir")
    assert main(["nir", "import", "x.nir"]) == 2
    assert "install ranvier[nir]" in capsys.readouterr().err

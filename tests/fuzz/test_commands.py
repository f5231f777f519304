"""The command line with hostile arguments and files: an exit code and one line, never a traceback, nothing written."""

import argparse
import contextlib
import io
import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hostile import bounded
from hypothesis import given
from hypothesis import strategies as st

from ranvier.cli import _parser, main
from ranvier.learners import LEARNERS, Online
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset


#: Commands that wait, listen, or go into the net, are given no arguments that let them begin.
def leaves(
    parser: argparse.ArgumentParser, before: tuple[str, ...] = ()
) -> dict[tuple[str, ...], list[argparse.Action]]:
    """Words of every command -> what it takes."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {
                words: actions
                for name, inner in action.choices.items()
                for words, actions in leaves(inner, (*before, name)).items()
            }
    return {before: [action for action in parser._actions if action.dest != "help"]}


COMMANDS = leaves(_parser())
OPTIONS = sorted({option for actions in COMMANDS.values() for action in actions for option in action.option_strings})
WORDS = st.sampled_from(
    (
        "", "-", "--", "-1", "0", "1", "nan", "inf", "1e400", "9" * 5000, "0x10", "\u0665", "é", "a b", "a\nb", "%s", "{}",
        "test", "braille", "nope", "yinyang", "yinyang:x", "shd", "shd:.", "shd:.?dt=inf", "shd:?", "braille:", "*",
        "braille:net.npz", "braille:?a=b", "ssc:float.npz?x", "golden", "golden:plain", "float64", "fpga", "serial://",
        "serial:///dev/null?baud=0", "serial://x?baud=" + "9" * 5000, "net.npz", "float.npz", "core.toml", "garbage",
        "folder", "folder/x", "nowhere/x", "/dev/null", "/dev/full", "/proc/self/mem", "loop", "x" * 300, "icebreaker",
        "arty-a7-35", "core", "axi", "svd", "ecp5", "up5k", "online", "bptt", "zero", "soft", "import", "export",
        "tcp://127.0.0.1:1", "http://127.0.0.1:1/",
    )
)  # fmt: skip


@st.composite
def plausible(draw: st.DrawFn) -> list[str]:
    """All that a command needs and some of what it may be given, each with any word; now and then out of order."""
    words, actions = draw(st.sampled_from(sorted(COMMANDS.items())))
    line = []
    for action in actions:
        if not (action.required or draw(st.integers(0, 3)) == 0):
            continue
        known = st.sampled_from(sorted(map(str, action.choices))) if action.choices else WORDS
        option = [draw(st.sampled_from(action.option_strings))] if action.option_strings else []
        line.append([*option, *([draw(known | WORDS)] if action.nargs != 0 else [])])
    if not any("--preset" in part for part in line) and any(action.dest == "preset" for action in actions):
        line.append(["--preset", draw(st.sampled_from(("test", "yinyang", "nope")))])
    return [*words, *(word for part in line for word in part)]


ANY = st.lists(
    st.one_of(WORDS, st.sampled_from(OPTIONS), st.sampled_from(sorted({w for c in COMMANDS for w in c}))), max_size=7
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few good and bad files."""
    folder = tmp_path_factory.mktemp("commands")
    network = Network.zeros(preset("test"))
    network.save(folder / "net.npz")
    FloatNetwork.of(network).save(folder / "float.npz")
    (folder / "core.toml").write_text(preset("test").to_toml())
    (folder / "garbage").write_bytes(bytes(np.random.default_rng(0).integers(0, 256, 300, np.uint8)))
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.fixture
def checks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would take longer than a moment, or write, ends there: the arguments were good."""

    def far(*_: object, **__: object) -> None:
        raise OSError("too far")

    for name, attributes in {
        "demo": "demo", "data.download": "download", "learners.online": "evaluate", "sim.port": "SimulatedPort",
        "verification.selftest": "selftest", "verification.verify": "verify", "bench": "bench",
        "quantisation.quantise": "quantise", "commands": "open_device", "hw.flow.verilog": "write_verilog",
        "hw.flow.fit": "fit fit_part", "hw.flow.board": "build", "hw.flow.vivado": "package",
        "hw.flow.synthesis": "synthesise", "files.output": "write_text", "parameters.network": "write_bytes",
        "nir.graph": "write_bytes",
    }.items():  # fmt: skip
        for attribute in attributes.split():
            monkeypatch.setattr(import_module(f"ranvier.{name}"), attribute, far)
    for way in (Online, *(type(way) for way in LEARNERS.values())):
        monkeypatch.setattr(way, "train", far)


@bounded(250)
@given(words=plausible() | ANY)
def test_any_arguments(words: list[str], folder: Path, checks_only: None) -> None:
    before = os.getcwd()
    os.chdir(folder)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    finally:
        os.chdir(before)
    assert code in (0, 2), err.getvalue()
    said = err.getvalue()
    if code:
        assert said.startswith("ranvier: ")
        assert (said.count("\n"), out.getvalue()) == (1, "")
        assert len(said) < 3000


def test_every_command_is_asked() -> None:
    assert len(COMMANDS) >= 15
    assert len(OPTIONS) >= 35

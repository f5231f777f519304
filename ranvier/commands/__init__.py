"""The commands of ``ranvier``, one file each: its arguments, its help and what it does.

`NAMES` is the order of ``ranvier --help``. Nothing heavy is imported before a command runs, or asks for its choices.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from ranvier.commands.output import Output

__all__ = ["GROUPS", "NAMES", "Command", "load"]

#: Every command, as it is typed.
NAMES = (
    "demo",
    "download",
    "train",
    "eval",
    "quantise",
    "nir import",
    "nir export",
    "verify",
    "simulate",
    "selftest",
    "verilog",
    "registers",
    "synth",
    "build",
    "info",
    "bench",
)

#: First words that several commands share, with their help.
GROUPS = {"nir": "Exchange networks with other simulators as NIR graphs."}


class Command(Protocol):
    """What the file of a command holds."""

    #: One sentence, for the list of all commands and for its own help.
    HELP: str
    #: Command lines, without ``ranvier``, that its help ends with.
    EXAMPLES: Sequence[str]

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its arguments; ``--json`` is there already."""

    def run(self, options: argparse.Namespace) -> Output:
        """Do it."""


def load(name: str) -> Command:
    """The command of this name, which is one of `NAMES`."""
    return cast(Command, import_module(f"{__name__}.{name.replace(' ', '_')}"))

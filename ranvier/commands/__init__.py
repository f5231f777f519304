"""The commands of ``ranvier``, one file each: its arguments, its help and its action.

`NAMES` is the order of ``ranvier --help``. Large modules are imported only when a command runs or needs its choices.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from ranvier.commands.output import Output

__all__ = ["GROUPS", "NAMES", "Command", "load"]

#: Names of all commands, as typed.
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

#: First words shared by several commands, with their help.
GROUPS = {"nir": "Exchange networks with other simulators as NIR graphs."}


class Command(Protocol):
    """The module of a command."""

    #: One sentence, for the list of all commands and for its own help.
    HELP: str
    #: Command lines, without ``ranvier``, for the end of its help.
    EXAMPLES: Sequence[str]

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its arguments, other than ``--json``."""

    def run(self, options: argparse.Namespace) -> Output:
        """Run it."""


def load(name: str) -> Command:
    """The command of this name, which is one of `NAMES`."""
    return cast(Command, import_module(f"{__name__}.{name.replace(' ', '_')}"))

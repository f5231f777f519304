"""Results of a command for the command line to print, and errors in its arguments."""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from ranvier.errors import RanvierError

__all__ = ["INTERRUPTED", "Output", "UsageError", "announce"]

#: Exit code after Ctrl-C or SIGTERM.
INTERRUPTED = 130


class UsageError(RanvierError, ValueError):
    """Invalid arguments."""


@dataclass(frozen=True)
class Output:
    """Results of a command: plain values for ``--json``, lines for people, exit code."""

    values: dict[str, Any]
    lines: list[str]
    code: int = 0


def announce(options: argparse.Namespace) -> None:
    """Explain a long start to a user at a terminal."""
    if options.device in ("sim", "bus", "pty") and not options.json and sys.stderr.isatty():
        print("opening the simulated core; a new one is compiled first", file=sys.stderr)

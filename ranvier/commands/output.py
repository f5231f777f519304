"""What a command gives to the command line to print, and how it refuses what it was asked."""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from ranvier.errors import RanvierError

__all__ = ["INTERRUPTED", "Output", "UsageError", "announce"]

#: Exit code after Ctrl-C or SIGTERM.
INTERRUPTED = 130


class UsageError(RanvierError, ValueError):
    """Arguments that make no sense."""


@dataclass(frozen=True)
class Output:
    """What a command prints: plain values for ``--json``, lines for people; and its exit code."""

    values: dict[str, Any]
    lines: list[str]
    code: int = 0


def announce(options: argparse.Namespace) -> None:
    """Say why nothing happens yet, to someone who watches."""
    if options.device in ("sim", "bus", "pty") and not options.json and sys.stderr.isatty():
        print("opening the simulated core; if it is new, it is compiled first", file=sys.stderr)

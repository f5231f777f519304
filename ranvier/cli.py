"""The command line: ``ranvier COMMAND``; ``ranvier --help`` lists the commands, each a file of `ranvier.commands`.

Every command prints its result on stdout, as one JSON object with ``--json``. Where a file is written, ``-`` is stdout;
everything else that would be printed there, the JSON object too, then goes to stderr. Exit codes: 0 done, 1 devices
disagree or a training of the bench failed, 2 bad input (one line on stderr, nothing written), 130 stopped by Ctrl-C or
SIGTERM, which have the same effect (finished work is saved), 141 stdout was closed by its reader (as after SIGPIPE,
without a message).
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from time import monotonic
from types import FrameType
from typing import Any, NoReturn

from ranvier import commands
from ranvier.checkout import version
from ranvier.commands.arguments import add_json
from ranvier.commands.output import INTERRUPTED, Output, UsageError
from ranvier.errors import RanvierError, shown
from ranvier.files.replacing import STDOUT, is_stdout
from ranvier.files.streams import Aside, abandon, complain, prepare, tell, unread

__all__ = ["main", "parser"]

#: Exit code when the reader of stdout has closed it, as shells report SIGPIPE.
UNREAD = 141

#: Options that name a file to write.
OUTPUTS = ("out", "float", "waveform", "checkpoint")


class Once(argparse.Action):
    """An option that may be given only once, as two values would be ambiguous."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        given = namespace.__dict__.setdefault("given", [])
        if self.dest in given:
            raise argparse.ArgumentError(self, "given twice: leave out one")
        given.append(self.dest)
        super().__call__(parser, namespace, values, option)


class Store(Once, argparse._StoreAction):
    """An option with a value."""


class StoreTrue(Once, argparse._StoreTrueAction):
    """An option without a value."""


class Parser(argparse.ArgumentParser):
    """Reports errors in one line, among them options given twice (other than ``action="append"``).

    The parser of a command adds its arguments when it first parses, so that their choices need not be imported before.
    """

    def __init__(self, *arguments: Any, command: commands.Command | None = None, **named: Any):
        super().__init__(*arguments, **named)
        for name, action in ((None, Store), ("store", Store), ("store_true", StoreTrue)):
            self.register("action", name, action)
        self.command = command

    def complete(self) -> None:
        """Add the arguments of the command."""
        if self.command:
            add_json(self)
            self.command.arguments(self)
            self.set_defaults(run=self.command.run)
            self.command = None

    def parse_known_args(self, *arguments: Any, **named: Any) -> Any:
        """As in argparse, which calls it for the parser of the command too."""
        self.complete()
        return super().parse_known_args(*arguments, **named)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help and version; argparse itself ignores write errors."""
        tell(message.rstrip("\n"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        prepare()
        return _run(sys.argv[1:] if arguments is None else arguments)
    except RanvierError as error:  # all others are defects and keep their traceback ...
        complain(str(error))
        return 2
    except OSError as error:  # ... except when the machine lacks disk space or memory
        if isinstance(error, BrokenPipeError) and unread():
            return UNREAD
        complain(str(error))
        return 2
    except KeyboardInterrupt as stopped:
        complain(str(stopped) or "interrupted before anything was finished, nothing written")
        return INTERRUPTED
    finally:
        abandon()


def parser(*, complete: bool = False) -> Parser:
    """The parser of all commands.

    Parameters
    ----------
    complete : bool
        Add the arguments of all commands at once, not only those of the command to run.
    """
    top = Parser(prog="ranvier", description="A spiking core that learns delays, bit for bit.")
    top.add_argument("--version", action="version", version=f"ranvier {version()}")
    groups = {"": top.add_subparsers(required=True, metavar="COMMAND")}
    for name in commands.NAMES:
        group, _, word = name.rpartition(" ")
        if group not in groups:
            text = commands.GROUPS[group]
            inner = groups[""].add_parser(group, help=text, description=text)
            groups[group] = inner.add_subparsers(required=True, metavar="DIRECTION")
        command = commands.load(name)
        added = groups[group].add_parser(
            word,
            command=command,
            help=command.HELP,
            description=command.HELP,
            epilog="\n".join(["examples:", *(f"  ranvier {example}" for example in command.EXAMPLES)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if complete:
            added.complete()
    return top


def _run(arguments: Sequence[str]) -> int:
    for argument in arguments:
        with suppress(UnicodeEncodeError):
            if b"\0" not in os.fsencode(argument):
                continue
        raise UsageError(f"argument {shown(argument)} holds a null character or is not encodable: leave that out")
    options = parser().parse_args(arguments)
    outputs = [path for name in OUTPUTS if (path := getattr(options, name, None))]
    places = [STDOUT if is_stdout(path) else os.path.realpath(path) for path in outputs]
    if twice := [path for path, place in zip(outputs, places, strict=True) if places.count(place) > 1]:
        raise UsageError(f"two results cannot go to {twice[0]}: give each a file of its own")
    with _terminable(), redirect_stdout(Aside(sys.stdout) if STDOUT in places else sys.stdout):
        output: Output = options.run(options)
        tell(json.dumps(output.values) if options.json else "\n".join(output.lines))
    return output.code


#: Seconds after a signal in which further ones are ignored, while finished work is being saved.
PATIENCE = 2.0


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM, with which service managers and batch systems end a job, like Ctrl-C; repeated signals count once."""
    if threading.current_thread() is not threading.main_thread():  # handlers can be set only there
        yield
        return
    last = float("-inf")

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if (now := monotonic()) - last > PATIENCE:
            last = now
            raise KeyboardInterrupt

    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # background jobs of a shell ignore it
        heard.append(signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

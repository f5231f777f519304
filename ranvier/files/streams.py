"""Standard output and standard error of any kind: a terminal of any encoding, a file, a pipe that is not read."""

import codecs
import io
import os
import select
import sys
import unicodedata
from contextlib import suppress
from typing import Any, TextIO

from ranvier.files.replacing import OutputError

__all__ = ["Aside", "abandon", "complain", "prepare", "tell", "unread"]

#: What terminals without these characters show instead. Greek letters are spelled out, letters lose their accents, and
#: what is left becomes a question mark.
_PLAIN = {"█": "#", "±": "+-", "–": "-", "—": "-", "…": "...", "→": "->", "×": "x", "·": "*", "≤": "<=", "≥": ">="}

#: Longer messages lose their middle.
_LONGEST = 2000


def _degrade(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for characters that a stream cannot hold."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character, after = error.object[error.start], error.start + 1
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no text
        return bytes([ord(character) - 0xDC00]), after
    name = unicodedata.name(character, "")
    if name.startswith("GREEK "):
        return name.split()[-1].lower().replace("lamda", "lambda"), after
    return _PLAIN.get(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore") or "?", after


codecs.register_error("ranvier.degrade", _degrade)


def prepare() -> None:
    """Make both streams take any text.

    Raises
    ------
    OutputError
        If there is no standard output.
    """
    if sys.stderr is None:  # closed before Python began; what is opened next must not become it
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        raise OutputError("standard output is closed: leave it open, or send it to a file or to /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="ranvier.degrade")


def tell(text: str) -> None:
    """Print a result, at once.

    Raises
    ------
    OutputError
        If it cannot be written (a full disk).
    BrokenPipeError
        If its reader has closed it.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from None


def complain(text: str) -> None:
    """One line on standard error."""
    line = " ".join(part for part in (line.strip() for line in text.splitlines()) if part)
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    with suppress(OSError):
        print(f"ranvier: {line}", file=sys.stderr, flush=True)


def unread() -> bool:
    """Whether standard output is a pipe whose reader is gone."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # nothing to poll, or nothing to poll with
        return False


def abandon() -> None:
    """Forget what standard output could not take, so that Python does not try again when it ends."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


class Aside(io.TextIOBase):
    """A standard output whose bytes are the content of a file: its text goes to standard error.

    Parameters
    ----------
    stdout : TextIO
        Whose `buffer`, if it has one, takes the bytes.
    """

    def __init__(self, stdout: TextIO):
        self.buffer: Any = getattr(stdout, "buffer", None)

    def write(self, text: str) -> int:
        """To standard error."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Standard error, too."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether a person sees the text."""
        return sys.stderr.isatty()

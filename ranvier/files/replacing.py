"""How every file is written: completely or not at all, and never in place of something that is not a plain file.

* A plain file is written under a temporary name next to it, and renamed once its bytes are on the disk. Its mode stays, and
  its owner where that is allowed. Of a link the target is replaced, not the link.
* What is already there and no plain file (a FIFO, a terminal, ``/dev/null``) is written into.
* ``-``, ``/dev/stdout`` and everything else that leads to a descriptor of this process is that descriptor, as it is: opening
  it anew would begin at the start of a file that is being appended to.
"""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, cast

from ranvier.errors import RanvierError

__all__ = ["STDOUT", "OutputError", "descriptor", "is_stdout", "place", "replacing", "write_bytes"]

#: The path that stands for standard output.
STDOUT = "-"

#: Links into the table of open files of this process.
_DESCRIPTOR = re.compile(r"/(?:dev/fd|proc/(?:self|thread-self|[0-9]+)(?:/task/[0-9]+)?/fd)/([0-9]+)")
#: More links than that one behind the other are a loop.
_LINKS = 40


class OutputError(RanvierError, ValueError):
    """A file that cannot be written; the message names it and the reason."""


def descriptor(path: str | Path) -> int | None:
    """The open file of this process that `path` leads to, if it does."""
    if os.fspath(path) == STDOUT:
        return 1
    name = os.path.join(os.getcwd(), path)
    for _ in range(_LINKS):
        folder, last = os.path.split(name)
        folder = os.path.realpath(folder)  # /dev/fd is /proc/self/fd, which is /proc/1234/fd
        if found := _DESCRIPTOR.fullmatch(os.path.join(folder, last)):
            own = folder.startswith(("/dev/fd", f"/proc/{os.getpid()}/"))
            return int(found[1]) if own else None
        try:
            name = os.path.join(folder, os.readlink(name))
        except (OSError, ValueError):  # no link; a zero byte in it
            return None
    return None


def is_stdout(path: str | Path) -> bool:
    """Whether what is written to `path` goes to standard output."""
    return descriptor(path) == 1


def place(path: str | Path) -> Path | None:
    """Where a plain file of that name is or would be, all links followed; None for what is written into as it is.

    Raises
    ------
    OSError
        If it is a folder or write-protected, its name is too long, or its links go round in a circle.
    """
    if os.fspath(path).endswith(os.sep):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        mode = os.stat(os.fspath(path) or os.curdir).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Path(os.path.realpath(path))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected")
    return Path(os.path.realpath(path)) if stat.S_ISREG(mode) else None


@contextmanager
def replacing(path: str | Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file `path` at the end; after an error the old file is there, and nothing else.

    What is not a plain file gets the content as it comes.

    Parameters
    ----------
    path : path
        Where to.
    mode : int, optional
        Permissions of a plain file; without, those of the old one, or of any new file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    number = descriptor(path)
    if number == 1 and (
        buffer := getattr(sys.stdout, "buffer", None)
    ):  # as redirected by Python, behind what was printed
        sys.stdout.flush()
        yield cast(BinaryIO, buffer)
        buffer.flush()
    elif number is not None:
        with open(os.dup(number), "wb") as stream:
            yield stream
    elif (target := place(path)) is None:
        with open(os.open(path, os.O_WRONLY | os.O_NOCTTY), "wb") as stream:
            yield stream
    else:
        with _replacing(target, mode) as stream:
            yield stream


@contextmanager
def _replacing(target: Path, mode: int | None) -> Iterator[BinaryIO]:
    """`replacing` of a plain file."""
    temporary = target.with_name(f".ranvier-{token_hex(8)}.tmp")  # as long as the name may be, this is not too long
    try:
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            _resemble(stream.fileno(), target, mode)
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _resemble(number: int, target: Path, mode: int | None) -> None:
    """Give an open file the mode asked for, else mode and owner of the file that it replaces, if there is one."""
    with suppress(OSError):  # only root gives files away, and some file systems know neither
        if mode is not None:
            os.fchmod(number, mode)
        else:
            old = os.stat(target)
            os.fchmod(number, old.st_mode & 0o777)
            os.fchown(number, old.st_uid, old.st_gid)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write all of `content`, see `replacing`.

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left behind.
    BrokenPipeError
        If `path` is standard output and its reader has closed it, which is not an error of the writer.
    """
    try:
        with replacing(path) as stream:
            stream.write(content)
    except (OSError, ValueError) as error:  # a value: a zero byte in a name
        if isinstance(error, BrokenPipeError) and is_stdout(path):
            raise
        raise OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None

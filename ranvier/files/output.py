"""Writing results so that a failure leaves the old file and no half of a new one; `ranvier.files.replacing` says how."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from ranvier.files.replacing import STDOUT, OutputError, descriptor, place, write_bytes

__all__ = ["OutputError", "check_output", "output_folder", "write_bytes", "write_text"]


def check_output(path: str | Path) -> Path:
    """`path`, if a file can be written there; asked before the work whose result it is for. Opens nothing that is there.

    Raises
    ------
    OutputError
        If it is a folder or write-protected, its folder is missing or not writable, or its name is too long.
    """
    try:
        if (number := descriptor(path)) is not None:
            os.fstat(number)
            return Path(path)
        if not (target := place(path)):
            return Path(path)
        if not target.parent.is_dir():
            raise OutputError(f"{Path(path).parent} is not a folder: create it first or write elsewhere")
        with TemporaryFile(dir=target.parent):
            pass
    except IsADirectoryError:
        raise OutputError(f"{Path(path)} is a folder: give the name of a file in it") from None
    except (OSError, ValueError) as error:  # a value: a zero byte in a name
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    return Path(path) if str(Path(path)) != STDOUT else target  # `./-` is a file


def output_folder(path: str | Path) -> Path:
    """`path` as a folder, made if missing; `OutputError` if that is impossible."""
    if os.fspath(path) == STDOUT:
        raise OutputError(f"{STDOUT} is standard output, and a folder is needed: write ./{STDOUT} if it is called so")
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a value: a zero byte in a name
        raise OutputError(f"cannot make the folder {path}: {getattr(error, 'strerror', None) or error}") from None
    return path


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` of text in UTF-8."""
    write_bytes(path, text.encode())

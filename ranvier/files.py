"""Writing results so that a failure leaves the old file and no half of a new one."""

from pathlib import Path
from tempfile import NamedTemporaryFile

from ranvier.golden.replacing import replacing

__all__ = ["OutputError", "check_output", "output_folder", "write_bytes", "write_text"]


class OutputError(ValueError):
    """A file that cannot be written; the message names it and the reason."""


def check_output(path: str | Path) -> Path:
    """`path`, if a file can be written there; asked before the work whose result it is for.

    Raises
    ------
    OutputError
        If it is a folder, or its folder is missing or not writable.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: give the name of a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is not a folder: create it first or write elsewhere")
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            return path
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def output_folder(path: str | Path) -> Path:
    """`path` as a folder, made if missing; `OutputError` if that is impossible."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None
    return path


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` of text."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it once it is complete.

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left behind.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None

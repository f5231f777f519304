"""Files that cost minutes to build: built once, kept with a checksum next to them, and built again if that does not match.

A library cut short or damaged would kill Python as soon as it is loaded (SIGBUS, SIGSEGV), on every run.
"""

import fcntl
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ranvier.files.npz import NotPlain, check_plain
from ranvier.files.replacing import OutputError, replacing, write_bytes
from ranvier.sim.verilator import VerilatorError

__all__ = ["kept"]


def kept(target: Path, build: Callable[[Path], Path]) -> Path:
    """`target`, built first if it is not there or damaged. Of several processes one builds, the others wait for it.

    Parameters
    ----------
    target : Path
        File in the cache.
    build : callable
        Given an empty folder, returns the path of the file that it made in there.

    Raises
    ------
    VerilatorError
        If it cannot be built, the cache cannot be written to, or a pipe or device is in its place.
    """
    _check_plain(target)
    if _sound(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if not _sound(target):
                with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
                    _keep(build(Path(folder)), target)
    except (OSError, OutputError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VerilatorError(
            f"cannot build the simulator in {target.parent} ({reason}): make room or set RANVIER_CACHE to another folder"
        ) from None
    return target


def _sum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _check_plain(target: Path) -> None:
    """Refuse files whose reading or writing would never end."""
    for path in (target, _sum(target), _lock(target)):
        try:
            check_plain(path)
        except NotPlain as error:
            raise VerilatorError(
                f"cannot use {path} ({error}): remove it or set RANVIER_CACHE to another folder"
            ) from None
        except OSError:  # nothing there
            continue


def _sound(target: Path) -> bool:
    """Whether it is there and what was built."""
    try:
        return _sum(target).read_text(encoding="ascii") == hashlib.sha256(target.read_bytes()).hexdigest()
    except (OSError, ValueError):  # a value: bytes that are not ASCII
        return False


def _keep(built: Path, target: Path) -> None:
    """Never write into the file itself: another process may have it loaded."""
    content = built.read_bytes()
    with replacing(target, mode=built.stat().st_mode & 0o777) as stream:
        stream.write(content)
    write_bytes(_sum(target), hashlib.sha256(content).hexdigest().encode())


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process at a time, as far as the file system can lock."""
    with open(_lock(target), "wb") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Work that may never end, take all memory or kill the process, tried in a copy of the process first."""

import faulthandler
import os
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

__all__ = ["Killed", "apart", "probe"]

Result = TypeVar("Result")


class Killed(RuntimeError):
    """Work that did not end within its limits, or crashed."""


def probe(work: Callable[[], object], *, seconds: int, megabytes: int) -> str | None:
    """Do `work` in a forked copy of this process, under limits.

    Libraries in C that are given a damaged file may loop or crash, and nothing in Python can stop or catch that.

    Parameters
    ----------
    work : callable
        What to try. Nothing of it is kept.
    seconds : int
        Of CPU time.
    megabytes : int
        Beyond what the process holds already (where the system says how much that is).

    Returns
    -------
    str or None
        What went wrong, or nothing. Where processes cannot be forked nothing is tried.
    """
    if not hasattr(os, "fork"):
        return None
    try:
        apart(partial(_forgotten, work), seconds=seconds, megabytes=megabytes)
    except Exception as error:  # whatever it is, it is the answer
        return " ".join(str(error).split())[:1000] or type(error).__name__
    return None


def _forgotten(work: Callable[[], object]) -> None:
    """Do it, and say what went wrong in a form that can be handed over."""
    try:
        work()
    except BaseException as error:
        raise RuntimeError(str(error) or type(error).__name__) from None


def apart(work: Callable[[], Result], *, seconds: int, megabytes: int) -> Result:
    """What `work` returns or raises, which must be something to pickle, done in a forked copy of this process.

    Parameters
    ----------
    work, seconds, megabytes
        As of `probe`. Where processes cannot be forked it is done here, without limits.

    Raises
    ------
    Killed
        If it does not end within the limits, or crashes.
    """
    if not hasattr(os, "fork"):
        return work()
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            faulthandler.disable()  # a crash is no news here
            _limit(seconds, megabytes)
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(_outcome(work), pipe, protocol=5)
        finally:  # whatever happens, this process ends here
            os._exit(0)
    os.close(write)
    try:
        with os.fdopen(read, "rb") as pipe:
            good, result = pickle.load(pipe)
    except (EOFError, pickle.UnpicklingError):
        good, result = False, Killed("reading it does not end, or kills the reader: it is damaged")
    finally:
        os.kill(pid, signal.SIGKILL)  # it has nothing more to say, or nobody listens: Ctrl-C
        os.waitpid(pid, 0)
    if good:
        return cast(Result, result)
    raise result


def _outcome(work: Callable[[], object]) -> tuple[bool, object]:
    try:
        return True, work()
    except Exception as error:
        return False, error


def _limit(seconds: int, megabytes: int) -> None:
    import resource  # which is where fork is

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (megabytes << 20),) * 2)

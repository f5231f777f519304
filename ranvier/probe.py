"""Work that may never end, take all memory or kill the process, tried in a copy of the process first."""

import faulthandler
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["probe"]


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
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        said = ""
        try:
            faulthandler.disable()  # a crash is no news here
            _limit(seconds, megabytes)
            work()
        except BaseException as error:  # whatever it is, this process ends here
            said = " ".join(str(error).split())[:1000] or type(error).__name__
        os.write(write, said.encode(errors="replace"))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return "reading it does not end, or kills the reader: it is damaged" if os.WIFSIGNALED(status) else said or None


def _limit(seconds: int, megabytes: int) -> None:
    import resource  # which is where fork is

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (megabytes << 20),) * 2)

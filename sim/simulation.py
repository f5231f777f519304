"""One simulation in process: the functions of a verilated library, and what it allocated for them."""

import ctypes
from pathlib import Path
from typing import Any

from ranvier.closing import Closing

__all__ = ["Simulation"]


class Simulation(Closing):
    """A simulation that a library opened, closed once; its functions would follow a freed pointer and end the process.

    Parameters
    ----------
    library : Path
        Shared library, see `ranvier.sim.build.library`.
    prefix : str
        Its functions are called ``prefix_name``; there are at least ``open``, ``close`` and ``cycles``.
    error, message : type of Exception, str
        Raised by `call` and `cycles` once it is closed.
    """

    def __init__(self, library: Path, prefix: str, error: type[Exception], message: str):
        self._library, self._prefix = ctypes.CDLL(str(library)), prefix
        self._error, self._message = error, message
        self._function("open").restype = ctypes.c_void_p
        self._function("cycles").restype = ctypes.c_uint64
        self._pointer = ctypes.c_void_p(self._function("open")())

    def call(self, name: str, *arguments: Any) -> int:
        """Result of a function of the library, called with the simulation and `arguments`."""
        if not self._pointer:
            raise self._error(self._message)
        result: int = self._function(name)(self._pointer, *arguments)
        return result

    def cycles(self) -> int:
        """Clock cycles since it was opened."""
        return self.call("cycles")

    def close(self) -> None:
        """Free it, once."""
        pointer, self._pointer = self._pointer, ctypes.c_void_p()
        if pointer:
            self._function("close")(pointer)

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"{self._prefix}_{name}")

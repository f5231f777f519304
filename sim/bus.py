"""A simulated peripheral as a link: the RTL behind its own bus, driven in process."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ranvier.drivers.link import LinkError, Words
from ranvier.parameters.config import CoreConfig
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.simulation import Simulation

__all__ = ["SimulatedBus"]

#: Clock cycles without an answer after which the peripheral counts as dead.
_PATIENCE = 20_000_000
_UINT_P = ctypes.POINTER(ctypes.c_uint32)


class SimulatedBus:
    """Bus of a simulated `ranvier.hw.bus.peripheral.Peripheral`; a `ranvier.drivers.link.Link`.

    Parameters
    ----------
    config : CoreConfig
        The core; its simulator is built on first use and kept.
    path : Path, optional
        A library built by `ranvier.sim.build.library`, if not the one for `config`.

    Raises
    ------
    VerilatorError
        If the simulator cannot be built.
    LinkError
        From every method, if it was closed.
    """

    name = "simulated bus"

    def __init__(self, config: CoreConfig, path: Path | None = None):
        self._bus = Simulation(path or library(config, PERIPHERAL), "bus", LinkError, f"{self.name}: it was closed")

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words; see `Link`."""
        return self._burst(False, address, np.zeros(count, np.uint32), increment)

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`; see `Link`."""
        self._burst(True, address, np.array(words, np.uint32), increment)

    def write_bytes(self, address: int, word: int, strobe: int) -> bool:
        """Write the bytes in `strobe` only; whether that was accepted."""
        data = ctypes.c_uint32(word)
        return self._bus.call("access", 1, address, ctypes.byref(data), strobe, _PATIENCE) == 0

    def wait(self, clocks: int) -> None:
        """Run the clock without any access."""
        self._bus.call("wait", clocks)

    def interrupt(self) -> bool:
        """Level of the interrupt."""
        return bool(self._bus.call("interrupt"))

    def take_outputs(self, ready: bool) -> None:
        """Whether the output stream is taken from."""
        self._bus.call("take_outputs", int(ready))

    def cycles(self) -> int:
        """Clock cycles since it was opened."""
        return self._bus.cycles()

    def resynchronise(self) -> None:
        """Nothing is ever on its way: an access ends with its answer."""

    def close(self) -> None:
        """Release the simulator."""
        self._bus.close()

    def _burst(self, write: bool, address: int, words: Words, increment: bool) -> Words:
        reason = ctypes.c_int()
        done = self._bus.call(
            "burst",
            int(write),
            address,
            int(increment),
            words.ctypes.data_as(_UINT_P),
            len(words),
            _PATIENCE,
            ctypes.byref(reason),
        )
        if done < len(words):
            where = address + 4 * done * increment
            verb = "write to" if write else "read from"
            what = "refused" if reason.value > 0 else "never answered"
            raise LinkError(f"{self.name}: the core {what} a {verb} {where:#x}")
        return words

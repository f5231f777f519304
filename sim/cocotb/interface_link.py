"""A bus interface of the simulated RTL as a link: a board's driver on the far side of bus models that others wrote."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from ranvier.drivers.link import LinkError, Words
from ranvier.parameters.config import CoreConfig
from ranvier.sim import verilator
from ranvier.sim.cocotb.host import AccessResult, BusAccess
from ranvier.sim.cocotb.interface_server import SOCKET, STALL
from ranvier.sim.cocotb.session import SessionError, simulate
from ranvier.sim.cocotb.testbench import CONFIG

__all__ = ["InterfaceLink"]

#: What is run inside the simulator.
_SERVER = "ranvier.sim.cocotb.interface_server"
#: Seconds between two checks of a process that was told to end, or is awaited.
_MOMENT = 5.0
#: Accesses that are sent over at once.
_BATCH = 1024


class InterfaceLink:
    """An interface simulated with cocotb in a process of its own; a `ranvier.drivers.link.Link`.

    Simulated time passes only during accesses. They are exchanged in a thread of their own, so that an interrupt leaves none
    unfinished: the next ones wait until the exchange has ended.

    Parameters
    ----------
    config : CoreConfig
        The core; its simulator is built on first use and kept.
    interface : {"axi", "wishbone"}
        Which interface.
    seed : int
        Of all stalls; at least 1.
    stall : float
        Share of the clock cycles on which both sides of the bus hold back.

    Raises
    ------
    VerilatorError
        If Verilator or the compiler is missing.
    SessionError
        If the simulator cannot be started, or ended because the interface broke a rule of its bus; with its log.
    """

    def __init__(self, config: CoreConfig, interface: str, *, seed: int = 1, stall: float = 0.2):
        self.name = f"simulated {interface}"
        verilator.environment(), verilator.compiler()  # if they are missing, the error must be raised in this process
        self._temporary = tempfile.TemporaryDirectory(prefix="ranvier-")
        folder = Path(self._temporary.name)
        (folder / CONFIG).write_text(config.to_toml())
        (folder / STALL).write_text(str(stall))
        self._log = folder / "session.log"
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("wb") as log:
            listener.bind(str(folder / SOCKET))
            listener.listen(1)
            listener.settimeout(_MOMENT)
            command = [sys.executable, "-m", __name__, interface, str(seed)]
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
            try:
                self._connection = self._accept(listener)
            except BaseException:
                self._kill()
                raise
        self._thread = ThreadPoolExecutor(1)

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words; see `Link`."""
        answers = self.transfer([BusAccess(False, address + 4 * n * increment) for n in range(count)])
        return np.array([answer.data for answer in answers], np.uint32)

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`; see `Link`."""
        self.transfer(
            [BusAccess(True, address + 4 * n * increment, int(word) & 0xFFFFFFFF) for n, word in enumerate(words)]
        )

    def transfer(self, accesses: Sequence[BusAccess]) -> list[AccessResult]:
        """Accesses back to back, in order; `LinkError` names the first that was refused."""
        answers: list[AccessResult] = []
        for first in range(0, len(accesses), _BATCH):
            batch = accesses[first : first + _BATCH]
            try:
                answers += self._thread.submit(self._exchange, batch).result()
            except (EOFError, OSError):
                raise self._failure() from None
            except RuntimeError:
                raise LinkError(f"{self.name}: it was closed") from None
            for access, answer in zip(batch, answers[first:], strict=True):
                if answer.error:
                    verb = "write to" if access.write else "read from"
                    raise LinkError(f"{self.name}: the core refused a {verb} {access.address:#x}")
        return answers

    def resynchronise(self) -> None:
        """Nothing is ever on its way: an access ends with its answer."""

    def close(self) -> None:
        """End the simulator."""
        self._thread.shutdown()
        if self._process.poll() is None:
            self._connection.close()
            try:
                self._process.wait(_MOMENT)
            except subprocess.TimeoutExpired:
                self._kill()
        self._temporary.cleanup()

    def _exchange(self, batch: Sequence[BusAccess]) -> list[AccessResult]:
        self._connection.send(("transfer", (batch,)))
        answers: list[AccessResult] = self._connection.recv()
        return answers

    def _kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _accept(self, listener: socket.socket) -> Connection:
        """The simulator's connection, however long compiling takes, as long as its process lives."""
        while True:
            try:
                return Connection(listener.accept()[0].detach())
            except TimeoutError:
                if self._process.poll() is not None:
                    raise self._failure() from None

    def _failure(self) -> SessionError:
        """Why the simulator has ended."""
        self._process.wait()
        log = self._log.read_text(errors="replace") if self._log.exists() else "open it again"  # told the first time
        error = SessionError(f"{self.name}: the simulation ended:\n{log}")
        self._temporary.cleanup()
        return error


def main(interface: str, seed: str) -> None:
    """Simulate, in the current folder, until the other side closes the connection."""
    simulate(CoreConfig.read(CONFIG), Path.cwd(), int(seed), interface, [_SERVER])


if __name__ == "__main__":
    main(*sys.argv[1:])

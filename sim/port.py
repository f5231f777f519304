"""A whole simulated board, UART pins to core, behind a pseudo-terminal that any program opens like a serial port."""

import ctypes
import os
import threading
import tty
from pathlib import Path

from ranvier.closing import Closing
from ranvier.device_base import DeviceError
from ranvier.drivers.serial_link import SerialLink
from ranvier.parameters.config import CoreConfig
from ranvier.sim.build import library, serial
from ranvier.sim.simulation import Simulation

__all__ = ["BAUD", "CLOCKS_PER_BIT", "SimulatedLink", "SimulatedPort"]

#: Clock cycles per bit: few, since every one of them is simulated.
CLOCKS_PER_BIT = 8
#: Baud rate unless told otherwise; with `CLOCKS_PER_BIT` a clock of 1 MHz, which most machines simulate in real time.
BAUD = 125_000


class SimulatedPort(Closing):
    """The RTL of `ranvier.hw.bus.serial.SerialCore` in a thread of its own, driven at its pins.

    Bytes are put on the pins at the baud rate that the host sets on the terminal: at a rate that the core was not built for,
    it receives garbage, as it would on a board.

    Parameters
    ----------
    config : CoreConfig
        The core; its simulator is built on first use and kept.
    baud : int
        Rate that the core is built for.
    path : Path, optional
        A library built by `ranvier.sim.build.library`, if not the one for `config`.

    Attributes
    ----------
    port : str
        Path of the terminal.

    Raises
    ------
    VerilatorError
        If the simulator cannot be built.
    DeviceError
        From `cycles`, if it was closed.
    """

    def __init__(self, config: CoreConfig, baud: int = BAUD, path: Path | None = None):
        self.config, self.baud, clock = config, baud, CLOCKS_PER_BIT * baud
        built = path or library(config, serial(clock, baud))
        self._board = Simulation(built, "serial", DeviceError, "the simulated board was closed: open it again")
        self._master, self._slave = os.openpty()  # the slave stays open: the port is there before and after its users
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        arguments = ("run", self._master, ctypes.c_double(clock))
        self._thread = threading.Thread(target=self._board.call, args=arguments, daemon=True)
        self._thread.start()

    def cycles(self) -> int:
        """Clock cycles since it was opened."""
        return self._board.cycles()

    def unplug(self) -> None:
        """Remove the terminal, as if the adapter were unplugged: programs that have it open see it vanish."""
        if self._master >= 0:
            self._board.call("stop")
            self._thread.join()
            os.close(self._slave)
            os.close(self._master)
            self._master = -1

    def close(self) -> None:
        """Unplug and release the simulator."""
        self.unplug()
        self._board.close()


class SimulatedLink(SerialLink):
    """The serial link to a simulated port, which is closed with it.

    Parameters
    ----------
    port : SimulatedPort
        Where to.
    """

    #: Seconds without a byte: a busy machine simulates slowly.
    PATIENCE = 60.0

    def __init__(self, port: SimulatedPort):
        self._simulated = port
        super().__init__(port.port, port.baud, self.PATIENCE)

    def close(self) -> None:
        """Close the port and the simulator behind it."""
        super().close()
        self._simulated.close()

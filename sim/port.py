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
from ranvier.sim.handle import Handle

__all__ = ["BAUD", "CLOCKS_PER_BIT", "SimulatedLink", "SimulatedPort"]

#: Clocks per bit: few, since every one of them is simulated.
CLOCKS_PER_BIT = 8
#: Baud rate unless told otherwise; with `CLOCKS_PER_BIT` a clock of 1 MHz, which most machines simulate in real time.
BAUD = 125_000


class SimulatedPort(Closing):
    """The RTL of `ranvier.hw.bus.serial.SerialCore` in a thread of its own, driven at its pins.

    The terminal passes bytes at whatever baud rate the host sets, and they are put on the pins just so: at a rate that the
    core was not built for it hears garbage, as it would on a board.

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
        self._library = ctypes.CDLL(str(path or library(config, serial(clock, baud))))
        self._library.serial_open.restype = ctypes.c_void_p
        self._library.serial_cycles.restype = ctypes.c_uint64
        self._board = Handle(
            self._library.serial_open(),
            self._library.serial_close,
            DeviceError,
            "the simulated board was closed: open it again",
        )
        self._master, self._slave = os.openpty()  # the slave stays open: the port is there before and after its users
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        arguments = (self._board.pointer, self._master, ctypes.c_double(clock))
        self._thread = threading.Thread(target=self._library.serial_run, args=arguments, daemon=True)
        self._thread.start()

    def cycles(self) -> int:
        """Clocks since it was opened."""
        return self._library.serial_cycles(self._board.pointer)

    def unplug(self) -> None:
        """Pull the plug: whoever has the port open sees it vanish."""
        if self._master >= 0:
            self._library.serial_stop(self._board.pointer)
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
        """Let go of the port and of the simulator behind it."""
        super().close()
        self._simulated.close()

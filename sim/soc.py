"""A simulated system on a chip: what its program prints on the serial port."""

import ctypes
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ranvier.closing import Closing
from ranvier.device_base import DeviceError
from ranvier.hw.bus.soc import Soc, processor_verilog
from ranvier.hw.bus.uart import BitTime
from ranvier.hw.flow.verilog import to_verilog
from ranvier.parameters.config import CoreConfig
from ranvier.sim.build import Model, library
from ranvier.sim.simulation import Simulation

__all__ = ["RAM_BYTES", "SimulatedSoc"]

#: Size of the RAM.
RAM_BYTES = 16384
#: Clocks per bit of the serial port: few, since every one of them is simulated.
_CLOCKS_PER_BIT = 8
#: Clocks simulated and bytes received in one call.
_CLOCKS, _BYTES = 1 << 20, 1 << 16


def _model(program: Sequence[int]) -> Model:
    name, bit, processor = "ranvier_soc", BitTime(clock=_CLOCKS_PER_BIT, baud=1), processor_verilog()
    content = hashlib.sha256(f"{processor}{list(program)}{RAM_BYTES}".encode()).hexdigest()[:20]

    def verilog(config: CoreConfig) -> str:
        return to_verilog(Soc(config, program, RAM_BYTES // 4, bit), name) + processor

    return Model(name, verilog, "soc_harness.cpp", f"-{content}")


class SimulatedSoc(Closing):
    """The RTL of `ranvier.hw.bus.soc.Soc`, with a receiver at the pin of its serial port.

    Parameters
    ----------
    config : CoreConfig
        The core.
    program : sequence of int
        Words of RAM, see `ranvier.firmware.program`; for each program a simulator is built on first use and kept.
    path : Path, optional
        A library built by `ranvier.sim.build.library`, if not the one for these.

    Raises
    ------
    VerilatorError
        If the simulator cannot be built.
    DeviceError
        From every method, if it was closed.
    """

    def __init__(self, config: CoreConfig, program: Sequence[int], path: Path | None = None):
        built = path or library(config, _model(program))
        self._board = Simulation(built, "soc", DeviceError, "the simulated board was closed: open it again")

    def run(self, clocks: int) -> str:
        """What the program prints until it stops.

        Raises
        ------
        TimeoutError
            If it has not stopped after this many clocks.
        """
        received, buffer = bytearray(), ctypes.create_string_buffer(_BYTES)
        while not self._board.call("stopped"):
            if self.cycles() > clocks:
                raise TimeoutError(
                    f"the program has not stopped after {clocks:,} clocks; it printed:\n{received[-2000:]!r}"
                )
            count = self._board.call("run", _CLOCKS_PER_BIT, buffer, _BYTES, _CLOCKS)
            received += buffer.raw[:count]
        if not self._board.call("framed"):
            raise ValueError("a byte on the serial port had no stop bit")
        return received.decode("ascii")

    def cycles(self) -> int:
        """Clocks since reset."""
        return self._board.cycles()

    def close(self) -> None:
        """Release the simulator."""
        self._board.close()

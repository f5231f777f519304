"""The expected result of any access to a peripheral: the register table and the windows, kept besides the hardware."""

import zlib

import numpy as np

from ranvier.drivers.loading import arrays
from ranvier.hw.events import EventKind
from ranvier.hw.registers import COLUMN_BITS, AccessRight, AddressSpace, Register, constants
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.sim.cocotb.host import WHOLE, BusAccess

__all__ = ["Mirror"]

_SPACES = {space.value: space for space in AddressSpace}
#: Registers that show what happened; no prediction is made for others that are read only.
_CAUSES = (Register.ERROR, Register.INTERRUPT_PENDING)


class Mirror:
    """A peripheral that is only read, written and reset, and never steps.

    Parameters
    ----------
    config : CoreConfig
        The core.

    Attributes
    ----------
    stored : dict of Register to int
        What registers hold.
    windows : dict of AddressSpace to array [rows, columns]
        What the windows that can be written hold.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.reset()
        self.windows = {
            space: np.zeros(space.extent(config), np.int64) for space in AddressSpace if _holds(space, config)
        }
        self._columns = {r.value + n: r for r in Register for n in range(max(1, len(r.elements)))}

    def reset(self) -> None:
        """Clear registers, but no parameters."""
        self.stored = constants(self.config) | {r: r.reset for r in Register if r.access == AccessRight.RW}
        self.stored |= dict.fromkeys((*_CAUSES, Register.ERROR_ADDRESS, Register.CHECKSUM), 0)

    def load(self, network: Network) -> None:
        """Take over the arrays of a network, as if they had been written before anything else."""
        self.windows |= {space: values.copy() for space, values in arrays(network).items()}

    def answer(self, access: BusAccess) -> tuple[int | None, bool]:
        """The expected result of an access, which is carried out here too: the data, if known, and whether it is refused."""
        if access.address % 4:
            return 0, True
        if access.write and not access.strobe:
            return 0, False
        number, column = divmod(access.address >> 2, 1 << COLUMN_BITS)
        refused: str | None = "access"
        data: int | None = 0
        space = _SPACES.get(number)
        if not (access.write and access.strobe != WHOLE) and space:
            if space is AddressSpace.REGISTER:
                refused, data = self._register(access, column)
            elif access.write:
                refused = self._write(space, column, access.data)
            else:
                refused, data = self._read(space, column)
        if refused:
            self._refuse(refused, access.address)
            return 0, True
        if access.write and number == 0 and column == Register.CHECKSUM.value:
            self.stored[Register.CHECKSUM] = 0
        elif access.write:
            pair = np.array([access.address, access.data], "<u4").tobytes()
            self.stored[Register.CHECKSUM] = zlib.crc32(pair, self.stored[Register.CHECKSUM])
        return (0 if access.write else data), False

    def accepts_event(self, word: int) -> bool:
        """Whether an event may enter the queue."""
        event = Register.EVENT.unpack(word)
        limits = {EventKind.SPIKE.value: self.config.inputs, EventKind.STEP.value: self.config.outputs}
        loading = Register.CONTROL.unpack(self.stored[Register.CONTROL])["loading"]
        return not loading and event["index"] < limits.get(event["kind"], 1 << 16)

    def _register(self, access: BusAccess, column: int) -> tuple[str | None, int | None]:
        """Why an access is refused, and the data."""
        register = self._columns.get(column)
        if register is None:
            return "access", 0
        if not access.write:
            return (None, self.stored.get(register)) if register.access != AccessRight.WO else ("access", 0)
        if register.access in (AccessRight.RO, AccessRight.TAKE):
            return "access", 0
        if register is Register.EVENT and not self.accepts_event(access.data):
            return "event", 0
        if register.stored(self.config):
            self.stored[register] = access.data & sum(field.mask for field in register.fields)
        if register.access == AccessRight.W1C:
            self.stored[register] &= ~access.data
        return None, 0

    def _cell(self, space: AddressSpace, column: int) -> tuple[int, int] | None:
        """Row and column of a word, if the core has it."""
        row = self.stored[Register.ROW] if space.has_rows else 0
        rows, columns = space.extent(self.config)
        return (row, column) if row < rows and column < columns else None

    def _write(self, space: AddressSpace, column: int, data: int) -> str | None:
        cell, value = self._cell(space, column), (data ^ 1 << 31) - (1 << 31)
        least, most = space.limits(self.config)
        if cell is None or not space.has_rows or not least <= value <= most:
            return "access"
        self.windows[space][cell] = value
        return None

    def _read(self, space: AddressSpace, column: int) -> tuple[str | None, int | None]:
        cell = self._cell(space, column)
        if cell is None:
            return "access", 0
        return None, int(self.windows[space][cell]) & 0xFFFFFFFF if space in self.windows else None

    def _refuse(self, why: str, address: int) -> None:
        self.stored[Register.ERROR] |= Register.ERROR.pack(**{why: 1})
        self.stored[Register.INTERRUPT_PENDING] |= Register.INTERRUPT_PENDING.pack(error=1)
        self.stored[Register.ERROR_ADDRESS] = address


def _holds(space: AddressSpace, config: CoreConfig) -> bool:
    return space.has_rows and space.exists(config)

"""A bus interface under Verilator, a host on its bus, and the result that every access must have (cocotb)."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from random import Random
from typing import Any, Self

import cocotb
import numpy as np

from ranvier.drivers.loading import arrays, settings
from ranvier.hw.events import EventKind
from ranvier.hw.registers import ADDRESS_BITS, COLUMN_BITS, AddressSpace, Register, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.sim.cocotb.host import PATIENCE, WHOLE, BusAccess, Host
from ranvier.sim.cocotb.hosts import open_host
from ranvier.sim.cocotb.mirror import Mirror
from ranvier.sim.cocotb.scoreboard import Scoreboard
from ranvier.sim.cocotb.testbench import CONFIG

__all__ = ["InterfaceTestbench", "at", "read", "scenario", "write"]

#: Bits of a word address above its column.
_SPACE_BITS = ADDRESS_BITS - 2 - COLUMN_BITS
#: Shares of the clock cycles on which host and interface hold back, a run of each scenario for every one.
STALLS = (0.0, 0.4)


class InterfaceTestbench:
    """Does accesses through the interface and requires for each the result that the mirror expects.

    Parameters
    ----------
    host : Host
        Drives the interface.
    config : CoreConfig
        The core behind it.
    random : Random
        Source of all chance.
    """

    def __init__(self, host: Host, config: CoreConfig, random: Random):
        self.host, self.config, self.random = host, config, random
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.mirror, self.scoreboard = Mirror(config), Scoreboard()

    @classmethod
    async def start(cls, dut: Any, stall: float) -> Self:
        """A testbench for the session's core, out of reset."""
        random = Random(f"{cocotb.RANDOM_SEED} {stall}")
        return cls(await open_host(dut, random, stall), CoreConfig.read(CONFIG), random)

    async def do(self, accesses: Sequence[BusAccess]) -> list[int]:
        """Accesses one after the other, all compared; the data of each answer."""
        answers = await self.host.transfer(accesses)
        for access, (data, error) in zip(accesses, answers, strict=True):
            known, refused = self.mirror.answer(access)
            self.scoreboard.compare(f"{access} refused", refused, error)
            self.scoreboard.errors += refused
            if known is not None:
                self.scoreboard.compare(str(access), known, data)
        return [data for data, _ in answers]

    async def load(self, network: Network) -> None:
        """Reset state and counters, and write a network."""
        accesses = [write(at(Register.EVENT), Register.EVENT.pack(kind=EventKind.RESET.value))]
        for space, values in arrays(network).items():
            for row, columns in enumerate(values):
                accesses.append(write(at(Register.ROW), row))
                accesses += [write(at(space, n), int(value)) for n, value in enumerate(columns)]
        accesses += [write(at(register), value) for register, value in settings(network).items()]
        await self.do([*accesses, write(at(Register.CLEAR), 0)])

    async def check_windows(self) -> None:
        """Read everything that can be written."""
        for space, values in self.mirror.windows.items():
            for row in range(len(values)):
                await self.do([write(at(Register.ROW), row), *(read(at(space, n)) for n in range(values.shape[1]))])

    async def network(self, network: Network) -> Network:
        """`network` with the arrays that the core holds."""
        held = network.replace()
        for space, values in arrays(held).items():
            for row in range(len(values)):
                words = await self.do(
                    [write(at(Register.ROW), row), *(read(at(space, n)) for n in range(values.shape[1]))]
                )
                values[row] = np.array(words[1:], np.uint32).view(np.int32)
        return held

    # ---------------------------------------------------------------- random accesses

    def any_access(self) -> BusAccess:
        """Some access, likely to be near an edge; never an event that would make the core step."""
        rng, space = self.rng, list(AddressSpace)[int(self.rng.integers(len(AddressSpace)))]
        rows, columns = space.extent(self.config)
        number, column = space.value, int(rng.integers(columns + 1))
        match int(rng.integers(10)):
            case 0 | 1:
                return write(at(Register.ROW), int(rng.integers(max(rows, 1) + 1)))
            case 2 | 3:
                number, column = 0, int(rng.integers(AddressSpace.REGISTER.extent(self.config)[1] + 1))
            case 4:
                number, column = int(rng.integers(1 << _SPACE_BITS)), int(rng.integers(1 << COLUMN_BITS))
        address = (number << COLUMN_BITS | column) << 2
        least, most = space.limits(self.config)
        data = int(rng.integers(least, most + 1))
        if rng.random() < 0.3:
            data = int(rng.choice([least - 1, most + 1, int(rng.integers(1 << 32))]))
        if address == at(Register.EVENT):
            data = self._harmless_event()
        if self.host.between_words and rng.random() < 0.05:
            address |= int(rng.integers(1, 4))
        strobe = int(rng.integers(1 << 4)) if rng.random() < 0.2 else WHOLE
        return BusAccess(bool(rng.integers(2)), address, data & 0xFFFFFFFF, strobe)

    def _harmless_event(self) -> int:
        """An event that resets, or one of a unit that the core does not have."""
        kind = EventKind(int(self.rng.choice([EventKind.SPIKE.value, EventKind.STEP.value, EventKind.RESET.value])))
        least = {EventKind.SPIKE: self.config.inputs, EventKind.STEP: self.config.outputs}.get(kind, 0)
        return Register.EVENT.pack(kind=kind.value, index=int(self.rng.integers(least, least + 3)))


def scenario(names: list[str]) -> Callable[[Callable[[InterfaceTestbench], Awaitable[None]]], Any]:
    """A cocotb test: starts a testbench for each of `STALLS`, runs a body and saves the counts; adds its name to `names`."""

    def decorate(body: Callable[[InterfaceTestbench], Awaitable[None]]) -> Any:
        @wraps(body)
        async def test(dut: Any, stall: float) -> None:
            testbench = await InterfaceTestbench.start(dut, stall)
            await body(testbench)
            testbench.scoreboard.clocks = testbench.host.clocks
            testbench.scoreboard.save(Path(), f"{body.__name__}-{stall}")

        names.extend(f"{body.__name__}-{stall}" for stall in STALLS)
        del test.__wrapped__  # whose signature would be taken for this one's
        return cocotb.test(timeout_time=PATIENCE, timeout_unit="ns")(cocotb.parametrize(stall=STALLS)(test))

    return decorate


def at(where: Register | AddressSpace, column: int = 0) -> int:
    """Byte address of a register or of a word of a window."""
    return where.address if isinstance(where, Register) else word_address(where, column) << 2


def read(address: int) -> BusAccess:
    """Read a word."""
    return BusAccess(False, address)


def write(address: int, data: int) -> BusAccess:
    """Write a word."""
    return BusAccess(True, address, data & 0xFFFFFFFF)

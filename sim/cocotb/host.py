"""The far side of a bus interface in a cocotb bench: what the bus models of others are driven through."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from ranvier.hw.bus.signature import STROBES

__all__ = ["PATIENCE", "WHOLE", "AccessResult", "BusAccess", "Host", "stalls"]

#: Simulated nanoseconds (two for each clock) after which what is waited for will never come.
PATIENCE = 400_000
#: Strobes of a whole word.
WHOLE = (1 << STROBES) - 1


class BusAccess(NamedTuple):
    """A read or write of the word at a byte address; of a write, only the bytes in `strobe`."""

    write: bool
    address: int
    data: int = 0
    strobe: int = WHOLE


class AccessResult(NamedTuple):
    """Result of an access: the word read (0 after a write), and whether it was refused."""

    data: int
    error: bool


class Host(ABC):
    """Drives one bus interface with a bus model, and checks on every clock that the interface keeps the rules of its bus.

    Parameters
    ----------
    dut : handle
        The core behind its interface.
    clock, reset : handle
        Its clock and reset, which is asserted.
    active : bool
        Level at which the reset is asserted.

    Attributes
    ----------
    clocks : int
        Clocks since `start`.
    between_words : bool
        Whether addresses between words can be asked for.
    """

    between_words: bool

    def __init__(self, dut: Any, clock: Any, reset: Any, active: bool):
        self.dut, self.clock, self.clocks = dut, clock, 0
        self._reset, self._active = reset, int(active)
        reset.value = self._active

    def start(self) -> None:
        """Run the clock, and check every rising edge of it; once the bus models are connected."""

        async def check() -> None:
            edge = RisingEdge(self.clock)
            while True:
                await edge  # signals are still as they were before it
                self.clocks += 1
                self._check()

        cocotb.start_soon(Clock(self.clock, 2, unit="ns").start())
        cocotb.start_soon(check())

    async def reset(self) -> None:
        """Hold the reset for some clocks."""
        self._reset.value = self._active
        await self.wait(3)
        self._reset.value = 1 - self._active
        await self.wait(1)

    async def wait(self, clocks: int) -> None:
        """Wait for some clocks."""
        await ClockCycles(self.clock, clocks)

    async def interrupted(self) -> bool:
        """Level of the interrupt."""
        await self.wait(1)
        return bool(self.dut.irq.value)

    async def cut_off(self, access: BusAccess, after: int) -> None:
        """Request nothing but an access, past the idle bus model, and reset after some clocks, finished or not.

        If it is finished before, it is requested again.
        """
        self._request(access)
        await self.wait(after)
        self._withdraw()
        await self.reset()

    @abstractmethod
    async def transfer(self, accesses: Sequence[BusAccess]) -> list[AccessResult]:
        """Do accesses as fast as the model can, in order as far as the bus keeps it; the result of each."""

    @abstractmethod
    def _request(self, access: BusAccess) -> None:
        """Put a request on the bus."""

    @abstractmethod
    def _withdraw(self) -> None:
        """Take it off the bus."""

    @abstractmethod
    def _check(self) -> None:
        """`AssertionError` if the interface breaks a rule of its bus on this clock."""


def stalls(random: Random, share: float) -> Iterator[bool]:
    """Whether to stall on each clock, without end."""
    while True:
        yield random.random() < share

"""The far side of a bus face in a cocotb bench: other people's bus models behind one interface."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

import cocotb
from cocotb.triggers import RisingEdge

from ranvier.hw.bus.signature import STROBES

__all__ = ["PATIENCE", "WHOLE", "AccessResult", "BusAccess", "Host", "every_clock", "stalls"]

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
    """What came of an access: the word read (0 after a write), and whether it was refused."""

    data: int
    error: bool


class Host(Protocol):
    """Drives one face with a bus model, and checks on every clock that the face keeps the rules of its bus."""

    clock: Any  #: handle of its clock
    clocks: int  #: clocks since it was opened
    between_words: bool  #: whether addresses between words can be asked for

    async def reset(self) -> None:
        """Hold the reset for some clocks."""

    async def transfer(self, accesses: Sequence[BusAccess]) -> list[AccessResult]:
        """Do accesses as fast as the model can, in order as far as the bus keeps it; an answer for each."""

    async def cut_off(self, access: BusAccess, after: int) -> None:
        """Ask for nothing but an access, and reset after some clocks, whatever has become of it."""

    async def wait(self, clocks: int) -> None:
        """Let clocks pass."""

    async def interrupted(self) -> bool:
        """Level of the interrupt."""


def stalls(random: Random, share: float) -> Iterator[bool]:
    """For ever, whether to hold back on a clock."""
    while True:
        yield random.random() < share


def every_clock(clock: Any, check: Callable[[], None]) -> None:
    """Call `check` on every rising edge from now on, when signals are still as they were before it."""

    async def forever() -> None:
        edge = RisingEdge(clock)
        while True:
            await edge
            check()

    cocotb.start_soon(forever())

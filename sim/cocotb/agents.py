"""Both ends of the core's streams for cocotb benches: random stalls, protocol checks, one sampling convention."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from cocotb.triggers import Event, RisingEdge

from ranvier.errors import RanvierError

__all__ = ["Clockwork", "Sink", "Source", "Stalled"]

#: Clocks without a word moving after which the core counts as stalled.
PATIENCE = 50_000


class Stalled(RanvierError, AssertionError):
    """The core did not do what was awaited within `PATIENCE` clocks."""


class Clockwork:
    """Calls every agent once per clock: the one place of a bench that awaits the clock.

    The convention: on a rising edge an agent reads every signal as it was just before that edge, which is what the core's
    registers take over, and what it drives changes just after it. With cocotb 2.1 on Verilator that is what reads and writes
    right after `RisingEdge` do.

    Parameters
    ----------
    clock : handle
        The clock.
    """

    def __init__(self, clock: Any):
        self.agents: list[Source | Sink] = []
        self.clocks = 0
        self._clock = clock
        self._waiting: list[tuple[Callable[[], bool], Event]] = []

    async def run(self) -> None:
        """Run forever; `Stalled` if something is awaited while no word moves for `PATIENCE` clocks."""
        edge, moved = RisingEdge(self._clock), -1
        while True:
            await edge
            self.clocks += 1
            for agent in self.agents:
                agent.clock()
            for entry in [entry for entry in self._waiting if entry[0]()]:
                self._waiting.remove(entry)
                entry[1].set()
            if self.clocks % PATIENCE == 0:
                before, moved = moved, sum(agent.moved for agent in self.agents)
                if self._waiting and moved == before:
                    raise Stalled(f"no word moved for {PATIENCE} clocks")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the first clock after which `condition` holds."""
        if not condition():
            event = Event()
            self._waiting.append((condition, event))
            await event.wait()

    async def sleep(self, clocks: int) -> None:
        """Wait some clocks."""
        wake = self.clocks + clocks
        await self.until(lambda: self.clocks >= wake)


class _Stream:
    """The signals of one stream, named as `ranvier.hw.flow.flat.Flat` names them.

    Parameters
    ----------
    dut : handle
        The core.
    name, fields : str, tuple of str
        The stream and the fields of its words.
    random : Random
        Decides on stalls.

    Attributes
    ----------
    stall : float
        Probability of holding back on a clock.
    moved : int
        Words that moved.
    """

    def __init__(self, dut: Any, name: str, fields: tuple[str, ...], random: Random):
        self.name = name
        self.stall = 0.0
        self.moved = 0
        self._valid, self._ready = getattr(dut, f"{name}_valid"), getattr(dut, f"{name}_ready")
        self._fields = {field: getattr(dut, f"{name}_{field}") for field in fields}
        self._random = random

    def _holds_back(self) -> bool:
        return self.stall > 0 and self._random.random() < self.stall


class Source(_Stream):
    """Offers words to the core, holding back on random clocks between them; parameters as of `_Stream`.

    Attributes
    ----------
    offered : bool
        A word is on offer.
    """

    def __init__(self, dut: Any, name: str, fields: tuple[str, ...], random: Random):
        super().__init__(dut, name, fields, random)
        self._queue: deque[dict[str, int]] = deque()
        self.offered = False
        self._valid.value = 0

    def put(self, **word: int) -> None:
        """Queue a word; fields left out are zero."""
        self._queue.append(word)

    def empty(self) -> bool:
        """Everything was taken."""
        return not self._queue and not self.offered

    def drop(self) -> None:
        """Withdraw everything, as only a reset may."""
        self._queue.clear()
        self.offered = False
        self._valid.value = 0

    def clock(self) -> None:
        """One clock: note whether the word on offer was taken, offer the next one."""
        if self.offered:
            if not self._ready.value:
                return
            self.moved += 1
            self.offered = False
            self._valid.value = 0
        if self._queue and not self._holds_back():
            word = self._queue.popleft()
            for field, handle in self._fields.items():
                handle.value = word.get(field, 0)
            self._valid.value = 1
            self.offered = True


class Sink(_Stream):
    """Takes words from the core, stalling it on random clocks, and checks that no offer is changed or withdrawn.

    Parameters as of `_Stream`.

    Attributes
    ----------
    words : list of tuple of int
        What was received, unsigned, in the order of `fields`; its users remove it.
    """

    def __init__(self, dut: Any, name: str, fields: tuple[str, ...], random: Random):
        super().__init__(dut, name, fields, random)
        self.words: list[tuple[int, ...]] = []
        self._accepting = False
        self._stalled: tuple[int, ...] | None = None
        self._ready.value = 0

    def drop(self) -> None:
        """Forget a word on offer, as only a reset may."""
        self._stalled = None

    def clock(self) -> None:
        """One clock: take or check the word on offer, decide about the next clock."""
        if self._valid.value:
            word = tuple(int(handle.value) for handle in self._fields.values())
            if self._stalled not in (None, word):
                raise AssertionError(f"{self.name}: the core changed {self._stalled} to {word} while it was stalled")
            self._stalled = None if self._accepting else word
            if self._accepting:
                self.words.append(word)
                self.moved += 1
        elif self._stalled is not None:
            raise AssertionError(f"{self.name}: the core withdrew {self._stalled}")
        accepting = not self._holds_back()
        if accepting != self._accepting:
            self._accepting = accepting
            self._ready.value = int(accepting)

"""A core under Verilator and its golden model, driven as one and compared value by value (cocotb)."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Self

import cocotb
import numpy as np
from cocotb.clock import Clock

from ranvier.drivers.loading import TRACES, arrays, settings
from ranvier.golden.core import GoldenCore
from ranvier.hw.core import Phase
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import COUNTERS, TRACED
from ranvier.parameters.sample import Sample
from ranvier.sim.cocotb.agents import Clockwork, Sink, Source
from ranvier.sim.cocotb.scoreboard import Scoreboard

__all__ = ["CONFIG", "Request", "Testbench", "read", "write"]

Request = dict[str, int]

#: File in the working directory of a session that holds its configuration.
CONFIG = "core.toml"


class Testbench:
    """Drives core and golden model through the same samples; every method compares what it can.

    Parameters
    ----------
    dut : handle
        The core, module `ranvier.hw.flow.verilog.NAME`.
    config : CoreConfig
        What it was built from.
    random : Random
        Source of all chance, stalls included.
    """

    def __init__(self, dut: Any, config: CoreConfig, random: Random):
        self.dut, self.config = dut, config
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.golden = GoldenCore(config)
        self.golden.load(Network.zeros(config))
        self.scoreboard = Scoreboard()
        self.clockwork = Clockwork(dut.clk)
        self.events = Source(dut, "events", ("kind", "unit", "scored", "target"), random)
        self.outputs = Sink(dut, "outputs", ("kind", "index", "value"), random)
        self.requests = Source(dut, "request", ("write", "space", "row", "column", "data"), random)
        self.responses = Sink(dut, "response", ("data", "error"), random)
        self.clockwork.agents += [self.events, self.outputs, self.requests, self.responses]
        self.learn = self.report = False
        self._early: Raw | None = None  # spikes of the coming step that were offered already

    @classmethod
    async def start(cls, dut: Any) -> Self:
        """A testbench for the session's core, running and reset, with another stall probability on every stream."""
        config = CoreConfig.read(CONFIG)
        testbench = cls(dut, config, Random(cocotb.RANDOM_SEED))
        for agent in testbench.clockwork.agents:
            agent.stall = float(testbench.rng.choice([0.0, 0.2, 0.7]))
        cocotb.start_soon(Clock(dut.clk, 2, unit="ns").start())
        cocotb.start_soon(testbench.clockwork.run())
        await testbench.reset()
        digest = await testbench.register(Register.DIGEST)
        testbench.scoreboard.compare("digest", config.digest, digest & 0xFFFFFFFF)
        return testbench

    def finish(self, scenario: str) -> None:
        """Save the counts."""
        self._add_counters()
        self.scoreboard.clocks = self.clockwork.clocks
        self.scoreboard.save(Path(), scenario)

    async def reset(self) -> None:
        """Hold `rst` for some clock cycles; whatever was on a stream is lost."""
        self.dut.rst.value = 1
        self.events.drop()
        self.requests.drop()
        await self.clockwork.sleep(1)
        for sink in (self.outputs, self.responses):
            sink.drop()
            sink.words.clear()
        await self.clockwork.sleep(int(self.rng.integers(3)))
        self.dut.rst.value = 0
        self.learn = self.report = False
        self._early = None

    # ---------------------------------------------------------------- host port

    async def host(self, requests: Iterable[Request]) -> list[tuple[int, bool]]:
        """Put requests one after the other; (data, error) of each response."""
        requests = list(requests)
        wanted = len(requests)
        for request in requests:
            self.requests.put(**request)
        if wanted:
            await self.clockwork.until(lambda: self.requests.offered)
            self.scoreboard.busy_requests += int(self.dut.phase.value) != Phase.IDLE
            await self.clockwork.until(lambda: len(self.responses.words) == wanted)
        answers = [(_signed(data), bool(error)) for data, error in self.responses.words]
        self.responses.words.clear()
        return answers

    async def ask(self, requests: Iterable[Request]) -> Raw:
        """Put requests that must not fail; the data of each response."""
        answers = await self.host(requests)
        if any(error for _, error in answers):
            raise AssertionError("the core refused a request that it must answer")
        return np.array([data for data, _ in answers], np.int64)

    def shuffled(self, requests: list[Request]) -> list[Request]:
        """In random order."""
        return [requests[n] for n in self.rng.permutation(len(requests))]

    async def register(self, register: Register) -> int:
        """Read a register."""
        return int((await self.ask([read(AddressSpace.REGISTER, 0, int(register.value))]))[0])

    async def write_register(self, register: Register, value: int) -> None:
        """Write a register."""
        await self.ask([write(AddressSpace.REGISTER, 0, int(register.value), value)])

    # ---------------------------------------------------------------- network

    async def load(self, network: Network) -> None:
        """Load both models, clear state and counters of both, and check that the core holds what it was given."""
        self._add_counters()
        self.golden.load(network)
        self.events.put(kind=EventKind.RESET.value)
        await self.clockwork.until(self.events.empty)
        requests = [
            write(space, *at, int(value)) for space, values in arrays(network).items() for at, value in _cells(values)
        ]
        await self.ask(self.shuffled(requests))
        for register, value in settings(network).items():
            await self.write_register(register, value)
            self.scoreboard.compare(register.name, value, await self.register(register) & 0xFFFFFFFF)
        await self.write_register(Register.CLEAR, 1)
        await self.check_network()
        await self.check_state()

    async def read_network(self) -> Network:
        """The parameters that the core holds."""
        network = self.golden.network()
        for space, values in arrays(network).items():
            values.reshape(-1)[:] = await self.ask(read(space, *at) for at, _ in _cells(values))
        return network

    # ---------------------------------------------------------------- samples

    async def mode(self, *, learn: bool, report: bool = True) -> None:
        """Set the mode register."""
        self.learn, self.report = learn, report
        await self.write_register(Register.MODE, Register.MODE.pack(learn=learn, report=report))

    async def run(self, sample: Sample, target: int, *, learn: bool, report: bool = True) -> None:
        """One sample, everything compared after each step and after its end."""
        await self.mode(learn=learn, report=report)
        before = self.golden.network()
        arriving = [*sample.arriving(), np.zeros(0, np.int64)]
        for t in range(sample.steps):
            await self.step(arriving[t], scored=bool(sample.scored[t]), target=target, following=arriving[t + 1])
        await self.end()
        self.scoreboard.learned(before, self.golden.network())

    async def stream(self, sample: Sample, target: int, *, learn: bool, report: bool) -> None:
        """One sample offered as a whole, with no host access until it has ended."""
        await self.mode(learn=learn, report=report)
        before, expected = self.golden.network(), []
        for t, units in enumerate(sample.arriving()):
            self._offer(units, EventKind.STEP, scored=int(sample.scored[t]), target=target)
            self.golden.step(units, scored=bool(sample.scored[t]), target=target, learn=learn)
            expected += self._reported()
        self.scoreboard.steps += sample.steps
        await self.end(expected)
        self.scoreboard.learned(before, self.golden.network())

    async def step(self, units: Raw, *, scored: bool, target: int, following: Raw | None = None) -> None:
        """One step; spikes that are `following` may come in between the requests that read it back."""
        await self.begin_step(units, scored=scored, target=target)
        if following is not None and self.rng.random() < 0.5:
            self._early = following
            self._offer_spikes(following)
        await self.finish_step()

    async def begin_step(self, units: Raw, *, scored: bool, target: int) -> None:
        """Have a step taken by the core, which then is busy with it; the golden model is done with it."""
        self._offer(units, EventKind.STEP, scored=int(scored), target=target)
        await self.clockwork.until(self.events.empty)
        self.golden.step(units, scored=scored, target=target, learn=self.learn)
        self.scoreboard.steps += 1

    async def finish_step(self) -> None:
        """Compare state and outputs of the step begun last."""
        await self.check_state()
        self._check_outputs(self._reported())

    async def end(self, expected: list[tuple[int, int]] | None = None) -> None:
        """End the sample: scores and prediction, then state, parameters and counters."""
        self._offer(np.zeros(0, np.int64), EventKind.END)
        await self.clockwork.until(lambda: OutputKind.PREDICTION.value in [word[0] for word in self.outputs.words[-1:]])
        scores = self.golden.end(self.learn)
        outputs, count = self.outputs.words[:], len(scores) + 1
        self.outputs.words[:] = outputs[:-count]
        self._check_outputs(expected or [])
        last = outputs[-count:]
        self.scoreboard.compare(
            "kind", [OutputKind.SCORE.value] * len(scores) + [OutputKind.PREDICTION.value], [w[0] for w in last]
        )
        self.scoreboard.compare("output", [*range(len(scores)), int(np.argmax(scores))], [word[1] for word in last])
        self.scoreboard.compare("score", scores, [_signed(word[2]) for word in last[:-1]])
        await self.check_state()
        if self.learn:
            await self.check_network()
        await self.check_counters()
        self.scoreboard.samples += 1

    async def abandon(self, units: Raw) -> None:
        """A reset event after spikes whose step never comes."""
        self.interrupt(units)
        self.events.put(kind=EventKind.RESET.value)
        await self.clockwork.until(self.events.empty)
        self.golden.clear()
        await self.check_state()
        self._check_outputs([])
        await self.check_counters()

    def interrupt(self, units: Raw) -> None:
        """Spikes whose step never comes."""
        self._offer_spikes(units)
        for unit in units:
            self.golden._deliver(int(unit), self.learn)

    def _offer(self, units: Raw, kind: EventKind, **fields: int) -> None:
        if self._early is None:
            self._offer_spikes(units)
        self._early = None
        self.events.put(kind=int(kind.value), **fields)

    def _offer_spikes(self, units: Raw) -> None:
        for unit in units:
            self.events.put(kind=EventKind.SPIKE.value, unit=int(unit))

    def _reported(self) -> list[tuple[int, int]]:
        """(kind, index) of the outputs that the golden model's last step implies."""
        if not self.report:
            return []
        spikes = [(EventKind.SPIKE.value, int(j)) for j in np.nonzero(self.golden.neurons.spiked)[0]]
        return [*spikes, (OutputKind.STEP.value, 0)]

    # ---------------------------------------------------------------- comparison

    async def check_state(self) -> None:
        """All of v, z, y, psi, zbar and xbar, whatever the core is doing when asked."""
        names = [name for name, space in TRACES.items() if space.exists(self.config)]
        sizes = [getattr(self.config, TRACED[name]) for name in names]
        requests = [read(TRACES[name], 0, n) for name, size in zip(names, sizes, strict=True) for n in range(size)]
        values = np.split(await self.ask(requests), np.cumsum(sizes)[:-1])
        for name, value in zip(names, values, strict=True):
            self.scoreboard.compare(f"step {self.golden.t - 1} {name}", self.golden.probe(name), value)

    async def check_network(self) -> None:
        """All of W, D, Wout and B."""
        expected, actual = arrays(self.golden.network()), arrays(await self.read_network())
        for space, values in expected.items():
            self.scoreboard.compare(space.name, values, actual[space])

    async def check_counters(self) -> None:
        """All counters."""
        first = int(Register.COUNTER.value)
        values = await self.ask(read(AddressSpace.REGISTER, 0, first + n) for n in range(len(COUNTERS)))
        for (name, expected), value in zip(self.golden.counters().items(), values, strict=True):
            self.scoreboard.compare(f"counter {name}", expected, value)

    def _check_outputs(self, expected: list[tuple[int, int]]) -> None:
        actual = [(kind, 0 if kind == OutputKind.STEP.value else index) for kind, index, _ in self.outputs.words]
        self.outputs.words.clear()
        if actual != expected:
            raise AssertionError(f"outputs (kind, index): golden {expected}, core {actual}")
        self.scoreboard.values += len(expected)

    def _add_counters(self) -> None:
        for name, count in self.golden.counters().items():
            self.scoreboard.counters[name] += count


def read(space: AddressSpace, row: int, column: int) -> Request:
    """Request to read a word."""
    return {"space": int(space.value), "row": row, "column": column}


def write(space: AddressSpace, row: int, column: int, value: int) -> Request:
    """Request to write a word."""
    return {"write": 1, "space": int(space.value), "row": row, "column": column, "data": value & 0xFFFFFFFF}


def _cells(values: Raw) -> Iterable[tuple[tuple[int, int], int]]:
    """((row, column), value) of every element."""
    return (((int(row), int(column)), int(value)) for (row, column), value in np.ndenumerate(values))


def _signed(word: int) -> int:
    return (word ^ 1 << 31) - (1 << 31)

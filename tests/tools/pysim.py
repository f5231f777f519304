"""Driving a component in Amaranth's simulator: ports clock by clock, streams that stall at random, memories that answer."""

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from operator import attrgetter
from typing import Any

import numpy as np
from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data
from amaranth.sim import Simulator

__all__ = [
    "assign",
    "clocked",
    "clocks_until",
    "evaluate",
    "memory",
    "pause",
    "plain",
    "pulse",
    "receive",
    "send",
    "serve",
    "simulate",
]

PERIOD = 1e-6


def simulate(dut, *testbenches: Callable, background: Iterable[Callable] = (), deadline: int = 20_000) -> None:
    """Run coroutine functions of a context on `dut` until all `testbenches` have returned, within `deadline` clocks."""
    simulator = Simulator(dut)
    simulator.add_clock(PERIOD)
    for testbench in testbenches:
        simulator.add_testbench(testbench)

    async def watchdog(ctx):
        await ctx.delay(deadline * PERIOD)
        raise AssertionError(f"a testbench still waits after {deadline} clocks")

    for process in (*background, watchdog):
        simulator.add_testbench(process, background=True)
    simulator.run()


def clocked(dut, stimulus: Iterable[dict[str, Any]], *watch: str) -> list[np.ndarray]:
    """Set the ports named in each dict, one dict per clock, and see the ports `watch` just before each edge.

    Returns one array [clocks, ...] per watched port (a member of an interface is ``interface.member``). A port keeps its
    value until it is named again.
    """
    seen: list[list] = [[] for _ in watch]
    watched = [attrgetter(name)(dut) for name in watch]

    async def testbench(ctx):
        for inputs in stimulus:
            for name, value in inputs.items():
                assign(ctx, getattr(dut, name), value)
            for values, port in zip(seen, watched, strict=True):
                values.append(plain(ctx.get(port)))
            await ctx.tick()

    simulate(dut, testbench)
    return [np.array(values) for values in seen]


def evaluate(function: Callable, shapes: tuple, inputs: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Outputs of a combinational `function` of values of the given `shapes`, for each of `inputs`."""
    m = Module()
    operands = [Signal(shape) for shape in shapes]
    values = function(*operands)
    values = values if isinstance(values, tuple) else (values,)
    results = [Signal(Value.cast(value).shape()) for value in values]
    m.d.comb += [result.eq(value) for result, value in zip(results, values, strict=True)]
    seen = []

    async def testbench(ctx):
        for given in inputs:
            for operand, value in zip(operands, given, strict=True):
                ctx.set(operand, value)
            seen.append(tuple(ctx.get(result) for result in results))

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen


def assign(ctx, port, value) -> None:
    """Set a port; of an interface, the members named in a dict; of a port with a layout, all bits if `value` is a number."""
    if hasattr(port, "signature"):
        for name, member in value.items():
            assign(ctx, getattr(port, name), member)
    else:
        ctx.set(Value.cast(port) if isinstance(value, int) else port, value)


def plain(value) -> Any:
    """A value of the simulator as numbers, lists and dicts; an enumeration by its number."""
    if isinstance(value, data.Const):
        layout = value.shape()
        if isinstance(layout, data.ArrayLayout):
            return [plain(value[n]) for n in range(layout.length)]
        return {name: plain(value[name]) for name, _ in layout}
    return value.value if isinstance(value, Enum) else value


async def pulse(ctx, dut, **values) -> None:
    """Set ports of `dut` for one clock; those of one bit go back to zero."""
    for name, value in values.items():
        assign(ctx, getattr(dut, name), value)
    await ctx.tick()
    for name in values:
        if len(Value.cast(getattr(dut, name))) == 1:
            ctx.set(getattr(dut, name), 0)


async def pause(ctx, clocks: int) -> None:
    """Let `clocks` pass, none too."""
    if clocks:
        await ctx.tick().repeat(int(clocks))


async def clocks_until(ctx, condition) -> int:
    """Clocks from now until `condition` holds."""
    clocks = 0
    while not ctx.get(condition):
        await ctx.tick()
        clocks += 1
    return clocks


async def send(ctx, port, payloads: Iterable, rng: np.random.Generator, stall: float = 0.3) -> None:
    """Offer `payloads` to a stream, with pauses."""
    for payload in payloads:
        while rng.random() < stall:
            await ctx.tick()
        ctx.set(port.payload, payload)
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)


async def receive(ctx, port, count: int, rng: np.random.Generator, stall: float = 0.3) -> list:
    """Take `count` payloads from a stream, with pauses; what is offered must stay until it is taken."""
    taken: list = []
    offered = None
    while len(taken) < count:
        ready = bool(rng.random() >= stall)
        ctx.set(port.ready, ready)
        _, _, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        payload = plain(payload)
        assert offered is None or (valid and payload == offered), "a payload was withdrawn"
        offered = payload if valid and not ready else None
        if valid and ready:
            taken.append(payload)
    ctx.set(port.ready, 0)
    return taken


async def serve(ctx, bus, answer: Callable, rng: np.random.Generator, stall: float = 0.3) -> None:
    """Stand behind a bus forever: an access after the other is answered with ``(data, error) = answer(access)``."""
    while True:
        (access,) = await receive(ctx, bus.request, 1, rng, stall)
        data, error = answer(access)
        await send(ctx, bus.response, [{"data": data, "error": error}], rng, stall)


def memory(address: list, answer, lookup: Callable, latency: int) -> Callable:
    """Process that sets the port `answer` to ``lookup(*address)``, `latency` clocks later, one answer per clock."""

    async def process(ctx):
        pending: deque = deque()
        async for _, _, *values in ctx.tick().sample(*address):
            pending.append(lookup(*values))
            if len(pending) == latency:
                ctx.set(answer, pending.popleft())

    return process

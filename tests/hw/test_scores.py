import numpy as np
import pytest
from pysim import clocks_until, pause, pulse, receive, simulate

from ranvier.hw.events import OutputKind
from ranvier.hw.scores import Scores
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=1, outputs=3)


def results(totals):
    """What leaves at the end of a sample."""
    scores = [(OutputKind.SCORE.value, k, int(total)) for k, total in enumerate(totals)]
    return [*scores, (OutputKind.PREDICTION.value, int(np.argmax(totals)), 0)]


@pytest.mark.parametrize("outputs", [2, 3, 16])
@pytest.mark.parametrize("stall", [0, 0.7])
def test_samples(outputs, stall):
    rng, dut = np.random.default_rng(outputs), Scores(CORE.replace(outputs=outputs))
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        for sample in range(12):
            totals = np.zeros(outputs, int)
            for _ in range(sample % 5):
                values = rng.integers(-(1 << 17), 1 << 17, outputs) if sample % 2 else rng.integers(-1, 2, outputs)
                for index, value in enumerate(values):
                    await pulse(ctx, dut, add=1, index=index, value=int(value))
                totals += values
                await pause(ctx, rng.integers(1, 3))
            assert not ctx.get(dut.busy)
            silent = sample in (6, 7)
            ctx.set(dut.silent, silent)
            await pulse(ctx, dut, finish=1)
            if silent:
                while ctx.get(dut.busy):
                    assert not ctx.get(dut.results.valid)
                    await ctx.tick()
                continue
            taken = await receive(ctx, dut.results, outputs + 1, rng, stall)
            assert [(t["kind"], t["index"], t["value"]) for t in taken] == results(totals), f"sample {sample}"
            assert not ctx.get(dut.busy)
            compared += len(taken)

    simulate(dut, testbench)
    assert compared == 10 * (outputs + 1)


def test_clocks():
    dut = Scores(CORE)

    async def testbench(ctx):
        ctx.set(dut.results.ready, 1)
        ctx.set(dut.silent, 0)
        await pulse(ctx, dut, finish=1)
        assert await clocks_until(ctx, ~dut.busy) == 3 * CORE.outputs + 1

    simulate(dut, testbench)


def test_overflow_is_reported():
    """The largest and the smallest 32-bit score are sums like any other; one more and it wraps, which shows."""
    dut, reports = Scores(CORE), []

    async def watch(ctx):
        async for _, _, overflowed in ctx.tick().sample(dut.overflowed):
            reports.append(overflowed)

    async def add(ctx, index, values):
        reports.clear()
        for value in values:
            await pulse(ctx, dut, add=1, index=index, value=value)
            await pause(ctx, 4)
        return sum(reports)

    async def testbench(ctx):
        assert await add(ctx, 0, [(1 << 31) - 1, 0]) == 0
        assert await add(ctx, 1, [-(1 << 31), 0]) == 0
        assert await add(ctx, 0, [1]) == 1
        assert await add(ctx, 1, [-1]) == 1
        assert await add(ctx, 2, [1, -1, 1 << 30, 1 << 30]) == 1

    simulate(dut, testbench, background=[watch])


def test_the_lowest_index_wins_a_tie():
    dut = Scores(CORE)

    async def testbench(ctx):
        ctx.set(dut.silent, 0)
        for index, value in [(1, 5), (2, 5), (0, -3)]:
            await pulse(ctx, dut, add=1, index=index, value=value)
        await ctx.tick()
        await pulse(ctx, dut, finish=1)
        taken = await receive(ctx, dut.results, 4, np.random.default_rng(0))
        assert taken[-1]["index"] == 1

    simulate(dut, testbench)


def test_silent_out_of_reset():
    dut = Scores(CORE)

    async def testbench(ctx):
        await pulse(ctx, dut, finish=1)
        while ctx.get(dut.busy):
            assert not ctx.get(dut.results.valid)
            await ctx.tick()

    simulate(dut, testbench)

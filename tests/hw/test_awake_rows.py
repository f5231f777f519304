import numpy as np
import pytest
from pysim import clocks_until, pulse, receive, simulate

from ranvier.hw.awake_rows import AwakeRows


@pytest.mark.parametrize("rows", [1, 2, 5, 16])
@pytest.mark.parametrize("stall", [0, 0.6])
@pytest.mark.parametrize("keep", [0.0, 0.6, 1.0])
def test_walks_while_rows_wake_and_fall_asleep(rows, stall, keep):
    rng, dut = np.random.default_rng(rows), AwakeRows(rows)
    handed = 0

    async def testbench(ctx):
        nonlocal handed
        awake = []
        for n in range(30):
            if n == 15:
                awake = []
                await pulse(ctx, dut, clear=1)
            for row in rng.permutation([r for r in range(rows) if r not in awake])[: rng.integers(rows + 1)]:
                await pulse(ctx, dut, append=1, row=int(row))
                awake.append(int(row))
            assert ctx.get(dut.done)
            await pulse(ctx, dut, walk=1)
            walked, staying = [], []
            while not ctx.get(dut.done):
                walked += await receive(ctx, dut.awake, 1, rng, stall)
                if rng.random() < keep:
                    staying.append(walked[-1])
                    await pulse(ctx, dut, append=1, row=walked[-1])
            assert walked == awake, f"walk {n}"
            handed += len(walked)
            awake = staying

    simulate(dut, testbench)
    assert handed > 10


def test_one_row_every_three_clocks():
    dut, rows = AwakeRows(8), 5

    async def testbench(ctx):
        for row in range(rows):
            await pulse(ctx, dut, append=1, row=row)
        await pulse(ctx, dut, walk=1)
        ctx.set(dut.awake.ready, 1)
        for row in range(rows):
            assert await clocks_until(ctx, dut.awake.valid) == 2
            assert ctx.get(dut.awake.payload) == row
            await ctx.tick()
        assert ctx.get(dut.done)

    simulate(dut, testbench)


def test_nothing_to_walk():
    dut = AwakeRows(3)

    async def testbench(ctx):
        ctx.set(dut.walk, 1)
        for _ in range(4):
            assert ctx.get(dut.done)
            await ctx.tick()

    simulate(dut, testbench)

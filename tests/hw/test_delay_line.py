import numpy as np
import pytest
from pysim import clocks_until, plain, simulate

from ranvier.golden import delay_line as golden
from ranvier.hw.delay_line import DelayLine
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

#: Four full weights saturate it.
CORE = CoreConfig(inputs=1, neurons=5, outputs=2, max_delay=6, lanes=2, weight=QFormat(True, 1, 12))
CORE = CORE.replace(potential=QFormat(True, 2, 13), step_weight=QFormat(True, 0, 17))


def word(values, n, lanes):
    """Word `n` of `values` [neurons], zero beyond the last neuron."""
    padded = np.zeros(((len(values) + lanes - 1) // lanes, lanes), int)
    padded.reshape(-1)[: len(values)] = values
    return padded[n].tolist()


@pytest.mark.parametrize(("neurons", "lanes"), [(1, 1), (5, 1), (5, 2), (4, 4), (5, 8), (16, 16)])
@pytest.mark.parametrize("seed", range(2))
def test_steps_against_the_golden_one(neurons, lanes, seed):
    config = CORE.replace(neurons=neurons, lanes=lanes)
    dut, reference = DelayLine(config), golden.DelayLine(config)
    rng = np.random.default_rng(seed)
    compared = clipped = 0

    async def testbench(ctx):
        nonlocal compared, clipped

        async def tick():
            nonlocal clipped
            clipped += ctx.get(dut.saturated)
            await ctx.tick()

        for step in range(40):
            current = reference.take(step)
            for n in range(config.words + 1):
                ctx.set(dut.take, int(n < config.words))
                ctx.set(dut.slot, step % config.slots)
                ctx.set(dut.word, n if n < config.words else 0)
                await tick()
                if n < config.words:
                    assert plain(ctx.get(dut.current)) == word(current, n, lanes), f"seed {seed}, step {step}"
                    compared += lanes
            for _ in range(rng.integers(0, 6)):
                weight = rng.choice([config.weight.min, config.weight.max, *rng.integers(-99, 99, 2)], neurons)
                delay = rng.integers(0, config.max_delay + 1, neurons)
                targets = rng.random(neurons) < 0.8
                reference.deliver(step, weight, delay, targets)
                for n in range(config.words):
                    ctx.set(dut.deliver, 1)
                    ctx.set(dut.word, n)
                    ctx.set(dut.slots, word((step + 1 + delay) % config.slots, n, lanes))
                    ctx.set(dut.weights, word(weight, n, lanes))
                    ctx.set(dut.targets, sum(bit << p for p, bit in enumerate(word(targets, n, lanes))))
                    await tick()
                ctx.set(dut.deliver, 0)
                for _ in range(rng.integers(0, 3)):
                    await tick()
            while ctx.get(dut.busy):
                await tick()
        await tick()

    simulate(dut, testbench)
    assert compared == 40 * config.words * lanes
    assert clipped == reference.saturated > 0, f"seed {seed}"


def test_latency():
    dut = DelayLine(CORE)

    async def testbench(ctx):
        ctx.set(dut.deliver, 1)
        ctx.set(dut.weights, [1, 0])
        ctx.set(dut.targets, 1)
        await ctx.tick()
        ctx.set(dut.deliver, 0)
        assert 1 + await clocks_until(ctx, ~dut.busy) == 4  # in memory four clocks after it was given
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        assert plain(ctx.get(dut.current)) == [2, 0]  # and out one clock after it was asked for
        assert await clocks_until(ctx, ~dut.busy) == 1

    simulate(dut, testbench)

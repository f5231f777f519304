import numpy as np
import pytest
from pysim import clocks_until, memory, pause, plain, pulse, simulate

from ranvier.golden import readout as golden
from ranvier.hw.pipeline import as_built
from ranvier.hw.readout import Readout
from ranvier.hw.row_memory import readout_memory
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=6, outputs=3, lanes=2)


@pytest.mark.parametrize(("outputs", "lanes"), [(2, 1), (3, 2), (2, 4), (5, 2), (16, 16), (27, 4)])
@pytest.mark.parametrize("stall", [0, 0.5])
def test_steps_against_the_golden_one(outputs, lanes, stall):
    config = CORE.replace(outputs=outputs, lanes=lanes)
    dut, reference, rng = Readout(config), golden.Readout(config), np.random.default_rng(outputs)
    words = config.readout_words
    weight = np.zeros((config.neurons, words * lanes), int)
    weight[:, :outputs] = rng.choice([config.weight.max, 1000, -7], (config.neurons, outputs))
    compared = spikes = clipped = 0

    async def saturation(ctx):
        nonlocal clipped
        async for _, _, count in ctx.tick().sample(dut.saturated):
            clipped += count

    async def testbench(ctx):
        nonlocal compared, spikes
        for step in range(25):
            clear = step in (0, 15)
            ctx.set(dut.clear, clear)
            kappa = int(rng.choice([0, 1, 2048, 4095, 4095, 4095]))
            ctx.set(dut.kappa, kappa)
            await pulse(ctx, dut, start=1)
            spiked = np.zeros(config.neurons, bool) if clear else rng.random(config.neurons) < rng.choice([0, 0.3, 1.0])
            leaking = await clocks_until(ctx, ~dut.leaking)
            assert leaking == words + as_built(Readout, config).leak_latency
            for neuron in np.nonzero(spiked)[0]:
                while rng.random() < stall:
                    await ctx.tick()
                ctx.set(dut.spikes.valid, 1)
                ctx.set(dut.spikes.payload, int(neuron))
                clocks = 1 + await clocks_until(ctx, dut.spikes.ready)
                assert clocks == words  # no gap between spikes
                await ctx.tick()
                ctx.set(dut.spikes.valid, 0)
            await clocks_until(ctx, ~dut.busy)
            if clear:
                reference.clear()
            else:
                reference.step(weight[:, :outputs], spiked, kappa)
            spikes += int(spiked.sum())
            values = []
            for word in range(words):
                ctx.set(dut.read.word, word)
                await ctx.tick()
                values += plain(ctx.get(dut.read.values))
            np.testing.assert_array_equal(values[:outputs], reference.value, f"step {step}")
            compared += outputs
        await pause(ctx, 2)

    rows = weight.reshape(config.neurons, words, lanes)
    latency = as_built(readout_memory, config).latency
    weights = memory(
        [dut.weights.row, dut.weights.word],
        dut.weights.values,
        lambda j, w: rows[j % config.neurons, w].tolist(),
        latency,
    )
    simulate(dut, testbench, background=[weights, saturation])
    assert compared == 25 * outputs
    assert spikes > 30
    assert clipped == reference.saturated > 0


def test_spikes_wait_for_the_leak():
    dut = Readout(CORE)

    async def testbench(ctx):
        ctx.set(dut.spikes.valid, 1)
        await pulse(ctx, dut, start=1)
        while ctx.get(dut.leaking):
            assert not ctx.get(dut.spikes.ready)
            await ctx.tick()
        assert await clocks_until(ctx, dut.spikes.ready) == CORE.readout_words - 1

    simulate(dut, testbench)

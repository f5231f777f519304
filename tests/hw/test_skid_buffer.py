import numpy as np
import pytest
from pysim import receive, send, simulate

from ranvier.hw.skid_buffer import SkidBuffer


@pytest.mark.parametrize("offer", [0, 0.3, 0.8])
@pytest.mark.parametrize("stall", [0, 0.3, 0.8])
def test_words_stay_in_order(offer, stall):
    rng = np.random.default_rng(0)
    words, taken = rng.integers(0, 256, 300).tolist(), []
    dut = SkidBuffer(8)

    async def producer(ctx):
        await send(ctx, dut.input, words, np.random.default_rng(1), offer)

    async def consumer(ctx):
        taken.extend(await receive(ctx, dut.output, len(words), rng, stall))

    simulate(dut, producer, consumer)
    assert taken == words


def test_latency_and_throughput():
    dut, taken = SkidBuffer(8), []

    async def testbench(ctx):
        ctx.set(dut.output.ready, 1)
        ctx.set(dut.input.valid, 1)
        for word in range(5):
            assert ctx.get(dut.input.ready)
            ctx.set(dut.input.payload, word)
            await ctx.tick()
            taken.append(ctx.get(dut.output.payload))
            assert ctx.get(dut.output.valid)

    simulate(dut, testbench)
    assert taken == [0, 1, 2, 3, 4]


def test_ready_falls_a_clock_after_the_consumer_stalls():
    dut, ready = SkidBuffer(8), []

    async def testbench(ctx):
        ctx.set(dut.input.valid, 1)
        for _ in range(4):
            ready.append(ctx.get(dut.input.ready))
            await ctx.tick()

    simulate(dut, testbench)
    assert ready == [1, 1, 0, 0]

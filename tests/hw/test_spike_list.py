import numpy as np
import pytest
from pysim import clocks_until, pulse, receive, simulate

from ranvier.hw.spike_list import SpikeList


def units(sweep, lanes):
    return [word * lanes + lane for word, flags in enumerate(sweep) for lane in range(lanes) if flags >> lane & 1]


@pytest.mark.parametrize(("words", "lanes"), [(1, 1), (5, 1), (1, 4), (3, 4), (2, 16)])
@pytest.mark.parametrize("stall", [0, 0.5, 0.95])
def test_sweep_after_sweep(words, lanes, stall):
    rng = np.random.default_rng(words)
    every = (1 << lanes) - 1
    sweeps = [[0] * words, [every] * words, [1] * words, [1 << lanes - 1] * words, [0] * words]
    sweeps += [rng.integers(0, every + 1, words).tolist() for _ in range(15)]
    dut, taken, emitted = SpikeList(words, lanes), [], 0

    async def testbench(ctx):
        nonlocal emitted
        for n, sweep in enumerate(sweeps):
            expected = units(sweep, lanes)
            for word, flags in enumerate(sweep):
                await pulse(ctx, dut, push=1, word=word, flags=flags)
                assert not (flags and len(taken) == emitted and ctx.get(dut.empty)), "a flag is missing from `empty`"
            assert ctx.get(dut.empty) == (len(taken) == emitted + len(expected))
            await ctx.tick().until(dut.empty)
            emitted += len(expected)
            assert len(taken) == emitted, f"empty too early in sweep {n}"

    async def consumer(ctx):
        while True:
            taken.extend(await receive(ctx, dut.units, 1, rng, stall))

    simulate(dut, testbench, background=[consumer])
    assert taken == [unit for sweep in sweeps for unit in units(sweep, lanes)]
    assert emitted > 5


@pytest.mark.parametrize("flags", [0b0001, 0b1000, 0b1111, 0b1010])
def test_latency_and_throughput(flags):
    dut = SpikeList(3, 4)

    async def testbench(ctx):
        ctx.set(dut.units.ready, 1)
        for word in range(3):
            await pulse(ctx, dut, push=1, word=word, flags=flags)
        clocks = 3 + await clocks_until(ctx, dut.empty)
        assert clocks == 4 + max(3, 3 * flags.bit_count())  # one unit per clock from the fourth clock on

    simulate(dut, testbench)


def test_latency():
    dut = SpikeList(3, 4)

    async def testbench(ctx):
        await pulse(ctx, dut, push=1, flags=0b0100)
        assert 1 + await clocks_until(ctx, dut.units.valid) == 4
        assert ctx.get(dut.units.payload) == 2

    simulate(dut, testbench)


def test_words_without_flags_cost_nothing():
    dut = SpikeList(64, 1)

    async def testbench(ctx):
        for word in range(64):
            assert ctx.get(dut.empty)
            await pulse(ctx, dut, push=1, word=word, flags=int(word == 63))
        assert await clocks_until(ctx, dut.units.valid) == 3
        assert ctx.get(dut.units.payload) == 63

    simulate(dut, testbench)

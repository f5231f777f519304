import numpy as np
from pysim import receive, send, simulate

from ranvier.hw.register_slice import RegisterSlice


def test_words_pass_in_order_whatever_stalls():
    rng, dut, taken = np.random.default_rng(1), RegisterSlice(8), []
    words = [int(word) for word in rng.integers(256, size=300)]

    async def source(ctx):
        await send(ctx, dut.i, words, rng)

    async def sink(ctx):
        taken.extend(await receive(ctx, dut.o, len(words), rng, stall=0.5))

    simulate(dut, source, sink)
    assert taken == words


def test_a_word_per_clock_a_clock_late():
    dut, seen = RegisterSlice(8), []

    async def testbench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        for n in range(20):
            ctx.set(dut.i.payload, n)
            assert ctx.get(dut.i.ready)
            seen.append(ctx.get(dut.o.payload) if ctx.get(dut.o.valid) else None)
            await ctx.tick()

    simulate(dut, testbench)
    assert seen == [None, *range(19)]


def test_an_offer_stays_when_the_source_withdraws_its_own():
    dut, offers = RegisterSlice(8), []

    async def testbench(ctx):
        for valid, payload in [(1, 7), (0, 9), (1, 8), (1, 5), (0, 4), (0, 3)]:
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.i.payload, payload)
            await ctx.tick()
            offers.append((ctx.get(dut.o.valid), ctx.get(dut.o.payload), ctx.get(dut.i.ready)))
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        offers.append((ctx.get(dut.o.valid), ctx.get(dut.o.payload), ctx.get(dut.i.ready)))

    simulate(dut, testbench)
    assert offers == [(1, 7, 1), (1, 7, 1), (1, 7, 0), (1, 7, 0), (1, 7, 0), (1, 7, 0), (1, 8, 1)]


def test_nothing_follows_the_other_side_within_a_clock():
    rng, dut = np.random.default_rng(2), RegisterSlice(4)

    async def testbench(ctx):
        for _ in range(200):
            before = [ctx.get(value) for value in (dut.i.ready, dut.o.valid, dut.o.payload)]
            for value, bits in ((dut.i.valid, 1), (dut.i.payload, 4), (dut.o.ready, 1)):
                ctx.set(value, int(rng.integers(1 << bits)))
                assert [ctx.get(value) for value in (dut.i.ready, dut.o.valid, dut.o.payload)] == before
            await ctx.tick()

    simulate(dut, testbench)

import zlib

import numpy as np
from pysim import clocks_until, pulse, simulate

from ranvier.hw.bus.checksum import WriteChecksum


def test_it_is_the_crc32_of_zlib():
    rng, dut, compared = np.random.default_rng(0), WriteChecksum(), 0

    async def testbench(ctx):
        nonlocal compared
        expected = 0
        for n in range(60):
            if n % 15 == 0:
                await pulse(ctx, dut, clear=1)
                expected = 0
                assert ctx.get(dut.value) == 0
            address, word = int(rng.integers(1 << 17)), int(rng.choice([0, 1, 0xFFFFFFFF, rng.integers(1 << 32)]))
            await pulse(ctx, dut, address=address, data=word, add=1)
            assert 1 + await clocks_until(ctx, ~dut.busy) == WriteChecksum.LATENCY
            expected = zlib.crc32(np.array([address << 2, word], "<u4").tobytes(), expected)
            assert ctx.get(dut.value) == expected
            compared += 1

    simulate(dut, testbench)
    assert compared == 60

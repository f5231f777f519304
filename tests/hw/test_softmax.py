import numpy as np
import pytest
from pysim import memory, pulse, simulate

from ranvier.golden.softmax import softmax
from ranvier.hw.pipeline import as_built
from ranvier.hw.softmax import Softmax
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

CORE = CoreConfig(inputs=1, neurons=1, outputs=3)


def vectors(config, rng):
    """Readouts: equal, far apart, extreme, and random ones of every scale."""
    n, fmt = config.outputs, config.potential
    yield np.zeros(n, int)
    yield np.full(n, fmt.min)
    yield np.where(np.arange(n) == n - 1, fmt.max, fmt.min)
    yield np.where(np.arange(n) == 0, fmt.max, fmt.max - 1)
    for bits in (14, 15, 16):  # powers of 2, 1 and 0 units
        yield np.where(np.arange(n) == 0, fmt.min + round(bits * np.log(2) * fmt.one) + 1, fmt.min)
    for scale in (3, fmt.one // 8, fmt.one, 4 * fmt.one, fmt.max):
        for _ in range(4):
            yield rng.integers(max(fmt.min, -scale), min(fmt.max, scale) + 1, n)


@pytest.mark.parametrize(
    "changes",
    [{}, {"outputs": 2}, {"outputs": 27}, {"error": QFormat(True, 1, 14)}, {"error": QFormat(True, 1, 3), "outputs": 5},
     {"potential": QFormat(True, 3, 14)}],
    ids=str,
)  # fmt: skip
def test_probabilities_and_clocks(changes):
    config = CORE.replace(**changes)
    dut, value = Softmax(config), np.zeros(config.outputs, int)
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        for vector in vectors(config, np.random.default_rng(config.outputs)):
            value[:] = vector
            ctx.set(dut.largest, int(vector.max()))
            await pulse(ctx, dut, start=1)
            seen, clocks = [], 0
            while ctx.get(dut.busy):
                clocks += 1
                if ctx.get(dut.valid):
                    seen.append((ctx.get(dut.index), ctx.get(dut.probability)))
                    last = clocks
                await ctx.tick()
            assert seen == list(enumerate(softmax(vector, config))), f"readouts {vector}"
            assert clocks == last == 2 * config.outputs + as_built(Softmax, config).latency
            compared += len(seen)

    simulate(dut, testbench, background=[memory([dut.output], dut.value, lambda k: int(value[k % len(value)]), 2)])
    assert compared == 27 * config.outputs

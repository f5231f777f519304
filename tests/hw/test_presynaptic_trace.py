import numpy as np
import pytest
from pysim import pause, plain, pulse, simulate

from ranvier.golden.presynaptic_trace import PresynapticTrace
from ranvier.hw.pipeline import as_built
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

CORE = CoreConfig(inputs=3, neurons=2, outputs=2, max_delay=2)
EXPONENTIAL = {"synapse": "exponential"}


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize(
    "changes", [{}, {"inputs": 1}, {"delays": "none"}, {"trace": QFormat(False, 1, 8)}, EXPONENTIAL], ids=str
)
def test_visits_against_the_golden_lines(radius, changes):
    config = CORE.replace(kernel_radius=radius, **changes)
    rng, dut = np.random.default_rng(radius), PresynapticTraces(config)
    lines: dict[int, PresynapticTrace] = {}
    compared = slept = saturated = clipped = 0

    async def saturation(ctx):
        nonlocal clipped
        async for _, _, count in ctx.tick().sample(dut.saturated):
            clipped += count

    async def testbench(ctx):
        nonlocal compared, slept, saturated
        for step in range(90):
            alpha, beta = (4095, 2048) if step < 40 else (0, 1000)
            ctx.set(dut.alpha, alpha)
            ctx.set(dut.beta, beta)
            if step in (40, 41):  # a sample ends
                for row in range(config.rows):
                    await pulse(ctx, dut, forget=1, forget_row=row)
                lines.clear()
            dense = step % 40 < 10
            for row in rng.integers(0, config.rows, rng.integers(0, 20) if dense else int(rng.random() < 0.05)):
                row = int(row)
                await pulse(ctx, dut, arrive=1, arrived_row=row)
                await pause(ctx, 2)
                assert ctx.get(dut.woke) == (row not in lines)
                assert ctx.get(dut.woken_row) == row
                lines.setdefault(row, PresynapticTrace(config)).arrived += 1
                await pause(ctx, rng.integers(0, 3))
            await ctx.tick()
            for row in list(lines):
                line = lines[row]
                awake = line.step(step, alpha, beta)
                saturated += line.saturated
                await pulse(ctx, dut, visit=1, row=row)
                await pause(ctx, as_built(PresynapticTraces, config).latency - 1)
                assert ctx.get(dut.visited)
                assert ctx.get(dut.visited_row) == row
                trace, slope = line.entries[(step - radius) % config.slots]
                assert plain(ctx.get(dut.entry)) == {"trace": trace, "slope": slope}, f"step {step}, row {row}"
                assert (ctx.get(dut.age), ctx.get(dut.awake)) == (line.age, awake), f"step {step}, row {row}"
                await ctx.tick()
                assert not ctx.get(dut.visited)
                compared += 4
                if not awake:
                    del lines[row]
                    slept += 1
            for row in range(config.rows):
                ctx.set(dut.read_row, row)
                await pause(ctx, 3)
                expected = lines[row].trace if row in lines else 0
                assert ctx.get(dut.trace) == expected, f"step {step}, row {row}"
                compared += 1

    simulate(dut, testbench, background=[saturation])
    print(compared, slept, saturated)
    assert compared > 200
    assert slept > 0
    assert clipped == saturated > 0


@pytest.mark.parametrize("changes", [{}, EXPONENTIAL], ids=str)
def test_a_visit_may_begin_on_every_clock(changes):
    config = CORE.replace(inputs=8, **changes)
    dut, done = PresynapticTraces(config), []

    async def watch(ctx):
        async for _, _, visited, row, entry in ctx.tick().sample(dut.visited, dut.visited_row, dut.entry):
            if visited:
                done.append((row, entry.slope))

    async def testbench(ctx):
        for row in range(0, 8, 2):
            await pulse(ctx, dut, arrive=1, arrived_row=row)
            await pause(ctx, 2)
        for row in range(8):
            await pulse(ctx, dut, visit=1, row=row)
        await pause(ctx, as_built(PresynapticTraces, config).latency + 1)

    simulate(dut, testbench, background=[watch])
    assert done == [(row, 0 if row % 2 else -128) for row in range(8)]

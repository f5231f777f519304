import numpy as np
import pytest
from pysim import pause, plain, pulse, simulate

from ranvier.golden.learning_signal import Credit
from ranvier.hw.credit_list import CreditList
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=5, outputs=2, lanes=2)


def words(credit, config):
    """What the list must hold: (word, weights, delays) of every word with credit."""
    padded = np.zeros((2, config.words * config.lanes), int)
    padded[:, : config.neurons] = credit.weight, credit.delay
    weight, delay = padded.reshape(2, config.words, config.lanes)
    return [{"word": n, "weight": weight[n].tolist(), "delay": delay[n].tolist()} for n in credit.words(config.lanes)]


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize(("neurons", "lanes"), [(1, 1), (5, 1), (5, 2), (5, 8), (16, 4)])
def test_lists_of_this_step_and_of_those_before(radius, neurons, lanes):
    config = CORE.replace(neurons=neurons, lanes=lanes, kernel_radius=radius)
    rng, dut = np.random.default_rng(neurons), CreditList(config)
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        history = [[]] * config.lag
        for step in range(40):
            if step in (15, 16, 27):
                await pulse(ctx, dut, clear=1)
                history = [[]] * config.lag
            await pulse(ctx, dut, begin=1)
            share = rng.choice([0.0, 0.3, 1.0])
            credit = Credit(*(rng.integers(-99, 99, neurons) * (rng.random(neurons) < share) for _ in range(2)))
            if rng.random() < 0.8:  # else a step that is not scored
                for neuron in np.nonzero((credit.weight | credit.delay) != 0)[0]:
                    weight, delay = int(credit.weight[neuron]), int(credit.delay[neuron])
                    await pulse(ctx, dut, valid=1, neuron=int(neuron), weight=weight, delay=delay)
                    await pause(ctx, rng.integers(0, 2))
                await pulse(ctx, dut, flush=1)
                await ctx.tick()
            else:
                credit = Credit.none(config)
            await ctx.tick()
            history.append(words(credit, config))
            expected = history.pop(0)
            assert ctx.get(dut.count) == len(expected), f"step {step}"
            for n, entry in enumerate([*expected, *expected[:1]]):
                ctx.set(dut.entry, n % len(expected))
                await ctx.tick().repeat(2)
                assert plain(ctx.get(dut.credit)) == entry, f"step {step}"
                compared += 1

    simulate(dut, testbench)
    assert compared > 20


def test_zero_credit_is_not_stored():
    """Neurons with psi but no error give zeros; a word of them is skipped, one beside a credit is kept."""
    dut = CreditList(CORE)

    async def testbench(ctx):
        for neuron, weight in [(0, 0), (1, 0), (2, 7), (3, 0), (4, 0)]:
            await pulse(ctx, dut, valid=1, neuron=neuron, weight=weight)
        await pulse(ctx, dut, flush=1)
        await ctx.tick().repeat(4)
        assert ctx.get(dut.count) == 1
        assert plain(ctx.get(dut.credit)) == {"word": 1, "weight": [7, 0], "delay": [0, 0]}

    simulate(dut, testbench)

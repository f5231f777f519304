import numpy as np
import pytest
from pysim import clocks_until, memory, pause, plain, pulse, simulate

from ranvier.golden.neuron import Neurons
from ranvier.hw.neuron import NeuronSweep
from ranvier.hw.pipeline import as_built
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

CORE = CoreConfig(inputs=1, neurons=5, outputs=2, lanes=2)


def states(reference, config):
    """The golden state as the memory holds it, lane by lane, zero beyond the last neuron."""
    names = ["potential", "spiked"] + ["synaptic_current"] * config.exponential
    names += ["surrogate", "readout_trace"] * config.learning
    every = [{name: int(getattr(reference, name)[j]) for name in names} for j in range(config.neurons)]
    return every + [dict.fromkeys(names, 0)] * (config.words * config.lanes - config.neurons)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reset": "zero"},
        {"reset": "soft now"},
        {"reset": "soft now", "synapse": "exponential", "lanes": 4, "potential": QFormat(True, 3, 12)},
        {"reset": "soft now", "threshold": 16.0, "surrogate_width": 0.5, "lanes": 1},
        {"reset": "soft now", "threshold": 2.0**-12, "surrogate_width": 512.0, "learning": False},
        {"synapse": "exponential", "reset": "zero", "lanes": 4, "potential": QFormat(True, 3, 12)},
        {"synapse": "exponential", "learning": False, "lanes": 1},
        {"neurons": 1, "lanes": 1},
        {"neurons": 4, "lanes": 4},
        {"neurons": 5, "lanes": 8, "threshold": 0.25, "surrogate_width": 2.0},
        {"neurons": 16, "lanes": 16, "surrogate_width": 0.5, "trace": QFormat(False, 1, 8)},
        {"potential": QFormat(True, 1, 12), "weight": QFormat(True, 0, 12), "surrogate": QFormat(False, 0, 3)},
    ],
    ids=str,
)
def test_steps_against_the_golden_ones(changes):
    config = CORE.replace(**changes)
    dut, reference, rng = NeuronSweep(config), Neurons(config), np.random.default_rng(len(str(changes)))
    current = np.zeros((config.words, config.lanes), int)
    seen = {"steps": 0, "spikes": 0, "psi": 0, "zbar": 0, "potential_saturated": 0, "trace_saturated": 0}

    async def sweep(ctx):
        """One sweep; the words seen on the way, and how much saturated."""
        await pulse(ctx, dut, start=1)
        words, clocks = [], 0
        busy = True
        while busy:  # the count of a word comes a clock after the word was written
            busy = ctx.get(dut.busy)
            if ctx.get(dut.swept.valid):
                words.append(tuple(ctx.get(getattr(dut.swept, n)) for n in ("word", "spiked", "active")))
            seen["trace_saturated"] += ctx.get(dut.trace_saturated)
            seen["potential_saturated"] += ctx.get(dut.potential_saturated)
            clocks += busy
            await ctx.tick()
        assert clocks == config.words + as_built(NeuronSweep, config).latency
        return words

    async def check(ctx, step):
        every = []
        for word in range(config.words):
            ctx.set(dut.read.word, word)
            await pause(ctx, 2)
            every += plain(ctx.get(dut.read.state))
        assert every == states(reference, config), f"step {step}"
        seen["steps"] += 1

    async def testbench(ctx):
        for step in range(60):
            if step % 20 == 0:
                ctx.set(dut.clear, 1)
                assert await sweep(ctx) == []
                ctx.set(dut.clear, 0)
                reference.clear()
                await check(ctx, step)
            alpha, kappa, beta = (int(n) for n in rng.choice([0, 1, 2048, 4000, 4095], 3))
            learn = int(step % 20 < 16 and config.learning)
            ctx.set(dut.alpha, alpha)
            ctx.set(dut.beta, beta)
            ctx.set(dut.kappa, kappa)
            ctx.set(dut.learn, learn)
            scale = rng.choice([config.threshold_raw // 2, 2 * config.threshold_raw, config.potential.max])
            scale = min(scale, config.potential.max)
            current.reshape(-1)[: config.neurons] = rng.integers(-scale, scale + 1, config.neurons)
            words = await sweep(ctx)
            reference.sweep(current.reshape(-1)[: config.neurons], alpha, beta)
            if learn:
                reference.factors(kappa)
            expected = states(reference, config)
            bits = [sum(s["spiked"] << p for p, s in enumerate(expected[w : w + config.lanes]))
                    for w in range(0, len(expected), config.lanes)]  # fmt: skip
            assert [(w, z) for w, z, _ in words] == list(enumerate(bits)), f"step {step}"
            if learn:
                active = [any((s["surrogate"], s["readout_trace"])) << n % config.lanes for n, s in enumerate(expected)]
                grouped = [sum(active[w : w + config.lanes]) for w in range(0, len(active), config.lanes)]
                assert [a for *_, a in words] == grouped, f"step {step}"
                seen["psi"] += int((reference.surrogate > 0).sum())
                seen["zbar"] += int((reference.readout_trace > 0).sum())
            seen["spikes"] += int(reference.spiked.sum())
            await check(ctx, step)

    simulate(dut, testbench, background=[memory([dut.take_word], dut.current, lambda w: current[w].tolist(), 1)])
    print(seen)
    assert seen["steps"] == 63
    assert seen["spikes"] > 5
    assert seen["potential_saturated"] == reference.potential_saturated
    assert seen["trace_saturated"] == reference.trace_saturated
    assert not config.learning or min(seen["psi"], seen["zbar"]) > 5


@pytest.mark.parametrize("sign", [1, -1])
def test_a_silent_neuron_decays_to_exactly_zero(sign):
    config = CORE.replace(neurons=1, lanes=1)
    dut, current = NeuronSweep(config), [sign * 60]

    async def testbench(ctx):
        ctx.set(dut.alpha, config.decay.max)
        step, potential = 0, 1
        while potential:
            step += 1
            await pulse(ctx, dut, start=1)
            await clocks_until(ctx, ~dut.busy)
            await pause(ctx, 2)
            current[0] = 0
            potential = ctx.get(dut.read.state[0].potential)
        assert 1 < step <= 61

    simulate(dut, testbench, background=[memory([dut.take_word], dut.current, lambda _: current, 1)])

import numpy as np
import pytest
from pysim import memory, pulse, simulate

from ranvier.golden.softmax import softmax
from ranvier.hw.pipeline import as_built
from ranvier.hw.scoring import Scoring
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=1, outputs=3)


@pytest.mark.parametrize(("outputs", "lanes"), [(2, 1), (3, 1), (3, 2), (2, 4), (9, 4), (5, 16), (16, 16), (27, 8)])
@pytest.mark.parametrize("prediction", ["softmax", "readout"])
def test_probabilities_scores_and_clocks(outputs, lanes, prediction):
    config = CORE.replace(outputs=outputs, lanes=lanes, prediction=prediction)
    dut, rng = Scoring(config), np.random.default_rng(outputs)
    words = config.readout_words
    value = np.full((words, lanes), config.potential.max)  # beyond the last output, so that using it shows
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        for n in range(14):
            scale = [1, 3000, config.potential.max][n % 3]
            vector = rng.integers(-scale, scale + 1, outputs) - (n == 5) * 4000
            if n > 5:
                vector[:] = config.potential.min
                vector[n % outputs] += 9000  # the largest is in every place once
            vector = np.maximum(vector, config.potential.min)
            value.reshape(-1)[:outputs] = vector
            await pulse(ctx, dut, start=1)
            seen, clocks = [], 0
            while ctx.get(dut.busy):
                clocks += 1
                if ctx.get(dut.valid):
                    seen.append(tuple(ctx.get(getattr(dut, name)) for name in ("index", "probability", "score")))
                await ctx.tick()
            probability = softmax(vector, config)
            score = probability if prediction == "softmax" else vector
            assert seen == list(zip(range(outputs), probability, score, strict=True)), f"readouts {vector}"
            assert clocks == words + 2 * outputs + as_built(Scoring, config).latency
            compared += len(seen)

    simulate(
        dut,
        testbench,
        background=[memory([dut.readout.word], dut.readout.values, lambda w: value[w % words].tolist(), 1)],
    )
    assert compared == 14 * outputs

from collections import deque

import numpy as np
from pysim import plain, simulate

from ranvier.hw.bus.results import Results
from ranvier.hw.events import OutputKind
from ranvier.hw.registers import Register
from ranvier.parameters.config import CoreConfig

CONFIG, DEPTH = CoreConfig(inputs=5, neurons=6, outputs=5, lanes=2), 8
QUEUED = (OutputKind.SPIKE.value, OutputKind.STEP.value)


def word(kind, index):
    return Register.OUTPUT.pack(kind=kind, index=index, valid=1)


def test_outputs_go_to_the_queue_or_the_stream_and_scores_are_kept():
    rng, dut = np.random.default_rng(2), Results(CONFIG, DEPTH)
    queue, scores = deque(), dict.fromkeys(range(CONFIG.outputs), 0)
    counts = dict.fromkeys(("queued", "dropped", "taken", "streamed", "scores", "samples"), 0)

    async def testbench(ctx):
        prediction, asked = 0, deque([(None, 0)] * 2)
        for clock in range(4000):
            kind, index = int(rng.integers(4)), int(rng.integers(CONFIG.outputs))
            value, valid = int(rng.integers(-(1 << 31), 1 << 31)), bool(rng.random() < 0.5)
            streaming, ready = clock % 600 > 300, bool(rng.random() < 0.5)
            take = rng.random() < 0.2
            look = int(rng.integers(CONFIG.outputs))
            ctx.set(dut.outputs.payload, {"kind": kind, "index": index, "value": value})
            ctx.set(dut.outputs.valid, int(valid))
            ctx.set(dut.streaming, int(streaming))
            ctx.set(dut.stream.ready, int(ready))
            ctx.set(dut.take, int(take))
            ctx.set(dut.output, look)
            given = valid and (ready or not streaming)
            assert ctx.get(dut.outputs.ready) == (ready or not streaming)
            assert ctx.get(dut.stream.valid) == (streaming and valid)
            if streaming and valid:
                shown = plain(ctx.get(dut.stream.payload))
                assert shown == {"output": {"index": index, "kind": kind, "valid": 1}, "value": value & 0xFFFFFFFF}
                counts["streamed"] += given
            oldest = ctx.get(dut.oldest.as_value())
            if ctx.get(dut.oldest.valid):
                assert oldest == queue[0]
                if take:
                    queue.popleft()
                    counts["taken"] += 1
            else:
                assert oldest == 0
            queued = given and not streaming and kind in QUEUED
            dropped = queued and ctx.get(dut.level) == DEPTH
            assert ctx.get(dut.dropped) == dropped
            counts["dropped"] += dropped
            if queued and not dropped:
                queue.append(word(kind, index))
                counts["queued"] += 1
            assert ctx.get(dut.prediction) == prediction
            assert ctx.get(dut.samples) == counts["samples"]
            assert ctx.get(dut.ended) == (given and kind == OutputKind.PREDICTION.value)
            if given and kind == OutputKind.PREDICTION.value:
                prediction = index
                counts["samples"] += 1
            wanted, stored = asked.popleft()
            if wanted is not None:
                assert ctx.get(dut.score) == stored
                counts["scores"] += 1
            asked.append((look, scores[look] & 0xFFFFFFFF))
            if given and kind == OutputKind.SCORE.value:
                scores[index] = value
            await ctx.tick()

    simulate(dut, testbench)
    print(counts)
    assert min(counts.values()) > 80, counts


def test_a_stream_that_nobody_takes_from_counts_as_stalled():
    dut = Results(CONFIG, DEPTH)

    async def testbench(ctx):
        ctx.set(dut.streaming, 1)
        ctx.set(dut.outputs.valid, 1)
        await ctx.tick().repeat(Results.PATIENCE - 1)
        assert not ctx.get(dut.stalled)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.stalled)
        ctx.set(dut.stream.ready, 1)
        await ctx.tick()
        assert not ctx.get(dut.stalled)

    simulate(dut, testbench)

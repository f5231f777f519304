"""Latency of the update pipeline; that its updates are right, `test_synapse_learning` shows."""

import pytest
from pysim import simulate
from test_synapse_learning import CORE, SynapseLearningTestbench

from ranvier.golden.learning_signal import Credit
from ranvier.hw.pipeline import as_built
from ranvier.hw.synapse import SynapseMemory


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize("lanes", [1, 2, 8])
@pytest.mark.parametrize(("memory", "synapse"), [("dual", "delta"), ("single", "exponential")])
def test_latency(delays, lanes, memory, synapse):
    config = CORE.replace(delays=delays, lanes=lanes, memory=memory, synapse=synapse)
    bench, issued, written = SynapseLearningTestbench(config, seed=1), [], []
    unit = bench.eligibility

    async def watch(ctx):
        clock = 0
        async for _, _, visit, weight, delay in ctx.tick().sample(
            unit.visit, unit.write.weight.lanes, unit.write.delay.lanes
        ):
            clock += 1
            if visit:
                issued.append(clock)
            if weight or delay:
                written.append(clock)

    async def testbench(ctx):
        await bench.load(ctx)
        written.clear()
        credit = Credit.none(config)
        credit.weight[0] = 99
        await bench.step(ctx, 0, [0], credit)

    simulate(bench.dut, testbench, background=[watch])
    assert len(issued) == 1
    assert written[-1] + as_built(SynapseMemory, config).write_latency - issued[0] == unit.latency

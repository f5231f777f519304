import numpy as np
import pytest
from pysim import memory, plain, send, simulate

from ranvier.golden.delay_line import rounded_delays
from ranvier.hw.delivery import Delivery
from ranvier.hw.pipeline import as_built
from ranvier.hw.synapse import SynapseMemory
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.verification.stimulus import random_network

CORE = CoreConfig(inputs=3, neurons=5, outputs=2, max_delay=6, recurrent=True)


def words(values, config):
    """[words, lanes] of `values` [neurons]."""
    padded = np.zeros(config.words * config.lanes, int)
    padded[: config.neurons] = values
    return padded.reshape(config.words, config.lanes)


def synapses(network: Network, row: int, word: int) -> dict:
    c = network.config
    if row >= c.rows or word >= c.words:
        return {"weight": [0] * c.lanes, "delay": [0] * c.lanes, "targets": 0}
    delay = np.broadcast_to(network.delay[row], c.neurons) if c.delays != "none" else 0
    own = words(np.arange(c.neurons) == row - c.inputs, c)[word]
    return {
        "weight": words(network.weight[row], c)[word].tolist(),
        "delay": words(delay, c)[word].tolist(),
        "targets": sum(int(not o) << p for p, o in enumerate(own)),
    }


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
@pytest.mark.parametrize("stall", [0, 0.5])
def test_every_word_of_every_row(delays, lanes, stall):
    config = CORE.replace(delays=delays, lanes=lanes)
    rng, dut = np.random.default_rng(lanes), Delivery(config)
    network, slot = random_network(config, rng), 5
    rows = rng.integers(0, config.rows, 30).tolist()
    delivered, arrived, accepted = [], [], []

    async def watch(ctx):
        names = ("deliver_word", "slots", "targets", "weights")
        clock = 0
        signals = [getattr(dut, n) for n in names]
        async for _, _, deliver, arrive, row, taken, *values in ctx.tick().sample(
            dut.deliver, dut.arrive, dut.arrived_row, dut.spikes.ready & dut.spikes.valid, *signals
        ):
            clock += 1
            if deliver:
                delivered.append([plain(v) for v in values])
            if arrive:
                arrived.append(row)
            if taken:
                accepted.append(clock)

    async def testbench(ctx):
        ctx.set(dut.slot, slot)
        await send(ctx, dut.spikes, rows, rng, stall)
        await ctx.tick().until(~dut.busy)
        await ctx.tick()

    latency = as_built(SynapseMemory, config).latency
    place = [dut.read.row, dut.read.word]
    read = memory(place, dut.read.synapses, lambda r, w: synapses(network, r, w), latency)
    simulate(dut, testbench, background=[read, watch])
    expected = []
    for row in rows:
        slots = words((slot + 1 + rounded_delays(network, row)) % config.slots, config)
        for word in range(config.words):
            read_out = synapses(network, row, word)
            expected.append([word, slots[word].tolist(), read_out["targets"], read_out["weight"]])
    real = np.array([w * lanes + p < config.neurons for w in range(config.words) for p in range(lanes)])
    for (word, slots, targets, weights), (word_, slots_, targets_, weights_) in zip(delivered, expected, strict=True):
        exists = real.reshape(config.words, lanes)[word]
        assert (word, targets, weights) == (word_, targets_, weights_)
        np.testing.assert_array_equal(np.array(slots)[exists], np.array(slots_)[exists])
    assert arrived == rows
    gaps = np.diff(accepted)
    assert gaps.min() >= 3  # so that its trace can be marked
    if not stall:
        assert (gaps == max(3, config.words + 1)).all()


@pytest.mark.parametrize("neurons", [1, 2, 5])
def test_latency(neurons):
    config = CORE.replace(neurons=neurons, lanes=1)
    dut, issued, arrived = Delivery(config), [], []

    async def testbench(ctx):
        ctx.set(dut.spikes.valid, 1)
        await ctx.tick()
        ctx.set(dut.spikes.valid, 0)
        for clock in range(1, 20):
            if ctx.get(dut.read.word) == len(issued) < neurons:
                issued.append(clock)
            if ctx.get(dut.deliver):
                arrived.append(clock)
            assert ctx.get(dut.busy) == (clock <= neurons + as_built(Delivery, config).latency)
            await ctx.tick()

    simulate(dut, testbench)
    assert issued == list(range(1, 1 + neurons))
    assert arrived == [clock + as_built(Delivery, config).latency for clock in issued]

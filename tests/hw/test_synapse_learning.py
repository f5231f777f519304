"""Learning of synapses from spikes and credit to W and D, with synapses and draws around it, as in the core."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from prove import inside
from pysim import assign, clocks_until, pause, plain, pulse, simulate

from ranvier.golden import eligibility as golden
from ranvier.golden.learning_signal import Credit
from ranvier.golden.random import LaneGenerators as GoldenGenerators
from ranvier.hw.pipeline import as_built
from ranvier.hw.random import LaneGenerators
from ranvier.hw.sharing import share
from ranvier.hw.synapse import SynapseMemory, SynapseRead, SynapseWrite
from ranvier.hw.synapse_learning import SynapseLearning
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat
from ranvier.verification.stimulus import random_network

CORE = CoreConfig(inputs=2, neurons=5, outputs=2, max_delay=2, lanes=2, recurrent=True)


class LearningSynapses(wiring.Component):
    """`SynapseLearning` with synapses and generators; with `host`, synapses are read and written from outside."""

    def __init__(self, config: CoreConfig):
        self.unit, self.synapses = SynapseLearning(config), SynapseMemory(config)
        self.random = LaneGenerators(config.lanes)
        super().__init__({"host": In(1), "read": In(SynapseRead(config)), "write": In(SynapseWrite(config))})

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.unit, self.synapses, self.random]
        share(m, self.synapses.read, (True, self.unit.synapses), (self.host, wiring.flipped(self.read)))
        share(m, self.synapses.write, (True, self.unit.write_synapses), (self.host, wiring.flipped(self.write)))
        m.d.comb += [self.unit.draw.eq(self.random.draw), self.random.advance.eq(self.unit.advance)]
        return m


def matrix(values, config):
    """[rows, words, lanes] of a matrix [rows, columns], zero where there is none."""
    result = np.zeros((config.rows, config.words * config.lanes), int)
    if values.size:
        result[:, : values.shape[1]] = values
    return result.reshape(config.rows, config.words, config.lanes)


class SynapseLearningTestbench:
    """`LearningSynapses` beside the golden unit, on one random network."""

    def __init__(self, config: CoreConfig, seed: int):
        self.config, self.dut = config, LearningSynapses(config)
        parts = inside(self.dut.unit)
        self.eligibility, self.credit = parts.eligibility, parts.credit
        self.rng = np.random.default_rng(seed)
        self.network = random_network(config, self.rng)
        self.reference, self.random = golden.Eligibility(config), GoldenGenerators(self.network.seed, config.lanes)
        names = ("signal_saturated", "weight_saturated", "delay_saturated", "signal_underflow", "trace_saturated")
        self.clipped = dict.fromkeys(names, 0)
        self.compared = 0

    async def counters(self, ctx):
        ports = [getattr(self.dut.unit, name) for name in self.clipped]
        async for _, _, *counts in ctx.tick().sample(*ports):
            for name, count in zip(self.clipped, counts, strict=True):
                self.clipped[name] += count

    async def load(self, ctx):
        c, dut = self.config, self.dut
        weight, delay = matrix(self.network.weight, c), matrix(self.network.delay, c)
        ctx.set(dut.host, 1)
        for row in range(c.rows):
            for word in range(c.words):
                where, every = {"row": row, "word": word}, (1 << c.lanes) - 1
                lanes = {"weight": every, "delay": 0 if c.delays == "axonal" and word else every}
                values = {"weight": weight[row, word].tolist(), "delay": delay[row, word].tolist()}
                assign(ctx, dut.write, {n: where | {"lanes": lanes[n], "values": values[n]} for n in lanes})
                await ctx.tick()
        assign(ctx, dut.write, {"weight": {"lanes": 0}, "delay": {"lanes": 0}})
        await pulse(ctx, dut.random, seed=self.network.seed, load=1)
        await ctx.tick()
        ctx.set(dut.host, 0)

    async def compare(self, ctx, step):
        c, dut = self.config, self.dut
        weight, delay = matrix(self.network.weight, c), matrix(self.network.delay, c)
        places, latency = list(np.ndindex(c.rows, c.words)), as_built(SynapseMemory, c).latency
        ctx.set(dut.host, 1)
        for clock in range(len(places) + latency):
            row, word = places[min(clock, len(places) - 1)]
            assign(ctx, dut.read, {"row": row, "word": word})
            if clock >= latency:
                row, word = places[clock - latency]
                held = plain(ctx.get(dut.read.synapses))
                expected = {"none": [0] * c.lanes, "axonal": [delay[row, 0, 0]] * c.lanes, "synaptic": delay[row, word]}
                np.testing.assert_array_equal(held["weight"], weight[row, word], f"step {step}: W[{row}], word {word}")
                np.testing.assert_array_equal(held["delay"], expected[c.delays], f"step {step}: D[{row}], word {word}")
                self.compared += 2 * c.lanes
            await ctx.tick()
        ctx.set(dut.host, 0)

    async def step(self, ctx, step, rows, credit):
        """One step on both; returns the clocks that it took, the rows that were awake, and the words with credit."""
        unit, c = self.dut.unit, self.config
        ctx.set(unit.slot, step % c.slots)
        for row in rows:
            await pulse(ctx, unit, arrived=1, arrived_row=int(row))
            await pause(ctx, 2)
            self.reference.arrive(int(row))
        await pulse(ctx, unit, begin=1)
        for j in np.nonzero((credit.weight | credit.delay) != 0)[0]:
            values = {"credit_weight": int(credit.weight[j]), "credit_delay": int(credit.delay[j])}
            await pulse(ctx, unit, credit_valid=1, credit_neuron=int(j), **values)
        await pulse(ctx, unit, flush=1)
        await ctx.tick()
        awake, words = len(self.reference.lines), ctx.get(self.credit.count)
        ctx.set(unit.alpha, self.network.alpha)
        ctx.set(unit.beta, self.network.beta)
        await pulse(ctx, unit, start=1)
        clocks = await clocks_until(ctx, ~unit.busy)
        self.reference.step(step, credit, self.network, self.random)
        return clocks, awake, words

    async def forget(self, ctx):
        for row in range(self.config.rows):
            await pulse(ctx, self.dut.unit, clear=1, clear_row=row)
        self.reference.clear()


def issuing(config, awake, words):
    """Clocks until the last word has been issued."""
    if not awake:
        return 2
    if config.memory == "single":
        return 2 * words * awake + 5 if words > 1 else 3 * awake + awake % 2 + 3
    return awake * max(3, words + 1) + 3 + (words > 1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kernel_radius": 2, "delays": "axonal", "dormant": True},
        {"kernel_radius": 3, "lanes": 4, "synapse": "exponential", "dormant": True},
        {"delays": "none", "lanes": 1},
        {"delays": "axonal", "lanes": 8},
        {"delays": "axonal", "lanes": 1, "neurons": 1},
        {"lanes": 1, "neurons": 4, "max_delay": 14, "step_delay": QFormat(True, 0, 10)},
        {"memory": "single", "lanes": 1},
        {"memory": "single", "lanes": 2, "delays": "axonal", "kernel_radius": 2, "synapse": "exponential"},
        {"memory": "single", "lanes": 4, "delays": "none"},
        {"lanes": 16, "neurons": 9, "recurrent": False, "step_weight": QFormat(True, 3, 12)},
    ],
    ids=str,
)
def test_steps_against_the_golden_one(changes):
    config = CORE.replace(**changes)
    bench = SynapseLearningTestbench(config, seed=config.lanes)
    first, slept = bench.network.replace(), 0

    async def testbench(ctx):
        nonlocal slept
        rng = bench.rng
        await bench.load(ctx)
        for step in range(22):
            if step == 14:
                await bench.forget(ctx)
            share = rng.choice([0.0, 0.2, 1.0])
            rows = rng.choice(config.rows, rng.integers(0, 8)) if step < 8 or 14 <= step < 18 else []
            limits = [min(1 << int(rng.integers(4, 20)), fmt.max) for fmt in (config.step_weight, config.step_delay)]
            here = rng.random(config.neurons) < share
            credit = Credit(*(rng.integers(-limit, limit + 1, config.neurons) * here for limit in limits))
            before = len(bench.reference.lines)
            clocks, awake, words = await bench.step(ctx, step, rows, credit)
            slept += before + len(set(rows)) > len(bench.reference.lines)
            assert clocks == bench.eligibility.latency + issuing(config, awake, words), f"step {step}"
            await bench.compare(ctx, step)

    simulate(bench.dut, testbench, background=[bench.counters])
    moved = int((first.weight != bench.network.weight).sum()), int((first.delay != bench.network.delay).sum())
    print(bench.compared, moved, slept, bench.clipped)
    assert bench.clipped == {name: getattr(bench.reference, name) for name in bench.clipped}
    assert bench.compared == 22 * config.rows * config.words * 2 * config.lanes
    assert moved[0] > 0 or config.neurons == 1
    assert moved[1] > 0 or config.delays == "none" or config.neurons == 1

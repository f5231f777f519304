import numpy as np
import pytest
from pysim import clocks_until, memory, plain, pulse, send, simulate

from ranvier.golden import learning_signal as golden
from ranvier.golden.random import LaneGenerators
from ranvier.hw.learning_signal import LearningSignal
from ranvier.hw.neuron import NeuronSweep
from ranvier.hw.pipeline import as_built
from ranvier.hw.row_memory import readout_memory
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_network

CORE = CoreConfig(inputs=1, neurons=5, outputs=3, lanes=2)


def rows(values, config):
    """[neurons, words, lanes] of a matrix [neurons, outputs], zero beyond the last output."""
    result = np.zeros((config.neurons, config.readout_words * config.lanes), int)
    result[:, : config.outputs] = values
    return result.reshape(config.neurons, config.readout_words, config.lanes)


class LearningSignalTestbench:
    """The unit with its memories of Wout, B and neuron state and its generators, seen by the unit through its ports."""

    def __init__(self, config: CoreConfig, network: Network):
        self.config, self.dut = config, LearningSignal(config)
        self.weights = rows(network.readout, config)
        self.feedback = rows(network.feedback, config) if config.feedback == "random" else self.weights
        self.state = np.zeros((2, config.words * config.lanes), int)  # psi and zbar
        self.random = LaneGenerators(network.seed, config.lanes)
        self.credits: list[tuple[int, int, int]] = []
        self.clipped = dict.fromkeys(("signal_saturated", "weight_saturated", "signal_underflow"), 0)

    def words(self, word):
        psi, zbar = self.state.reshape(2, -1, self.config.lanes)[:, word % self.config.words]
        return [{"surrogate": int(p), "readout_trace": int(z)} for p, z in zip(psi, zbar, strict=True)]

    def processes(self):
        dut, n = self.dut, self.config.neurons
        row, fed = ([port.row, port.word] for port in (dut.weights, dut.feedback))

        def weights(j, w, write):
            """One port answers no read on a clock on which it writes."""
            stolen = self.config.memory == "single" and write
            return [-1] * self.config.lanes if stolen else self.weights[j % n, w].tolist()

        async def write(ctx):
            where = [dut.write.lanes, dut.write.row, dut.write.word, dut.write.values]
            async for _, _, lanes, neuron, word, values in ctx.tick().sample(*where):
                for lane, value in enumerate(plain(values)):
                    if lanes >> lane & 1:
                        self.weights[neuron, word, lane] = value

        async def credit(ctx):
            where = [dut.credit_valid, dut.credit_neuron, dut.credit_weight, dut.credit_delay]
            clips = [getattr(dut, name) for name in self.clipped]
            async for _, _, valid, *values in ctx.tick().sample(*where, *clips):
                for name, count in zip(self.clipped, values[3:], strict=True):
                    self.clipped[name] += count
                if valid:
                    self.credits.append(tuple(values[:3]))

        async def draw(ctx):
            ctx.set(dut.draw, self.random.draw(1)[0].tolist())
            async for _, _, advance in ctx.tick().sample(dut.advance):
                if advance:
                    ctx.set(dut.draw, self.random.draw(1)[0].tolist())

        latency = as_built(readout_memory, self.config).latency
        return [
            memory([*row, dut.write.lanes], dut.weights.values, weights, latency),
            memory(fed, dut.feedback.values, lambda j, w: self.feedback[j % n, w].tolist(), latency),
            memory([dut.state.word], dut.state.state, self.words, as_built(NeuronSweep, self.config).state_latency),
            write,
            credit,
            draw,
        ]

    async def step(self, ctx, probability, target, rng, stall):
        """One scored step from its probabilities to the last credit and the last weight written."""
        dut = self.dut
        await pulse(ctx, dut, begin=1)
        for index, value in enumerate(probability):
            await pulse(ctx, dut, probability_valid=1, probability_index=index, probability=int(value), target=target)
        ctx.set(dut.walk, 1)
        active = np.nonzero(self.state.any(axis=0))[0].tolist()
        await send(ctx, dut.neurons, active, rng, stall)
        await clocks_until(ctx, ~dut.busy)
        ctx.set(dut.walk, 0)
        stored = as_built(LearningSignal, self.config).error_latency
        await ctx.tick().repeat(2 + stored)  # the last errors may still be on their way


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"feedback": "random", "outputs": 5},
        {"lanes": 1, "neurons": 4, "outputs": 2},
        {"lanes": 8, "outputs": 5},
        {"lanes": 1, "memory": "single", "feedback": "random"},
        {"lanes": 2, "outputs": 5, "memory": "single"},
        {"lanes": 4, "outputs": 9, "feedback": "random", "signal": QFormat(True, 0, 13)},
        {"lanes": 4, "signal": QFormat(True, 8, 13), "weight": QFormat(True, 2, 6), "step_weight": QFormat(True, 5, 14)}
        | {"step_readout": QFormat(True, 6, 10)},
    ],
    ids=str,
)
@pytest.mark.parametrize("stall", [0, 0.5])
def test_steps_against_the_golden_one(changes, stall):
    config = CORE.replace(**changes)
    rng = np.random.default_rng(config.outputs)
    network = random_network(config, rng)
    bench, reference = LearningSignalTestbench(config, network), golden.LearningSignal(config)
    network, random = network.replace(), LaneGenerators(network.seed, config.lanes)
    compared = moved = 0

    async def testbench(ctx):
        nonlocal compared, moved, network
        for step in range(21):
            least, most = (-4, 2) if step < 15 else (-8, -5)  # in the end so small that products vanish
            etas = {
                n: StepSize.of(10.0 ** rng.uniform(least, most)) for n in ("eta_weight", "eta_delay", "eta_readout")
            }
            network = network.replace(**etas)
            for name, eta in etas.items():
                ctx.set(getattr(bench.dut, name), {"mantissa": eta.mantissa, "shift": eta.shift})
            share = rng.choice([0.0, 0.3, 1.0])
            psi = rng.integers(0, config.surrogate.max + 1, config.neurons) * (rng.random(config.neurons) < share)
            zbar = rng.integers(0, config.trace.max + 1, config.neurons) * (rng.random(config.neurons) < share)
            bench.state[:, : config.neurons] = psi, zbar
            probability = rng.choice([0, config.error.one, *rng.integers(0, config.error.one, 3)], config.outputs)
            target = int(rng.integers(config.outputs))
            error = probability - config.error.one * (np.arange(config.outputs) == target)
            before = network.readout.copy()
            credit = reference.step(error, psi, zbar, network, random)
            bench.credits.clear()
            await bench.step(ctx, probability, target, rng, stall)
            expected = [(int(j), credit.weight[j], credit.delay[j]) for j in np.nonzero(psi)[0]]
            assert bench.credits == expected, f"step {step}"
            np.testing.assert_array_equal(bench.weights, rows(network.readout, config), f"step {step}")
            assert bench.clipped == {name: getattr(reference, name) for name in bench.clipped}, f"step {step}"
            compared += 3 * len(expected) + network.readout.size
            moved += int((before != network.readout).sum())

    simulate(bench.dut, testbench, background=bench.processes())
    counts = {name: getattr(reference, name) for name in bench.clipped}
    print(compared, moved, counts)
    assert bench.clipped == counts
    assert min(counts.values()) > 0
    assert compared > 150
    assert moved > 20


@pytest.mark.parametrize("memory", ["dual", "single"])
@pytest.mark.parametrize(("outputs", "lanes"), [(2, 1), (3, 2), (2, 4), (9, 4), (16, 16)])
def test_throughput_and_latency(outputs, lanes, memory):
    config = CORE.replace(outputs=outputs, lanes=lanes, memory=memory)
    bench = LearningSignalTestbench(config, Network.zeros(config))
    bench.state[:, : config.neurons] = 9
    dut, taken, credited = bench.dut, [], []

    async def watch(ctx):
        clock = 0
        async for _, _, ready, valid in ctx.tick().sample(dut.neurons.ready & dut.neurons.valid, dut.credit_valid):
            clock += 1
            if ready:
                taken.append(clock)
            if valid:
                credited.append(clock)

    async def testbench(ctx):
        await bench.step(ctx, [1] * outputs, 0, np.random.default_rng(0), 0)

    simulate(dut, testbench, background=[*bench.processes(), watch])
    assert (np.diff(taken) == config.readout_words * (2 if memory == "single" else 1)).all()
    assert credited == [clock + as_built(LearningSignal, config).latency for clock in taken]
    assert len(taken) == config.neurons


def test_waits_until_the_last_error_is_stored():
    bench = LearningSignalTestbench(CORE, Network.zeros(CORE))
    dut = bench.dut

    async def testbench(ctx):
        ctx.set(dut.walk, 1)
        ctx.set(dut.neurons.valid, 1)
        await pulse(ctx, dut, probability_valid=1)
        clocks = await clocks_until(ctx, dut.busy)
        print(clocks)
        assert clocks == as_built(LearningSignal, CORE).error_latency  # error, and its product with the step size

    simulate(dut, testbench)

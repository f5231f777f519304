"""The whole core in Amaranth's own simulator, with stalls everywhere: short, as cocotb testbenches run it at length."""

import numpy as np
import pytest
from pysim import receive, send, simulate

from ranvier.golden.core import GoldenCore
from ranvier.hw.core import Core
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize

TINY = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=2, lanes=2, recurrent=True)
MATRICES = {name: AddressSpace[name.upper()].value for name in ("weight", "delay", "readout", "feedback")}


def network(config, rng):
    """Strong, fast learning, so that little simulation shows much."""
    layout = Network.layout(config)
    arrays = {name: rng.integers(least // 4, most // 4 + 1, shape) for name, (shape, least, most) in layout.items()}
    arrays["weight"] = np.abs(arrays["weight"])
    etas = {"eta_weight": StepSize.of(0.5), "eta_delay": StepSize.of(20.0), "eta_readout": StepSize.of(0.5)}
    beta = 2500 if config.exponential else 0
    return Network(config, **arrays, alpha=3500, beta=beta, kappa=3000, seed=int(rng.integers(1, 2**32)), **etas)


class CoreTestbench:
    """Host and event streams of a core, stalled at random."""

    def __init__(self, config, rng, stall):
        self.dut, self.rng, self.stall, self.outputs = Core(config), rng, stall, []

    async def host(self, ctx, requests):
        """Answers to (write, space, row, column, data)."""
        fields = ("write", "space", "row", "column", "data")
        answers = []
        for request in requests:
            await send(ctx, self.dut.request, [dict(zip(fields, request, strict=True))], self.rng, self.stall)
            answers += await receive(ctx, self.dut.response, 1, self.rng, self.stall)
        assert not any(answer["error"] for answer in answers)
        return [answer["data"] for answer in answers]

    async def matrix(self, ctx, space, shape):
        cells = [(0, space, row, column, 0) for row, column in np.ndindex(*shape)]
        return np.array(await self.host(ctx, cells), int).reshape(shape)

    async def register(self, ctx, register, value):
        await self.host(ctx, [(1, AddressSpace.REGISTER.value, 0, register.value, value)])

    async def load(self, ctx, net):
        for name, space in MATRICES.items():
            await self.host(
                ctx, [(1, space, row, column, int(v)) for (row, column), v in np.ndenumerate(getattr(net, name))]
            )
        await self.register(ctx, Register.ALPHA, net.alpha)
        await self.register(ctx, Register.BETA, net.beta)
        await self.register(ctx, Register.KAPPA, net.kappa)
        for register, eta in (
            (Register.ETA_WEIGHT, net.eta_weight),
            (Register.ETA_DELAY, net.eta_delay),
            (Register.ETA_READOUT, net.eta_readout),
        ):
            await self.register(ctx, register, eta.mantissa | eta.shift << 8)
        await self.register(ctx, Register.SEED, net.seed - (net.seed >> 31 << 32))
        await self.register(ctx, Register.CLEAR, 0)

    async def collect(self, ctx):
        """Takes every output, as a process of its own."""
        while True:
            (taken,) = await receive(ctx, self.dut.outputs, 1, self.rng, self.stall)
            self.outputs.append((taken["kind"], taken["index"], taken["value"]))

    async def events(self, ctx, events, last):
        """Give `events` and wait for an output of the kind `last`; returns all outputs that came."""
        self.outputs.clear()
        await send(ctx, self.dut.events, events, self.rng, self.stall)
        while not self.outputs or self.outputs[-1][0] != last:
            await ctx.tick()
        return list(self.outputs)


def events(sample, target):
    for units, scored in zip(sample.arriving(), sample.scored, strict=True):
        yield from ({"kind": EventKind.SPIKE.value, "unit": int(unit)} for unit in units)
        yield {"kind": EventKind.STEP.value, "scored": int(scored), "target": target}


@pytest.mark.parametrize(
    "changes",
    [
        {"dormant": True},
        {"kernel_radius": 2, "delays": "axonal", "lanes": 1, "synapse": "exponential"},
        {"learning": False, "recurrent": False},
    ],
    ids=str,
)
def test_samples_against_the_golden_core(changes):
    config = TINY.replace(**changes)
    rng, stall = np.random.default_rng(3), 0.4
    bench, reference, net = CoreTestbench(config, rng, stall), GoldenCore(config), network(config, rng)
    reference.load(net)
    compared = spikes = 0

    async def testbench(ctx):
        nonlocal compared, spikes
        assert await bench.host(ctx, [(0, AddressSpace.REGISTER.value, 0, Register.DIGEST.value, 0)]) == [
            np.int32(np.uint32(config.digest))
        ]
        await bench.load(ctx, net)
        await bench.register(ctx, Register.MODE, config.learning | 2)
        for n in range(2):
            sample = Sample.from_raster(rng.random((8, config.inputs)) < 0.5, rng.random(8) < 0.7)
            target = int(rng.integers(config.outputs))
            if n == 0:  # half a sample, then a reset that leaves nothing behind but what was learned
                await bench.events(ctx, list(events(sample, target))[:12], OutputKind.STEP.value)
                await send(ctx, bench.dut.events, [{"kind": EventKind.RESET.value}], rng, stall)
                await bench.load(ctx, net)
                reference.load(net)
            record = reference.run(sample, target=target, learn=config.learning, record=["spikes", "potential"])
            outputs = await bench.events(
                ctx, [*events(sample, target), {"kind": EventKind.END.value}], OutputKind.PREDICTION.value
            )
            expected = []
            for fired in record.steps["spikes"]:
                expected += [(OutputKind.SPIKE.value, int(j), 0) for j in np.nonzero(fired)[0]]
                expected.append((OutputKind.STEP.value, 0, 0))
            expected += [(OutputKind.SCORE.value, k, int(score)) for k, score in enumerate(record.scores)]
            expected.append((OutputKind.PREDICTION.value, record.prediction, 0))
            assert outputs == expected, f"sample {n}"
            compared += len(outputs)
            spikes += record.spikes
            for name, space in MATRICES.items():
                values = getattr(reference.network(), name)
                np.testing.assert_array_equal(
                    await bench.matrix(ctx, space, values.shape), values, f"sample {n}: {name}"
                )
                compared += values.size
        counters = await bench.host(
            ctx, [(0, AddressSpace.REGISTER.value, 0, Register.COUNTER.value + n, 0) for n in range(len(COUNTERS))]
        )
        assert dict(zip(COUNTERS, counters, strict=True)) == reference.counters()

    simulate(bench.dut, testbench, background=[bench.collect], deadline=100_000)
    moved = {name: int((getattr(reference.network(), name) != getattr(net, name)).sum()) for name in MATRICES}
    print(compared, spikes, moved)
    assert compared > 60
    assert spikes > 10
    assert (moved["weight"] > 2 and moved["readout"] > 2) == config.learning
    assert (moved["delay"] > 0) == config.learning


def test_a_reset_says_nothing_whatever_came_before():
    rng = np.random.default_rng(0)
    bench = CoreTestbench(TINY.replace(learning=False, recurrent=False), rng, 0)
    step, end, reset = ({"kind": kind.value, "scored": 1} for kind in (EventKind.STEP, EventKind.END, EventKind.RESET))
    said = [OutputKind.SCORE.value] * 2 + [OutputKind.PREDICTION.value]

    async def testbench(ctx):
        for before in ([], [step], [step, end], [end]):
            if before:
                await send(ctx, bench.dut.events, before, rng, 0)
            while ctx.get(bench.dut.phase) != 0:
                await ctx.tick()
            assert [kind for kind, *_ in bench.outputs] == (said if before[-1:] == [end] else [])
            bench.outputs.clear()
            await send(ctx, bench.dut.events, [reset], rng, 0)
            while ctx.get(bench.dut.phase) != 0:
                await ctx.tick()
            assert bench.outputs == []

    simulate(bench.dut, testbench, background=[bench.collect])


def test_the_host_waits_for_the_step_under_way():
    rng = np.random.default_rng(0)
    bench = CoreTestbench(TINY, rng, 0)

    async def testbench(ctx):
        await bench.register(ctx, Register.MODE, 2)
        await send(ctx, bench.dut.events, [{"kind": EventKind.STEP.value}], rng, 0)
        assert ctx.get(bench.dut.phase) != 0
        ctx.set(bench.dut.request.payload, {"space": AddressSpace.POTENTIAL.value})
        ctx.set(bench.dut.request.valid, 1)
        while ctx.get(bench.dut.phase) != 0:
            assert not ctx.get(bench.dut.request.ready)
            ctx.set(bench.dut.outputs.ready, int(rng.random() < 0.2))
            await ctx.tick()
        assert ctx.get(bench.dut.request.ready)

    simulate(bench.dut, testbench)

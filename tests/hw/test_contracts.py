"""The core keeps the contracts of its units: what their docstrings ask of their users and what the proofs assume."""

import contracts
import numpy as np
import pytest
from amaranth.hdl import Assert, Module, Signal
from prove import inside
from pysim import clocked, send, simulate
from test_core import TINY, CoreTestbench, events, network

from ranvier.hw.delay_line import DelayLine
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.pipeline import delayed, lately
from ranvier.hw.registers import Register
from ranvier.parameters.sample import Sample


def watch(core):
    """Make a core assert, on every clock, every contract of every unit of it; returns their names."""
    units, names = inside(core), []
    m = units.m

    def keep(kind, unit, name):
        for promise, condition in getattr(contracts, kind)(m, unit).items():
            m.d.sync += Assert(condition, f"{name} {promise}")
            names.append(f"{name} {promise}")

    keep("delay_line", units.delay_line, "the delay line's user")
    for name, unit in (("delay_line", units.delay_line), ("readout", units.readout)):
        for lane, bank in enumerate(inside(unit).banks):
            keep("accumulator", bank, f"{name} {lane}")
    for name, unit in units.lists.items():
        keep("spike_list", unit, name)
    keep("scores", units.scores, "the user of scores")
    if core.config.learning:
        learner = inside(units.learner)
        keep("spike_list", learner.to_credit, "to_credit")
        learning = inside(learner.learning)
        for kind, unit in {
            "traces": learning.traces,
            "awake_rows": learning.awake,
            "credit_list": learning.credit,
            "eligibility": learning.eligibility,
        }.items():
            keep(kind, unit, f"the user of {kind}")
    return names


def run(config):
    """Samples, resets and host accesses on a core that is watched."""
    rng = np.random.default_rng(5)
    bench, net = CoreTestbench(config, rng, 0.2), network(config, rng)
    names = watch(bench.dut)

    async def testbench(ctx):
        await bench.load(ctx, net)
        await bench.register(ctx, Register.MODE, config.learning | 2)
        for n in range(3):
            sample = Sample.from_raster(rng.random((6, config.inputs)) < 0.7, rng.random(6) < 0.8)
            given = list(events(sample, n % config.outputs))
            if n == 1:
                await bench.events(ctx, given[: len(given) // 2], OutputKind.STEP.value)
                await send(ctx, bench.dut.events, [{"kind": EventKind.RESET.value}], rng, 0.2)
            await bench.events(ctx, [*given, {"kind": EventKind.END.value}], OutputKind.PREDICTION.value)

    simulate(bench.dut, testbench, background=[bench.collect], deadline=100_000)
    return names


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel_radius": 2, "lanes": 1},
        {"delays": "axonal", "synapse": "exponential", "neurons": 5},
        pytest.param({"memory": "single", "recurrent": False}, marks=pytest.mark.prove),
        {"learning": False, "neurons": 1},
    ],
    ids=str,
)
def test_the_core_keeps_every_contract(changes, record_property):
    names = run(TINY.replace(**changes))
    record_property("evidence", f"{changes}: {len(names)} contracts of units kept on every clock")
    assert len(names) == len(set(names)) > (35 if changes.get("learning", True) else 20)


def test_a_broken_promise_is_found():
    line = DelayLine(TINY)
    m = inside(line).m
    m.d.sync += [Assert(condition, promise) for promise, condition in contracts.delay_line(m, line).items()]
    with pytest.raises(AssertionError, match="delivers nothing on the clock after it takes"):
        clocked(line, [{"take": 1}, {"take": 0, "deliver": 1, "targets": 1}, {"deliver": 0}, {}])


def inside_if(m, pipeline):
    with m.If(Signal()):
        pipeline(m, Signal(), 2)


def inside_state(m, pipeline):
    with m.FSM():
        with m.State("Only"):
            pipeline(m, Signal(), 2)


@pytest.mark.parametrize("pipeline", [delayed, lately])
@pytest.mark.parametrize("where", [inside_if, inside_state])
def test_a_pipeline_that_would_stand_still_is_refused(pipeline, where):
    m = Module()
    m._MustUse__silence = True  # it is never elaborated
    with pytest.raises(AssertionError, match="stand still"):
        where(m, pipeline)

"""The phases of a step and of the end of a sample, whatever time the units take."""

import numpy as np
import pytest
from pysim import simulate

from ranvier.hw.events import EventKind
from ranvier.hw.sequencer import Phase, Sequencer, done_layout
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=5, outputs=2, max_delay=2, lanes=2, kernel_radius=3)
STROBES = ("sweep", "score", "finish", "report_step", "learner.begin", "learner.update", "learner.signal")
STEP = [Phase.SWEEP, Phase.READOUT]
END = [Phase.FINISH, Phase.CLEAR]


def run(config, events, *, learn=0, report=0, stall=0.6):
    """Phases in order, from out of reset until all events are done, and the strobes of every phase."""
    dut, rng = Sequencer(config), np.random.default_rng(3)
    phases: list[Phase] = []
    strobes: dict[Phase, set] = {}
    ports = [dut.learner.begin, dut.learner.update, dut.learner.signal]
    ports = [getattr(dut, name) for name in STROBES[:4]] + ports
    slots = []

    async def units(ctx):
        """Units that are done at random; the phases that passed."""
        async for _, _, phase, slot, *values in ctx.tick().sample(dut.phase, dut.slot, *ports):
            if not phases or phases[-1] != phase:
                phases.append(Phase(phase))
                slots.append(slot)
            strobes.setdefault(Phase(phase), set()).update(n for n, v in zip(STROBES, values, strict=True) if v)
            ctx.set(dut.done, {name: int(rng.random() > stall) for name, _ in done_layout})
            for ready in (dut.learner.credited, dut.learner.updated, dut.step_reported):
                ctx.set(ready, int(rng.random() > stall))

    async def testbench(ctx):
        ctx.set(dut.learn, learn)
        ctx.set(dut.report, report)
        for event in events:
            ctx.set(dut.events.payload, {name: getattr(value, "value", value) for name, value in event.items()})
            ctx.set(dut.events.valid, 1)
            await ctx.tick().until(dut.events.ready)
            ctx.set(dut.events.valid, 0)
            await ctx.tick().until(dut.phase == Phase.IDLE)

    simulate(dut, testbench, background=[units])
    return phases, strobes, slots


@pytest.mark.parametrize("stall", [0, 0.6])
@pytest.mark.parametrize("learn", [0, 1])
@pytest.mark.parametrize("scored", [0, 1])
def test_the_phases_of_a_step(scored, learn, stall):
    step = {"kind": EventKind.STEP, "scored": scored, "target": 1}
    phases, strobes, slots = run(CORE, [step, step], learn=learn, report=1, stall=stall)
    expected = [*STEP, *[Phase.SCORE, Phase.SIGNAL] * scored, Phase.DELIVER, *[Phase.LEARN] * learn, Phase.REPORT]
    assert phases == [*END, Phase.IDLE, *expected, Phase.IDLE, *expected, Phase.IDLE]
    assert slots[-1] == 2
    assert strobes[Phase.IDLE] == {"sweep", "learner.begin"}
    assert strobes[Phase.READOUT] == ({"score"} if scored else set())
    assert strobes[Phase.DELIVER] == ({"learner.update"} if learn else set())
    assert strobes[Phase.REPORT] == {"report_step"}


@pytest.mark.parametrize("learn", [0, 1])
def test_a_sample_ends_once_learning_has_caught_up(learn):
    phases, strobes, slots = run(CORE, [{"kind": EventKind.STEP}, {"kind": EventKind.END}], learn=learn)
    step = [*STEP, Phase.DELIVER, *[Phase.LEARN] * learn, Phase.REPORT]
    assert phases == [*END, Phase.IDLE, *step, Phase.IDLE, Phase.LEARN, *END, Phase.IDLE]
    assert strobes[Phase.LEARN] == ({"learner.begin", "learner.update"} if learn else set())
    assert strobes[Phase.FINISH] == {"finish", "sweep"}
    caught_up = 1 + CORE.lag * learn
    assert slots[-4:] == [1, caught_up, caught_up, 0]


def test_without_a_learner_there_is_no_signal():
    phases, *_ = run(CORE.replace(learning=False), [{"kind": EventKind.STEP, "scored": 1}])
    assert phases == [*END, Phase.IDLE, *STEP, Phase.SCORE, Phase.DELIVER, Phase.REPORT, Phase.IDLE]


def test_the_host_goes_before_events_that_change_the_state():
    dut = Sequencer(CORE)

    async def testbench(ctx):
        ctx.set(dut.done, dict.fromkeys(dict(done_layout), 1))
        await ctx.tick().until(dut.phase == Phase.IDLE)
        assert ctx.get(dut.host_idle)
        ctx.set(dut.events.valid, 1)
        for kind in EventKind:
            ctx.set(dut.events.payload.kind, kind)
            ctx.set(dut.inputs.ready, 1)
            ctx.set(dut.host_waits, 1)
            assert not ctx.get(dut.events.ready)
            ctx.set(dut.host_waits, 0)
            assert ctx.get(dut.events.ready)
            assert ctx.get(dut.inputs.valid) == (kind is EventKind.SPIKE)

    simulate(dut, testbench)

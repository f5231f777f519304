"""When the learner does what; that what it does is right, `test_core` and the tests of its parts show."""

from pysim import clocks_until, memory, pulse, simulate

from ranvier.hw.learner import Learner
from ranvier.hw.neuron import neuron_layout
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=5, outputs=2, max_delay=2, lanes=2)


def run(learn, scored):
    """One step of a learner with two active neurons and one spike; what it asked of the memories around it."""
    dut = Learner(CORE)
    seen = {"credit": 0, "read": set(), "readout": 0, "synapses": 0, "clocks": 0}
    states = [dict.fromkeys(dict(neuron_layout(CORE)), 0) | {"surrogate": 255, "readout_trace": 99}] * CORE.lanes

    async def watch(ctx):
        ports = [dut.write_weights.lanes, dut.write_synapses.weight.lanes, dut.neurons.word, dut.control.signal]
        async for _, _, readout, synapses, word, signal in ctx.tick().sample(*ports):
            seen["readout"] += readout.bit_count()
            seen["synapses"] += synapses.bit_count()
            if signal:
                seen["read"].add(word)

    async def testbench(ctx):
        control = dut.control
        ctx.set(control.learn, learn)
        ctx.set(control.scored, scored)
        for name in ("eta_weight", "eta_readout"):
            ctx.set(getattr(dut, name), {"mantissa": 255, "shift": 0})
        await pulse(ctx, dut, arrived=1, arrived_row=1)
        await pulse(ctx, control, begin=1)
        for word in (0, 2):
            ctx.set(dut.swept.word, word)
            ctx.set(dut.swept.active, 1)
            await pulse(ctx, dut.swept, valid=1)
        await pulse(ctx, control, score=1)
        for index in range(CORE.outputs):
            await pulse(ctx, dut, probability_valid=1, probability_index=index, probability=512)
        ctx.set(dut.control.signal, 1)
        ctx.set(dut.weights.values, [900, -900])
        seen["clocks"] = await clocks_until(ctx, control.credited)
        await ctx.tick()
        ctx.set(dut.control.signal, 0)
        ctx.set(dut.synapses.synapses.targets, (1 << CORE.lanes) - 1)
        await pulse(ctx, control, update=1)
        assert not ctx.get(control.updated)
        await clocks_until(ctx, control.updated)
        await ctx.tick()

    simulate(dut, testbench, background=[watch, memory([dut.neurons.word], dut.neurons.state, lambda _: states, 2)])
    return seen


def test_a_scored_step_updates_weights_of_active_neurons_and_awake_rows():
    seen = run(learn=1, scored=1)
    assert seen["clocks"] > 10
    assert {0, 2} <= seen["read"]
    assert seen["readout"] == 2 * CORE.outputs
    assert seen["synapses"] == 2 * CORE.lanes  # one row, two words with credit


def test_without_learning_or_a_score_there_is_no_credit():
    for learn, scored in ((0, 0), (0, 1), (1, 0)):
        seen = run(learn, scored)
        assert (seen["clocks"], seen["readout"], seen["synapses"]) == (0, 0, 0)

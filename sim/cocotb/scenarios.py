"""Scenarios of every core; run inside Verilator by `ranvier.sim.cocotb.session`, one cocotb test per scenario."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import cocotb
import numpy as np

from ranvier.hw.registers import AccessRight, AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.sim.cocotb.testbench import Request, Testbench, read, write

#: Names of all scenarios, in the order in which they run.
SCENARIOS: list[str] = []


def scenario(body: Callable[[Testbench], Awaitable[None]]) -> Any:
    """A cocotb test that starts a testbench, runs `body` and saves the counts."""

    @wraps(body)
    async def test(dut: Any) -> None:
        testbench = await Testbench.start(dut)
        await body(testbench)
        testbench.finish(body.__name__)

    SCENARIOS.append(body.__name__)
    return cocotb.test()(test)


# -------------------------------------------------------------------- stimulus


def lively_network(config: CoreConfig, rng: np.random.Generator, **changes: object) -> Network:
    """A network that fires and learns: mostly positive weights from the inputs, both signs between neurons.

    A third of its synapses are dormant, and its synaptic current decays, where the core has that.
    """
    shapes = {name: shape for name, (shape, _, _) in Network.layout(config).items()}
    lateral = np.arange(config.rows)[:, None] >= config.inputs
    weight = rng.uniform(np.where(lateral, -0.6, -0.2), np.where(lateral, 0.6, 1.2), shapes["weight"])
    network = Network(
        config,
        weight=config.weight.quantise(weight),
        delay=rng.integers(0, config.delay_limit + 1, shapes["delay"]),
        readout=config.weight.quantise(rng.uniform(-1, 1, shapes["readout"])),
        feedback=config.weight.quantise(rng.uniform(-1, 1, shapes["feedback"])),
        alpha=int(config.decay.quantise(rng.uniform(0.8, 0.97))),
        kappa=int(config.decay.quantise(rng.uniform(0.8, 0.97))),
        eta_weight=StepSize.of(0.05),
        eta_delay=StepSize.of(5.0),
        eta_readout=StepSize.of(0.05),
        seed=int(rng.integers(1, 1 << 32)),
    )
    if config.exponential:
        network.beta = int(config.decay.quantise(rng.uniform(0.3, 0.8)))
    if config.dormant:
        network.weight[rng.random(weight.shape) < 1 / 3] = 0
    return network.replace(**changes)


def extreme_delays(config: CoreConfig, rng: np.random.Generator) -> Raw:
    """Delays that are 0 or the largest."""
    shape = Network.layout(config)["delay"][0]
    return rng.choice([0, config.delay_limit], shape)


def saturating_network(config: CoreConfig, rng: np.random.Generator) -> Network:
    """A third of the neurons driven to either limit, the others of moderate weight, all step sizes at their largest.

    Even outputs are driven up and odd ones down, so that an odd class is always far off.
    """
    network = lively_network(config, rng)
    columns = np.arange(config.neurons) % 3
    for column, limit in ((0, config.weight.max), (1, config.weight.min)):
        network.weight[: config.inputs, columns == column] = limit
    limits = np.where(np.arange(config.outputs) % 2, config.weight.min, config.weight.max)
    largest = StepSize(255, 0)
    return network.replace(
        readout=np.tile(limits, (config.neurons, 1)),
        delay=extreme_delays(config, rng),
        alpha=config.decay.max,
        kappa=config.decay.max,
        eta_weight=largest,
        eta_delay=largest,
        eta_readout=largest,
    )


def sample(config: CoreConfig, rng: np.random.Generator, rate: float, turns: float = 3, scored: float = 0.7) -> Sample:
    """Independent spikes at `rate` per step over so many `turns` of the delay line, a share `scored` of its steps scored."""
    steps = int(turns * config.slots) + int(rng.integers(config.slots))
    return Sample.from_raster(rng.random((steps, config.inputs)) < rate, rng.random(steps) < scored)


def label(testbench: Testbench) -> int:
    """Any class."""
    return int(testbench.rng.integers(testbench.config.outputs))


def require(testbench: Testbench, **minima: int) -> None:
    """Require that something happened: fields of the scoreboard, or counters, at least so large."""
    counters = testbench.golden.counters()
    for name, least in minima.items():
        count = counters[name] if name in counters else getattr(testbench.scoreboard, name)
        assert count >= least, f"nothing was tested: {name} is {count}, not at least {least}"


def require_learning(testbench: Testbench) -> None:
    """Require that what can move has moved."""
    if testbench.config.learning:
        require(testbench, weights_moved=1, delays_moved=int(testbench.config.delays != "none"))


# -------------------------------------------------------------------- scenarios


@scenario
async def random_samples(testbench: Testbench) -> None:
    """Samples of several turns of the delay line, learning on and off in turn."""
    await testbench.load(lively_network(testbench.config, testbench.rng))
    for learn in (True, False, True):
        spikes = sample(testbench.config, testbench.rng, rate=testbench.rng.uniform(0.2, 0.6))
        await testbench.run(spikes, label(testbench), learn=learn and testbench.config.learning)
    require(testbench, spikes=1, deliveries=1)
    require_learning(testbench)


@scenario
async def streamed_samples(testbench: Testbench) -> None:
    """Samples offered as a whole, with reports on every step and without any."""
    await testbench.load(lively_network(testbench.config, testbench.rng))
    for report in (True, False, True, False):
        spikes = sample(testbench.config, testbench.rng, rate=0.4)
        await testbench.stream(spikes, label(testbench), learn=testbench.config.learning, report=report)
    require(testbench, spikes=1)
    require_learning(testbench)


@scenario
async def bursts(testbench: Testbench) -> None:
    """Every input many times on a few steps, more often than a trace can hold, and nothing in between."""
    config, rng = testbench.config, testbench.rng
    await testbench.load(lively_network(config, rng))
    counts = np.zeros((2 * config.slots + 3, config.inputs), np.int64)
    most = 2 * config.trace.max // config.trace.one
    counts[0] = most
    counts[config.slots] = rng.integers(1, most, config.inputs)
    await testbench.run(Sample.from_raster(counts), label(testbench), learn=config.learning)
    require(testbench, spikes=1, trace_saturated=int(config.learning))


@scenario
async def silence(testbench: Testbench) -> None:
    """No input: nothing fires or moves; then one spike, and silence until every trace has gone to sleep."""
    config = testbench.config
    await testbench.load(lively_network(config, testbench.rng))
    quiet = np.zeros((config.slots + 2, config.inputs), np.int64)
    await testbench.run(Sample.from_raster(quiet), label(testbench), learn=config.learning)
    assert testbench.golden.counters()["deliveries"] == testbench.scoreboard.weights_moved == 0
    await testbench.load(lively_network(config, testbench.rng, alpha=int(config.decay.quantise(0.2))))
    single = np.zeros((3 * config.slots, config.inputs), np.int64)
    single[1] = 1
    await testbench.run(Sample.from_raster(single), label(testbench), learn=config.learning)
    require(testbench, deliveries=1)


@scenario
async def all_inputs_at_once(testbench: Testbench) -> None:
    """All inputs on one step, with delays of 0 and the largest only."""
    config, rng = testbench.config, testbench.rng
    await testbench.load(lively_network(config, rng, delay=extreme_delays(config, rng)))
    counts = np.zeros((2 * config.slots, config.inputs), np.int64)
    counts[int(rng.integers(config.slots))] = 1
    for _ in range(2):
        await testbench.run(Sample.from_raster(counts), label(testbench), learn=config.learning)
    require(testbench, spikes=1)
    require_learning(testbench)


@scenario
async def saturation(testbench: Testbench) -> None:
    """Everything that can clip does."""
    config = testbench.config
    await testbench.load(saturating_network(config, testbench.rng))
    for rate in (0.5, 4.0):
        counts = testbench.rng.poisson(rate, (2 * config.slots + 8, config.inputs))
        await testbench.run(Sample.from_raster(counts), 1, learn=config.learning)
    clips = [name for name in COUNTERS if name.endswith("_saturated")]
    if not config.learning:
        clips = ["delay_line_saturated", "potential_saturated", "readout_saturated"]
    elif config.delays == "none":
        clips.remove("delay_saturated")
    require(testbench, **dict.fromkeys(clips, 1))


@scenario
async def unscored_steps(testbench: Testbench) -> None:
    """Without scored steps scores stay zero and nothing moves; with some at the end it does."""
    config, rng = testbench.config, testbench.rng
    await testbench.load(lively_network(config, rng))
    spikes = sample(config, rng, rate=0.5, turns=1, scored=0.0)
    await testbench.run(spikes, label(testbench), learn=config.learning)
    assert testbench.scoreboard.weights_moved == testbench.scoreboard.delays_moved == 0
    late = replace(spikes, scored=np.arange(spikes.steps) >= spikes.steps // 2)
    await testbench.run(late, label(testbench), learn=config.learning)
    require(testbench, spikes=1)
    require_learning(testbench)


@scenario
async def reset_events(testbench: Testbench) -> None:
    """Samples given up half-way, and spikes whose step never comes."""
    config, rng = testbench.config, testbench.rng
    await testbench.load(lively_network(config, rng))
    await testbench.mode(learn=config.learning)
    for _ in range(3):
        spikes = sample(config, rng, rate=0.5, turns=0.5).arriving()
        for units in spikes[:-1]:
            await testbench.step(units, scored=True, target=label(testbench))
        await testbench.abandon(rng.integers(0, config.inputs, 3))
    testbench.interrupt(rng.integers(0, config.inputs, 3))
    await testbench.end()
    await testbench.run(sample(config, rng, rate=0.5, turns=1), label(testbench), learn=config.learning)
    require(testbench, spikes=1)
    require_learning(testbench)


@scenario
async def hard_resets(testbench: Testbench) -> None:
    """`rst` on any clock of a step: state and registers are cleared, and each parameter is as before the step or after."""
    config, rng = testbench.config, testbench.rng
    for _ in range(5):
        await testbench.load(lively_network(config, rng))
        await testbench.mode(learn=config.learning)
        *past, last = sample(config, rng, rate=0.5, turns=0.5).arriving()
        for units in past:
            await testbench.step(units, scored=True, target=label(testbench))
        before = testbench.golden.network()
        await testbench.begin_step(last, scored=True, target=label(testbench))
        after = testbench.golden.network()
        await testbench.clockwork.sleep(int(rng.integers(1, 30 + 10 * config.words)))
        await testbench.reset()
        torn = await testbench.read_network()
        for name in Network.layout(config):
            old, new, held = (getattr(network, name) for network in (before, after, torn))
            testbench.scoreboard.compare(name, np.where(held == new, new, old), held)
        for register in (Register.MODE, Register.ALPHA, Register.BETA, Register.ETA_WEIGHT, Register.SEED):
            testbench.scoreboard.compare(register.name, 0, await testbench.register(register))
        testbench.scoreboard.learned(before, torn)
        testbench.golden.load(Network.zeros(config))
        await testbench.check_state()
        await testbench.check_counters()
    await testbench.load(lively_network(config, rng))
    await testbench.run(sample(config, rng, rate=0.5, turns=1), label(testbench), learn=config.learning)
    require_learning(testbench)


@scenario
async def host_while_busy(testbench: Testbench) -> None:
    """Parameters read and written while the core is busy with a step: the access waits for its end."""
    config, rng = testbench.config, testbench.rng
    testbench.requests.stall = testbench.outputs.stall = 0.0
    await testbench.load(lively_network(config, rng))
    await testbench.mode(learn=config.learning)
    before = testbench.scoreboard.busy_requests
    arriving = sample(config, rng, rate=0.5, turns=2).arriving()
    for units in arriving:
        await testbench.begin_step(units, scored=bool(rng.integers(2)), target=label(testbench))
        row, column = int(rng.integers(config.rows)), int(rng.integers(config.neurons))
        value = int(config.weight.quantise(rng.uniform(0, 1)))
        old, _, new = await testbench.ask(
            [at := read(AddressSpace.WEIGHT, row, column), write(AddressSpace.WEIGHT, row, column, value), at]
        )
        testbench.scoreboard.compare("weight", [testbench.golden.network().weight[row, column], value], [old, new])
        testbench.golden._network.weight[row, column] = value
        await testbench.finish_step()
    assert testbench.scoreboard.busy_requests - before >= len(arriving)
    await testbench.abandon(np.zeros(0, np.int64))
    await testbench.check_network()


@scenario
async def bad_requests(testbench: Testbench) -> None:
    """Addresses that do not exist and words that cannot be written are refused in mid-sample, and nothing changes."""
    config, rng = testbench.config, testbench.rng
    await testbench.load(lively_network(config, rng))
    await testbench.mode(learn=config.learning)
    arriving = sample(config, rng, rate=0.5, turns=2).arriving()
    refused = testbench.shuffled(bad_requests_of(testbench))
    for t, units in enumerate(arriving):
        await testbench.begin_step(units, scored=True, target=label(testbench))
        answers = await testbench.host(requests := refused[t :: len(arriving)])
        testbench.scoreboard.compare("error", np.ones(len(requests)), [error for _, error in answers])
        testbench.scoreboard.errors += len(answers)
        await testbench.finish_step()
    await testbench.end()
    await testbench.check_network()
    require(testbench, spikes=1, errors=len(refused))


def bad_requests_of(testbench: Testbench) -> list[Request]:
    """Reads and writes at the edges of every space and beyond, as far as the ports carry; writes of what is read only."""
    c, learn = testbench.config, testbench.config.learning
    spaces = {
        AddressSpace.REGISTER: (1, Register.COUNTER.value + len(COUNTERS)),
        AddressSpace.WEIGHT: (c.rows, c.neurons),
        AddressSpace.DELAY: Network.layout(c)["delay"][0],
        AddressSpace.READOUT: (c.neurons, c.outputs),
        AddressSpace.FEEDBACK: Network.layout(c)["feedback"][0],
        AddressSpace.POTENTIAL: (1, c.neurons),
        AddressSpace.SPIKED: (1, c.neurons),
        AddressSpace.READOUT_VALUE: (1, c.outputs),
        AddressSpace.SURROGATE: (1, c.neurons * learn),
        AddressSpace.READOUT_TRACE: (1, c.neurons * learn),
        AddressSpace.TRACE: (1, c.rows * learn),
    }
    highest_row, highest_column = (
        (1 << len(port)) - 1 for port in (testbench.dut.request_row, testbench.dut.request_column)
    )
    requests = []
    for space, (rows, columns) in spaces.items():
        for row in {0, rows, highest_row}:
            for column in {0, columns, highest_column}:
                if row > highest_row or column > highest_column:
                    continue
                if row >= rows or column >= columns:
                    requests += [read(space, row, column), write(space, row, column, 1)]
                elif space.access == AccessRight.RO or (space, column) == (AddressSpace.REGISTER, 0):
                    requests.append(write(space, row, column, 1))
    requests += [write(AddressSpace.REGISTER, 0, Register.CYCLES.value + n, 1) for n in range(1 + len(COUNTERS))]
    for register in (Register.STATUS, Register.EVENT, Register.CHECKSUM):  # those belong to the peripheral
        requests += [read(AddressSpace.REGISTER, 0, register.value), write(AddressSpace.REGISTER, 0, register.value, 1)]
    for number in range(len(AddressSpace), 1 << len(testbench.dut.request_space)):
        requests += [{"space": number}, {"space": number, "write": 1, "data": 1}]
    return requests

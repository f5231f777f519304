"""Scenarios of the AXI interface alone: its channels in every order, and samples over its streams."""

import cocotb
import numpy as np

from ranvier.golden.core import GoldenCore
from ranvier.hw.bus.results import Results
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.record import COUNTERS
from ranvier.sim.cocotb.axi import AxiHost
from ranvier.sim.cocotb.interface_testbench import InterfaceTestbench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network, sample

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


def host_of(testbench: InterfaceTestbench) -> AxiHost:
    """Its host, which is one for AXI here."""
    assert isinstance(testbench.host, AxiHost)
    return testbench.host


@scenario(NAMES)
async def channels_in_any_order(testbench: InterfaceTestbench) -> None:
    """The address long before the data, and the data long before the address."""
    host, rng = host_of(testbench), testbench.rng
    await testbench.load(lively_network(testbench.config, rng))
    for _ in range(150):
        access = testbench.any_access()._replace(write=True)
        delays = {name: int(rng.integers(12)) for name in ("address_after", "data_after")}
        _, refused = testbench.mirror.answer(access)
        _, error = await host.odd_write(access, **delays)
        testbench.scoreboard.compare(f"{access} {delays} refused", refused, error)
        testbench.scoreboard.errors += refused
        await testbench.do([read(at(Register.CHECKSUM)), read(at(Register.ROW))])
    await testbench.check_windows()


@scenario(NAMES)
async def responses_left_waiting(testbench: InterfaceTestbench) -> None:
    """Reads are answered while the response of a write waits, and writes while the data of a read waits."""
    host, row = host_of(testbench), at(Register.ROW)
    for channel, held, others in ((host.b, write(row, 1), read(row)), (host.r, read(row), write(row, 1))):
        await testbench.do([write(row, 1)])
        channel.clear_pause_generator()
        channel.pause = True
        waiting = cocotb.start_soon(host.transfer([held]))
        await host.wait(30)
        for _ in range(10):
            await testbench.do([others])
        assert not waiting.done(), "a response came before it was taken"
        channel.pause = False
        (answer,) = await waiting
        known, refused = testbench.mirror.answer(held)
        testbench.scoreboard.compare("answer", [known or 0, refused], [answer.data, answer.error])


@scenario(NAMES)
async def turns(testbench: InterfaceTestbench) -> None:
    """When reads and writes wait, each gets its turn."""
    host, count = host_of(testbench), 100
    order: list[bool] = []

    async def one(access) -> None:
        (answer,) = await host.transfer([access])
        order.append(access.write)
        testbench.scoreboard.compare("answer", (0, 0), (0, answer.error))

    both = (write(at(Register.ROW), 1), read(at(Register.ID)))
    tasks = [cocotb.start_soon(one(access)) for _ in range(count) for access in both]
    for task in tasks:
        await task
    assert sum(order) == len(order) - count == count
    changes = np.flatnonzero(np.diff(np.array(order[:count], np.int64)))  # later on only one kind may be left
    longest = int(np.diff(changes).max())
    print(f"longest run of one kind: {longest}")
    assert host.stalled or longest <= 2, f"one kind was served {longest} times in a row while the other waited"


@scenario(NAMES)
async def streamed_samples(testbench: InterfaceTestbench) -> None:
    """Events in and outputs out over the streams, with accesses in between: equal to the golden model, learning."""
    host, golden = host_of(testbench), await _begin(testbench)
    for learn in (True, False, True):
        words, expected = await _sample(testbench, golden, learn=learn and testbench.config.learning)
        await host.give(words)
        packet = cocotb.start_soon(host.packet())
        while not packet.done():
            await testbench.do([read(at(Register.DIGEST)), write(at(Register.ROW), 0)])
        testbench.scoreboard.compare("packet", expected, [_output(*words) for words in await packet])
        await _compare(testbench, golden)
    for name, count in golden.counters().items():
        testbench.scoreboard.counters[name] += count
    assert golden.counters()["spikes"] > 0
    assert testbench.scoreboard.weights_moved > 0 or not testbench.config.learning


@scenario(NAMES)
async def outputs_that_nobody_takes(testbench: InterfaceTestbench) -> None:
    """The core waits, registers are answered, what needs the core is refused and says why; then everything continues."""
    host, golden = host_of(testbench), await _begin(testbench)
    words, expected = await _sample(testbench, golden, learn=testbench.config.learning)
    host.sink.clear_pause_generator()
    host.sink.pause = True
    await host.give(words)
    await host.wait(3 * Results.PATIENCE)
    for access in (read(at(AddressSpace.POTENTIAL)), write(at(Register.ALPHA), 1), read(at(AddressSpace.WEIGHT))):
        ((_, refused),) = await host.transfer([access])
        ((cause, _),) = await host.transfer([read(at(Register.ERROR))])
        testbench.scoreboard.compare("refused, because of", (True, Register.ERROR.pack(stalled=1)), (refused, cause))
        testbench.scoreboard.errors += refused
        await host.transfer(
            [write(at(register), 0xFFFFFFFF) for register in (Register.ERROR, Register.INTERRUPT_PENDING)]
        )
        await testbench.do([read(at(Register.DIGEST)), read(at(Register.ROW))])
    host.sink.pause = False
    testbench.scoreboard.compare("packet", expected, [_output(*words) for words in await host.packet()])
    await host.transfer([write(at(Register.CHECKSUM), 0)])
    testbench.mirror.stored[Register.CHECKSUM] = 0
    await _compare(testbench, golden)


async def _begin(testbench: InterfaceTestbench) -> GoldenCore:
    """A golden model with the network that was loaded; outputs go to the stream."""
    golden, network = GoldenCore(testbench.config), lively_network(testbench.config, testbench.rng)
    golden.load(network)
    await testbench.load(network)
    await testbench.do([write(at(Register.CONTROL), Register.CONTROL.pack(stream=1))])
    return golden


async def _sample(
    testbench: InterfaceTestbench, golden: GoldenCore, *, learn: bool
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Events of some sample, and (kind, index, value) of the outputs that the golden model gives."""
    config, pack = testbench.config, Register.EVENT.pack
    await testbench.do([write(at(Register.MODE), Register.MODE.pack(learn=learn, report=1))])
    spikes, label = sample(config, testbench.rng, rate=0.4, turns=2), int(testbench.rng.integers(config.outputs))
    before, words, expected = golden.network(), [], []
    for t, units in enumerate(spikes.arriving()):
        scored = bool(spikes.scored[t])
        words += [pack(kind=EventKind.SPIKE.value, index=int(unit)) for unit in units]
        words.append(pack(kind=EventKind.STEP.value, scored=scored, index=label))
        golden.step(units, scored=scored, target=label, learn=learn)
        expected += [(OutputKind.SPIKE.value, int(j), 0) for j in np.nonzero(golden.neurons.spiked)[0]]
        expected.append((OutputKind.STEP.value, 0, 0))
    scores = golden.end(learn)
    expected += [(OutputKind.SCORE.value, k, int(score)) for k, score in enumerate(scores)]
    expected.append((OutputKind.PREDICTION.value, int(np.argmax(scores)), 0))
    testbench.scoreboard.steps += spikes.steps
    testbench.scoreboard.samples += 1
    testbench.scoreboard.learned(before, golden.network())
    return [*words, pack(kind=EventKind.END.value)], expected


async def _compare(testbench: InterfaceTestbench, golden: GoldenCore) -> None:
    """Parameters and counters."""
    testbench.mirror.load(golden.network())
    await testbench.check_windows()
    counters = await testbench.do([read(at(Register.COUNTER) + 4 * n) for n in range(len(COUNTERS))])
    testbench.scoreboard.compare("counters", list(golden.counters().values()), counters)


def _output(word: int, value: int) -> tuple[int, int, int]:
    """(kind, index, value) of a word of the stream, without what means nothing."""
    output = Register.OUTPUT.unpack(word)
    kind, index = OutputKind(output["kind"]), output["index"]
    assert output["valid"]
    signed = (value ^ 1 << 31) - (1 << 31)
    return kind.value, 0 if kind is OutputKind.STEP else index, signed if kind is OutputKind.SCORE else 0

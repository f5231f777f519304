"""Scenarios of the AXI interface alone: its channels in every order, and samples over its streams."""

import cocotb
import numpy as np

from ranvier.golden.core import GoldenCore
from ranvier.hw.bus.results import Results
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.record import COUNTERS
from ranvier.sim.cocotb.axi import AxiHost
from ranvier.sim.cocotb.interface_bench import InterfaceBench, at, read, scenario, write
from ranvier.sim.cocotb.scenarios import lively_network, sample

__all__ = ["NAMES"]

#: Names of all scenarios, with their stalls.
NAMES: list[str] = []


def host_of(bench: InterfaceBench) -> AxiHost:
    """Its host, which is one for AXI here."""
    assert isinstance(bench.host, AxiHost)
    return bench.host


@scenario(NAMES)
async def channels_in_any_order(bench: InterfaceBench) -> None:
    """The address long before the data, and the data long before the address."""
    host, rng = host_of(bench), bench.rng
    await bench.load(lively_network(bench.config, rng))
    for _ in range(150):
        access = bench.any_access()._replace(write=True)
        delays = {name: int(rng.integers(12)) for name in ("address_after", "data_after")}
        _, refused = bench.mirror.answer(access)
        _, error = await host.odd_write(access, **delays)
        bench.scoreboard.compare(f"{access} {delays} refused", refused, error)
        bench.scoreboard.errors += refused
        await bench.do([read(at(Register.CHECKSUM)), read(at(Register.ROW))])
    await bench.check_windows()


@scenario(NAMES)
async def responses_left_waiting(bench: InterfaceBench) -> None:
    """Reads are answered while the response of a write waits, and writes while the data of a read waits."""
    host, row = host_of(bench), at(Register.ROW)
    for channel, held, others in ((host.b, write(row, 1), read(row)), (host.r, read(row), write(row, 1))):
        await bench.do([write(row, 1)])
        channel.clear_pause_generator()
        channel.pause = True
        waiting = cocotb.start_soon(host.transfer([held]))
        await host.wait(30)
        for _ in range(10):
            await bench.do([others])
        assert not waiting.done(), "a response came before it was taken"
        channel.pause = False
        (answer,) = await waiting
        known, refused = bench.mirror.answer(held)
        bench.scoreboard.compare("answer", [known or 0, refused], [answer.data, answer.error])


@scenario(NAMES)
async def turns(bench: InterfaceBench) -> None:
    """When reads and writes wait, each gets its turn."""
    host, count = host_of(bench), 100
    order: list[bool] = []

    async def one(access) -> None:
        (answer,) = await host.transfer([access])
        order.append(access.write)
        bench.scoreboard.compare("answer", (0, 0), (0, answer.error))

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
async def streamed_samples(bench: InterfaceBench) -> None:
    """Events in and outputs out over the streams, with accesses in between: equal to the golden model, learning."""
    host, golden = host_of(bench), await _begin(bench)
    for learn in (True, False, True):
        words, expected = await _sample(bench, golden, learn=learn and bench.config.learning)
        await host.give(words)
        packet = cocotb.start_soon(host.packet())
        while not packet.done():
            await bench.do([read(at(Register.DIGEST)), write(at(Register.ROW), 0)])
        bench.scoreboard.compare("packet", expected, [_output(*words) for words in await packet])
        await _compare(bench, golden)
    for name, count in golden.counters().items():
        bench.scoreboard.counters[name] += count
    assert golden.counters()["spikes"] > 0
    assert bench.scoreboard.weights_moved > 0 or not bench.config.learning


@scenario(NAMES)
async def outputs_that_nobody_takes(bench: InterfaceBench) -> None:
    """The core waits, registers are answered, what needs the core is refused and says why; then everything continues."""
    host, golden = host_of(bench), await _begin(bench)
    words, expected = await _sample(bench, golden, learn=bench.config.learning)
    host.sink.clear_pause_generator()
    host.sink.pause = True
    await host.give(words)
    await host.wait(3 * Results.PATIENCE)
    for access in (read(at(AddressSpace.POTENTIAL)), write(at(Register.ALPHA), 1), read(at(AddressSpace.WEIGHT))):
        ((_, refused),) = await host.transfer([access])
        ((cause, _),) = await host.transfer([read(at(Register.ERROR))])
        bench.scoreboard.compare("refused, because of", (True, Register.ERROR.pack(stalled=1)), (refused, cause))
        bench.scoreboard.errors += refused
        await host.transfer(
            [write(at(register), 0xFFFFFFFF) for register in (Register.ERROR, Register.INTERRUPT_PENDING)]
        )
        await bench.do([read(at(Register.DIGEST)), read(at(Register.ROW))])
    host.sink.pause = False
    bench.scoreboard.compare("packet", expected, [_output(*words) for words in await host.packet()])
    await host.transfer([write(at(Register.CHECKSUM), 0)])
    bench.mirror.stored[Register.CHECKSUM] = 0
    await _compare(bench, golden)


async def _begin(bench: InterfaceBench) -> GoldenCore:
    """A golden model with the network that was loaded; outputs go to the stream."""
    golden, network = GoldenCore(bench.config), lively_network(bench.config, bench.rng)
    golden.load(network)
    await bench.load(network)
    await bench.do([write(at(Register.CONTROL), Register.CONTROL.pack(stream=1))])
    return golden


async def _sample(
    bench: InterfaceBench, golden: GoldenCore, *, learn: bool
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Events of some sample, and (kind, index, value) of the outputs that the golden model gives."""
    config, pack = bench.config, Register.EVENT.pack
    await bench.do([write(at(Register.MODE), Register.MODE.pack(learn=learn, report=1))])
    spikes, label = sample(config, bench.rng, rate=0.4, turns=2), int(bench.rng.integers(config.outputs))
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
    bench.scoreboard.steps += spikes.steps
    bench.scoreboard.samples += 1
    bench.scoreboard.learned(before, golden.network())
    return [*words, pack(kind=EventKind.END.value)], expected


async def _compare(bench: InterfaceBench, golden: GoldenCore) -> None:
    """Parameters and counters."""
    bench.mirror.load(golden.network())
    await bench.check_windows()
    counters = await bench.do([read(at(Register.COUNTER) + 4 * n) for n in range(len(COUNTERS))])
    bench.scoreboard.compare("counters", list(golden.counters().values()), counters)


def _output(word: int, value: int) -> tuple[int, int, int]:
    """(kind, index, value) of a word of the stream, without what means nothing."""
    output = Register.OUTPUT.unpack(word)
    kind, index = OutputKind(output["kind"]), output["index"]
    assert output["valid"]
    signed = (value ^ 1 << 31) - (1 << 31)
    return kind.value, 0 if kind is OutputKind.STEP else index, signed if kind is OutputKind.SCORE else 0

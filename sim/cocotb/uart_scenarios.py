"""Scenarios of the UART interface, with another UART on its pins; run inside Verilator by `ranvier.sim.cocotb.session`."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotbext.uart import UartSink, UartSource

from ranvier.drivers.loading import arrays, settings
from ranvier.golden.core import GoldenCore
from ranvier.hw.bus.serial import BAUD, CLOCK, TIMEOUT
from ranvier.hw.bus.uartbone import BURST, Command
from ranvier.hw.events import EventKind
from ranvier.hw.registers import AddressSpace, Register, constants, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.sample import Sample
from ranvier.sim.cocotb.bench import CONFIG
from ranvier.sim.cocotb.scenarios import lively_network
from ranvier.sim.cocotb.scoreboard import Scoreboard

__all__ = ["NAMES"]

#: Names of all scenarios.
NAMES: list[str] = []

_BIT = round(1e9 / BAUD)  # ns


class UartHost:
    """Frames to the pins and back.

    Parameters
    ----------
    dut : handle
        The core.
    random : Random
        Source of the gaps between bytes.
    gap : float
        Share of the bytes that are followed by silence of up to 3 bytes.
    """

    def __init__(self, dut: Any, random: Random, gap: float):
        self.dut, self.random, self.gap = dut, random, gap
        self.config, self.scoreboard = CoreConfig.read(CONFIG), Scoreboard()
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.source, self.sink = UartSource(dut.rx, baud=BAUD), UartSink(dut.tx, baud=BAUD)

    async def send(self, frame: Sequence[int]) -> None:
        """All bytes, with gaps."""
        for byte in frame:
            await self.source.write([byte])
            if self.random.random() < self.gap:
                await self.source.wait()
                await Timer(self.random.randrange(30 * _BIT), "ns")
        await self.source.wait()

    async def read(self, address: int, count: int = 1, command: Command = Command.READ) -> list[int]:
        """Words."""
        await self.send(_head(command, count, address))
        answer = bytearray()
        while len(answer) < 4 * count:
            answer += await self.sink.read()
        assert len(answer) == 4 * count
        return np.frombuffer(bytes(answer), ">u4").tolist()

    async def write(self, address: int, words: Sequence[int], command: Command = Command.WRITE) -> None:
        """Words, in as many frames as it takes."""
        for start in range(0, len(words), BURST):
            part = np.asarray(words[start : start + BURST]).astype(np.int64) & 0xFFFFFFFF
            where = address + 4 * start * (command == Command.WRITE)
            await self.send([*_head(command, len(part), where), *part.astype(">u4").tobytes()])

    async def compare(self, what: str, address: int, expected: Sequence[int]) -> None:
        """Read and compare."""
        self.scoreboard.compare(
            what, np.asarray(expected).astype(np.int64) & 0xFFFFFFFF, await self.read(address, len(expected))
        )

    async def identify(self, after: str) -> None:
        """The core still answers the right request: nothing remains of what came before."""
        self.sink.clear()
        for register, word in constants(self.config).items():
            await self.compare(f"{register.name} after {after}", register.address, [word])


def _head(command: int, count: int, address: int) -> list[int]:
    return [command, count, *(address >> 2).to_bytes(4, "big")]


def scenario(gap: float = 0.0) -> Callable[[Callable[[UartHost], Awaitable[None]]], Any]:
    """Make a cocotb test of a function of a host."""

    def make(body: Callable[[UartHost], Awaitable[None]]) -> Any:
        @wraps(body)
        async def test(dut: Any) -> None:
            dut.rx.value, dut.rst.value = 1, 1
            Clock(dut.clk, 2 * round(5e11 / CLOCK), "ps").start()
            await ClockCycles(dut.clk, 3)
            dut.rst.value = 0
            host = UartHost(dut, Random(f"{cocotb.RANDOM_SEED} {body.__name__}"), gap)
            await body(host)
            host.scoreboard.save(Path(), body.__name__)

        NAMES.append(body.__name__)
        return cocotb.test()(test)

    return make


@scenario(gap=0.2)
async def network_and_sample_with_gaps(host: UartHost) -> None:
    """A network loaded, a sample learned, everything read back, with silence between bytes at random."""
    config, golden = host.config, GoldenCore(host.config)
    network = lively_network(config, host.rng)
    golden.load(network)
    for space, values in arrays(network).items():
        for row, columns in enumerate(values):
            await host.write(Register.ROW.address, [row])
            await host.write(word_address(space, 0) << 2, columns)
    for register, value in settings(network).items():
        await host.write(register.address, [value])
    await host.write(Register.CLEAR.address, [0])
    sample = Sample.from_raster(host.rng.random((12, config.inputs)) < 0.4)
    record = golden.run(sample, target=1, learn=True)
    events = []
    for t, units in enumerate(sample.arriving()):
        events += [Register.EVENT.pack(kind=EventKind.SPIKE.value, index=int(unit)) for unit in units]
        events.append(Register.EVENT.pack(kind=EventKind.STEP.value, scored=int(sample.scored[t]), index=1))
    await host.write(Register.MODE.address, [Register.MODE.pack(learn=1)])
    await host.write(
        Register.EVENT.address, [*events, Register.EVENT.pack(kind=EventKind.END.value)], Command.WRITE_FIXED
    )
    while Register.STATUS.unpack((await host.read(Register.STATUS.address))[0])["busy"]:
        pass
    await host.compare("prediction", Register.PREDICTION.address, [record.prediction])
    await host.compare("scores", word_address(AddressSpace.SCORE, 0) << 2, record.scores.tolist())
    for space, values in arrays(golden.network()).items():
        for row, columns in enumerate(values):
            await host.write(Register.ROW.address, [row])
            await host.compare(f"{space.name}[{row}]", word_address(space, 0) << 2, columns)
    host.scoreboard.learned(network, golden.network())
    host.scoreboard.samples, host.scoreboard.steps, host.scoreboard.counters = 1, sample.steps, golden.counters()


@scenario()
async def wrong_baud(host: UartHost) -> None:
    """A host at another rate writes nothing that is believed, and does not stop one at the right rate."""
    await host.write(Register.ROW.address, [3])
    right, sent = host.source, 0
    for relative in (0.5, 0.88, 1.14, 2.0):
        host.source = UartSource(host.dut.rx, baud=round(BAUD * relative))
        for _ in range(3):
            await host.write(Register.ROW.address, [2])
            sent += 1
        host.source = right
        await Timer(round(1.1e9 * TIMEOUT), "ns")
        await host.identify(f"{relative} of the baud rate")
        await host.compare("ROW", Register.ROW.address, [3])
    host.scoreboard.errors = sent


@scenario()
async def broken_frames(host: UartHost) -> None:
    """Frames cut short, unknown commands, no words, lengths of nothing, addresses of nothing."""
    await host.write(Register.ROW.address, [5])
    whole = [*_head(Command.WRITE, 1, Register.ROW.address), 0, 0, 0, 1]
    for length in (1, 3, 7):
        await host.send(whole[:length])
        await Timer(round(1.1e9 * TIMEOUT), "ns")
        await host.identify(f"{length} bytes")
    for frame in ([0, 9, 0, 0, 0, 16], [0xFF, 1, 1, 2, 3, 4], _head(Command.READ, 0, 0), _head(Command.WRITE, 0, 64)):
        await host.send(frame)
        await host.identify(f"{frame}")
    await host.compare("ROW", Register.ROW.address, [5])
    for address in (AddressSpace.REGISTER.extent(host.config)[1] << 2, 1 << 19, 0xFFFFFFFC):
        await host.write(Register.ERROR.address, [0xFFFFFFFF])
        await host.compare(f"a read from {address:#x}", address, [0xFFFFFFFF])
        await host.compare("ERROR", Register.ERROR.address, [Register.ERROR.pack(access=1)])
        await host.write(Register.ERROR.address, [0xFFFFFFFF])
        await host.write(address, [1])
        await host.compare("ERROR", Register.ERROR.address, [Register.ERROR.pack(access=1)])
        host.scoreboard.errors += 2


@scenario()
async def broken_bytes(host: UartHost) -> None:
    """Bytes without a stop bit, breaks, and pulses shorter than a clock: as if they had never been."""

    async def level(value: int, nanoseconds: int) -> None:
        host.dut.rx.value = value
        await Timer(nanoseconds, "ns")

    for byte in (0x01, 0x02, 0x55):
        for bit in (0, *(byte >> n & 1 for n in range(8)), 0):
            await level(bit, _BIT)
        await level(1, 2 * _BIT)
        host.scoreboard.errors += 1
    await host.identify("bytes without a stop bit")
    await level(0, 100 * _BIT)
    await level(1, 2 * _BIT)
    await host.identify("a break")
    for _ in range(50):
        await RisingEdge(host.dut.clk)
        await level(0, round(1e9 / CLOCK) - 4)
        await level(1, host.random.randrange(300, 3000))
        host.scoreboard.errors += 1
    await host.identify("pulses")

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pysim import clocks_until, pause, serve, simulate

from ranvier.hw.bus.checksum import WriteChecksum
from ranvier.hw.bus.wishbone import Wishbone, WishbonePeripheral
from ranvier.hw.host import Host
from ranvier.hw.registers import ADDRESS_BITS, AddressSpace, Register, constants, word_address
from ranvier.parameters.config import CoreConfig

DOCS = Path(__file__).parents[3] / "docs"
CORE = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=2, lanes=2)
#: Clocks of a register of the peripheral, and of a word of the idle core, on the bus inside: see `Peripheral`.
REGISTER, WINDOW = 3, 4 + Host.LATENCY
#: Clocks from request to answer, as docs/interfaces.md has them.
CLOCKS = {
    "read": Wishbone.LATENCY + REGISTER,
    "write": Wishbone.LATENCY + REGISTER,
    "write after a write": 1 + WriteChecksum.LATENCY,  # which sums up the first one meanwhile
    "write of the core": Wishbone.LATENCY + WINDOW,
    "read of the core": Wishbone.LATENCY + WINDOW,
    "refused": Wishbone.LATENCY + REGISTER - 1,
}


class Behind:
    """What is behind the bus: notes every access, refuses some words, and knows what each reads as."""

    def __init__(self):
        self.accesses = []

    def answer(self, access: dict) -> tuple[int, int]:
        """(data, error)."""
        self.accesses.append((access["write"], access["address"], access["data"], access["strobe"]))
        return self.expected(access["write"], access["address"])

    @staticmethod
    def expected(write: int, word: int) -> tuple[int, int]:
        """(data, error) of an access."""
        refused = word % 5 == 0
        return (0 if write or refused else word * 0x01010101 & 0xFFFFFFFF), int(refused)


def request(rng) -> tuple[int, int, int, int]:
    """(write, word address, data, strobe)."""
    return tuple(int(rng.integers(limit)) for limit in (2, 1 << (ADDRESS_BITS - 2), 1 << 32, 16))


def ask(ctx, wb, write: int, address: int, data: int, strobe: int) -> None:
    """Put a request on the bus."""
    for port, value in (
        (wb.we, write),
        (wb.adr, address),
        (wb.dat_w, data),
        (wb.sel, strobe),
        (wb.cyc, 1),
        (wb.stb, 1),
    ):
        ctx.set(port, value)


async def clock(ctx, wb) -> tuple[int, int, int, int]:
    """(ack, err, stall, data) at the next edge."""
    _, _, *seen = await ctx.tick().sample(wb.ack, wb.err, wb.stall, wb.dat_r)
    return tuple(seen)


@pytest.mark.parametrize("pipelined", [False, True])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_every_transfer_is_answered_once(pipelined, stall, record_property):
    """A classic master waits for ack or err; a pipelined one for stall to fall, and counts the answers."""
    rng, dut, behind, count = np.random.default_rng(int(10 * stall)), Wishbone(), Behind(), 150
    requests, answers = [request(rng) for _ in range(count)], []
    wb = dut.wb

    async def master(ctx):
        for each in requests:
            while rng.random() < stall:
                ctx.set(wb.stb, 0)
                ctx.set(wb.cyc, int(rng.integers(2)))
                assert (await clock(ctx, wb))[:2] == (0, 0)
            ask(ctx, wb, *each)
            while True:
                ack, err, stalled, data = await clock(ctx, wb)
                assert stalled == (not ack and not err)
                assert not (ack and err)
                if ack or err:
                    answers.append((data, err))
                if (not stalled) if pipelined else (ack or err):
                    break
        ctx.set(wb.cyc, 0)
        ctx.set(wb.stb, 0)

    simulate(dut, master, background=[partial(serve, bus=dut.bus, answer=behind.answer, rng=rng, stall=stall)])
    assert behind.accesses == requests
    assert answers == [Behind.expected(write, word) for write, word, _, _ in requests]
    errors = sum(error for _, error in answers)
    record_property("evidence", f"Wishbone, pipelined {pipelined}, stall {stall}: {count} transfers, {errors} refused")
    assert errors > 10


@pytest.mark.parametrize("keep_cyc", [False, True])
def test_a_transfer_that_is_given_up_is_never_answered(keep_cyc, record_property):
    """Taken back on every clock, for any number of clocks; then another is asked for, which gets its own answer."""
    rng, dut, behind, in_time = np.random.default_rng(3), Wishbone(), Behind(), 0
    wb, completed = dut.wb, []

    async def master(ctx):
        nonlocal in_time
        for n in range(300):
            first, second = request(rng), request(rng)
            ask(ctx, wb, *first)
            answered = False
            for _ in range(1 + n % 8):
                ack, err, *_ = await clock(ctx, wb)
                answered = bool(ack or err)
                if answered:
                    break
            ctx.set(wb.stb, 0)
            ctx.set(wb.cyc, int(keep_cyc))
            for _ in range(int(rng.integers(1, 10))):
                assert (await clock(ctx, wb))[:2] == (0, 0), "answered late"
            in_time += not answered
            ask(ctx, wb, *second)
            ack = err = data = 0
            while not (ack or err):
                ack, err, _, data = await clock(ctx, wb)
            assert (data, err) == Behind.expected(*second[:2])
            ctx.set(wb.cyc, 0)
            ctx.set(wb.stb, 0)
            await ctx.tick()
            completed.append((answered, first, second))

    simulate(dut, master, background=[partial(serve, bus=dut.bus, answer=behind.answer, rng=rng)])
    left = iter(behind.accesses)
    done = next(left, None)
    carried_out = 0
    for answered, first, second in completed:  # the first one of each pair may or may not have got through
        if done == first:
            carried_out, done = carried_out + (not answered), next(left, None)
        else:
            assert not answered
        assert done == second
        done = next(left, None)
    assert done is None
    record_property(
        "evidence", f"Wishbone: {in_time} transfers given up, {carried_out} of them carried out, none answered"
    )
    assert in_time > 100


def test_a_request_that_follows_at_once_gets_no_answer_of_the_one_before():
    """Given up for a single clock, which is when the answer comes."""
    dut, seen = Wishbone(), []
    wb = dut.wb

    async def testbench(ctx):
        for after in range(1, 10):
            ask(ctx, wb, 0, 3, 0, 15)
            await pause(ctx, after)
            if ctx.get(wb.ack):
                await ctx.tick()
            ctx.set(wb.stb, 0)
            await ctx.tick()
            ask(ctx, wb, 0, 4, 0, 15)
            await clocks_until(ctx, wb.ack)
            seen.append(ctx.get(wb.dat_r))
            await ctx.tick()
            ctx.set(wb.stb, 0)
            await ctx.tick()

    rng = np.random.default_rng(0)
    simulate(dut, testbench, background=[partial(serve, bus=dut.bus, answer=Behind().answer, rng=rng, stall=0.0)])
    assert seen == [0x04040404] * 9


# -------------------------------------------------------------------- with the core behind it


async def transfer(ctx, wb, address: int, data: int | None = None) -> tuple[int, int, int]:
    """Clocks from request to answer, whether it was refused, and the word read."""
    ask(ctx, wb, int(data is not None), address >> 2, data or 0, 15)
    clocks = await clocks_until(ctx, wb.ack | wb.err)
    result = clocks, ctx.get(wb.err), ctx.get(wb.dat_r)
    await ctx.tick()
    ctx.set(wb.stb, 0)
    return result


def test_clocks_of_a_transfer(record_property):
    dut, seen = WishbonePeripheral(CORE, depth=4), {}
    weight = word_address(AddressSpace.WEIGHT, 0) << 2

    async def testbench(ctx):
        seen["read"] = await transfer(ctx, dut.wb, Register.DIGEST.address)
        seen["write"] = await transfer(ctx, dut.wb, Register.ROW.address, 1)
        seen["write after a write"] = await transfer(ctx, dut.wb, Register.ROW.address, 0)
        await pause(ctx, 10)
        seen["write of the core"] = await transfer(ctx, dut.wb, weight, 5)
        await pause(ctx, 10)
        seen["read of the core"] = await transfer(ctx, dut.wb, weight)
        seen["refused"] = await transfer(ctx, dut.wb, Register.EVENT.address)

    simulate(dut, testbench)
    clocks = {name: clocks for name, (clocks, _, _) in seen.items()}
    record_property("evidence", f"Wishbone, clocks from request to answer: {clocks}")
    assert seen["read"][1:] == (0, constants(CORE)[Register.DIGEST])
    assert seen["read of the core"][1:] == (0, 5)
    assert [name for name, (_, error, _) in seen.items() if error] == ["refused"]
    assert clocks == CLOCKS


def test_outputs_sent_to_a_stream_that_is_not_there_do_not_stop_the_core():
    dut, seen = WishbonePeripheral(CORE, depth=4), []

    async def testbench(ctx):
        await transfer(ctx, dut.wb, Register.CONTROL.address, Register.CONTROL.pack(stream=1))
        await transfer(ctx, dut.wb, Register.MODE.address, Register.MODE.pack(report=1))
        for kind in (1, 1, 2):
            await transfer(ctx, dut.wb, Register.EVENT.address, Register.EVENT.pack(kind=kind))
        seen.append(await transfer(ctx, dut.wb, word_address(AddressSpace.POTENTIAL, 0) << 2))
        seen.append(await transfer(ctx, dut.wb, Register.SAMPLES.address))

    simulate(dut, testbench)
    assert [answer[1:] for answer in seen] == [(0, 0), (0, 1)]


def test_the_clocks_are_those_of_the_documents():
    rows = [line.split(" | ") for line in (DOCS / "interfaces.md").read_text().splitlines() if line.startswith("| ")]
    documented = {row[0][2:]: row[2].rstrip(" |") for row in rows if len(row) == 3}
    assert {name: documented[name] for name in CLOCKS} == {name: str(clocks) for name, clocks in CLOCKS.items()}

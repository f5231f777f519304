from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Cat
from pysim import clocks_until, pause, receive, send, serve, simulate

from ranvier.hw.bus.axi import AxiLite, AxiPeripheral, Response
from ranvier.hw.bus.checksum import WriteChecksum
from ranvier.hw.bus.results import result_layout
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.host import Host
from ranvier.hw.registers import ADDRESS_BITS, AddressSpace, Register, constants, word_address
from ranvier.parameters.config import CoreConfig

OKAY, SLVERR = Response.OKAY, Response.SLVERR
#: Clocks of a register of the peripheral, and of a word of the idle core, on the bus inside: see `Peripheral`.
REGISTER, WINDOW = 3, 4 + Host.LATENCY
#: Clocks from request to response, as docs/interfaces.md has them.
CLOCKS = {
    "read": AxiLite.LATENCY + REGISTER,
    "write": AxiLite.LATENCY + REGISTER,
    "write after a write": 1 + WriteChecksum.LATENCY,  # which sums up the first one meanwhile
    "write of the core": AxiLite.LATENCY + WINDOW,
    "read of the core": AxiLite.LATENCY + WINDOW,
    "refused": AxiLite.LATENCY + REGISTER - 1,
    "between words": AxiLite.LATENCY,
}
#: (writes, clocks from one response to the next) of transfers that wait for nothing but one another.
PERIODS = [(False, 6), (True, 2 + WriteChecksum.LATENCY)]
DOCS = Path(__file__).parents[3] / "docs"
CORE = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=2, lanes=2)


def channels(axi) -> SimpleNamespace:
    """The five channels as streams."""

    def channel(name, payload):
        return SimpleNamespace(payload=payload, valid=getattr(axi, f"{name}valid"), ready=getattr(axi, f"{name}ready"))

    return SimpleNamespace(
        aw=channel("aw", axi.awaddr),
        w=channel("w", Cat(axi.wdata, axi.wstrb)),
        b=channel("b", axi.bresp),
        ar=channel("ar", axi.araddr),
        r=channel("r", Cat(axi.rdata, axi.rresp)),
    )


class Behind:
    """What is behind the bus: notes every access, refuses some words, and knows what each reads as."""

    def __init__(self):
        self.writes, self.reads = [], []

    def answer(self, access: dict) -> tuple[int, int]:
        """(data, error)."""
        if access["write"]:
            self.writes.append((access["address"], access["data"], access["strobe"]))
            return 0, int(self.refuses(access["address"]))
        self.reads.append(access["address"])
        return self.word(access["address"]), int(self.refuses(access["address"]))

    @staticmethod
    def refuses(word: int) -> bool:
        """Whether a word is refused."""
        return word % 5 == 0

    @classmethod
    def word(cls, word: int) -> int:
        """What it reads as."""
        return 0 if cls.refuses(word) else word * 0x01010101 & 0xFFFFFFFF


def responses(addresses: list[int]) -> list[Response]:
    """What transfers to byte addresses must be answered."""
    return [SLVERR if address % 4 or Behind.refuses(address >> 2) else OKAY for address in addresses]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
def test_every_transfer_gets_its_own_response(stall, record_property):
    rng, dut, behind, count = np.random.default_rng(int(10 * stall)), AxiLite(), Behind(), 120
    axi, given, read = channels(dut.s_axi), [], []

    def addresses():
        odd = (rng.random(count) < 0.1) * rng.integers(1, 4, count)
        return [int(address) for address in rng.integers(1 << (ADDRESS_BITS - 2), size=count) * 4 + odd]

    to, asked = addresses(), addresses()
    words = [int(word) for word in rng.integers(1 << 36, size=count)]
    jobs = [
        partial(send, port=axi.aw, payloads=to, rng=rng, stall=stall),
        partial(send, port=axi.w, payloads=words, rng=rng, stall=1 - stall if stall else 0),
        partial(send, port=axi.ar, payloads=asked, rng=rng, stall=stall),
    ]

    async def writes(ctx):
        given.extend(await receive(ctx, axi.b, count, rng, stall))

    async def reads(ctx):
        read.extend(await receive(ctx, axi.r, count, rng, stall))

    simulate(
        dut, *jobs, writes, reads, background=[partial(serve, bus=dut.bus, answer=behind.answer, rng=rng, stall=stall)]
    )
    assert given == responses(to)
    assert [(word & 0xFFFFFFFF, word >> 32) for word in read] == [
        (0 if response == SLVERR else Behind.word(address >> 2), response)
        for address, response in zip(asked, responses(asked), strict=True)
    ]
    passed = [(address >> 2, word) for address, word in zip(to, words, strict=True) if address % 4 == 0]
    assert behind.writes == [(address, word & 0xFFFFFFFF, word >> 32) for address, word in passed]
    assert behind.reads == [address >> 2 for address in asked if address % 4 == 0]
    errors = given.count(SLVERR) + sum(word >> 32 == SLVERR for word in read)
    record_property("evidence", f"AXI, stall {stall}: {2 * count} transfers, {errors} of them refused as they must be")
    assert 30 < errors < count


@pytest.mark.parametrize(("waiting", "other"), [("b", "r"), ("r", "b")])
def test_a_response_that_nobody_takes_does_not_hold_up_the_others(waiting, other):
    rng, dut, behind = np.random.default_rng(5), AxiLite(), Behind()
    axi = channels(dut.s_axi)
    counts = {"b": 10, "r": 10, waiting: 3}

    async def addresses(ctx):
        await send(ctx, axi.aw, [4] * counts["b"], rng, 0)

    async def words(ctx):
        await send(ctx, axi.w, [15 << 32] * counts["b"], rng, 0)

    async def asks(ctx):
        await send(ctx, axi.ar, [4] * counts["r"], rng, 0)

    async def taken(ctx):
        await receive(ctx, getattr(axi, other), counts[other], rng)
        assert ctx.get(getattr(axi, waiting).valid)
        assert len(behind.writes if waiting == "b" else behind.reads) == 1
        await receive(ctx, getattr(axi, waiting), counts[waiting], rng)

    simulate(
        dut, addresses, words, asks, taken, background=[partial(serve, bus=dut.bus, answer=behind.answer, rng=rng)]
    )


def test_reads_and_writes_take_turns():
    rng, dut, order = np.random.default_rng(6), AxiLite(), []
    axi = channels(dut.s_axi)

    def answer(access):
        order.append(access["write"])
        return 0, 0

    jobs = [
        partial(send, port=axi.aw, payloads=[4] * 40, rng=rng, stall=0),
        partial(send, port=axi.w, payloads=[15 << 32] * 40, rng=rng, stall=0),
        partial(send, port=axi.ar, payloads=[4] * 40, rng=rng, stall=0),
        partial(receive, port=axi.b, count=40, rng=rng, stall=0),
        partial(receive, port=axi.r, count=40, rng=rng, stall=0),
    ]
    simulate(dut, *jobs, background=[partial(serve, bus=dut.bus, answer=answer, rng=rng, stall=0)])
    assert order[2:-2] in ([0, 1] * 38, [1, 0] * 38)


def test_nothing_follows_a_port_within_a_clock():
    rng, dut = np.random.default_rng(7), AxiLite()
    axi = dut.s_axi
    inputs = [
        axi.awaddr,
        axi.awvalid,
        axi.wdata,
        axi.wstrb,
        axi.wvalid,
        axi.bready,
        axi.araddr,
        axi.arvalid,
        axi.rready,
    ]
    outputs = [axi.awready, axi.wready, axi.bvalid, axi.bresp, axi.arready, axi.rvalid, axi.rdata, axi.rresp]
    answered = []

    async def testbench(ctx):
        for _ in range(600):
            before = [ctx.get(port) for port in outputs]
            for port in inputs:
                ctx.set(port, int(rng.integers(1 << len(port))))
                assert [ctx.get(port) for port in outputs] == before
            answered.append(ctx.get(axi.bvalid & axi.bready) + ctx.get(axi.rvalid & axi.rready))
            await ctx.tick()

    simulate(dut, testbench, background=[partial(serve, bus=dut.bus, answer=Behind().answer, rng=rng)])
    assert sum(answered) > 50


# -------------------------------------------------------------------- with the core behind it


async def transfer(ctx, axi, address: int, data: int | None = None) -> tuple[int, int, int]:
    """Clocks from request to response, the response, and the word read."""
    if data is None:
        ctx.set(axi.araddr, address)
        request, response, code = axi.arvalid, axi.rvalid, axi.rresp
    else:
        ctx.set(axi.awaddr, address)
        ctx.set(axi.wdata, data)
        ctx.set(axi.wstrb, 15)
        ctx.set(axi.wvalid, 1)
        request, response, code = axi.awvalid, axi.bvalid, axi.bresp
    ctx.set(axi.bready, 1)
    ctx.set(axi.rready, 1)
    ctx.set(request, 1)
    await ctx.tick()
    ctx.set(request, 0)
    ctx.set(axi.wvalid, 0)
    clocks = 1 + await clocks_until(ctx, response)
    result = clocks, ctx.get(code), ctx.get(axi.rdata)
    await ctx.tick()
    return result


def test_clocks_of_a_transfer(record_property):
    dut, seen = AxiPeripheral(CORE, depth=4), {}
    weight = word_address(AddressSpace.WEIGHT, 0) << 2

    async def testbench(ctx):
        seen["read"] = await transfer(ctx, dut.s_axi, Register.DIGEST.address)
        seen["write"] = await transfer(ctx, dut.s_axi, Register.ROW.address, 1)
        seen["write after a write"] = await transfer(ctx, dut.s_axi, Register.ROW.address, 0)
        await pause(ctx, 10)
        seen["write of the core"] = await transfer(ctx, dut.s_axi, weight, 5)
        await pause(ctx, 10)
        seen["read of the core"] = await transfer(ctx, dut.s_axi, weight)
        seen["refused"] = await transfer(ctx, dut.s_axi, Register.EVENT.address)
        seen["between words"] = await transfer(ctx, dut.s_axi, 2)

    simulate(dut, testbench)
    record_property("evidence", f"AXI, clocks from request to response: { {name: s[0] for name, s in seen.items()} }")
    assert seen["read"][1:] == (OKAY, constants(CORE)[Register.DIGEST])
    assert seen["read of the core"][1:] == (OKAY, 5)
    assert {name: code for name, (_, code, _) in seen.items() if code} == {"refused": SLVERR, "between words": SLVERR}
    clocks = {name: clocks for name, (clocks, _, _) in seen.items()}
    assert clocks == CLOCKS


@pytest.mark.parametrize(("write", "clocks"), PERIODS)
def test_clocks_between_responses_back_to_back(write, clocks):
    rng, dut, count, ends = np.random.default_rng(9), AxiPeripheral(CORE, depth=4), 12, []
    axi = channels(dut.s_axi)
    word = 15 << 32 | 1
    requests = [(axi.aw, Register.ROW.address), (axi.w, word)] if write else [(axi.ar, Register.ROW.address)]
    response = axi.b if write else axi.r

    async def watch(ctx):
        for clock in range(300):
            ctx.set(response.ready, 1)
            if ctx.get(response.valid):
                ends.append(clock)
            await ctx.tick()

    jobs = [partial(send, port=port, payloads=[payload] * count, rng=rng, stall=0) for port, payload in requests]
    simulate(dut, *jobs, watch)
    assert len(ends) == count
    assert set(np.diff(ends)) == {clocks}


def test_streams_reach_the_core_and_come_back():
    rng, dut = np.random.default_rng(8), AxiPeripheral(CORE, depth=4)
    pack = Register.EVENT.pack
    events = [
        pack(kind=EventKind.SPIKE.value, index=1),
        pack(kind=EventKind.STEP.value),
        pack(kind=EventKind.END.value),
    ]
    source = SimpleNamespace(payload=dut.s_axis.tdata, valid=dut.s_axis.tvalid, ready=dut.s_axis.tready)
    sink = SimpleNamespace(
        payload=Cat(dut.m_axis.tdata, dut.m_axis.tlast), valid=dut.m_axis.tvalid, ready=dut.m_axis.tready
    )
    packet = []

    async def testbench(ctx):
        await transfer(ctx, dut.s_axi, Register.CONTROL.address, Register.CONTROL.pack(stream=1))
        await transfer(ctx, dut.s_axi, Register.MODE.address, Register.MODE.pack(report=1))
        await send(ctx, source, events, rng)

    async def sinks(ctx):
        packet.extend(await receive(ctx, sink, 4, rng))

    simulate(dut, testbench, sinks)
    words = [(Register.OUTPUT.unpack(word & 0xFFFFFFFF), word >> result_layout.size) for word in packet]
    kinds = [OutputKind(output["kind"]) for output, _ in words]
    assert kinds == [OutputKind.STEP, OutputKind.SCORE, OutputKind.SCORE, OutputKind.PREDICTION]
    assert [last for _, last in words] == [0, 0, 0, 1]
    assert [output["index"] for output, _ in words[1:]] == [0, 1, 0]
    assert all(output["valid"] for output, _ in words)


def test_the_clocks_are_those_of_the_documents():
    rows = [line.split(" | ") for line in (DOCS / "interfaces.md").read_text().splitlines() if line.startswith("| ")]
    documented = {row[0][2:]: row[1].rstrip(" |") for row in rows if len(row) == 3}
    assert {name: documented[name] for name in CLOCKS} == {name: str(clocks) for name, clocks in CLOCKS.items()}

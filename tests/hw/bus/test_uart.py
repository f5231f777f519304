import numpy as np
import pytest
from amaranth.hdl import Module
from pysim import pause, receive, send, simulate

from ranvier.hw.bus.uart import BIT_ERROR, BITS_PER_BYTE, BaudError, BitTime, UARTReceiver, UARTTransmitter

IDLE = 40


def frame(byte: int, *, stop: int = 1) -> list[int]:
    return [0, *(byte >> n & 1 for n in range(8)), stop]


def levels(bits, clocks: float, start: float = 0.0) -> list[int]:
    """Level of the wire at every clock, each bit lasting `clocks`, the first from `start` on."""
    edges = np.round(start + clocks * np.arange(len(bits) + 1)).astype(int)
    return np.repeat(bits, np.diff(edges)).tolist()


def heard(bit: BitTime, wire: list[int], take=lambda clock: True) -> list[int]:
    """Bytes that a receiver makes of a wire, taken on the clocks that `take` says."""
    dut, found = UARTReceiver(bit), []

    async def testbench(ctx):
        for clock, level in enumerate([1] * IDLE + wire + [1] * IDLE):
            ctx.set(dut.rx, level)
            ctx.set(dut.bytes.ready, take(clock))
            _, _, valid, payload = await ctx.tick().sample(dut.bytes.valid, dut.bytes.payload)
            if valid and take(clock):
                found.append(payload)

    simulate(dut, testbench, deadline=100_000)
    return found


@pytest.mark.parametrize("clocks", [4, 5, 8, 13])
@pytest.mark.parametrize("host", [-BIT_ERROR, 0.0, BIT_ERROR])
def test_bytes_at_any_phase_and_distance_from_a_host_that_is_a_little_off(clocks, host):
    rng = np.random.default_rng(clocks)
    sent = [0x00, 0xFF, 0x55, 0x80, 0x01, *rng.integers(256, size=20).tolist()]
    wire: list[int] = []
    for byte in sent:
        wire += levels(frame(byte), clocks / (1 + host), rng.random())
        wire += [1] * int(rng.choice([0, 0, 1, 3, 50]))
    assert heard(BitTime(clocks * 1000, 1000), wire) == sent


def test_a_host_that_is_far_off_is_not_understood():
    sent = list(range(0x20, 0x40))
    for host in (0.5, 0.85, 1.15, 2.0):
        wire = levels([bit for byte in sent for bit in frame(byte)], 8 / host)
        assert heard(BitTime(8000, 1000), wire) != sent


def test_glitches_and_half_start_bits_are_ignored():
    rng, clocks = np.random.default_rng(1), 8
    sent, wire, glitches = rng.integers(256, size=20).tolist(), [], 0
    for byte in sent:
        wire += [1, 1, 1, 0, 1, 1, 1, 0, 0, 0, *[1] * (2 * clocks)]
        bits = levels(frame(byte), clocks)
        for middle in range(clocks // 2, len(bits), clocks):
            flipped = middle + int(rng.integers(-1, 2))  # where it is looked at
            bits[flipped] ^= 1
            glitches += 1
        wire += bits + [1] * int(rng.integers(10))
    assert heard(BitTime(8000, 1000), wire) == sent
    assert glitches == BITS_PER_BYTE * len(sent)


def test_a_byte_without_its_stop_bit_is_dropped_and_so_is_a_break():
    clocks, idle = 8, [1] * 8
    wire = levels(frame(0x12), clocks) + levels(frame(0x34, stop=0), clocks) + idle
    wire += levels(frame(0x56), clocks) + [0] * 333 + idle + levels(frame(0x78), clocks)
    assert heard(BitTime(8000, 1000), wire) == [0x12, 0x56, 0x78]


def test_a_byte_that_comes_before_the_last_was_taken_is_lost():
    wire = levels([bit for byte in (1, 2, 3, 4) for bit in frame(byte)], 8)
    third = IDLE + 3 * BITS_PER_BYTE * 8 + 20
    assert heard(BitTime(8000, 1000), wire, take=lambda clock: clock >= third) == [1, 4]


@pytest.mark.parametrize("clocks", [4, 5])
def test_a_byte_may_be_taken_on_any_clock_until_the_next_has_come(clocks):
    wire = levels([bit for byte in (1, 2) for bit in frame(byte)], clocks)
    last = IDLE + len(wire) + IDLE // 2
    found = [
        heard(BitTime(clocks * 1000, 1000), wire, take=lambda clock, once=once: clock == once or clock > last)
        for once in range(IDLE + 5 * clocks, last)
    ]
    assert [bytes for bytes in found if bytes != [1]] == [[1, 2]] * (clocks * BITS_PER_BYTE)


@pytest.mark.parametrize("stall", [0.0, 0.97])
@pytest.mark.parametrize("clocks", [4, 8, 13])
def test_every_bit_on_the_wire_lasts_as_long_as_it_should(clocks, stall):
    rng, dut, wire = np.random.default_rng(clocks), UARTTransmitter(BitTime(clocks * 1000, 1000)), []
    sent = [0x00, 0xFF, *rng.integers(256, size=15).tolist()]

    async def sender(ctx):
        await send(ctx, dut.bytes, sent, rng, stall)
        await pause(ctx, clocks * (BITS_PER_BYTE + 2))

    async def watch(ctx):
        async for _, _, level in ctx.tick().sample(dut.tx):
            wire.append(level)

    simulate(dut, sender, background=[watch])
    found, gaps, n = [], [], 0
    while 0 in wire[n:]:
        start = wire.index(0, n)
        gaps.append(start - n)
        n = start + BITS_PER_BYTE * clocks
        bits = np.array(wire[start:n]).reshape(BITS_PER_BYTE, clocks)
        assert (bits == bits[:, :1]).all()
        found.append(int(bits[1:9, 0] @ (1 << np.arange(8))))
        assert (bits[0, 0], bits[9, 0]) == (0, 1)
    assert found == sent
    assert (max(gaps[1:]) > 0) == (stall > 0)


def test_one_hears_the_other():
    """A transmitter wired to a receiver, the bytes stalled on both sides no longer than the receiver can hold them."""
    bit, rng, m = BitTime(5000, 1000), np.random.default_rng(5), Module()
    m.submodules.transmitter = transmitter = UARTTransmitter(bit)
    m.submodules.receiver = receiver = UARTReceiver(bit)
    m.d.comb += receiver.rx.eq(transmitter.tx)
    sent, found = rng.integers(256, size=30).tolist(), []

    async def sender(ctx):
        await send(ctx, transmitter.bytes, sent, rng, 0.5)

    async def listener(ctx):
        found.extend(await receive(ctx, receiver.bytes, len(sent), rng, 0.7))

    simulate(m, sender, listener)
    assert found == sent


def test_the_error_of_a_bit_is_stated_and_limited():
    assert (BitTime(12_000_000, 1_000_000).clocks, BitTime(12_000_000, 1_000_000).error) == (12, 0)
    assert BitTime(12_000_000, 115_200).clocks == 104
    assert BitTime(12_000_000, 115_200).error == pytest.approx(12e6 / 104 / 115200 - 1)
    with pytest.raises(
        BaudError, match=r"baud=4000000 .* 12000000 Hz: a bit takes at least 4 clock cycles: .* to 3000000"
    ):
        BitTime(12_000_000, 4_000_000)
    with pytest.raises(BaudError, match=r"\+2\.6% off with 9 clock cycles .* choose 1333333 or 1200000"):
        BitTime(12_000_000, 1_300_000)
    with pytest.raises(BaudError, match=r"-2\.1% off with 9 clock cycles .* choose 1500000 or 1333333"):
        BitTime(12_000_000, 1_362_000)

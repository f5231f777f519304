import numpy as np
import pytest
from pysim import pause, plain, receive, send, simulate

from ranvier.hw.bus.uartbone import BURST, REFUSED, Command, UARTBone
from ranvier.hw.registers import ADDRESS_BITS, COLUMN_BITS, AddressSpace, word_address

TIMEOUT = 300
WORDS = 1 << (ADDRESS_BITS - 2)
#: Word addresses that the bus of these tests refuses, beside those of spaces that no core has.
FORBIDDEN = range(100, 110)


class Bus:
    """What is behind the bridge: words that were written, and everything that was asked."""

    def __init__(self):
        self.words, self.accesses = {}, []

    def access(self, write: int, address: int, data: int) -> tuple[int, int]:
        """(data, error) of the answer."""
        self.accesses.append((write, address, data if write else None))
        if address in FORBIDDEN or address >> COLUMN_BITS >= len(AddressSpace):
            return 0, 1
        if write:
            self.words[address] = data
        return (0 if write else self.words.get(address, address * 0x01010101 & 0xFFFFFFFF)), 0


def frame(command: int, address: int, words=(), length: int | None = None) -> list[int]:
    """Bytes of a frame."""
    count = len(words) if length is None else length
    return [command, count, *address.to_bytes(4, "big"), *(b for word in words for b in int(word).to_bytes(4, "big"))]


def expected(bus: Bus, command: int, address: int, words=(), length: int = 0) -> list[int]:
    """Bytes that answer a whole frame, and what it does to the bus."""
    write, sent = command in (Command.WRITE, Command.WRITE_FIXED), []
    for n in range(length if command in list(Command) else 0):
        word = (address + n * (command in (Command.WRITE, Command.READ))) & 0xFFFFFFFF
        inside = word if word < WORDS else word % (1 << COLUMN_BITS) | (WORDS - (1 << COLUMN_BITS))
        data, error = bus.access(write, inside, int(words[n]) if write else 0)
        if not write:
            sent += (REFUSED if error else data).to_bytes(4, "big")
    return sent


def run(chunks: list[tuple[list[int], int]], answer: int, seed: int = 0, stall: float = 0.3) -> tuple[list[int], Bus]:
    """Send chunks of bytes, each followed by so many clocks of silence; what is answered, and the bus afterwards."""
    rng, dut, bus = np.random.default_rng(seed), UARTBone(TIMEOUT), Bus()
    got: list[int] = []
    total = sum(silence for _, silence in chunks) + 100 * sum(len(chunk) for chunk, _ in chunks) + 100 * answer

    async def host(ctx):
        for chunk, silence in chunks:
            await send(ctx, dut.received, chunk, rng, stall)
            await pause(ctx, silence)

    async def listener(ctx):
        got.extend(await receive(ctx, dut.sent, answer, rng, stall))
        await pause(ctx, 100)
        assert not ctx.get(dut.sent.valid), "more is sent than was asked for"

    async def peripheral(ctx):
        while True:
            accesses = await receive(ctx, dut.bus.request, 1, rng, stall)
            access = plain(accesses[0])
            assert access["strobe"] == 0b1111
            data, error = bus.access(access["write"], access["address"], access["data"])
            await send(ctx, dut.bus.response, [{"data": data, "error": error}], rng, stall)

    simulate(dut, host, listener, background=[peripheral], deadline=total + 5000)
    return got, bus


def check(frames: list[tuple], seed: int = 0) -> Bus:
    """Send whole frames and compare answers and bus with the model."""
    model = Bus()
    sent = [byte for each in frames for byte in expected(model, *each)]
    got, bus = run([([byte for each in frames for byte in frame(*each)], TIMEOUT)], len(sent), seed)
    assert got == sent
    assert bus.accesses == model.accesses
    assert bus.words == model.words
    return bus


@pytest.mark.parametrize("seed", range(4))
def test_random_frames(seed):
    rng, frames = np.random.default_rng(seed), []
    for _ in range(40):
        command = int(rng.choice([*Command, 0, 5, 0x81, 0xFF]))
        address = int(
            rng.choice([int(rng.integers(WORDS)), FORBIDDEN.start - 2, WORDS - 2, WORDS, 0xFFFFFFFE, 1 << 20])
        )
        count = int(rng.integers(0, 7))
        write = command in (Command.WRITE, Command.WRITE_FIXED)
        words = rng.integers(1 << 32, size=count).tolist() if write else []
        frames.append((command, address, words, count))
    bus = check(frames, seed)
    assert len(bus.accesses) > 20
    assert {write for write, _, _ in bus.accesses} == {0, 1}


@pytest.mark.parametrize("command", Command)
def test_longest_burst(command):
    words = np.random.default_rng(1).integers(1 << 32, size=BURST).tolist()
    write = command in (Command.WRITE, Command.WRITE_FIXED)
    bus = check([(command, word_address(AddressSpace.WEIGHT, 7), words if write else (), BURST)])
    fixed = command in (Command.WRITE_FIXED, Command.READ_FIXED)
    assert len(bus.accesses) == BURST
    assert len({address for _, address, _ in bus.accesses}) == (1 if fixed else BURST)


def test_bytes_are_big_endian_and_addresses_count_words():
    got, bus = run([([1, 1, 0, 0, 0x40, 0x02, 0x11, 0x22, 0x33, 0x44, 2, 1, 0, 0, 0x40, 0x02], 0)], 4)
    assert bus.words == {0x4002: 0x11223344}
    assert got == [0x11, 0x22, 0x33, 0x44]


def test_a_refused_read_sends_ones_and_a_refused_write_nothing():
    first = FORBIDDEN.start - 1
    got, bus = run([(frame(Command.READ, first, length=2) + frame(Command.WRITE, first, [5, 6]), TIMEOUT)], 8)
    assert got == [first] * 4 + [0xFF] * 4
    assert bus.words == {first: 5}
    assert [address for _, address, _ in bus.accesses] == [first, first + 1] * 2


@pytest.mark.parametrize("beyond", [WORDS, 0x80000000, 0xFFFFFFFF])
def test_an_address_beyond_the_bus_reaches_a_space_that_no_core_has(beyond):
    got, bus = run([(frame(Command.READ, beyond, length=1), 0)], 4)
    assert got == [0xFF] * 4
    ((_, address, _),) = bus.accesses
    assert address >> COLUMN_BITS >= len(AddressSpace)
    assert address % (1 << COLUMN_BITS) == beyond % (1 << COLUMN_BITS)


def test_half_a_frame_is_forgotten_wherever_it_stops():
    whole, read = frame(Command.WRITE, 7, [0xAAAAAAAA, 0xBBBBBBBB]), frame(Command.READ, 8, length=1)
    for length in range(1, len(whole)):
        got, bus = run([(whole[:length], TIMEOUT + 5), (read, 0)], 4, stall=0.0)
        assert bus.words == ({7: 0xAAAAAAAA} if length >= 10 else {}), f"after {length} bytes"
        assert got == [8] * 4


def test_a_pause_shorter_than_the_timeout_is_no_end():
    whole = frame(Command.WRITE, 7, [0xAAAAAAAA])
    _, bus = run([([byte], TIMEOUT - 10) for byte in whole], 0, stall=0.0)
    assert bus.words == {7: 0xAAAAAAAA}


def test_zeros_do_nothing():
    got, bus = run([([0] * 66 + frame(Command.READ, 3, length=1), 0)], 4)
    assert (got, bus.words, len(bus.accesses)) == ([3] * 4, {}, 1)


def test_noise_never_hangs_it():
    for seed in range(5):
        noise = np.random.default_rng(seed).integers(256, size=40)
        noise[::7] = 5  # frames are short and do nothing but once in a while
        noise = [byte if byte not in (2, 4) else 0 for byte in noise.tolist()]
        got, _ = run([(noise, TIMEOUT + 50), (frame(Command.READ, 9, length=1), 0)], 4, seed, stall=0.0)
        assert got == [9] * 4

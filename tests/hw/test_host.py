import numpy as np
import pytest
from pysim import clocks_until, plain, receive, send, simulate

from ranvier.hw.host import Host
from ranvier.hw.registers import AddressSpace
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=5, outputs=2, recurrent=True, lanes=2)
WRITABLE = {AddressSpace.WEIGHT, AddressSpace.DELAY, AddressSpace.READOUT, AddressSpace.FEEDBACK}
#: Registers that the bank is to have, those of them that can be read, and those that take writes.
KNOWN, READS, WRITES = range(3, 12), range(3, 8), range(5, 9)
#: What is written: within the formats of the core, at their ends, and beyond.
DATA = [0, 1, CORE.delay_limit, CORE.delay_limit + 1, -1, (1 << 15) - 1, 1 << 15, -(1 << 15), -(1 << 15) - 1, 1 << 30]


def extent(dut, space):
    """(rows, columns) of a space that the host answers."""
    if space == AddressSpace.REGISTER:
        return 1, KNOWN.stop
    return space.extent(dut.config) if space in dut.windows() else (0, 0)


def stored(space, row, column):
    """What the core is to hold at an address."""
    return (space * 1009 + row * 101 + column * 7) * (-1) ** column


def answer(dut, request):
    """The expected response: data if it exists, and whether it is an error."""
    space = AddressSpace(request["space"])
    rows, columns = extent(dut, space)
    inside = request["row"] < rows and request["column"] < columns
    if space == AddressSpace.REGISTER:
        inside = inside and request["column"] in KNOWN
    readable, writable = True, space in WRITABLE
    if space == AddressSpace.REGISTER:
        readable, writable = request["column"] in READS, request["column"] in WRITES
    elif writable:
        least, most = (0, dut.config.delay_limit) if space == AddressSpace.DELAY else (-(1 << 15), (1 << 15) - 1)
        writable = least <= request["data"] <= most
    good = inside and (writable if request["write"] else readable)
    return {"data": stored(space.value, request["row"], request["column"]) if good else 0, "error": int(not good)}


@pytest.mark.parametrize(
    "changes", [{}, {"delays": "axonal"}, {"delays": "none", "feedback": "random"}, {"learning": False}], ids=str
)
def test_every_request_is_answered_in_order(changes):
    config, stall = CORE.replace(**changes), 0.3
    rng, dut = np.random.default_rng(len(str(changes))), Host(config)
    requests, writes, responses = [], [], []
    spaces = [space.value for space in (AddressSpace.REGISTER, *dut.windows())] * 5
    spaces += [space.value for space in (AddressSpace.FEEDBACK, AddressSpace.DELAY, AddressSpace.SCORE)]
    for _ in range(800):
        space = int(rng.choice(spaces))
        rows, columns = extent(dut, AddressSpace(space))
        request = {"space": space, "row": int(rng.integers(min(rows + 1, 8))), "column": int(rng.integers(columns + 1))}
        requests.append(request | {"write": int(rng.integers(2)), "data": int(rng.choice(DATA))})

    async def core(ctx):
        """Holds `stored` everywhere, answers as late as allowed, and is busy now and then."""
        held = 0
        ports = [
            dut.port.active,
            dut.port.space,
            dut.port.row,
            dut.port.column,
            dut.port.write,
            dut.port.data,
            dut.idle,
            dut.request.valid & dut.request.ready,
        ]
        async for _, _, active, space, row, column, write, data, idle, taken in ctx.tick().sample(*ports):
            assert idle or not taken, "a request was taken while the core was busy"
            held = held + 1 if active else 0
            on_time = held == Host.ACCESS - 1
            ctx.set(dut.port.value, stored(space, row, column) if on_time else -1)
            if write:
                writes.append((space, row, column, data))
            ctx.set(dut.idle, int(rng.random() < 0.7))

    async def bank(ctx):
        async for (column,) in ctx.changed(dut.port.column):
            ctx.set(dut.register_known, int(column in KNOWN))
            ctx.set(dut.register_readable, int(column in READS))
            ctx.set(dut.register_writable, int(column in WRITES))

    async def consumer(ctx):
        responses.extend(await receive(ctx, dut.response, len(requests), rng, stall))

    async def producer(ctx):
        await send(ctx, dut.request, requests, rng, stall)

    simulate(dut, producer, consumer, background=[core, bank])
    expected = [answer(dut, request) for request in requests]
    for n, (given, wanted) in enumerate(zip(responses, expected, strict=True)):
        assert given == wanted, f"request {n}: {requests[n]}"
    names = ("space", "row", "column", "data")
    good = zip(requests, expected, strict=True)
    assert writes == [tuple(r[n] for n in names) for r, e in good if r["write"] and not e["error"]]
    assert len(writes) > 20
    assert 50 < sum(e["error"] for e in expected) < 750


def test_latency():
    dut = Host(CORE)

    async def testbench(ctx):
        ctx.set(dut.idle, 1)
        ctx.set(dut.register_known, 1)
        ctx.set(dut.register_readable, 1)
        ctx.set(dut.response.ready, 1)
        ctx.set(dut.request.valid, 1)
        for _ in range(3):
            await clocks_until(ctx, dut.request.ready)
            await ctx.tick()
            assert 1 + await clocks_until(ctx, dut.response.valid) == Host.LATENCY
        assert plain(ctx.get(dut.response.payload)) == {"data": 0, "error": 0}

    simulate(dut, testbench)

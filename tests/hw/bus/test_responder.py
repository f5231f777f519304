"""Accesses one by one; over the bus of a whole peripheral they are checked in `tests/sim/test_bus.py`."""

import pytest
from pysim import clocks_until, plain, simulate

from ranvier.hw.bus.responder import Responder
from ranvier.hw.registers import AddressSpace, Register, word_address
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=5, outputs=2)
DATA = {"value": 11, "score": 22, "core": 33}


def access(space, column, write=0, strobe=15):
    return {"write": write, "address": word_address(space, column), "data": 99, "strobe": strobe}


def answered(given, **ports):
    """(clocks, data, error) of an access while `ports` are set; the core answers at once."""
    dut, result = Responder(CORE), []

    async def testbench(ctx):
        ctx.set(dut.request.ready, 1)
        for name, value in ({"known": 1, "readable": 1, "writable": 1} | DATA | ports).items():
            if name == "core":
                ctx.set(dut.response.valid, 1)
                ctx.set(dut.response.payload.data, value)
            else:
                ctx.set(getattr(dut, name), value)
        ctx.set(dut.bus.request.payload, given)
        ctx.set(dut.bus.request.valid, 1)
        await ctx.tick().until(dut.bus.request.ready)
        ctx.set(dut.bus.request.valid, 0)
        clocks = 1 + await clocks_until(ctx, dut.bus.response.valid)
        result.extend((clocks, *plain(ctx.get(dut.bus.response.payload)).values()))

    simulate(dut, testbench, deadline=100)
    return tuple(result)


@pytest.mark.parametrize(
    ("given", "ports", "expected"),
    [
        (access(AddressSpace.REGISTER, 0), {}, (3, 11, 0)),
        (access(AddressSpace.REGISTER, 0, write=1), {}, (3, 0, 0)),
        (access(AddressSpace.REGISTER, 0), {"readable": 0}, (2, 0, 1)),
        (access(AddressSpace.REGISTER, 0, write=1), {"writable": 0}, (2, 0, 1)),
        (access(AddressSpace.REGISTER, 0, write=1, strobe=7), {}, (2, 0, 1)),
        (access(AddressSpace.REGISTER, 0, write=1, strobe=0), {"writable": 0}, (2, 0, 0)),
        (access(AddressSpace.SCORE, 1), {}, (4, 22, 0)),
        (access(AddressSpace.SCORE, 2), {}, (2, 0, 1)),
        (access(AddressSpace.SCORE, 1, write=1), {}, (2, 0, 1)),
        (access(AddressSpace.WEIGHT, 3), {}, (5, 33, 0)),
        (access(AddressSpace.REGISTER, Register.MODE.value), {"known": 0}, (5, 33, 0)),
        (access(AddressSpace.WEIGHT, 1 << 12), {}, (2, 0, 1)),
        (access(AddressSpace.WEIGHT, 3), {"row": 1 << 12}, (2, 0, 1)),
        (access(AddressSpace.POTENTIAL, 3), {"row": 1 << 12}, (5, 33, 0)),
        (access(AddressSpace.WEIGHT, 3), {"busy": 1, "stalled": 1}, (3, 0, 1)),
        (access(AddressSpace.REGISTER, Register.EVENT.value, write=1), {"event_refused": 1}, (3, 0, 1)),
        (access(AddressSpace.REGISTER, Register.EVENT.value, write=1), {"event_full": 1, "stalled": 1}, (3, 0, 1)),
        (access(AddressSpace.REGISTER, Register.EVENT.value), {"event_full": 1, "event_refused": 1}, (3, 11, 0)),
    ],
    ids=str,
)
def test_an_access_is_answered(given, ports, expected):
    assert answered(given, **ports) == expected


@pytest.mark.parametrize(
    ("given", "port"),
    [
        (access(AddressSpace.WEIGHT, 3), "busy"),
        (access(AddressSpace.REGISTER, Register.EVENT.value, write=1), "event_full"),
    ],
)
def test_an_access_waits(given, port):
    with pytest.raises(AssertionError, match="still waits"):
        answered(given, **{port: 1})

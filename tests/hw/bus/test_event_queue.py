from collections import deque

import numpy as np
from pysim import plain, simulate

from ranvier.hw.bus.event_queue import EventQueue
from ranvier.hw.events import EventKind
from ranvier.hw.registers import Register
from ranvier.parameters.config import CoreConfig

CONFIG, DEPTH = CoreConfig(inputs=5, neurons=4, outputs=3), 8


def fits(word):
    event = Register.EVENT.unpack(word)
    limit = {EventKind.SPIKE.value: CONFIG.inputs, EventKind.STEP.value: CONFIG.outputs}.get(event["kind"])
    return limit is None or event["index"] < limit


def given_to_the_core(word):
    event = Register.EVENT.unpack(word)
    return {"kind": event["kind"], "unit": event["index"] & 7, "scored": event["scored"], "target": event["index"] & 3}


def words(rng):
    kinds, scored = rng.integers(4), rng.integers(2)
    return Register.EVENT.pack(kind=int(kinds), scored=int(scored), index=int(rng.choice([0, 2, 3, 4, 5, 9, 65535])))


def test_bus_and_stream_enter_in_order_and_bad_events_never():
    rng, dut = np.random.default_rng(3), EventQueue(CONFIG, DEPTH)
    expected, seen, counts = deque(), 0, dict.fromkeys(("bus", "stream", "refused", "dropped", "full", "held"), 0)

    async def testbench(ctx):
        nonlocal seen
        for clock in range(3000):
            put, valid, hold = rng.random() < 0.3, rng.random() < 0.4, clock % 400 > 370
            bus, stream = words(rng), words(rng)
            ctx.set(dut.word.as_value(), bus)
            ctx.set(dut.hold, int(hold))
            ctx.set(dut.stream.payload.as_value(), stream)
            ctx.set(dut.stream.valid, int(valid))
            ctx.set(dut.events.ready, int(rng.random() < (0.2 if clock % 500 < 250 else 0.8)))
            assert ctx.get(dut.refused) == (hold or not fits(bus))
            full = ctx.get(dut.full)
            counts["full"] += full
            counts["refused"] += ctx.get(dut.refused)
            counts["held"] += hold and valid
            put = put and not full
            ctx.set(dut.put, int(put))
            assert full == (ctx.get(dut.room) == 0)
            assert ctx.get(dut.empty) == (len(expected) == 0)
            if put and fits(bus) and not hold:
                expected.append(given_to_the_core(bus))
                counts["bus"] += 1
            taken = ctx.get(dut.stream.ready) and valid
            assert not (taken and (put or hold or full))
            assert ctx.get(dut.stream_refused) == (taken and not fits(stream))
            if taken:
                counts["stream" if fits(stream) else "dropped"] += 1
                if fits(stream):
                    expected.append(given_to_the_core(stream))
            if ctx.get(dut.events.valid) and ctx.get(dut.events.ready):
                assert plain(ctx.get(dut.events.payload)) == expected.popleft(), f"clock {clock}"
                seen += 1
            await ctx.tick()

    simulate(dut, testbench)
    print(seen, counts)
    assert seen > 300
    assert min(counts.values()) > 20, counts

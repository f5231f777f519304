import numpy as np
import pytest
from pysim import clocked

from ranvier.hw.trace_history import TraceHistory
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=3, neurons=4, outputs=2, max_delay=2, lanes=2)


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize(("inputs", "lanes"), [(1, 1), (3, 1), (3, 4), (5, 16)])
def test_every_lane_reads_at_its_own_slot(delays, inputs, lanes):
    config = CORE.replace(inputs=inputs, lanes=lanes, delays=delays)
    rng = np.random.default_rng(lanes)
    held = np.zeros((inputs, config.slots, 2), int)
    stimulus, expected, compared = [], [], 0
    for _ in range(300):
        write, to, to_slot = int(rng.random() < 0.5), int(rng.integers(inputs)), int(rng.integers(config.slots))
        entry = [int(rng.integers(0, 4096)), int(rng.integers(-4096, 4096))]
        row = int(rng.integers(inputs))
        slots = rng.integers(0, config.slots, lanes)
        if delays != "synaptic":
            slots[:] = slots[0]
        collides = write and row == to and to_slot in slots
        stimulus.append({"write": write, "write_row": to, "write_slot": to_slot})
        stimulus[-1]["read"] = {"row": row, "slots": slots.tolist()}
        stimulus[-1]["entry"] = dict(zip(("trace", "slope"), entry, strict=True))
        expected.append(None if collides else held[row, slots].tolist())
        if write:
            held[to, to_slot] = entry
    idle = [{"write": 0}] * TraceHistory.LATENCY
    (entries,) = clocked(TraceHistory(config), [*stimulus, *idle], "read.entries")
    for clock, values in enumerate(expected):
        if values is not None:
            read = [[e["trace"], e["slope"]] for e in entries[clock + TraceHistory.LATENCY]]
            assert read == values, f"clock {clock}"
            compared += 2 * lanes
    assert compared > 200 * lanes
    assert held.any()

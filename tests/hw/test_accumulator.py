from itertools import product

import numpy as np
import pytest
from pysim import clocked

from ranvier.hw.accumulator import Accumulator
from ranvier.parameters.qformat import QFormat

SUM, ADDEND = QFormat(True, 3, 3), QFormat(True, 3, 2)


def totals(additions, depth, align=1):
    """Sums, and how many saturated, of (address, addend) in order."""
    sums, clipped = [0] * depth, 0
    for address, addend in additions:
        exact = sums[address] + (addend << align)
        sums[address] = min(max(exact, SUM.min), SUM.max)
        clipped += sums[address] != exact
    return sums, clipped


def run(gaps, depth=4):
    """Add on every clock that is not None, let it drain, read all sums."""
    adds = [{"add": 0} if g is None else {"add": 1, "address": g[0], "addend": g[1]} for g in gaps]
    reads = [{"add": 0, "address": n} for n in range(depth)]
    stimulus = [*adds, *[{"add": 0}] * 4, *reads, {"address": 0}]
    value, clipped, busy = clocked(Accumulator(SUM, ADDEND, depth), stimulus, "value", "clipped", "busy")
    assert not busy[-1]
    return value[-depth:].tolist(), int(clipped.sum())


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("between", ["idle", "busy"])
def test_hazard_at_every_distance(distance, between):
    gap = [None if between == "idle" else (1, -3)] * (distance - 1)
    additions = [(2, 5), *gap, (2, 7), *gap, (2, -20)]
    expected = totals([a for a in additions if a], 4)
    assert run(additions) == expected
    assert expected[0][2] == -16


def test_every_order_of_three_addresses_and_a_pause():
    additions = []
    for pattern in product([0, 1, 2, None], repeat=4):
        additions += [None if p is None else (p, 1 + n) for n, p in enumerate(pattern)]
        additions += [(p, -1 - n) for n, p in enumerate(pattern) if p is not None]
    assert len(additions) > 1500
    expected = totals([a for a in additions if a], 4)
    assert run(additions) == expected


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(4))
def test_random_additions(depth, seed):
    rng = np.random.default_rng(seed)
    additions = [
        None if rng.random() < 0.2 else (int(rng.integers(depth)), int(rng.integers(ADDEND.min, ADDEND.max + 1)))
        for _ in range(500)
    ]
    sums, clipped = totals([a for a in additions if a], max(2, depth))
    assert run(additions, max(2, depth)) == (sums, clipped), f"seed {seed}"
    assert clipped > 20


def test_saturates_at_both_ends():
    assert run([(0, 31), (0, 31), (1, -32), (1, -32)]) == ([63, -64, 0, 0], 2)  # 62, 124 and -64, -128
    assert run([(0, 31), (0, 1)]) == ([63, 0, 0, 0], 1)
    assert run([(1, -32), (1, 0)]) == ([0, -64, 0, 0], 0)


def test_latency():
    stimulus = [{"add": 1, "address": 1, "addend": 9}, *[{"add": 0}] * 6]
    value, busy = clocked(Accumulator(SUM, ADDEND, 2), stimulus, "value", "busy")
    assert busy.tolist() == [0, 1, 1, 1, 0, 0, 0]  # written on the third clock after
    assert value.tolist() == [0, 0, 0, 0, 0, 18, 18]  # so the fourth reads it, and the fifth has it


def test_overwrite():
    stimulus = [
        {"add": 1, "address": 1, "addend": 9},
        *[{"add": 0}] * 3,
        {"write": 1, "write_address": 1, "write_value": -5},
        {"write": 1, "write_address": 0, "write_value": 7},
        {"write": 0, "add": 1, "addend": 1},
        *[{"add": 0}] * 4,
        {"address": 0},
        {"address": 0},
    ]
    value, clipped = clocked(Accumulator(SUM, ADDEND, 2), stimulus, "value", "clipped")
    assert value[-2:].tolist() == [-3, 7]
    assert not clipped.any()

import numpy as np
from pysim import clocked

from ranvier.hw.counters import Counters

WIDTHS = {"cycles": 1, "spikes": 3, "clips": 5}


def test_each_counts_for_itself_and_clear_wins():
    rng = np.random.default_rng(0)
    steps = [{f"add_{name}": int(rng.integers(1 << bits)) for name, bits in WIDTHS.items()} for _ in range(100)]
    clears = [int(n in (0, 40, 41)) for n in range(100)]
    stimulus = [step | {"clear": clear} for step, clear in zip(steps, clears, strict=True)]
    values = np.transpose(clocked(Counters(WIDTHS), stimulus, *WIDTHS))
    totals, expected = np.zeros(3, int), []
    for step, clear in zip(steps, clears, strict=True):
        expected.append(totals)
        totals = np.zeros(3, int) if clear else totals + list(step.values())
    np.testing.assert_array_equal(values, expected)
    assert totals.min() > 10


def test_wraps_at_32_bits():
    step = {"add_big": (1 << 31) - 1}
    (value,) = clocked(Counters({"big": 31}), [step] * 5, "big")
    np.testing.assert_array_equal(value, [n * ((1 << 31) - 1) % (1 << 32) for n in range(5)])

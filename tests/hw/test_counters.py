import numpy as np
from pysim import clocked

from ranvier.hw.counters import Counters

WIDTHS = {"cycles": 1, "spikes": 3, "clips": 5}


def test_each_counts_for_itself_and_clear_wins():
    rng = np.random.default_rng(0)
    steps = [{f"add_{name}": int(rng.integers(1 << bits)) for name, bits in WIDTHS.items()} for _ in range(100)]
    clears = [int(n in (0, 40, 41)) for n in range(100)]
    stimulus = [
        step | {"clear": clear, "index": n % 3} for n, (step, clear) in enumerate(zip(steps, clears, strict=True))
    ]
    (value,) = clocked(Counters(WIDTHS), [*stimulus, {}], "value")
    totals, expected = np.zeros(3, int), []
    for n, (step, clear) in enumerate(zip(steps, clears, strict=True)):
        expected.append(totals[n % 3])
        totals = np.zeros(3, int) if clear else totals + list(step.values())
    np.testing.assert_array_equal(value[1:], expected)
    assert totals.min() > 10


def test_wraps_at_32_bits():
    step = {"add_big": (1 << 31) - 1, "index": 0}
    (value,) = clocked(Counters({"big": 31}), [step] * 6, "value")
    np.testing.assert_array_equal(value[1:], [n * ((1 << 31) - 1) % (1 << 32) for n in range(5)])

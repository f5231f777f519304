import numpy as np
import pytest
from pysim import clocked

from ranvier.golden.qformat import QFormat
from ranvier.hw.row_memory import RowMemory

FORMAT = QFormat(True, 2, 3)


@pytest.mark.parametrize(("rows", "words", "lanes"), [(1, 1, 1), (3, 1, 2), (1, 3, 4), (5, 3, 2)])
def test_reads_what_was_written_before(rows, words, lanes):
    rng = np.random.default_rng(rows)
    clocks, latency = 400, RowMemory.LATENCY
    where = {name: rng.integers(0, size, clocks) for name, size in (("row", rows), ("word", words))}
    to = {name: rng.integers(0, size, clocks) for name, size in (("row", rows), ("word", words))}
    write = rng.integers(0, 1 << lanes, clocks) * (rng.random(clocks) < 0.6)
    values = rng.integers(FORMAT.min, FORMAT.max + 1, (clocks, lanes))
    stimulus = [
        {
            "row": int(where["row"][n]),
            "word": int(where["word"][n]),
            "write": int(write[n]),
            "write_row": int(to["row"][n]),
            "write_word": int(to["word"][n]),
            "write_values": values[n].tolist(),
        }
        for n in range(clocks)
    ]
    (read,) = clocked(RowMemory(FORMAT, rows, words, lanes), [*stimulus, *[{"write": 0}] * latency], "values")
    held, compared = np.zeros((rows, words, lanes), int), 0
    for n in range(clocks):
        at, target = (where["row"][n], where["word"][n]), (to["row"][n], to["word"][n])
        if not write[n] or at != target:  # what one clock's write and read of one word give is the memory's business
            np.testing.assert_array_equal(read[n + latency], held[at], f"clock {n}")
            compared += lanes
        lanes_written = (write[n] >> np.arange(lanes) & 1).astype(bool)
        held[target][lanes_written] = values[n][lanes_written]
    assert compared > 100
    assert held.any()


def test_latency():
    write = {"write": 3, "write_row": 2, "write_word": 1, "write_values": [5, -6], "row": 2, "word": 1}
    (read,) = clocked(RowMemory(FORMAT, 3, 2, 2), [write, *[{"write": 0}] * 6], "values")
    asked = RowMemory.WRITE_LATENCY - (RowMemory.LATENCY - 2)  # an answer was in memory two clocks before
    assert [values.tolist() for values in read].index([5, -6]) == asked + RowMemory.LATENCY

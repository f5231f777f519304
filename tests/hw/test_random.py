import numpy as np
import pytest
from pysim import clocked

from ranvier.golden import random as golden
from ranvier.hw.random import LaneGenerators

#: Seeds of lane 0 and lane 1 that give a state of zero, which xorshift could never leave.
ZERO = [(n + 1) * 0x9E3779B9 & 0xFFFFFFFF for n in range(2)]


@pytest.mark.parametrize("lanes", [1, 2, 16])
@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFF, 123456789, *ZERO])
def test_draws_are_the_golden_ones(lanes, seed):
    rng = np.random.default_rng(seed)
    advance = rng.integers(0, 2, 60)
    stimulus = [{"load": 1, "seed": seed, "advance": 1}, {"load": 0, "seed": 0}] + [
        {"advance": int(n)} for n in advance
    ]
    (draws,) = clocked(LaneGenerators(lanes), stimulus, "draw")
    expected = golden.LaneGenerators(seed, lanes).draw(len(advance) + 1)
    taken = np.concatenate([[0], np.cumsum(advance)[:-1]])
    np.testing.assert_array_equal(draws[2:], expected[taken])
    assert taken[-1] > 20


def test_loading_again_starts_again():
    stimulus = [{"load": 1, "seed": 5}, {"load": 0}, *[{"advance": 1}] * 3, {"load": 1}, *[{"load": 0}] * 2]
    (draws,) = clocked(LaneGenerators(2), stimulus, "draw")
    np.testing.assert_array_equal(draws[7], draws[2])
    assert (draws[6] != draws[2]).all()

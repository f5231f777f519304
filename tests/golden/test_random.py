import numpy as np

from ranvier.golden.random import LaneGenerators, seeds


def test_marsaglia_sequence():
    generators = LaneGenerators(1, 1)
    generators.state = np.array([2463534242], np.uint32)
    np.testing.assert_array_equal(generators.draw(4)[:, 0], [723471715, 2497366906, 2064144800, 2008045182])


def test_against_plain_integers():
    state, drawn = [int(s) for s in seeds(12345, 4)], LaneGenerators(12345, 4).draw(50)
    for word in drawn:
        for lane, x in enumerate(state):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            state[lane] = x
        np.testing.assert_array_equal(word, state)


def test_drawing_at_once_or_in_pieces_is_the_same():
    whole, pieces = LaneGenerators(7, 3), LaneGenerators(7, 3)
    np.testing.assert_array_equal(whole.draw(9), np.concatenate([pieces.draw(n) for n in (1, 0, 5, 3)]))


def test_no_seed_stops_a_lane():
    for lane in range(16):
        stuck = (lane + 1) * 0x9E3779B9 & 0xFFFFFFFF  # this seed would start the lane at zero
        assert seeds(stuck, 16)[lane] == 1
        assert (LaneGenerators(stuck, 16).draw(100) != 0).all()
    assert len(set(seeds(0, 16).tolist())) == 16


def test_bits_are_fair():
    draws = LaneGenerators(1, 4).draw(4096)
    ones = ((draws[..., None] >> np.arange(32)) & 1).sum(axis=(0, 1))
    assert (abs(ones - draws.size / 2) < 5 * np.sqrt(draws.size / 4)).all(), ones

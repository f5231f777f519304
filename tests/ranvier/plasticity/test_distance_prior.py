"""Distances by hand, delays around them, and what an impossible prior is told."""

import numpy as np
import pytest

from ranvier.parameters.config import ConfigError
from ranvier.plasticity.distance_prior import DistancePrior

LINE = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])


def test_delay_is_distance_by_velocity() -> None:
    prior = DistancePrior(LINE, velocity=2.5)
    np.testing.assert_array_equal(prior.distances(), [[0, 5, 10], [5, 0, 5], [10, 5, 0]])
    np.testing.assert_array_equal(prior.delays(np.random.default_rng(0)), [[0, 2, 4], [2, 0, 2], [4, 2, 0]])


def test_spread_of_delays() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([DistancePrior(LINE, velocity=2.5, spread=0.5).delays(rng) for _ in range(2000)])
    np.testing.assert_allclose(draws.mean(axis=0), [[0, 2, 4], [2, 0, 2], [4, 2, 0]], atol=4 * 0.5 / 2000**0.5)
    np.testing.assert_allclose(draws.std(axis=0), 0.5, rtol=4 / 4000**0.5)


def test_likelihood_falls_with_distance() -> None:
    np.testing.assert_array_equal(DistancePrior(LINE, velocity=1.0).likelihood(), np.ones((3, 3)))
    np.testing.assert_allclose(DistancePrior(LINE, velocity=1.0, reach=5.0).likelihood()[0], np.exp([0, -0.5, -2]))
    assert (DistancePrior(LINE, velocity=1.0, reach=0.01).likelihood() > 0).all()


def test_square_is_filled_and_seeded() -> None:
    prior = DistancePrior.square(500, 0.1, seed=3)
    assert prior.positions.shape == (500, 2)
    assert (np.histogram2d(*prior.positions.T, bins=3, range=[[0, 1]] * 2)[0] > 30).all()
    np.testing.assert_array_equal(prior.positions, DistancePrior.square(500, 0.1, seed=3).positions)
    assert (prior.positions != DistancePrior.square(500, 0.1, seed=4).positions).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.zeros(3)}, r"\[neurons, dimensions\]"),
        ({"positions": np.full((3, 2), np.nan)}, "finite"),
        ({"velocity": 0.0}, "velocity=0.0"),
        ({"spread": -1.0}, "spread=-1.0"),
        ({"reach": 0.0}, "reach=0.0"),
    ],
    ids=str,
)
def test_impossible_space(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DistancePrior(**{"positions": LINE, "velocity": 1.0} | changes)

"""Counting and comparing of the testbenches."""

import numpy as np
import pytest

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.sim.cocotb.scoreboard import Scoreboard, read_scoreboards

CONFIG = CoreConfig(inputs=2, neurons=3, outputs=2)


def test_equal_values_are_counted():
    scoreboard = Scoreboard()
    scoreboard.compare("v", np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3))
    scoreboard.compare("prediction", 4, 4)
    assert scoreboard.values == 7


@pytest.mark.parametrize(
    ("expected", "actual", "message"),
    [
        ([1, 2, 3], [1, 5, 6], r"^v\[1\]: golden 2, core 5$"),
        ([[1, 2], [3, 4]], [[1, 2], [0, 4]], r"^v\[1, 0\]: golden 3, core 0$"),
        (7, 8, r"^v\[0\]: golden 7, core 8$"),
        ([1, 2], [1, 2, 3], r"^v: \(2,\) values in the golden model, \(3,\) in the core$"),
    ],
)
def test_the_first_difference_is_named(expected, actual, message):
    scoreboard = Scoreboard()
    with pytest.raises(AssertionError, match=message):
        scoreboard.compare("v", expected, actual)
    assert scoreboard.values == 0


def test_moved_parameters_are_counted():
    before, scoreboard = Network.zeros(CONFIG), Scoreboard()
    after = before.replace()
    after.weight[0, 1], after.readout[2, 0], after.delay[1] = 5, -1, 64
    scoreboard.learned(before, after)
    assert (scoreboard.weights_moved, scoreboard.delays_moved) == (2, 3)


def test_counts_add_up_and_survive_a_file(tmp_path):
    one, two = Scoreboard(values=3, samples=1), Scoreboard(values=4, clocks=9)
    one.counters["spikes"] = 5
    for scenario, scoreboard in {"one": one, "two": two}.items():
        scoreboard.save(tmp_path, scenario)
    assert read_scoreboards(tmp_path) == {"one": one, "two": two}
    total = one + two
    assert (total.values, total.samples, total.clocks, total.counters["spikes"]) == (7, 1, 9, 5)

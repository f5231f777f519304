import numpy as np
import pytest

from ranvier.golden.delay_line import DelayLine, rounded_delays
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat

CORE = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=6, delay_fraction=2, step_delay=QFormat(True, 3, 10))
EVERY = np.ones(3, bool)


def test_delays_round_half_up():
    network = Network.zeros(CORE)
    network.delay[0] = [1, 2, 5]  # 0.25, 0.5, 1.25
    network.delay[1] = [6, 23, 24]  # 1.5, 5.75, 6
    np.testing.assert_array_equal(rounded_delays(network, 0), [0, 1, 1])
    np.testing.assert_array_equal(rounded_delays(network, 1), [2, 6, 6])


def test_axonal_and_no_delays():
    axonal = Network.zeros(CORE.replace(delays="axonal"))
    axonal.delay[1] = 10  # 2.5
    np.testing.assert_array_equal(rounded_delays(axonal, 1), [3, 3, 3])
    np.testing.assert_array_equal(rounded_delays(Network.zeros(CORE.replace(delays="none")), 0), [0, 0, 0])


@pytest.mark.parametrize("start", [0, 5, 7, 8, 123])
def test_a_weight_arrives_its_delay_and_one_step_later(start):
    line = DelayLine(CORE)
    line.deliver(start, np.array([10, -20, 30]), np.array([0, 3, 6]), EVERY)
    arrived = np.array([line.take(start + n) for n in range(1, 20)])
    expected = np.zeros((19, 3), int)
    expected[0, 0], expected[3, 1], expected[6, 2] = 10, -20, 30
    np.testing.assert_array_equal(arrived, expected)


def test_weights_align_with_potentials():
    line = DelayLine(CORE.replace(potential=QFormat(True, 5, 14)))
    line.deliver(0, np.array([1, -1, 3]), np.zeros(3, int), EVERY)
    np.testing.assert_array_equal(line.take(1), [4, -4, 12])


def test_only_targets_receive():
    line = DelayLine(CORE)
    line.deliver(0, np.array([1, 2, 3]), np.zeros(3, int), np.array([True, False, True]))
    np.testing.assert_array_equal(line.take(1), [1, 0, 3])


def test_saturates_delivery_by_delivery_and_counts():
    line, zero = DelayLine(CORE), np.zeros(3, int)
    for _ in range(5):  # four still fit: 4 * 32767 = 131068, 4 * -32768 = -131072
        line.deliver(0, np.array([32767, -32768, 0]), zero, EVERY)
    assert line.saturated == 2
    line.deliver(0, np.array([-100, 100, 0]), zero, EVERY)  # what was clipped is lost
    np.testing.assert_array_equal(line.take(1), [131071 - 100, -131072 + 100, 0])
    assert line.saturated == 2


def test_clear():
    line = DelayLine(CORE)
    line.deliver(0, np.array([1, 2, 3]), np.zeros(3, int), EVERY)
    line.clear()
    assert not line.current.any()

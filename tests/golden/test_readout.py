import numpy as np

from ranvier.golden.readout import Readout
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.qformat import QFormat

CORE = CoreConfig(inputs=1, neurons=6, outputs=2)
FIRED = np.ones(6, bool)


def test_leaks_then_adds_rows_of_spiking_neurons():
    readout, weight = Readout(CORE), np.arange(12).reshape(6, 2)
    readout.step(weight, np.array([0, 1, 0, 0, 1, 0], bool), 2048)
    np.testing.assert_array_equal(readout.value, [2 + 8, 3 + 9])
    readout.step(weight, ~FIRED, 2048)
    np.testing.assert_array_equal(readout.value, [5, 6])
    readout.step(-weight, np.array([0, 0, 0, 0, 0, 1], bool), 2048)
    np.testing.assert_array_equal(readout.value, [2 - 10, 3 - 11])


def test_weights_align_with_potentials():
    readout = Readout(CORE.replace(potential=QFormat(True, 5, 15)))
    readout.step(np.full((6, 2), -1), FIRED, 0)
    np.testing.assert_array_equal(readout.value, [-48, -48])


def test_saturates_in_ascending_order_and_counts():
    readout = Readout(CORE)
    weight = np.array([[32767, -32768]] * 5 + [[-1000, 1000]])
    readout.step(weight, FIRED, 0)
    np.testing.assert_array_equal(readout.value, [131071 - 1000, -131072 + 1000])
    assert readout.saturated == 2
    readout.step(weight[::-1], FIRED, 0)
    np.testing.assert_array_equal(readout.value, [131071, -131072])
    assert readout.saturated == 4

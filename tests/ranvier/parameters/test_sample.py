import copy
import pickle

import numpy as np
import pytest

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.sample import Sample, SampleError, check_run

CORE = CoreConfig(inputs=3, neurons=2, outputs=2)


def test_raster_and_arrival():
    sample = Sample.from_raster([[0, 0, 0], [1, 0, 2], [0, 0, 0], [0, 1, 0]], [True, False, True, True])
    np.testing.assert_array_equal(sample.times, [1, 1, 1, 3])
    np.testing.assert_array_equal(sample.units, [0, 2, 2, 1])
    np.testing.assert_array_equal(sample.offsets(), [0, 0, 3, 3, 4])
    assert [units.tolist() for units in sample.arriving()] == [[], [0, 2, 2], [], [1]]
    assert (sample.steps, sample.scored.tolist()) == (4, [True, False, True, True])


def test_arrival_order_is_kept_within_a_step():
    assert [u.tolist() for u in Sample([0, 0, 0], [2, 0, 2], [True]).arriving()] == [[2, 0, 2]]


def test_silence():
    assert [len(units) for units in Sample([], [], np.ones(3)).arriving()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("times", "units", "scored", "message"),
    [
        ([0], [0, 1], [1], "must be two lists of one length"),
        ([[0]], [[0]], [1], "must be two lists of one length"),
        ([0], [0], [], "scored must list at least one step"),
        ([], [], [[1]], "scored must list at least one step"),
        ([1, 0], [0, 0], [1, 1], "sort them by step first"),
        ([2], [0], [1, 1], "spikes run from step 2 to 2 but the sample has 2 steps"),
        ([-1], [0], [1, 1], "spikes run from step -1 to -1"),
        ([0], [-2], [1], "input unit -2 is negative"),
        ([0.5], [0], [1], "times must hold whole numbers, not float64 values"),
        ([0], ["a"], [1], "units must hold whole numbers"),
        ([0], [float("nan")], [1], "units must hold whole numbers"),
    ],
)
def test_refuses(times, units, scored, message):
    with pytest.raises(SampleError, match=message):
        Sample(times, units, scored)


@pytest.mark.parametrize(
    "copied", [lambda s: s, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s)), lambda s: s.later(1)]
)
@pytest.mark.parametrize("name", ["times", "units", "scored"])
def test_what_was_checked_cannot_be_changed(copied, name):
    """Neither through the sample nor through what it was made from; a core would write out of bounds."""
    given = {"times": np.array([0, 1]), "units": np.array([0, 2]), "scored": np.array([True, False])}
    sample = copied(Sample(**given))
    held = getattr(sample, name).tolist()
    with pytest.raises(ValueError, match="read-only"):
        getattr(sample, name)[:] = 1
    given[name][:] = 1
    assert getattr(sample, name).tolist() == held
    raster = np.eye(3)
    made = Sample.from_raster(raster, given["scored"].repeat(2)[:3])
    assert not any(getattr(made, part).flags.writeable for part in given)


@pytest.mark.parametrize(
    ("raster", "scored", "message"),
    [
        ([1, 0], None, "a raster is spike counts"),
        ([[-1]], None, "a raster is spike counts"),
        ([[0.5]], None, "a raster must hold whole numbers"),
        ([[1], [0]], [True], "scored has 1 steps but the raster has 2"),
        ([[1], [0]], True, "scored has 1 steps but the raster has 2"),
        ([[1], [0]], ["no", "yes"], "scored must hold true or false for every step, not <U3 values"),
        ([[1], [0, 2]], None, "a raster is not an array of numbers: "),
        ("counts", None, "a raster must hold whole numbers, not <U6 values"),
        (None, None, "a raster must hold whole numbers, not object values"),
    ],
)
def test_raster_refuses(raster, scored, message):
    with pytest.raises(SampleError, match=message):
        Sample.from_raster(raster, scored)


@pytest.mark.parametrize(
    ("unit", "target", "learn", "message"),
    [
        (3, 0, False, "the sample has input 3 but this core has inputs=3"),
        (0, 2, False, "target=2 but this core has outputs=2: classes are 0 to 1"),
        (0, -1, True, "target=-1 but"),
        (0, 0.5, True, r"target=0\.5 but"),
        (0, None, True, "learning needs a target: give the class of the sample"),
    ],
)
def test_check_run_refuses(unit, target, learn, message):
    with pytest.raises(SampleError, match=message):
        check_run(CORE, Sample([0], [unit], [True]), target, learn)


def test_check_run_refuses_to_learn_without_learning_units():
    with pytest.raises(SampleError, match="built without learning: rebuild with learning=true or run with learn=False"):
        check_run(CORE.replace(learning=False), Sample([], [], [True]), 0, True)


def test_check_run_accepts_numpy_targets():
    check_run(CORE, Sample([], [], [True]), np.int64(1), True)

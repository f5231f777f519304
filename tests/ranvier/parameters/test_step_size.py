import numpy as np
import pytest

from ranvier.parameters.step_size import StepSize


@pytest.mark.parametrize(
    ("value", "mantissa", "shift"),
    [(0, 0, 0), (1, 128, 7), (255, 255, 0), (0.5, 128, 8), (2.0**-31, 1, 31), (1e-12, 0, 0), (127.5, 255, 1)],
)
def test_of(value, mantissa, shift):
    assert StepSize.of(value) == StepSize(mantissa, shift)


def test_of_is_within_stated_error():
    for value in 10.0 ** np.random.default_rng(0).uniform(-7, 2.4, 1000):
        assert abs(float(StepSize.of(value)) - value) < 0.004 * value


@pytest.mark.parametrize("value", [-1e-9, 255.1, float("nan"), float("inf")])
def test_of_refuses(value):
    with pytest.raises(ValueError, match="is out of range: give 0 to 255"):
        StepSize.of(value)


@pytest.mark.parametrize("parts", [(256, 0), (-1, 0), (1, 32), (1, -1), (1.5, 0), (1, 2.0), ("1", 0)])
def test_refuses(parts):
    with pytest.raises(ValueError, match="mantissa is a whole number to 255, shift to 31"):
        StepSize(*parts)


def test_integers_of_numpy_are_integers():
    step = StepSize(np.uint8(200), np.int64(3))
    assert step == StepSize(200, 3)
    assert type(step.mantissa) is type(step.shift) is int
    assert StepSize.of(np.float32(0.5)) == StepSize.of(0.5)


@pytest.mark.parametrize(
    "value", [True, "1", None, 1j, np.zeros(2), float("nan"), float("inf"), 10**5000], ids=lambda v: type(v).__name__
)
def test_what_is_no_number_is_no_step_size(value):
    for make in (StepSize.of, StepSize, lambda shift: StepSize(1, shift)):
        with pytest.raises(ValueError, match="step size") as caught:
            make(value)
        assert len(str(caught.value)) < 200

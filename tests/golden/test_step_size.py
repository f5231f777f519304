import numpy as np
import pytest

from ranvier.golden.step_size import StepSize


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

import numpy as np
import pytest

from ranvier.golden.softmax import softmax
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE, LOG2_E
from ranvier.parameters.qformat import QFormat


def core(outputs, fraction=10):
    return CoreConfig(inputs=1, neurons=1, outputs=outputs, error=QFormat(True, 1, fraction))


def values(config, rng):
    """Readouts of every kind: normal at any scale, two-valued, all alike, at the limits, along a ramp of equal rivals."""
    k, least, most = config.outputs, config.potential.min, config.potential.max
    for scale in 2.0 ** np.arange(-12, 6):
        yield rng.normal(0, scale * 4096, k)
        yield np.where(rng.random(k) < 0.1, 0, -scale * 4096)
    for raw in (0, least, most):
        yield np.full(k, raw)
    yield rng.choice([least, most], k)
    yield np.where(np.arange(k) == 0, most, least)
    for gap in range(0, 50000, 50):
        yield np.where(np.arange(k) == 0, 0, -gap)


def bound(config):
    """Half an LSB, the table's step at its worst, one lost unit per power, and the reciprocal: see the module."""
    return 0.5 / config.error.one + (2 ** (1 / 256) - 1) / 4 + config.outputs * 2.0**-EXP_BITS + 2.0**-16


@pytest.mark.parametrize("outputs", [2, 3, 10, 27, 100, 256])
@pytest.mark.parametrize("fraction", [4, 10, 14])
def test_against_float(outputs, fraction):
    config = core(outputs, fraction)
    worst = compared = 0
    for real in values(config, np.random.default_rng(0)):
        raw = np.clip(np.rint(real), config.potential.min, config.potential.max).astype(np.int64)
        exact = np.exp((raw - raw.max()) / config.potential.one)
        got = softmax(raw, config)
        assert (got >= 0).all()
        assert (got <= config.error.one).all()
        worst = max(worst, abs(got / config.error.one - exact / exact.sum()).max())
        compared += outputs
    print(f"K={outputs}, {compared} compared, worst error {worst:.5f}, bound {bound(config):.5f}")
    assert worst <= bound(config)
    assert worst > bound(config) / 8  # a bound that says something


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([0, 0], [512, 512]),
        ([131071, 131071], [512, 512]),
        ([-131072, -131072], [512, 512]),
        ([131071, -131072], [1024, 0]),
        ([5, 5, 5, 5], [256, 256, 256, 256]),
        ([131071, 131071, -131072], [512, 512, 0]),
        ([0, -131072], [1024, 0]),
    ],
)
def test_corners(raw, expected):
    np.testing.assert_array_equal(softmax(np.array(raw), core(len(raw))), expected)


@pytest.mark.parametrize(("rivals", "fraction", "expected"), [(2, 14, 16383), (26, 10, 1023), (255, 10, 1016)])
def test_the_smallest_power_counts(rivals, fraction, expected):
    """The readout 15 ln 2 above its rivals: each of them has 2**-15, the last bit of a power, and together they show."""
    above = round(15 * np.log(2) * 4096) + 1
    raw = np.array([above] + [0] * rivals)
    assert expected == round(2**fraction / (1 + rivals * 2.0**-15))
    np.testing.assert_array_equal(softmax(raw, core(rivals + 1, fraction)), [expected] + [0] * rivals)


def test_only_differences_matter():
    raw = np.array([-3000, 100, 5000, 4999])
    np.testing.assert_array_equal(softmax(raw, core(4)), softmax(raw + 100000, core(4)))


def test_order_is_kept():
    raw = np.sort(np.random.default_rng(0).integers(-20000, 20000, 50))
    assert (np.diff(softmax(raw, core(50))) >= 0).all()


def test_constants():
    assert LOG2_E == 47274
    assert (EXP_TABLE[0], EXP_TABLE[128], len(EXP_TABLE)) == (32768, 23170, 256)

"""Every narrowing, exhaustively at small widths, against the golden model's."""

import numpy as np
import pytest
from amaranth.hdl import Cat, signed, unsigned
from pysim import evaluate

from ranvier.golden import fixed as golden
from ranvier.hw.fixed import clamp, popcount, round_half_up, round_stochastic, saturate, shape, times, toward_zero
from ranvier.parameters.qformat import QFormat

EVERY = np.arange(-256, 256)


@pytest.mark.parametrize("text", ["s3.2", "s0.3", "s4.3", "u2.2", "u0.3", "u4.3"])
def test_saturate(text):
    fmt = QFormat.parse(text)
    results = np.array(evaluate(lambda v: saturate(v, fmt), (signed(9),), EVERY[:, None].tolist()))
    expected = np.clip(EVERY, fmt.min, fmt.max)
    np.testing.assert_array_equal(results, np.stack([expected, expected != EVERY], axis=1))
    assert 0 < results[:, 1].sum() < len(EVERY)


@pytest.mark.parametrize("text", ["s4.3", "s4.4", "s9.9", "u4.4", "u9.9"])
def test_saturate_widens_what_is_narrower(text):
    fmt, values = QFormat.parse(text), np.arange(-16, 16)
    results = np.array(evaluate(lambda v: saturate(v, fmt), (signed(5),), values[:, None].tolist()))
    expected = np.clip(values, fmt.min, fmt.max)
    np.testing.assert_array_equal(results, np.stack([expected, expected != values], axis=1))


@pytest.mark.parametrize("most", [1, 5, 63, 64, 255, 300])
def test_clamp(most):
    results = np.array(evaluate(lambda v: clamp(v, most), (signed(9),), EVERY[:, None].tolist()))
    expected = np.clip(EVERY, 0, most)
    np.testing.assert_array_equal(results, np.stack([expected, expected != EVERY], axis=1))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_toward_zero(bits):
    results = evaluate(lambda v: toward_zero(v, bits), (signed(9),), EVERY[:, None].tolist())
    np.testing.assert_array_equal(np.ravel(results), np.trunc(EVERY / 2**bits))


def test_leak_is_the_golden_one():
    decay = QFormat(False, 0, 4)
    inputs = np.stack(np.meshgrid(EVERY, np.arange(16)), axis=-1).reshape(-1, 2)
    results = evaluate(lambda v, a: toward_zero(v * a, 4), (signed(9), unsigned(4)), inputs.tolist())
    expected = [golden.leak(v, a, decay) for v, a in inputs]
    np.testing.assert_array_equal(np.ravel(results), expected)


@pytest.mark.parametrize("bits", [0, 1, 2, 4, 8])
def test_round_half_up(bits):
    results = evaluate(lambda v: round_half_up(v, bits), (signed(9),), EVERY[:, None].tolist())
    np.testing.assert_array_equal(np.ravel(results), golden.round_half_up(EVERY, bits))


@pytest.mark.parametrize("bits", [1, 3])
def test_round_stochastic_takes_the_low_bits_of_the_draw(bits):
    inputs = np.stack(np.meshgrid(EVERY, np.arange(16)), axis=-1).reshape(-1, 2)
    results = evaluate(lambda v, d: round_stochastic(v, bits, d), (signed(9), unsigned(4)), inputs.tolist())
    expected = golden.round_stochastic(inputs[:, 0], bits, inputs[:, 1] & ((1 << bits) - 1))
    np.testing.assert_array_equal(np.ravel(results), expected)


@pytest.mark.parametrize("factor", [1, 2, 3, 7, 10, 255])
def test_times(factor):
    values = range(64)
    assert evaluate(lambda v: times(v, factor), (unsigned(6),), [(v,) for v in values]) == [
        (factor * v,) for v in values
    ]


def test_popcount():
    results = evaluate(lambda v: popcount([v[n] for n in range(7)]), (unsigned(7),), [(n,) for n in range(128)])
    np.testing.assert_array_equal(np.ravel(results), [n.bit_count() for n in range(128)])
    assert evaluate(lambda v: popcount([Cat(v).any()]), (unsigned(2),), [(0,), (2,)]) == [(0,), (1,)]


@pytest.mark.parametrize("text", ["s5.12", "u0.8"])
def test_shape_holds_exactly_the_format(text):
    fmt = QFormat.parse(text)
    assert (shape(fmt).width, shape(fmt).signed) == (fmt.width, fmt.signed)

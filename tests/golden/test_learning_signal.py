from fractions import Fraction
from math import floor

import numpy as np
import pytest

from ranvier.golden.learning_signal import Credit, LearningSignal
from ranvier.golden.random import LaneGenerators
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.step_size import StepSize

CORE = CoreConfig(inputs=1, neurons=5, outputs=3, lanes=2)
ONE = StepSize(1, 0)


def network(config, **changes):
    return Network.zeros(config).replace(**changes)


def rounded(value, form, noise=Fraction(1, 2)):
    """A real number in `form`, ties up or by `noise`, saturated; whether it was clipped, and whether it became 0."""
    raw = floor(value * form.one + noise)
    clipped = min(max(raw, form.min), form.max)
    return clipped, np.array([clipped != raw, value != 0 and raw == 0])


def scaled(eta, value, fraction, form, dither):
    """``eta * value`` in `form`, rounded by the low bits of the dither."""
    drop = eta.shift + max(0, fraction - form.fraction)
    noise = Fraction((dither + (dither << 32)) % (1 << drop), 1 << drop)
    return rounded(Fraction(eta.mantissa, 2**eta.shift) * value, form, noise)


def expected(config, net, error, surrogate, trace, draws):
    """The definition in exact fractions: credits, new readout, [clipped, vanished] learning quantities, clipped weights."""
    draws = iter(draws)
    dither = next(draws)[0]
    err = [Fraction(int(e), config.error.one) for e in error]
    scaled_error = [scaled(net.eta_readout, e, config.error.fraction, config.step_readout, dither) for e in err]
    clipped, clipped_weights = sum(c for _, c in scaled_error), 0
    weight, delay, new = np.zeros(config.neurons, int), np.zeros(config.neurons, int), net.readout.copy()
    feedback = net.readout if config.feedback == "symmetric" else net.feedback
    for j in range(config.neurons):
        if surrogate[j]:
            total = sum(Fraction(int(b), config.weight.one) * e for b, e in zip(feedback[j], err, strict=True))
            signal, c0 = rounded(total, config.signal)
            m, c1 = rounded(Fraction(signal, config.signal.one) * Fraction(int(surrogate[j]), 256), config.signal)
            real = Fraction(m, config.signal.one)
            weight[j], c2 = scaled(net.eta_weight, real, config.signal.fraction, config.step_weight, dither)
            delay[j], c3 = scaled(net.eta_delay, real, config.signal.fraction, config.step_delay, dither)
            clipped = clipped + c0 + c1 + c2 + c3
        if surrogate[j] or trace[j]:
            row = [n for _ in range(config.readout_words) for n in next(draws)]
            for k in range(config.outputs):
                bits = config.random_bits_readout
                change = (scaled_error[k][0] * int(trace[j]) + (row[k] & ((1 << bits) - 1))) >> bits
                value = int(net.readout[j, k]) - change
                new[j, k] = min(max(value, config.weight.min), config.weight.max)
                clipped_weights += new[j, k] != value
    return weight, delay, new, clipped, clipped_weights


@pytest.mark.parametrize("feedback", ["symmetric", "random"])
def test_against_the_definition(feedback):
    rng = np.random.default_rng(0)
    moved = clipped = vanished = clipped_weights = 0
    for case in range(200):
        config = CORE.replace(feedback=feedback, lanes=int(rng.choice([1, 2, 4, 16])))
        size = 1 << int(rng.integers(1, 16))
        layout = Network.layout(config)
        net = network(
            config,
            readout=rng.integers(-size, size, layout["readout"][0]),
            feedback=rng.integers(-size, size, layout["feedback"][0]),
            **{f"eta_{name}": StepSize.of(10.0 ** rng.uniform(-7, 2)) for name in ("weight", "delay", "readout")},
        )
        error = rng.integers(-1024, 1025, 3)
        surrogate = rng.integers(0, 256, 5) * rng.integers(0, 2, 5)
        trace = rng.integers(0, 4096, 5) * rng.integers(0, 2, 5)
        visited = int(((surrogate > 0) | (trace > 0)).sum())
        copy = LaneGenerators(case, config.lanes)
        draws = copy.draw(1 + visited * config.readout_words).tolist()
        weight, delay, readout, clip, clip_weights = expected(config, net, error, surrogate, trace, draws)

        unit, random = LearningSignal(config), LaneGenerators(case, config.lanes)
        before = net.readout.copy()
        credit = unit.step(error, surrogate, trace, net, random)
        np.testing.assert_array_equal(credit.weight, weight)
        np.testing.assert_array_equal(credit.delay, delay)
        np.testing.assert_array_equal(net.readout, readout)
        assert (unit.signal_saturated, unit.signal_underflow, unit.weight_saturated) == (*clip, clip_weights)
        np.testing.assert_array_equal(random.state, copy.state)
        moved += np.count_nonzero(before != readout)
        clipped, vanished, clipped_weights = clipped + clip[0], vanished + clip[1], clipped_weights + clip_weights
    print(
        moved,
        "readout weights moved,",
        clipped,
        "signals and",
        clipped_weights,
        "weights clipped,",
        vanished,
        "vanished",
    )
    assert min(moved, clipped, vanished, clipped_weights) > 0


def test_by_hand():
    readout = np.zeros((5, 3), int)
    readout[2] = [4096, -4096, 0]  # 1, -1
    net = network(CORE, readout=readout, eta_weight=StepSize(1, 2), eta_delay=ONE)
    surrogate = np.array([0, 0, 128, 0, 0])
    credit = LearningSignal(CORE).step(
        np.array([512, -256, -256]), surrogate, np.zeros(5, int), net, LaneGenerators(1, 2)
    )
    assert credit.weight.tolist() == [0, 0, 12288, 0, 0]  # L = 3/4, m = 3/8, eta m = 3/32 in s0.17
    assert credit.delay.tolist() == [0, 0, 6144, 0, 0]  # 3/8 in s3.14
    np.testing.assert_array_equal(net.readout, readout)  # eta_readout is 0


def test_readout_moves_against_the_error():
    net = network(CORE, eta_readout=StepSize(1, 0))
    LearningSignal(CORE).step(np.array([512, -256, 0]), np.zeros(5, int), np.full(5, 256), net, LaneGenerators(1, 2))
    np.testing.assert_array_equal(net.readout, np.tile([-2048, 1024, 0], (5, 1)))  # whole: no draw can matter


def test_idle_rows_draw_nothing_but_the_dither():
    random, expected = LaneGenerators(1, 2), LaneGenerators(1, 2)
    LearningSignal(CORE).step(np.array([512, -512, 0]), np.zeros(5, int), np.zeros(5, int), network(CORE), random)
    expected.draw(1)
    np.testing.assert_array_equal(random.state, expected.state)


@pytest.mark.parametrize("name", ["eta_weight", "eta_delay", "eta_readout"])
def test_no_step_size_freezes(name):
    """The smallest step size there is acts in proportion: its credits over many steps add up to what the product would."""
    readout = np.full((5, 3), 4096)
    net = network(CORE, readout=readout, **{name: StepSize(1, 20)})
    unit, random, total = LearningSignal(CORE), LaneGenerators(1, 2), 0
    form = {"eta_weight": CORE.step_weight, "eta_delay": CORE.step_delay, "eta_readout": CORE.step_readout}[name]
    steps = 4000
    for _ in range(steps):
        before = net.readout.copy()
        credit = unit.step(np.array([1024, 0, 0]), np.full(5, 128), np.full(5, 4095), net, random)
        moved = (before - net.readout)[:, 0].sum() / 5 / (4095 / 256) * 2.0**-CORE.weight.fraction
        total += {"eta_weight": credit.weight[0], "eta_delay": credit.delay[0]}.get(name, moved * form.one) / form.one
        net = net.replace(readout=readout)
    exact = steps * 2.0**-20 * (1.0 if name == "eta_readout" else 0.5)
    deviation = np.sqrt(steps * 2.0**-20 / form.one)  # of as many coins as products, each for one bit at most
    print(f"{name}: {total:.6f} of {exact:.6f}, deviation {deviation:.6f}, {unit.signal_underflow} vanished")
    assert abs(total - exact) < 5 * deviation
    assert total > 0
    assert unit.signal_underflow > steps / 2


def test_coarse_signal_saturates():
    config = CORE.replace(signal=QFormat(True, 0, 13))
    net = network(config, readout=np.full((5, 3), 32767), eta_weight=StepSize(255, 0))
    unit = LearningSignal(config)
    unit.step(np.array([1024, 1024, 1024]), np.full(5, 255), np.zeros(5, int), net, LaneGenerators(1, 2))
    assert unit.signal_saturated == 5 * 2  # L, and etaW m; m = L psi and etaD m = 0 fit


@pytest.mark.parametrize(("lanes", "words"), [(1, [0, 3]), (2, [0, 1]), (4, [0])])
def test_words_with_credit(lanes, words):
    assert Credit(np.array([5, 0, 0, 0, 0]), np.array([0, 0, 0, -1, 0])).words(lanes) == words
    assert Credit.none(CORE).words(lanes) == []

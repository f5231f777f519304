from fractions import Fraction
from math import floor

import numpy as np
import pytest

from ranvier.golden.config import CoreConfig
from ranvier.golden.learning_signal import Credit, LearningSignal
from ranvier.golden.network import Network
from ranvier.golden.qformat import QFormat
from ranvier.golden.random import LaneGenerators
from ranvier.golden.step_size import StepSize

CORE = CoreConfig(inputs=1, neurons=5, outputs=3, lanes=2)
ONE = StepSize(1, 0)


def network(config, **changes):
    return Network.zeros(config).replace(**changes)


def rounded(value, form):
    """A real number in `form`, ties up, saturated; and whether it was clipped."""
    raw = floor(value * form.one + Fraction(1, 2))
    clipped = min(max(raw, form.min), form.max)
    return clipped, clipped != raw


def expected(config, net, error, surrogate, trace, draws):
    """The definition in exact fractions: credits, new readout, clipped learning quantities, clipped weights."""
    err = [Fraction(int(e), config.error.one) for e in error]
    etas = [Fraction(e.mantissa, 2**e.shift) for e in (net.eta_weight, net.eta_delay, net.eta_readout)]
    blame = [rounded(etas[2] * e, config.step_readout) for e in err]
    clipped, clipped_weights = sum(c for _, c in blame), 0
    weight, delay, new = np.zeros(config.neurons, int), np.zeros(config.neurons, int), net.readout.copy()
    feedback = net.readout if config.feedback == "symmetric" else net.feedback
    draws = iter(draws)
    for j in range(config.neurons):
        if surrogate[j]:
            total = sum(Fraction(int(b), config.weight.one) * e for b, e in zip(feedback[j], err, strict=True))
            signal, c0 = rounded(total, config.signal)
            m, c1 = rounded(Fraction(signal, config.signal.one) * Fraction(int(surrogate[j]), 256), config.signal)
            real = Fraction(m, config.signal.one)
            weight[j], c2 = rounded(etas[0] * real, config.step_weight)
            delay[j], c3 = rounded(etas[1] * real, config.step_delay)
            clipped += c0 + c1 + c2 + c3
        if surrogate[j] or trace[j]:
            row = [n for _ in range(config.readout_words) for n in next(draws)]
            for k in range(config.outputs):
                bits = config.random_bits_readout
                change = (blame[k][0] * int(trace[j]) + (row[k] & ((1 << bits) - 1))) >> bits
                value = int(net.readout[j, k]) - change
                new[j, k] = min(max(value, config.weight.min), config.weight.max)
                clipped_weights += new[j, k] != value
    return weight, delay, new, clipped, clipped_weights


@pytest.mark.parametrize("feedback", ["symmetric", "random"])
def test_against_the_definition(feedback):
    rng = np.random.default_rng(0)
    moved = clipped = clipped_weights = 0
    for case in range(200):
        config = CORE.replace(feedback=feedback, lanes=int(rng.choice([1, 2, 4, 16])))
        size = 1 << int(rng.integers(1, 16))
        layout = Network.layout(config)
        net = network(
            config,
            readout=rng.integers(-size, size, layout["readout"][0]),
            feedback=rng.integers(-size, size, layout["feedback"][0]),
            **{f"eta_{name}": StepSize.of(10.0 ** rng.uniform(-3, 2)) for name in ("weight", "delay", "readout")},
        )
        error = rng.integers(-1024, 1025, 3)
        surrogate = rng.integers(0, 256, 5) * rng.integers(0, 2, 5)
        trace = rng.integers(0, 4096, 5) * rng.integers(0, 2, 5)
        visited = int(((surrogate > 0) | (trace > 0)).sum())
        copy = LaneGenerators(case, config.lanes)
        draws = iter(copy.draw(visited * config.readout_words).tolist())
        weight, delay, readout, clip, clip_weights = expected(config, net, error, surrogate, trace, draws)

        unit, random = LearningSignal(config), LaneGenerators(case, config.lanes)
        before = net.readout.copy()
        credit = unit.step(error, surrogate, trace, net, random)
        np.testing.assert_array_equal(credit.weight, weight)
        np.testing.assert_array_equal(credit.delay, delay)
        np.testing.assert_array_equal(net.readout, readout)
        assert (unit.signal_saturated, unit.weight_saturated) == (clip, clip_weights)
        np.testing.assert_array_equal(random.state, copy.state)
        moved += np.count_nonzero(before != readout)
        clipped, clipped_weights = clipped + clip, clipped_weights + clip_weights
    print(moved, "readout weights moved,", clipped, "signals and", clipped_weights, "weights clipped")
    assert min(moved, clipped, clipped_weights) > 0


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


def test_idle_rows_draw_nothing():
    random = LaneGenerators(1, 2)
    before = random.state.copy()
    LearningSignal(CORE).step(np.array([512, -512, 0]), np.zeros(5, int), np.zeros(5, int), network(CORE), random)
    np.testing.assert_array_equal(random.state, before)


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

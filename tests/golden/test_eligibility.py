import numpy as np
import pytest

from ranvier.golden.eligibility import Eligibility
from ranvier.golden.learning_signal import Credit
from ranvier.golden.random import LaneGenerators
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network

CORE = CoreConfig(inputs=2, neurons=3, outputs=2, max_delay=6, lanes=2)
ONE = 1 << 17  # a learning factor of 1 would not fit s0.17; half of it does


def run(config, network, *, spikes, credits, steps, seed=1):
    """Step the unit with spikes {step: rows} and credits {step: (weight, delay)}; return it and its generators."""
    unit, random = Eligibility(config), LaneGenerators(seed, config.lanes)
    for step in range(steps):
        for row in spikes.get(step, ()):
            unit.arrive(row)
        weight, delay = credits.get(step, (0, 0))
        credit = Credit(np.broadcast_to(weight, config.neurons), np.broadcast_to(delay, config.neurons))
        unit.step(step, credit, network, random)
    return unit, random


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("delay", [0, 1, 5, 6])
def test_weight_is_credited_one_step_and_its_delay_after_the_spike(radius, delay):
    config = CORE.replace(kernel_radius=radius)
    for late in range(12):
        net = Network.zeros(config, alpha=0.0)
        net.delay[:] = delay << config.delay_fraction
        run(config, net, spikes={2: [1]}, credits={2 + late: (ONE // 2, 0)}, steps=25)
        expected = np.zeros((2, 3), int)
        if late == 1 + delay:
            expected[1] = -2048  # half of a trace of 1.0
        np.testing.assert_array_equal(net.weight, expected)


@pytest.mark.parametrize("delays", ["synaptic", "axonal"])
def test_delay_follows_the_slope_of_the_trace(delays):
    config = CORE.replace(delays=delays)
    unit = 1 << config.delay_fraction
    for late, sign in ((2, 1), (3, 0), (4, -1), (1, 0), (5, 0)):  # of a spike with delay 2, felt 3 steps later
        net = Network.zeros(config, alpha=0.0)
        net.delay[:] = 2 * unit
        net.weight[:] = 4096
        run(config, net, spikes={4: [0]}, credits={4 + late: (0, np.array([1 << 14, 0, 1 << 14]))}, steps=20)
        # credit 1, weight 1, slope of a lone spike -1/2 before and 1/2 after: descent turns it round
        change = sign * unit // 2
        if delays == "synaptic":
            np.testing.assert_array_equal(net.delay, 2 * unit + np.array([[change, 0, change], [0, 0, 0]]))
        else:
            np.testing.assert_array_equal(net.delay, [[2 * unit + 2 * change], [2 * unit]])


def test_no_delays():
    config = CORE.replace(delays="none")
    net = Network.zeros(config, alpha=0.0)
    run(config, net, spikes={0: [0]}, credits={1: (ONE // 2, 1000)}, steps=5)
    np.testing.assert_array_equal(net.weight, [[-2048] * 3, [0] * 3])


@pytest.mark.parametrize(("limit", "late"), [(384, 6), (0, 2)])  # a step too early and a step too late
def test_delays_stop_at_their_limits_and_count(limit, late):
    net = Network.zeros(CORE, alpha=0.0)
    net.delay[:], net.weight[:] = limit, 32767
    unit, _ = run(CORE, net, spikes={0: [0]}, credits={late: (0, 1 << 14)}, steps=20)
    assert (net.delay == limit).all()
    assert unit.delay_saturated == 3


def test_own_synapse_is_never_touched_but_draws():
    config = CORE.replace(recurrent=True, lanes=1)
    net = Network.zeros(config, alpha=0.0)
    _, random = run(config, net, spikes={0: [2, 3, 4]}, credits={1: (ONE // 2, 0)}, steps=3)
    np.testing.assert_array_equal(net.weight[2:], -2048 * (1 - np.eye(3, dtype=int)))
    expected = LaneGenerators(1, 1)
    expected.draw(1 + 9)
    np.testing.assert_array_equal(random.state, expected.state)


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
def test_dormant_synapses_stay_and_draw(delays):
    config = CORE.replace(delays=delays, dormant=True)

    def learned(config):
        net = Network.zeros(config, alpha=0.5)
        net.weight[:], net.delay[:] = [[0, 4096, 0], [0, 0, 0]], 64
        _, random = run(config, net, spikes={0: [0, 1]}, credits=dict.fromkeys(range(1, 5), (999, 9999)), steps=6)
        return net, random

    net, random = learned(config)
    other, others_random = learned(config.replace(dormant=False))
    np.testing.assert_array_equal(random.state, others_random.state)
    np.testing.assert_array_equal(net.weight == 0, [[True, False, True], [True, True, True]])
    assert (other.weight != 0).all()
    assert net.weight[0, 1] == other.weight[0, 1] != 4096
    if delays == "synaptic":
        np.testing.assert_array_equal(net.delay == 64, [[True, False, True], [True, True, True]])
    elif delays == "axonal":
        np.testing.assert_array_equal(net.delay == 64, [[False], [True]])


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
def test_row_whose_only_credited_word_is_itself(delays):
    config = CoreConfig(inputs=1, neurons=1, outputs=2, recurrent=True, lanes=1, delays=delays, max_delay=2)
    net = Network.zeros(config)
    net.weight[:], net.delay[:] = 4096, 64
    run(config, net, spikes={0: [1]}, credits=dict.fromkeys(range(1, 5), (1000, 1000)), steps=8)
    assert (net.weight == 4096).all()
    assert (net.delay == 64).all()


@pytest.mark.parametrize("delays", ["synaptic", "axonal"])
@pytest.mark.parametrize("seed", range(20))
def test_which_bits_of_which_draw(delays, seed):
    config = CORE.replace(delays=delays)  # two words: lanes draw for neurons 0, 1 and then 2
    net = Network.zeros(config, alpha=0.0)
    net.delay[:], net.weight[:] = 64, 4096
    run(config, net, spikes={0: [0]}, credits={2: (12345, 0)}, steps=3, seed=seed)  # a trace of 1.0
    draws = LaneGenerators(seed, 2).draw(3)[1:].reshape(-1)[:3]  # the first is the dither, which nothing here needs
    np.testing.assert_array_equal(net.weight[0], 4096 - ((12345 * 256 + (draws & 0x1FFF)) >> 13))

    net.weight[:] = 4096
    run(config, net, spikes={0: [0]}, credits={1: (0, 5432)}, steps=3, seed=seed)  # a slope of -1/2
    top = draws >> 16
    if delays == "synaptic":
        np.testing.assert_array_equal(net.delay[0], 64 - ((5432 * -128 + top) >> 16))
    else:
        assert net.delay[0, 0] == 64 - ((3 * 5432 * -128 + top[2]) >> 16)  # the draw of the last word, lane 0


def test_rows_draw_in_the_order_in_which_they_woke():
    def states(order):
        net = Network.zeros(CORE, alpha=0.5)
        run(CORE, net, spikes={0: [order[0]], 1: [order[1]]}, credits=dict.fromkeys(range(2, 6), (1237, 0)), steps=8)
        return net.weight

    first, second = states([0, 1]), states([1, 0])
    assert first[0].tolist() == second[1].tolist() != first[1].tolist()


def test_uncredited_steps_and_words_draw_nothing():
    net = Network.zeros(CORE)
    _, random = run(CORE, net, spikes={0: [0]}, credits={1: (np.array([0, 0, 7]), 0)}, steps=9)
    expected = LaneGenerators(1, 2)
    expected.draw(2)  # the dither and a word
    np.testing.assert_array_equal(random.state, expected.state)


@pytest.mark.parametrize("delays", ["synaptic", "axonal"])
def test_dither_rounds_the_product_with_the_weight(delays):
    """W etaD m below one bit of s3.14: it becomes one bit where the dither's high bits carry, and is counted where not."""
    config, carried, vanished = CORE.replace(delays=delays, neurons=1), 0, 0
    for seed in range(1, 1 << 32, 1 << 26):
        net = Network.zeros(config, alpha=0.0)
        net.delay[:], net.weight[:] = 64, 1000
        unit, _ = run(config, net, spikes={0: [0]}, credits={1: (0, 1)}, steps=3, seed=seed)  # a slope of -1/2
        dither, draw = (int(d) for d in LaneGenerators(seed, 2).draw(2)[:, 0])
        product = (1000 + (dither >> 20)) >> 12
        assert net.delay[0, 0] == 64 - ((product * -128 + (draw >> 16)) >> 16)
        assert unit.signal_underflow == (product == 0)
        carried, vanished = carried + product, vanished + unit.signal_underflow
    assert carried > 5
    assert vanished > 5


def test_counters():
    net = Network.zeros(CORE, alpha=0.99)
    net.weight[:] = [[-32768, 32767, 0]] * 2
    spikes = {n: [0] * 20 for n in range(10)}
    credits = {5: (np.array([ONE - 1, -ONE, 0]), 0), 7: (0, np.array([131071, -131072, 0]))}
    unit, _ = run(CORE, net, spikes=spikes, credits=credits, steps=12)
    assert unit.trace_saturated == 10
    assert unit.weight_saturated == 2
    assert unit.signal_saturated == 2  # 8 times 8 exceeds s3.14

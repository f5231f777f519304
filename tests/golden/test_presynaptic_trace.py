import numpy as np
import pytest

from ranvier.golden.presynaptic_trace import PresynapticTrace
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=1, outputs=2, max_delay=6)
HALF = 2048


def drive(config, spikes, alpha=HALF, beta=0):
    """Run a line from the step of its first spike on; yield (step, line, still awake)."""
    line = PresynapticTrace(config)
    for step, count in enumerate(spikes):
        line.arrived += count
        yield step, line, line.step(step, alpha, beta)


def test_trace_of_one_spike():
    assert [line.trace for _, line, _ in drive(CORE, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])] == [
        256 >> n for n in range(9)
    ] + [0]


def test_trace_counts_spikes_of_one_step_and_saturates():
    assert [(line.trace, line.saturated) for _, line, _ in drive(CORE, [3, 15, 14, 0])] == [
        (768, 0),
        (4095, 1),
        (4095, 1),
        (2047, 0),
    ]


def test_exponential_trace_is_the_filtered_current():
    exponential = CORE.replace(synapse="exponential")
    lines = drive(exponential, [2, 0, 0, 1, 0, 0, 0], beta=1024)
    expected = [(512, 512), (128, 384), (32, 224), (264, 376), (66, 254), (16, 143), (4, 75)]
    assert [(line.current[0], line.trace) for _, line, _ in lines] == expected
    assert [line.trace for *_, line, _ in drive(exponential, [3, 0, 1])] == [
        line.trace for _, line, _ in drive(CORE, [3, 0, 1])
    ]


def test_exponential_trace_saturates_twice_and_sleeps_only_without_current():
    exponential = CORE.replace(synapse="exponential", delays="none")
    seen = [
        (line.current[0], line.trace, line.saturated, on)
        for _, line, on in drive(exponential, [17, 16] + [0] * 60, 0, HALF)
    ]
    assert seen[:3] == [(4095, 4095, 1, True), (4095, 4095, 1, True), (2047, 2047, 0, True)]
    silent, asleep = (next(n for n, step in enumerate(seen) if not step[which]) for which in (0, 3))
    assert 10 < silent < asleep
    both = [line.saturated for _, line, _ in drive(exponential, [17, 17], 4095, HALF)]
    assert both == [1, 2]


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("alpha", [0, HALF, 4000])
def test_entries_are_the_history_and_its_slope(radius, alpha):
    config = CORE.replace(kernel_radius=radius)
    rng = np.random.default_rng(radius)
    spikes = [1, *rng.integers(0, 3, 60)]
    history = np.zeros(200, int)  # xbar[s] at [s + 100]
    compared = 0
    for step, line, _ in drive(config, spikes, alpha):
        history[step + 100] = line.trace
        newest = step - radius
        delays = np.arange(config.max_delay + 1)
        trace, slope = line.read(step, delays)
        for delay in delays:
            s = 100 + newest - delay
            expected = sum(
                k * (int(history[s - u]) - int(history[s + u])) for u, k in enumerate(config.kernel, 1)
            )  # k is odd
            assert trace[delay] == history[s]
            assert slope[delay] == (expected + 128) >> 8
            compared += 2
    assert compared > 800
    assert (history != 0).sum() > 20


def test_slope_at_radius_one_is_half_the_difference_of_neighbours():
    for step, line, _ in drive(CORE, [1, 0, 0, 0], alpha=0):
        trace, slope = line.read(step, np.array([0]))
        assert (trace[0], slope[0]) == [(0, -128), (256, 0), (0, 128), (0, 0)][step]


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_sleeps_once_every_entry_in_reach_is_zero(radius):
    config = CORE.replace(kernel_radius=radius)
    awake = [(step, line, on) for step, line, on in drive(config, [1] + [0] * 40, alpha=0)]
    asleep = next(step for step, _, on in awake if not on)
    assert asleep == 2 * radius + config.max_delay + 1  # the spike's last slope entry, then max_delay + 1 zero ones
    for step, line, _ in drive(config, [1] + [0] * asleep, alpha=0):
        entries = np.array(line.read(step, np.arange(config.max_delay + 1)))
        assert entries.any() != (step == asleep)


def test_a_spike_keeps_it_awake():
    assert all(on for *_, on in drive(CORE, [1, 0, 0, 0, 0, 0, 0, 0] * 4, alpha=0))


def test_without_delays_it_sleeps_at_once():
    awake = [on for *_, on in drive(CORE.replace(delays="none"), [1, 0, 0, 0], alpha=0)]
    assert awake == [True, True, True, False]


def test_entries_older_than_the_line_read_as_zero():
    line = PresynapticTrace(CORE)
    line.entries[:] = 99  # what an earlier sample left
    line.arrived = 1
    line.step(5, HALF)
    trace, slope = line.read(5, np.arange(7))
    np.testing.assert_array_equal(trace, 0)
    np.testing.assert_array_equal(slope, [-128, 0, 0, 0, 0, 0, 0])

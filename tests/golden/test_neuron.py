import numpy as np
import pytest

from ranvier.golden.neuron import Neurons
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=1, neurons=1, outputs=2)  # threshold 4096, psi u0.8, zbar u4.8
HALF = 2048  # 0.5 in u0.12


def sweeps(config, currents, alpha=HALF, beta=0):
    neurons, values = Neurons(config), []
    for current in currents:
        neurons.sweep(np.array([current]), alpha, beta)
        values.append((int(neurons.potential[0]), bool(neurons.spiked[0])))
    return neurons, values


def test_threshold_is_reached_by_equality():
    assert sweeps(CORE, [4095])[1] == [(4095, False)]
    assert sweeps(CORE, [4096])[1] == [(4096, True)]


def test_soft_reset_subtracts_the_threshold_after_the_leak():
    assert sweeps(CORE, [5000, 0, 0])[1] == [(5000, True), (2500 - 4096, False), (-798, False)]


def test_soft_reset_now_subtracts_the_threshold_before_the_leak():
    now = CORE.replace(reset="soft now")
    assert sweeps(now, [5000, 0, 0])[1] == [(5000, True), (904 // 2, False), (226, False)]


@pytest.mark.parametrize(
    ("reached", "alpha", "kept"),
    [
        (4096, 4095, 0),  # exactly at the threshold: nothing is left
        (4097, HALF, 0),  # one place above it: truncated, where the reset after the leak leaves 2048 - 4096
        (4097, 4095, 0),
        (4098, 4095, 1),
        (4097 + HALF, 1, 0),
        (131071, 4095, 126944),  # the largest potential: 126975 * 4095 / 4096 = 126944.0002
        (131071, HALF, 63487),
        (131071, 0, 0),
        (4095, 4095, 4094),  # no spike: nothing is subtracted
        (-3, HALF, -1),  # toward zero, as ever
        (-131072, 4095, -131040),
    ],
)
@pytest.mark.parametrize("synapse", ["delta", "exponential"])
def test_what_a_soft_reset_now_leaves(reached, alpha, kept, synapse):
    """Raw values by hand: ``trunc((v - 4096 z) alpha / 4096)``; it never leaves the format of v, so nothing saturates."""
    now = CORE.replace(reset="soft now", synapse=synapse)
    neurons, values = sweeps(now, [reached, 0], alpha)
    assert values[0] == (reached, reached >= 4096)
    assert values[1][0] == kept
    assert neurons.potential_saturated == 0


def test_soft_reset_now_counts_what_saturates_behind_it():
    neurons, values = sweeps(CORE.replace(reset="soft now"), [131071, 4128, -131072], alpha=4095)
    assert [v for v, _ in values] == [131071, 131071, 126944 - 131072]
    assert neurons.potential_saturated == 1


def test_zero_reset_starts_again():
    zero = CORE.replace(reset="zero")
    assert sweeps(zero, [9000, 7, 0])[1] == [(9000, True), (7, False), (3, False)]


def test_potential_saturates_and_counts():
    neurons, values = sweeps(CORE, [131071, 131071, -131072, -131072, -131072], alpha=4095)
    assert [v for v, _ in values] == [131071, 131071, -4129, -131072, -131072]
    assert neurons.potential_saturated == 3


def test_exponential_synapse_leaks_its_current_into_the_membrane():
    exponential = CORE.replace(synapse="exponential")
    assert sweeps(exponential, [1001, 0, -3, 0, 0], beta=1024)[1] == [
        (1001, False),
        (500 + 250, False),
        (375 + 62 - 3, False),
        (217 + 14, False),  # 59 / 4, toward zero
        (115 + 3, False),
    ]
    assert sweeps(exponential, [5000, 0, -9], beta=0)[1] == sweeps(CORE, [5000, 0, -9])[1]


def test_reset_leaves_the_synaptic_current():
    zero = CORE.replace(synapse="exponential", reset="zero")
    assert sweeps(zero, [8192, 0, 0, 0], beta=HALF)[1] == [
        (8192, True),
        (4096, True),
        (2048, False),
        (1024 + 1024, False),
    ]


@pytest.mark.parametrize("most", [131071, -131072])
def test_synaptic_current_saturates_before_the_membrane_and_counts(most):
    neurons, values = sweeps(CORE.replace(synapse="exponential"), [most] * 3, alpha=4095, beta=4095)
    assert neurons.synaptic_current[0] == values[-1][0] == most
    assert neurons.potential_saturated == 2 + 2  # current and membrane, on both steps after the first


@pytest.mark.parametrize(
    ("potential", "psi"),
    [
        *[(4096, 255), (4095, 255), (4080, 255), (4079, 254), (4112, 255), (4113, 254), (2048, 128), (6144, 128)],
        *[(0, 0), (16, 1), (15, 0), (1, 0), (8192, 0), (8191, 0), (8176, 1), (-1, 0), (-131072, 0), (131071, 0)],
    ],
)
def test_surrogate(potential, psi):
    neurons, _ = sweeps(CORE, [potential])
    neurons.factors(0)
    assert neurons.surrogate[0] == psi


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_surrogate_is_within_one_level_of_real(width):
    config = CORE.replace(neurons=4000, surrogate_width=width)
    neurons = Neurons(config)
    neurons.sweep(np.arange(-12000, 20000, 8), 0)
    neurons.factors(0)
    real = np.maximum(0, 1 - abs(neurons.potential / 4096 - 1) / width)
    error = real - neurons.surrogate / 256
    assert ((error >= 0) & (error <= 1 / 256)).all()
    assert neurons.surrogate.max() == 255


def test_readout_trace_decays_and_saturates():
    neurons = Neurons(CORE)
    traces = []
    for current in [4096, 0, 4096, 0]:
        neurons.sweep(np.array([current]), 0)
        neurons.factors(HALF)
        traces.append(int(neurons.readout_trace[0]))
    assert traces == [256, 128, 64 + 256, 160]

    neurons = Neurons(CORE.replace(reset="zero"))
    for _ in range(30):
        neurons.sweep(np.array([4096]), 0)
        neurons.factors(4095)
    assert neurons.readout_trace[0] == CORE.trace.max == 4095
    assert neurons.trace_saturated > 0


def test_clear_keeps_counters():
    neurons, _ = sweeps(CORE.replace(synapse="exponential"), [131071, 131071], alpha=4095)
    neurons.factors(HALF)
    assert neurons.synaptic_current.any()
    neurons.clear()
    for name in ("synaptic_current", "potential", "spiked", "surrogate", "readout_trace"):
        assert not getattr(neurons, name).any()
    assert neurons.potential_saturated == 1

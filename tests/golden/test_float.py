"""The fixed-point model against its equations (DESIGN sections 2 and 3) in float64, with derived bounds.

Spikes are decisions, so the float model is given the golden model's; everything else it computes for itself. A leak that
truncates loses less than one LSB per step, so a leaky quantity is off by less than ``LSB / (1 - decay)``. From there the
bounds follow the products of the rule, ``|ab - a'b'| <= |a| eb + |b| ea + ea eb``, plus each named rounding.
"""

import numpy as np
import pytest

from ranvier.golden.core import GoldenCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.record import TRACED
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize

STEPS = 45  # the last one is scored, so that what it changes is seen in the parameters only


def case(radius, delays, synapse, seed, reset):
    config = CoreConfig(
        inputs=8,
        neurons=12,
        outputs=4,
        recurrent=True,
        max_delay=6,
        delays=delays,
        kernel_radius=radius,
        synapse=synapse,
        reset=reset,
    )
    rng = np.random.default_rng(seed)
    shape = {name: shape for name, (shape, _, _) in Network.layout(config).items()}
    network = Network.zeros(config, alpha=0.85, kappa=0.9).replace(
        beta=config.decay.one // 2 * config.exponential,
        weight=rng.integers(-1200, 1600, shape["weight"]) // (1 + config.exponential),
        delay=rng.integers(64, 320, shape["delay"]),
        readout=rng.integers(-4096, 4096, shape["readout"]),
        eta_weight=StepSize.of(0.1),
        eta_delay=StepSize.of(8.0),
        eta_readout=StepSize.of(0.05),
        seed=seed + 1,
    )
    return network, Sample.from_raster(rng.random((STEPS, 8)) < 0.15, np.arange(STEPS) == STEPS - 1)


def leaky(events, decay):
    """``x[t] = decay x[t-1] + events[t]``."""
    values = np.zeros(events.shape)
    for t, event in enumerate(events):
        values[t] = event + (decay * values[t - 1] if t else 0)
    return values


def product(a, ea, b, eb):
    """A product and its error."""
    return a * b, abs(a) * eb + abs(b) * ea + ea * eb


@pytest.mark.parametrize("delays", ["synaptic", "axonal"])
@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize(
    ("seed", "synapse", "reset"),
    [
        *((seed, "delta", "soft") for seed in range(4)),
        *((seed, "exponential", "soft") for seed in range(2)),
        *((0, synapse, "soft now") for synapse in ("delta", "exponential")),
    ],
)
def test_forward_pass_and_one_learning_step(radius, delays, synapse, seed, reset):
    network, sample = case(radius, delays, synapse, seed, reset)
    c, target = network.config, seed % 4
    core = GoldenCore(c)
    core.load(network)
    steps = core.run(sample, target=target, learn=True, record=TRACED).steps
    after = core.network()
    assert not any(n for name, n in core.counters().items() if name.endswith("saturated"))

    # forward
    alpha, kappa, beta = (decay / c.decay.one for decay in (network.alpha, network.kappa, network.beta))
    weight, readout = network.real("weight"), network.real("readout")
    delay = np.broadcast_to(np.floor(network.real("delay") + 0.5).astype(int), weight.shape)
    spikes = steps["spikes"]
    counts = np.zeros((STEPS + c.lag, c.rows), int)  # lagging updates see the silence after the sample
    np.add.at(counts, (sample.times, sample.units), 1)
    counts[:STEPS, c.inputs :] = spikes
    others = np.arange(c.rows)[:, None] - c.inputs != np.arange(c.neurons)
    current = np.zeros((STEPS + 10, c.neurons))
    for t, i in np.argwhere(counts):
        np.add.at(current, (t + 1 + delay[i], np.arange(c.neurons)), counts[t, i] * weight[i] * others[i])
    theta = c.threshold * (alpha if c.reset == "soft now" else 1)
    reset = np.vstack([np.zeros(c.neurons), theta * spikes[:-1]])
    potential = leaky(leaky(current[:STEPS], beta) - reset, alpha)
    trace = leaky(leaky(counts.astype(float), beta), alpha)
    value, readout_trace = leaky(spikes @ readout, kappa), leaky(spikes.astype(float), kappa)
    bounds, filtered = {}, 1 / (1 - beta) if c.exponential else 0  # LSBs that the current before it may be off by
    for name, real, form, decay, before in (
        ("potential", potential, c.potential, alpha, filtered),
        ("trace", trace, c.trace, alpha, filtered),
        ("readout", value, c.potential, kappa, 0),
        ("readout_trace", readout_trace, c.trace, kappa, 0),
    ):
        bounds[name] = (1 + before) / form.one / (1 - decay)
        assert abs(form.to_float(steps[name]) - real[:STEPS]).max() <= bounds[name], name

    # the three factors on the scored step
    t = STEPS - 1
    probability = np.exp(value[t]) / np.exp(value[t]).sum()
    error = probability - (np.arange(c.outputs) == target)
    e_error = 0.5 / c.error.one + 0.0007 + c.outputs * 2.0**-15 + 2.0**-16 + bounds["readout"] / 2
    signal, e_signal = readout @ error, abs(readout).sum(axis=1) * e_error + 0.5 / c.signal.one
    psi = np.maximum(0, 1 - abs(potential[t] - c.threshold))
    e_psi = bounds["potential"] + 1 / c.surrogate.one
    m, e_m = product(signal, e_signal, psi, e_psi)
    e_m = e_m + 0.5 / c.signal.one
    eta = {name: float(getattr(network, f"eta_{name}")) for name in ("weight", "delay", "readout")}

    when = t - 1 - delay
    rows, taps = np.arange(c.rows)[:, None], c.kernel_format.to_float(c.kernel)
    slope = sum(k * (trace[when - u, rows] - trace[when + u, rows]) for u, k in enumerate(taps, 1))
    e_slope = 2 * sum(taps) * bounds["trace"] + 0.5 / c.trace.one
    eligible, e_eligible = trace[when, rows], bounds["trace"]

    # and the three updates; each stochastic rounding is off by less than one LSB
    change, bound = product(eta["weight"] * m, eta["weight"] * e_m + 0.5 / c.step_weight.one, eligible, e_eligible)
    check(weight - others * change, after.real("weight"), bound + 1 / c.weight.one, change * others)

    credit, e_credit = others * eta["delay"] * m * weight, abs(weight) * (eta["delay"] * e_m + 0.5 / c.step_delay.one)
    if delays == "axonal":
        credit, e_credit = credit.sum(axis=1, keepdims=True), e_credit.sum(axis=1, keepdims=True)
        slope = slope[:, :1]
    change, bound = product(credit, e_credit + 0.5 / c.step_delay.one, slope, e_slope)
    check(network.real("delay") - change, after.real("delay"), bound + 1 / c.delay.one, change)

    e_step = eta["readout"] * e_error + 0.5 / c.step_readout.one
    change, bound = product(eta["readout"] * error, e_step, readout_trace[t][:, None], bounds["readout_trace"])
    check(readout - change, after.real("readout"), bound + 1 / c.weight.one, change)


def check(real, fixed, bound, change):
    """`fixed` is within `bound` of `real`; and the largest change is well above it, so that this says something."""
    worst = abs(fixed - real).max()
    print(f"largest change {abs(change).max():.5f}, worst error {worst:.5f}, bound {np.max(bound):.5f}")
    assert (abs(fixed - real) <= bound).all()
    assert abs(change).max() > 3 * np.median(bound)

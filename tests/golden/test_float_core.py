"""The float64 rule: by hand, against its equations written out step by step, and its gradient against adjoint and slope."""

import numpy as np
import pytest

from ranvier.data import yin_yang
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.float_core import FloatCore
from ranvier.learners.online import train
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.record import TRACED
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.recipes import RECIPES, initial_network

STEPS = 40  # several times around a delay line of 8 slots
EVERY_KIND = [
    pytest.param(
        delays,
        recurrent,
        radius,
        synapse,
        id=f"{delays}-{'recurrent' if recurrent else 'feedforward'}-R{radius}-{synapse}",
    )
    for delays in ("synaptic", "axonal", "none")
    for recurrent in (False, True)
    for radius in (1, 2, 3)
    for synapse in ("delta", "exponential")
    if recurrent or synapse == "delta"
]
KIND = ("delays", "recurrent", "radius", "synapse")


def case(delays="synaptic", recurrent=True, radius=1, synapse="delta", seed=0, **changes):
    """A busy random core with delays from 0 to the largest, a sample with some steps scored, and its class."""
    config = CoreConfig(
        inputs=6,
        neurons=8,
        outputs=3,
        max_delay=6,
        delays=delays,
        recurrent=recurrent,
        kernel_radius=radius,
        synapse=synapse,
        **{"surrogate_width": 2.0} | changes,
    )
    rng = np.random.default_rng(seed)
    network = Network.zeros(config, alpha=0.85, kappa=0.8).replace(
        **{
            name: rng.integers(0, most + 1, shape) if name == "delay" else rng.integers(-1500, 3000, shape)
            for name, (shape, _, most) in Network.layout(config).items()
        },
        eta_weight=StepSize.of(0.02),
        eta_delay=StepSize.of(0.5),
        eta_readout=StepSize.of(0.03),
    )
    network.weight[config.inputs :] -= 750  # balanced: what runs away from the threshold has no surrogate derivative
    if config.exponential:  # each spike is felt for longer
        network.beta = config.decay.one * 5 // 8
        network.weight[:] //= 2
    if network.delay.size:
        network.delay.reshape(-1)[:2] = 0, config.delay_limit
    return network, Sample.from_raster(rng.poisson(0.25, (STEPS, 6)), rng.random(STEPS) < 0.6), seed % 3


def loaded(network):
    core = FloatCore(network.config)
    core.load(network)
    return core


def constants(network):
    """alpha, kappa, beta, and the kernel as ``{u: k(u)}``."""
    c = network.config
    taps = c.kernel_format.to_float(c.kernel)
    kernel = {sign * u: sign * k for u, k in enumerate(taps, 1) for sign in (-1, 1)}
    return *(decay / c.decay.one for decay in (network.alpha, network.kappa, network.beta)), kernel


def delays_of(c, delay):
    """Real-valued delays of every synapse, [rows, neurons]."""
    return np.broadcast_to(delay if c.delays != "none" else 0.0, (c.rows, c.neurons))


def compare(name, actual, expected, tolerance):
    """All values agree, relative to the largest; how many that were."""
    worst = abs(actual - expected).max() / abs(expected).max()
    print(f"{name}: {expected.size} values, largest {abs(expected).max():.4g}, worst relative error {worst:.1e}")
    assert worst <= tolerance, name
    return expected.size


# -------------------------------------------------------------------- by hand


def one_spike(**changes):
    """W = 1.25 and D = 1, Wout = (0.5, -0.5), both decays 0.5."""
    config = CoreConfig(inputs=1, neurons=1, outputs=2, max_delay=2, **changes)
    one = config.weight.one
    return Network.zeros(config, alpha=0.5, kappa=0.5).replace(
        weight=np.array([[5 * one // 4]]), delay=np.array([[64]]), readout=np.array([[one // 2, -one // 2]])
    )


def test_one_spike_by_hand():
    """W = 1.25 felt at step 2 after a spike at step 0 with D = 1; scored there with y = (0.5, -0.5) and class 1."""
    core = loaded(one_spike())
    got = core.gradient(Sample(np.array([0]), np.array([0]), np.arange(5) == 2), target=1)
    np.testing.assert_array_equal(core.history.potential[:, 0], [0, 0, 1.25, -0.375, -0.1875])
    np.testing.assert_array_equal(core.history.spikes[:, 0], [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(core.history.trace[:, 0], [1, 0.5, 0.25, 0.125, 0.0625])
    np.testing.assert_array_equal(core.history.readout[2:, 0], [0.5, 0.25, 0.125])
    wrong = 1 / (1 + np.exp(-1))  # softmax of the wrong class; L = 0.5 * wrong + 0.5 * wrong, psi = 0.75
    np.testing.assert_allclose(got.readout, [[wrong, -wrong]], rtol=1e-15)
    np.testing.assert_allclose(got.weight, [[0.75 * wrong * 1.0]], rtol=1e-15)
    np.testing.assert_allclose(got.delay, [[0.75 * wrong * 1.25 * (0.0 - 0.5) / 2]], rtol=1e-15)


def test_soft_reset_now_by_hand():
    """The same network: theta goes on the step of the spike, and half of what is left of 1.25 stays."""
    network = one_spike(reset="soft now")
    core = loaded(network)
    core.run(Sample(np.array([0]), np.array([0]), np.arange(5) == 2))
    np.testing.assert_array_equal(core.history.potential[:, 0], [0, 0, 1.25, 0.125, 0.0625])
    np.testing.assert_array_equal(core.history.spikes[:, 0], [0, 0, 1, 0, 0])


# -------------------------------------------------------------------- online, written out


def online(network, sample, target):
    """W, D, Wout and spikes after one sample, as docs/rule.md states them, one scalar at a time."""
    c = network.config
    alpha, kappa, beta, kernel = constants(network)
    weight, readout = network.real("weight"), network.real("readout")
    delay = network.real("delay") if network.delay.size else np.zeros((c.rows, 1))
    feedback = network.real("feedback") if network.feedback.size else readout
    etas = [float(eta) for eta in (network.eta_weight, network.eta_delay, network.eta_readout)]
    current, v, z, zbar = np.zeros((4, c.neurons))
    y, ibar = np.zeros(c.outputs), np.zeros(c.rows)
    line, xbar, credit, spikes = {}, {}, {}, []
    for t in range(sample.steps + radius_lag(c)):
        x = np.zeros(c.rows)
        if t < sample.steps:
            current = beta * current + np.array([line.pop((t, j), 0.0) for j in range(c.neurons)])
            v = {"soft": alpha * v - z, "soft now": alpha * (v - z), "zero": alpha * v * (1 - z)}[c.reset] + current
            z = (v >= 1).astype(float)
            spikes.append(z)
            y, zbar = kappa * y + z @ readout, kappa * zbar + z
            for unit in sample.units[sample.times == t]:
                x[unit] += 1
            x[c.inputs :] = z if c.recurrent else 0
            for i, j in np.argwhere(np.outer(x, np.ones(c.neurons))):
                if j != i - c.inputs:
                    when = t + 1 + int(np.floor(delays_of(c, delay)[i, j] + 0.5))
                    line[when, j] = line.get((when, j), 0.0) + x[i] * weight[i, j]
            if sample.scored[t]:
                error = np.exp(y) / np.exp(y).sum() - (np.arange(c.outputs) == target)
                credit[t] = (feedback @ error) * np.maximum(0, 1 - abs(v - 1) / c.surrogate_width)
                readout -= etas[2] * np.outer(zbar, error)
        ibar = beta * ibar + x
        xbar[t] = alpha * xbar.get(t - 1, np.zeros(c.rows)) + ibar
        due = t - radius_lag(c)
        row_change = np.zeros(c.rows)
        for i, j in np.ndindex(weight.shape) if due in credit else ():
            if j == i - c.inputs or (c.dormant and weight[i, j] == 0):
                continue
            felt = due - 1 - int(np.floor(delays_of(c, delay)[i, j] + 0.5))
            slope = sum(k * xbar[felt - u][i] for u, k in kernel.items() if felt >= u)
            change = etas[1] * credit[due][j] * weight[i, j] * slope
            weight[i, j] -= etas[0] * credit[due][j] * (xbar[felt][i] if felt >= 0 else 0)
            row_change[i] += change
            if c.delays == "synaptic":
                delay[i, j] = min(max(delay[i, j] - change, 0), c.max_delay)
        if c.delays == "axonal":
            delay = np.clip(delay - row_change[:, None], 0, c.max_delay)
    return weight, delay, readout, np.array(spikes)


def radius_lag(config):
    """Learning waits for the kernel to see ahead."""
    return config.kernel_radius - 1


@pytest.mark.parametrize(KIND, EVERY_KIND)
@pytest.mark.parametrize(
    "changes",
    [{}, {"reset": "soft now"}, {"dormant": True, "reset": "zero", "feedback": "random", "surrogate_width": 1.0}],
    ids=str,
)
def test_online_learning_is_the_rule_written_out(delays, recurrent, radius, synapse, changes):
    compared = 0
    for seed in range(3):
        network, sample, target = case(delays, recurrent, radius, synapse, seed, **changes)
        asleep = np.argwhere(network.weight % 4 == 0) if network.config.dormant else np.zeros((0, 2), int)
        network.weight[*asleep.T] = 0
        before, core = loaded(network).parameters, loaded(network)
        core.run(sample, target=target, learn=True)
        weight, delay, readout, spikes = online(network, sample, target)
        np.testing.assert_array_equal(core.history.spikes, spikes)
        assert spikes.sum() > 20
        assert not core.parameters.weight[*asleep.T].any()
        assert bool(len(asleep)) == network.config.dormant
        assert 5 < sample.scored.sum() < STEPS
        for name, expected in (("weight", weight), ("delay", delay), ("readout", readout)):
            if name != "delay" or delays != "none":
                moved, learned = expected - getattr(before, name), getattr(core.parameters, name)
                assert np.count_nonzero(moved) > moved.size / 3
                compared += compare(name, learned - getattr(before, name), moved, 1e-12)
    assert compared > 3 * 6 * 8


# -------------------------------------------------------------------- the gradient


def frozen(network, sample, target):
    """What the adjoint and the objective hold constant: arrivals x, spikes z, credit m [steps, ...] and errors."""
    c, core = network.config, loaded(network)
    core.run(sample)
    h = core.history
    value = np.array([sum(constants(network)[1] ** (t - s) * h.spikes[s] for s in range(t + 1)) for t in range(STEPS)])
    power = np.exp(value @ network.real("readout"))
    error = power / power.sum(axis=1, keepdims=True) - (np.arange(c.outputs) == target)
    error[~sample.scored] = 0
    psi = np.maximum(0, 1 - abs(h.potential - c.threshold) / c.surrogate_width)
    return h.arrived[:STEPS], h.spikes, psi * (error @ network.real("readout").T), error


def gradients(network, sample, target):
    """The accumulated gradient by name, and which synapses exist."""
    c, core = network.config, loaded(network)
    got = core.gradient(sample, target)
    for name, values in core.parameters._asdict().items():
        np.testing.assert_array_equal(values, getattr(loaded(network).parameters, name), "parameters are frozen")
    assert core.history.spikes.sum() > 20
    for values in (got.weight, got.delay) if c.delays != "none" else (got.weight,):
        for part in (values[: c.inputs], values[c.inputs :]):
            assert np.count_nonzero(part) > part.size / 2 or not part.size, "too quiet to say anything"
    assert c.delays != "none" or not got.delay.any()
    return got, np.arange(c.rows)[:, None] - c.inputs != np.arange(c.neurons)


@pytest.mark.parametrize(KIND, EVERY_KIND)
def test_gradient_is_the_adjoint_s(delays, recurrent, radius, synapse):
    """Spike by spike against a credit that walked backwards: the other order of the same double sum."""
    for seed in range(4):
        network, sample, target = case(delays, recurrent, radius, synapse, seed)
        c, (alpha, kappa, beta, kernel) = network.config, constants(network)
        arrived, spikes, credit, error = frozen(network, sample, target)
        got, exists = gradients(network, sample, target)

        margin = c.max_delay + 2 * radius + 1  # steps before and after the sample that a kernel may look at
        membrane, line = np.zeros((2, STEPS + 2 * margin, c.neurons))  # dE/dv_j[t], dE/dI_j[t] at [t + margin]
        for t in range(STEPS - 1, -margin - 1, -1):
            membrane[t + margin] = alpha * membrane[t + margin + 1] + (credit[t] if t >= 0 else 0)
            line[t + margin] = beta * line[t + margin + 1] + membrane[t + margin]
        readout_line = np.zeros((STEPS + 1, c.outputs))
        for t in range(STEPS - 1, -1, -1):
            readout_line[t] = kappa * readout_line[t + 1] + error[t]

        real = delays_of(c, network.real("delay") if delays != "none" else 0)
        hop, weight = np.floor(real + 0.5).astype(int) + 1 + margin, network.real("weight")
        expected = {"weight": np.zeros(weight.shape), "delay": np.zeros(weight.shape)}
        for t, i in np.argwhere(arrived):
            felt, j = t + hop[i], np.arange(c.neurons)
            expected["weight"][i] += exists[i] * arrived[t, i] * line[felt, j]
            slope = sum(k * line[felt + u, j] for u, k in kernel.items())
            expected["delay"][i] += exists[i] * arrived[t, i] * weight[i] * slope
        if delays == "axonal":
            expected["delay"] = expected["delay"].sum(axis=1, keepdims=True)

        compared = compare("W of inputs", got.weight[: c.inputs], expected["weight"][: c.inputs], 1e-12)
        if recurrent:
            compared += compare("W of neurons", got.weight[c.inputs :], expected["weight"][c.inputs :], 1e-12)
        if delays != "none":
            compared += compare("D of inputs", got.delay[: c.inputs], expected["delay"][: c.inputs], 1e-12)
            if recurrent:
                compared += compare("D of neurons", got.delay[c.inputs :], expected["delay"][c.inputs :], 1e-12)
        compared += compare("Wout", got.readout, spikes.T @ readout_line[:STEPS], 1e-12)
        assert compared == got.weight.size + got.readout.size + got.delay.size * (delays != "none")


def interpolation(shift, radius, kernel):
    """Shares ``{u: a_u}`` of a current delayed by a whole number of steps plus `shift` (any shape).

    Quadratic through three points for R = 1, linear along the kernel otherwise: the kernel is its derivative at 0.
    """
    if radius == 1:
        return {-1: shift * (shift - 1) / 2, 0: 1 - shift**2, 1: shift * (shift + 1) / 2}
    return {0: 1.0} | {u: shift * k for u, k in kernel.items()}


def objective(network, arrived, spikes, credit, weight, whole, shift):
    """``sum_t m_j[t] v_j[t]`` of every neuron with m, x and z held constant.

    v starts early enough for a kernel that looks ahead. With spikes held constant no neuron touches another's term.
    """
    c, (alpha, _, beta, kernel) = network.config, constants(network)
    early = c.kernel_radius
    current = np.zeros((STEPS + c.max_delay + 3 * early + 1, c.neurons))
    exists = np.arange(c.rows)[:, None] - c.inputs != np.arange(c.neurons)
    for t, i in np.argwhere(arrived):
        for u, share in interpolation(shift[i], c.kernel_radius, kernel).items():
            current[t + 1 + whole[i] + u + early, np.arange(c.neurons)] += share * exists[i] * arrived[t, i] * weight[i]
    total, v, felt = np.zeros((3, c.neurons))
    for t in range(-early, STEPS):
        reset = spikes[t - 1] if t > 0 else 0
        felt = beta * felt + current[t + early]
        v = (alpha * (v - reset) if c.reset == "soft now" else alpha * v - reset) + felt
        total += credit[t] * v if t >= 0 else 0
    return total


@pytest.mark.parametrize("reset", ["soft", "soft now"])
@pytest.mark.parametrize(KIND, EVERY_KIND)
def test_gradient_is_the_slope_of_its_objective(delays, recurrent, radius, synapse, reset):
    """Central differences: exact for W (linear) and D (quadratic, or linear), so a wide step costs no precision."""
    network, sample, target = case(delays, recurrent, radius, synapse, seed=5, reset=reset)
    c = network.config
    arrived, spikes, credit, _ = frozen(network, sample, target)
    got, _ = gradients(network, sample, target)
    weight = network.real("weight")
    whole = np.floor(delays_of(c, network.real("delay") if delays != "none" else 0) + 0.5).astype(int)

    def slope(of):
        """d objective / d parameter, "weight" or "delay", of every synapse; one row of them moves at a time."""
        slopes = np.zeros(weight.shape)
        for row in range(c.rows):
            ends = []
            for step in (-0.25, 0.25):
                moved = {"weight": weight.copy(), "delay": np.zeros(weight.shape)}
                moved[of][row] += step
                ends.append(objective(network, arrived, spikes, credit, moved["weight"], whole, shift=moved["delay"]))
            slopes[row] = (ends[1] - ends[0]) / 0.5
        return slopes

    compared = compare("W", got.weight, slope("weight"), 1e-12)
    if delays != "none":
        expected = slope("delay") if delays == "synaptic" else slope("delay").sum(axis=1, keepdims=True)
        compared += compare("D", got.delay, expected, 1e-12)
    assert compared == got.weight.size + got.delay.size * (delays != "none")


def test_readout_gradient_is_the_slope_of_the_loss():
    """Of the cross-entropy itself, over the readout's whole leak."""
    for seed in range(3):
        network, sample, target = case(seed=seed)
        got, _ = gradients(network, sample, target)
        _, kappa, *_ = constants(network)
        spikes, readout = frozen(network, sample, target)[1], network.real("readout")

        def loss(readout, spikes=spikes, kappa=kappa, target=target, scored=sample.scored):
            y, total = np.zeros(3), 0.0
            for t in range(STEPS):
                y = kappa * y + spikes[t] @ readout
                total += (np.log(np.exp(y).sum()) - y[target]) * scored[t]
            return total

        slope = np.zeros(readout.shape)
        for at in np.ndindex(readout.shape):
            ends = [loss(readout + step * (np.arange(readout.size).reshape(readout.shape) == at[0] * 3 + at[1]))
                    for step in (-1e-5, 1e-5)]  # fmt: skip
            slope[at] = (ends[1] - ends[0]) / 2e-5
        assert compare("Wout", got.readout, slope, 1e-8) == 8 * 3


# -------------------------------------------------------------------- as a device


def test_parameters_stop_at_their_limits():
    network, sample, target = case(seed=1)
    core, c = loaded(network.replace(eta_weight=StepSize.of(50.0), eta_delay=StepSize.of(50.0))), network.config
    core.run(sample, target=target, learn=True)
    weight, delay = core.parameters.weight, core.parameters.delay
    assert (weight.min(), weight.max()) == (-8, c.weight.max / c.weight.one)
    assert (delay.min(), delay.max()) == (0, 6)
    np.testing.assert_array_equal(core.network().weight, c.weight.quantise(weight))


def test_samples_are_independent_and_inference_changes_nothing():
    network, sample, _ = case()
    core = loaded(network)
    first, second = (core.run(sample, record=TRACED) for _ in range(2))
    assert first.spikes == second.spikes > 20
    assert core.counters()["spikes"] == 2 * first.spikes
    assert first.scores.sum() == pytest.approx(sample.scored.sum())
    for name in ("spikes", "potential", "readout"):
        assert np.count_nonzero(first.steps[name])
        np.testing.assert_array_equal(first.steps[name], second.steps[name])
    np.testing.assert_array_equal(core.network().weight, network.weight)
    with pytest.raises(SampleError, match="outputs=3"):
        core.gradient(sample, 3)


def test_learns_yin_yang_like_the_fixed_point_core():
    config, recipe, data = preset("yinyang"), RECIPES["yinyang"].replace(epochs=1), yin_yang(train=1500, test=300)
    network = initial_network(config, recipe, seed=0)
    real, fixed = (train(kind(config), network, data, recipe) for kind in (FloatCore, CompiledCore))
    print(
        f"accuracy {real.accuracy:.3f} in float64, {fixed.accuracy:.3f} in fixed point, delays {real.delays.mean:.2f}"
    )
    assert real.accuracy > 0.8
    assert abs(real.accuracy - fixed.accuracy) < 0.05
    assert real.delays.mean > 0.01

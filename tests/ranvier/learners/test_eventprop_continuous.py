"""Exact spike times against superposition, exact gradients against finite differences; and broken adjoints are caught."""

import inspect

import numpy as np
import pytest

from ranvier.learners import eventprop_continuous as eventprop_exact
from ranvier.learners.eventprop_continuous import (
    Answer,
    ExactNetwork,
    Shaping,
    first_spike,
    gradient,
    readout_integral,
    rescued,
    run,
)

INPUTS, NEURONS, OUTPUTS, END = 4, 6, 3, 14.0
CONSTANTS = [(2.0, 1.0), (1.0, 1.0), (3.0, 0.7), (1.0, 2.0)]  # tau_mem, tau_syn: as usual, equal, odd, slow current
KINDS = ["feedforward", "recurrent", "layers"]
LOSSES = {
    "readout": lambda net, events: readout_integral(net, events, 1, 5.0),
    "first spike": lambda net, events: first_spike(net, events, 1, tau_0=0.5, tau_1=6.0, strength=0.1),
}
CASES = [("feedforward", "readout"), ("recurrent", "readout"), ("recurrent", "first spike"), ("layers", "first spike")]


def synapses(kind):
    exists = np.ones((INPUTS + NEURONS, NEURONS), bool)
    exists[INPUTS:][np.eye(NEURONS, dtype=bool)] = False
    if kind != "recurrent":
        exists[INPUTS:] = False
    if kind == "layers":
        exists[:INPUTS, -OUTPUTS:] = False
        exists[INPUTS:-OUTPUTS, -OUTPUTS:] = True
    return exists


def case(kind, constants, seed):
    """A random network and ten input spikes, two of them at once."""
    rng, exists = np.random.default_rng(seed), synapses(kind)
    weight = rng.normal(1.5, 1.0, exists.shape)
    weight[INPUTS:] = rng.normal(*((1.0, 1.0) if kind == "layers" else (-0.2, 0.6)), weight[INPUTS:].shape)
    net = ExactNetwork(
        weight * exists, rng.uniform(0.2, 3, exists.shape), exists, rng.normal(0, 0.1, (NEURONS, OUTPUTS)), *constants, 3.0
    )  # fmt: skip
    times = rng.uniform(0, 8, 10)
    times[1] = times[0]
    return net, times, rng.integers(0, INPUTS, 10)


# -------------------------------------------------------------------- spike times


def test_one_spike_by_hand():
    """tau = 1: v = w s exp(-s) reaches 1 at s = 1/2 if w = 2 exp(1/2); then dt/dw = -s / (w (1 - s)) = -1 / w."""
    w = 2 * np.exp(0.5)
    one = np.ones((1, 1))
    net = ExactNetwork(np.array([[w], [0]]), np.array([[0.2], [0]]), np.array([[True], [False]]), one, 1.0, 1.0, 1.0)
    events = run(net, np.array([0.3]), np.array([0]), 1.4)
    np.testing.assert_allclose(events.time, [0.5, 1.0], rtol=1e-15)
    np.testing.assert_allclose(events.slope, [0, 1], rtol=1e-15)  # (I - theta) / tau = 2 - 1
    got = gradient(net, events, Answer(0.0, np.zeros(1), np.array([0.0, 1.0]), one))
    np.testing.assert_allclose([got.weight[0, 0], got.delay[0, 0]], [-1 / w, 1], rtol=1e-14)


def superposed(net, events, j, when):
    """v_j just before `when`, by superposition of every arrival and every reset, with no state carried along."""

    def kernel(s):
        m, n = net.tau_mem, net.tau_syn
        rising = s / m * np.exp(-s / m) if m == n else n / (m - n) * (np.exp(-s / m) - np.exp(-s / n))
        return np.where(s > 0, rising, 0)

    mine = events.neuron == j
    arrived, fired = mine & (events.row >= 0), mine & (events.row < 0)
    since = when[:, None] - events.time
    current = net.weight[events.row, j] * arrived * kernel(since)
    reset = net.threshold * fired * np.where(since > 0, np.exp(-since / net.tau_mem), 0)
    return (current - reset).sum(axis=1)


@pytest.mark.parametrize("constants", CONSTANTS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_neurons_fire_when_and_only_when_they_reach_the_threshold(kind, constants):
    fired, watched = 0, 0
    for seed in range(3):
        net, times, units = case(kind, constants, seed)
        events = run(net, times, units, END)
        assert (np.diff(events.time) >= 0).all()
        sources = events.source[events.row >= 0]
        sent = np.concatenate([times[:, None] + net.delay[units], np.full((10, NEURONS), np.inf)])
        assert (events.row[(events.row >= 0)] < INPUTS).sum() == (sent[:10] < END)[net.exists[units]].sum()
        for n in np.flatnonzero(events.source >= 0):
            i, j = events.row[n], events.neuron[n]
            assert events.time[n] == events.time[events.source[n]] + net.delay[i, j]
            assert events.neuron[events.source[n]] == i - INPUTS
        assert (sources < len(events.time)).all()
        for j in range(NEURONS):
            own = events.time[events.spikes][events.neuron[events.spikes] == j]
            np.testing.assert_allclose(superposed(net, events, j, own), net.threshold, rtol=1e-10)
            grid = np.linspace(0, END, 801)
            assert superposed(net, events, j, grid).max() < net.threshold * (1 + 1e-10)
            fired, watched = fired + len(own), watched + len(grid)
    print(f"{fired} spikes")
    assert fired > 5
    assert watched == 3 * NEURONS * 801


def test_a_network_that_runs_away_is_stopped():
    net, times, units = case("recurrent", (1.0, 2.0), 0)
    with pytest.raises(ValueError, match="runs away"):
        run(net._replace(weight=100 * np.abs(net.weight)), times, units, END)


# -------------------------------------------------------------------- gradients


def differences(net, loss, times, units, name, step):
    """Five-point differences with respect to a parameter, and where no event appeared, vanished or changed places."""
    values, before = getattr(net, name), run(net, times, units, END)
    slope, sound = np.zeros(values.shape), np.zeros(values.shape, bool)
    for at in np.argwhere(net.exists if name != "readout" else np.ones(values.shape, bool)):
        losses, same = [], True
        for side in (-2, -1, 1, 2):
            moved = values.copy()
            moved[tuple(at)] += side * step
            events = run(net._replace(**{name: moved}), times, units, END)
            same = same and np.array_equal(events.neuron, before.neuron) and np.array_equal(events.row, before.row)
            losses.append(LOSSES[loss](net._replace(**{name: moved}), events).loss)
        slope[tuple(at)] = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)
        sound[tuple(at)] = same
    return slope, sound


def worst_error(kind, loss, constants, seed):
    """Relative to the largest entry of its array: the worst of w, d and Wout; how many were compared, and not 0."""
    net, times, units = case(kind, constants, seed)
    events = run(net, times, units, END)
    answer = LOSSES[loss](net, events)
    own = gradient(net, events, answer)
    worst, compared, moving = 0.0, 0, 0
    for name, got in (("weight", own.weight), ("delay", own.delay), ("readout", answer.readout)):
        if name == "readout" and loss == "first spike":
            continue
        fine, sound = differences(net, loss, times, units, name, 1e-5)
        coarse, also = differences(net, loss, times, units, name, 2e-5)
        scale = max(abs(got).max(), abs(fine).max())
        sound &= also & (abs(fine - coarse) <= 1e-7 * scale)  # differences that have settled
        worst = max(worst, (abs(got - fine) * sound).max() / scale if scale else 0.0)
        compared, moving = compared + sound.sum(), moving + (sound & (got != 0)).sum()
    return worst, compared, moving


@pytest.mark.parametrize(("kind", "loss"), CASES)
def test_gradients_are_exact(kind, loss, record_property):
    compared, moving, possible = 0, 0, 0
    worst = 0.0
    for constants in CONSTANTS:
        for seed in range(2):
            error, count, alive = worst_error(kind, loss, constants, seed)
            worst, compared, moving = max(worst, error), compared + count, moving + alive
            possible += 2 * synapses(kind).sum() + NEURONS * OUTPUTS * (loss == "readout")
    line = (
        f"exact EventProp, {kind}, {loss}: {compared} of {possible} gradients, {moving} not 0, worst error {worst:.1e}"
    )
    record_property("evidence", line)
    assert worst < 1e-6
    assert compared > 0.8 * possible
    assert moving > 0.1 * possible
    assert moving > 100


FAULTS = {
    "no jump": ("+ pull[n] / m.tau_mem", "+ 0 * pull[n]"),
    "no reset in the jump": ("lambda_v[j] * after +", "lambda_v[j] * rise +"),
    "sign of the jump": ("+ pull[n] / m.tau_mem", "- pull[n] / m.tau_mem"),
    "sum in place of the difference": ("(lambda_i[j] - lambda_v[j])", "(lambda_i[j] + lambda_v[j])"),
    "sign of the delay": ("shift = -m.weight", "shift = m.weight"),
    "lambda_V alone": ("(lambda_i[j] - lambda_v[j])", "(-lambda_v[j])"),
    "nothing through recurrent spikes": ("pull[source] += shift", "pull[source] += 0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_adjoint_is_caught(fault, monkeypatch):
    good, bad = FAULTS[fault]
    source = inspect.getsource(eventprop_exact.adjoint.py_func).replace("@njit(cache=True)\n", "")
    assert source.count(good) == 1
    space = dict(vars(eventprop_exact))
    exec(source.replace(good, bad), space)
    monkeypatch.setattr(eventprop_exact, "adjoint", space["adjoint"])
    assert worst_error("recurrent", "readout", (2.0, 1.0), 0)[0] > 1e-2


# -------------------------------------------------------------------- shaping


def test_shaping_acts_on_neurons_outside_the_band_only():
    net, times, units = case("feedforward", (1.0, 1.0), 0)
    events = run(net, times, units, END)
    answer = readout_integral(net, events, 1)
    plain = gradient(net, events, answer)
    count = plain.counts
    most = float(np.median(count))
    assert 0 < (count > most).sum() < NEURONS
    shaped = gradient(net, events, answer, Shaping(most=most, pull=0.1))
    change = (shaped.weight - plain.weight)[:INPUTS].sum(axis=0)
    assert (change[count > most] > 0).all()  # descending it lowers their weights
    assert not change[count <= most].any()
    raised = rescued(net, count.astype(float), Shaping(least=most, rescue=2.0))
    np.testing.assert_array_equal(raised[0], -2.0 * np.maximum(0, most - count))
    assert not raised[INPUTS:].any()
    steep = gradient(net, events, answer, Shaping(least_slope=1e3))
    assert 0 < abs(steep.weight).max() < 0.01 * abs(plain.weight).max()

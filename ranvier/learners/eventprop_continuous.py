"""EventProp with delays in continuous time: exact spike times, exact gradients, small networks.

Wunderlich and Pehle (2021, Sci. Rep. 11, 12829); with delays Mészáros, Knight and Nowotny (2025, arXiv 2501.07331). Leaky
integrate-and-fire neurons with an exponential synaptic current; a spike of unit i at t arrives at ``t + d_ji`` ::

    tau_mem v' = -v + I        tau_syn I' = -I        arrival: I += w_ji        v reaches theta from below: spike, v = 0

At a crossing v is theta, so that starting from zero and subtracting theta are the same reset here. Between events both
equations have closed solutions, and v is concave on its way up, so that Newton's method from the left finds the crossing
to machine precision and never steps past it: nothing is integrated numerically and no time is rounded.

Backwards in time, with ``lambda_V = -dL/dv / tau_mem`` and ``lambda_I = -dL/dI / tau_syn``, both 0 at the end ::

    tau_mem lambda_V' = lambda_V        tau_syn lambda_I' = lambda_I - lambda_V
    spike k of neuron j:    lambda_V- = (v'+ / v'-) lambda_V+  +  (dL/dt_k) / (tau_mem v'-)
    dL/dt_k = (direct derivative of the loss) - sum over its arrivals of w (lambda_I - lambda_V)(t_k + d)
    dL/dw = -tau_syn sum lambda_I(t + d)        dL/dd = -w sum (lambda_I - lambda_V)(t + d)        over arrivals at t + d

Two losses. *Readout integral*: ``-log softmax(Y)_target`` with ``Y_k`` the integral from `start` to the end of a leaky y_k
that never fires and rises by Wout_kj at each spike (`tau_out`). *First spike* (Göltz et al. 2021, Nat. Mach. Intell. 3,
823): the last `outputs` neurons answer by their first spikes t, ``-log softmax(-t / tau_0)_target + strength
(exp(t_target / tau_1) - 1)``; a silent one counts as firing at the end.

The gradient covers the times of spikes, not their number; `Shaping` keeps spike counts in a band.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranvier.files.code_cache import keep
from ranvier.parameters.qformat import Real

__all__ = [
    "Events",
    "ExactGradient",
    "ExactNetwork",
    "SampleLoss",
    "Shaping",
    "first_spike",
    "gradient",
    "readout_integral",
    "rescued",
    "run",
]

Whole = NDArray[np.int64]

#: Limit of events per sample, beyond which a network runs away.
LIMIT = 100_000
SPIKE, INPUT = -1, -1


class ExactNetwork(NamedTuple):
    """Parameters; all times in the same unit, chosen by the user.

    Parameters
    ----------
    weight, delay : float arrays [inputs + neurons, neurons]
        w_ji and d_ji at ``[i, j]``: inputs first, then neurons. Delays between neurons that act on each other are positive.
    exists : bool array [inputs + neurons, neurons]
        Synapses that exist: feedforward, layered or recurrent.
    readout : float array [neurons, outputs]
        Wout_kj at ``[j, k]``; for the first-spike loss only its width counts.
    tau_mem, tau_syn, tau_out : float
        Time constants of v, I and y; the first two may be equal.
    threshold : float
        theta.
    """

    weight: Real
    delay: Real
    exists: NDArray[np.bool_]
    readout: Real
    tau_mem: float
    tau_syn: float
    tau_out: float
    threshold: float = 1.0


class Events(NamedTuple):
    """Events of the neurons in a sample, in order of time; arrays [events]."""

    time: Real
    neuron: Whole  # that fired or received a spike
    row: Whole  # source unit of the received spike; SPIKE if the neuron fired
    source: Whole  # event of the received spike; INPUT for an input spike
    slope: Real  # v' just before a spike, else 0
    end: float  # of the sample

    @property
    def spikes(self) -> Whole:
        """Which events are spikes."""
        return np.flatnonzero(self.row == SPIKE)


class SampleLoss(NamedTuple):
    """Loss of a sample: scores and derivatives."""

    loss: float
    score: Real  # [outputs], the largest is the prediction
    pull: Real  # direct dL/dt of each event, 0 for events that are not spikes
    readout: Real  # dL/dWout [neurons, outputs]


class Shaping(NamedTuple):
    """Additions to the exact gradient in training, as in `ranvier.learners.eventprop_gradient.EventRule`; none by default.

    Parameters
    ----------
    least_slope : float
        Bound of ``tau_mem v'`` at a crossing from below, in thresholds.
    least, most : float
        Range of spikes per sample for a neuron.
    pull, rescue : float
        Strength of ``dL/dv += pull (n_j - most)`` at each spike of a neuron with ``n_j > most`` spikes, and of `rescued`.
    """

    least_slope: float = 0.0
    least: float = 0.0
    most: float = np.inf
    pull: float = 0.0
    rescue: float = 0.0


UNSHAPED = Shaping()


class ExactGradient(NamedTuple):
    """Gradient of the loss with respect to w and d [inputs + neurons, neurons], and spikes of each neuron."""

    weight: Real
    delay: Real
    counts: Whole


# -------------------------------------------------------------------- between events


@njit
def response(s, tau, tau_drive):
    """``x(s)`` of ``tau x' = -x + u`` from ``x = 0``, driven by ``u = exp(-s / tau_drive)``; also for equal constants."""
    x = s * (tau - tau_drive) / (tau * tau_drive)
    return s / tau * np.exp(-s / tau) * (-np.expm1(-x) / x if x else 1.0)


@njit
def potential(m, v, i, s):
    return v * np.exp(-s / m.tau_mem) + i * response(s, m.tau_mem, m.tau_syn)


@njit
def until_peak(m, v, i):
    """Time for which v rises from (v, I); 0 if it does not rise, or can only rise towards 0."""
    spread = m.tau_mem - m.tau_syn
    below = v * spread + i * m.tau_syn
    if i <= max(v, 0.0) or below <= 0:
        return 0.0
    x = (i - v) * spread / below
    return m.tau_mem * m.tau_syn * (i - v) / below * (np.log1p(x) / x if x else 1.0)


@njit
def until_crossing(m, v, i):
    """Time until v reaches the threshold without further input; infinite if it never does."""
    peak = until_peak(m, v, i)
    if potential(m, v, i, peak) < m.threshold:
        return np.inf
    s = 0.0
    while True:
        now = potential(m, v, i, s)
        rise = (i * np.exp(-s / m.tau_syn) - now) / m.tau_mem
        step = (m.threshold - now) / rise if rise > 0 else 0.0
        if not s < s + step <= peak:
            return s
        s += step


# -------------------------------------------------------------------- forwards


@njit
def send(m, queue, t, row, source):
    for j in range(m.weight.shape[1]):
        if m.exists[row, j]:
            heappush(queue, (t + m.delay[row, j], j, row, source))


@keep
@njit
def simulate(m, times, units, end):
    """Events up to `end`, as arrays; truncated if there are more than LIMIT."""
    inputs, neurons = m.weight.shape[0] - m.weight.shape[1], m.weight.shape[1]
    v, i, since = np.zeros(neurons), np.zeros(neurons), np.zeros(neurons)
    crossing = np.full(neurons, np.inf)
    queue = [(np.inf, 0, 0, 0)]
    log = [(0.0, 0, 0, 0, 0.0) for _ in range(0)]
    for n in range(len(times)):
        send(m, queue, times[n], units[n], INPUT)
    while len(log) < LIMIT:
        j = int(crossing.argmin())
        fires = crossing[j] < queue[0][0]
        t, row, source = crossing[j], SPIKE, INPUT
        if not fires:
            t, j, row, source = heappop(queue)
        if t >= end:
            break
        s = t - since[j]
        v[j], i[j], since[j] = potential(m, v[j], i[j], s), i[j] * np.exp(-s / m.tau_syn), t
        if fires:
            log.append((t, j, SPIKE, INPUT, (i[j] - m.threshold) / m.tau_mem))
            v[j] = 0.0
            send(m, queue, t, inputs + j, len(log) - 1)
        else:
            log.append((t, j, row, source, 0.0))
            i[j] += m.weight[row, j]
        crossing[j] = t + until_crossing(m, v[j], i[j])
    time, slope, who = np.zeros(len(log)), np.zeros(len(log)), np.zeros((3, len(log)), np.int64)
    for n, (t, j, row, source, rise) in enumerate(log):
        time[n], slope[n] = t, rise
        who[0, n], who[1, n], who[2, n] = j, row, source
    return time, who, slope


def run(net: ExactNetwork, times: Real, units: Whole, end: float) -> Events:
    """A sample of input spikes at real `times` (any order) of input `units`, from rest to `end`.

    Raises
    ------
    ValueError
        If the network runs away.
    """
    time, (neuron, row, source), slope = simulate(net, times, units, float(end))
    if len(time) == LIMIT:
        raise ValueError(f"{LIMIT} events in one sample: the network runs away, scale its weights down")
    return Events(time, neuron, row, source, slope, float(end))


# -------------------------------------------------------------------- losses


def _log_softmax(x: Real) -> Real:
    shifted = x - x.max()
    result: Real = shifted - np.log(np.exp(shifted).sum())
    return result


def readout_integral(net: ExactNetwork, events: Events, target: int, start: float = 0.0) -> SampleLoss:
    """Cross entropy of the softmax of the readouts' integrals from `start` to the end of the sample."""
    spikes = events.spikes
    neuron, time, tau = events.neuron[spikes], events.time[spikes], net.tau_out
    late = np.exp(-(events.end - time) / tau)
    early = np.exp(-np.maximum(start - time, 0) / tau)
    area = np.zeros(len(net.readout))
    np.add.at(area, neuron, tau * (early - late))
    score = area @ net.readout
    logs = _log_softmax(score)
    error = np.exp(logs) - (np.arange(len(score)) == target)
    pull = np.zeros(len(events.time))
    pull[spikes] = (net.readout @ error)[neuron] * (np.where(time < start, early, 0) - late)
    return SampleLoss(-logs[target], score, pull, np.outer(area, error))


def first_spike(
    net: ExactNetwork, events: Events, target: int, tau_0: float, tau_1: float = 1.0, strength: float = 0.0
) -> SampleLoss:
    """Time to first spike of the last `outputs` neurons: cross entropy of ``softmax(-t / tau_0)``, and early is better."""
    outputs = net.readout.shape[1]
    first = net.weight.shape[1] - outputs
    time, event = np.full(outputs, events.end), np.full(outputs, -1)
    for n in events.spikes[::-1]:
        if events.neuron[n] >= first:
            time[events.neuron[n] - first], event[events.neuron[n] - first] = events.time[n], n
    logs = _log_softmax(-time / tau_0)
    change = ((np.arange(outputs) == target) - np.exp(logs)) / tau_0
    change[target] += strength / tau_1 * np.exp(time[target] / tau_1)
    pull = np.zeros(len(events.time))
    pull[event[event >= 0]] = change[event >= 0]
    loss = -logs[target] + strength * np.expm1(time[target] / tau_1)
    return SampleLoss(loss, -time, pull, np.zeros(net.readout.shape))


# -------------------------------------------------------------------- backwards


@keep
@njit
def adjoint(m, time, who, slope, end, pull, extra, least_slope):
    """dL/dw and dL/dd; adds the terms of arrivals to `pull` [events]; each spike adds `extra` [neurons] to dL/dv."""
    neurons = m.weight.shape[1]
    lambda_v, lambda_i, since = np.zeros(neurons), np.zeros(neurons), np.full(neurons, end)
    weight, delay = np.zeros(m.weight.shape), np.zeros(m.weight.shape)
    for n in range(len(time) - 1, -1, -1):
        j, row, source = who[0, n], who[1, n], who[2, n]
        s = since[j] - time[n]
        lambda_i[j] = lambda_i[j] * np.exp(-s / m.tau_syn) + lambda_v[j] * response(s, m.tau_syn, m.tau_mem)
        lambda_v[j] *= np.exp(-s / m.tau_mem)
        since[j] = time[n]
        if row == SPIKE:
            rise = max(slope[n], least_slope * m.threshold / m.tau_mem)
            after = rise + m.threshold / m.tau_mem
            lambda_v[j] = (lambda_v[j] * after + pull[n] / m.tau_mem) / rise - extra[j] / m.tau_mem
        else:
            shift = -m.weight[row, j] * (lambda_i[j] - lambda_v[j])
            weight[row, j] -= m.tau_syn * lambda_i[j]
            delay[row, j] += shift
            if source != INPUT:
                pull[source] += shift
    return weight, delay


def gradient(net: ExactNetwork, events: Events, loss: SampleLoss, shaping: Shaping = UNSHAPED) -> ExactGradient:
    """Gradient of a sample's loss; without `shaping` it is exact."""
    count = np.bincount(events.neuron[events.spikes], minlength=net.weight.shape[1])
    extra = shaping.pull * np.maximum(0, count - shaping.most)
    who = np.stack([events.neuron, events.row, events.source])
    weight, delay = adjoint(
        net, events.time, who, events.slope, events.end, loss.pull.copy(), extra, shaping.least_slope
    )
    return ExactGradient(weight, delay, count)


def rescued(net: ExactNetwork, mean_count: Real, shaping: Shaping) -> Real:
    """Addition to the mean gradient dL/dw of a batch that raises the input weights of neurons that fire too little."""
    change: Real = -shaping.rescue * np.maximum(0, shaping.least - mean_count) * net.exists
    change[len(change) - len(mean_count) :] = 0
    return change

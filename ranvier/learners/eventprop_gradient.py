"""EventProp with delays on the core's grid: the exact adjoint of the network in docs/rule.md, with jumps where spikes occur.

Wunderlich and Pehle (2021, Sci. Rep. 11, 12829); with delays Mészáros, Knight and Nowotny (2025, arXiv 2501.07331). The
same in continuous time, where every statement below is exact, is `ranvier.learners.eventprop_continuous`.

Between grid points a current is held, so with ``a = -log(alpha)`` the forward model is the solution of
``v' = -a v + a / (1 - alpha) I[t]`` on ``(t - 1, t]``, and a neuron that fires at t crossed the threshold with the slope ::

    slope_j[t] = a (I_j[t] / (1 - alpha) - theta)                    bounded from below, see `EventRule.least_slope`

A small additional current at that moment makes it fire earlier by ``1 / slope`` times the current. Let S_j(t) be the change
of the loss by a spike of j at t, and lam, mu and Lam the derivatives of the loss with respect to v, I and y. Backwards
from the end of the sample, every one of them 0 after it ::

    Lam_k[t] = kappa Lam_k[t+1] + dE/dy_k[t]
    lam_j[t] = alpha lam_j[t+1] + z_j[t] / slope_j[t] * (theta (1 - alpha) lam_j[t+1] - dS_j[t])
    mu_j[t]  = beta mu_j[t+1] + lam_j[t]
    dS_j[t]  = sum_k Wout_kj (Lam_k[t+1] - Lam_k[t-1]) / 2  +  sum_m W_mj dmu_m[t + 1 + Dh_mj]    (recurrent: neurons m)

The term in theta is the neuron's own reset, which moves with its spike. A reset to zero has the same one: at the crossing
``v = theta``, so that both resets are equal there. Reset "soft now" subtracts theta before the leak, so that its effect on
the next step, and with it this term, is smaller by the factor alpha. The gradient follows, with s the step ``t + 1 + Dh_ji``
on which a spike of unit i at t is felt ::

    dmu_j[s] = mu_j[s+1] - mu_j[s] = (1 - beta) mu_j[s+1] - lam_j[s]
    dE/dW_ji = sum mu_j[s]        dE/dD_ji = W_ji sum dmu_j[s]        dE/dWout_kj = sum_t z_j[t] Lam_k[t]

In the terms of the literature ``mu = -tau_syn lambda_I`` and ``lam = -tau_mem lambda_V``, so that dmu is its
``-(lambda_I - lambda_V)`` (docs/learners.md, "In continuous time", on the sign). For beta = 0 the current of a spike is a
box one step long, ``mu`` is ``lam``, and dmu is the difference of the adjoint between the two ends of the box.

The effect of appearing and vanishing spikes on the loss is not part of this gradient. Two rules deal with it: a neuron that
fires more than `EventRule.most` times in a sample is pulled down at each of its spikes, and one that fires less than
`EventRule.least` times per sample of the batch has its input weights raised, which also wakes silent ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranvier.files.code_cache import keep
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.qformat import Real
from ranvier.parameters.sample import Sample, check_run

__all__ = ["Batch", "EventRule", "Trajectory", "batch_gradient", "trajectory"]


class EventRule(NamedTuple):
    """Loss, bounds and corrections of the gradient, in real units.

    Parameters
    ----------
    accumulated : bool
        Loss: ``-log softmax(sum over scored t of y[t])_target``. Else the core's own, ``sum over scored t of -log
        softmax(y[t])_target``.
    least_slope : float
        Bound of the slope at a crossing from below, in thresholds per step: where it was barely reached, 1 / slope
        has no limit, and a neuron that its reset left above the threshold did not cross it at all.
    least, most : float
        Range of spikes per sample for a neuron.
    pull, rescue : float
        Strength of the two rules: of ``lam_j += pull (n_j - most)`` at each spike of a neuron with ``n_j > most`` spikes in
        this sample, and of ``dE/dW_ji -= rescue (least - mean n_j)`` from inputs i if the mean over the batch is below
        `least`.
    """

    accumulated: bool = False
    least_slope: float = 0.1
    least: float = 0.0
    most: float = np.inf
    pull: float = 0.0
    rescue: float = 0.0


def _plain(rule: EventRule) -> EventRule:
    """The rule with the types that the compiled code expects."""
    return EventRule(bool(rule.accumulated), *map(float, rule[1:]))


class Model(NamedTuple):
    """A network for the compiled functions; flags are 0 or 1."""

    inputs: int
    recurrent: int
    soft_reset: int
    reset_now: int
    threshold: float
    alpha: float
    kappa: float
    beta: float
    weight: Real  # [rows, neurons]
    hop: NDArray[np.int64]  # 1 + Dh [rows, neurons]
    readout: Real  # [neurons, outputs]

    @classmethod
    def of(cls, net: FloatNetwork) -> "Model":
        """A neuron's weight onto itself, which is never used, is taken as 0."""
        c, weight = net.config, net.weight.copy()
        weight[np.arange(c.inputs, c.rows), np.arange(c.rows - c.inputs)] = 0
        flags = int(c.recurrent), int(c.reset == "soft"), int(c.reset == "soft now")
        return cls(
            c.inputs, *flags, c.threshold, net.alpha, net.kappa, net.beta, weight, 1 + net.arrivals(), net.readout
        )


class Trajectory(NamedTuple):
    """A sample forwards and backwards; of the adjoints, entries after the sample are 0."""

    current: Real  # I [steps + longest hop, neurons]
    potential: Real  # v before reset [steps, neurons]
    spikes: NDArray[np.bool_]  # z [steps, neurons]
    readout: Real  # y [steps, outputs]
    potential_adjoint: Real  # lam [steps + 1, neurons]
    current_adjoint: Real  # mu [neurons, steps + longest hop + 1]
    readout_adjoint: Real  # Lam [steps + 1, outputs]


class Batch(NamedTuple):
    """Results of a mini-batch: sums over its samples of gradient, loss, correct predictions and spikes."""

    weight: Real  # [rows, neurons], before the rescue
    delay: Real  # [rows, neurons]
    readout: Real  # [neurons, outputs]
    counts: NDArray[np.int64]  # spikes of each neuron
    loss: float
    correct: int


# -------------------------------------------------------------------- forwards; index -1 reads zeros on step 0


@njit
def empty(m, steps):
    neurons, outputs = m.readout.shape
    reach = steps + m.hop.max()
    return Trajectory(
        np.zeros((reach, neurons)),
        np.zeros((steps, neurons)),
        np.zeros((steps, neurons), np.bool_),
        np.zeros((steps, outputs)),
        np.zeros((steps + 1, neurons)),
        np.zeros((neurons, reach + 1)),
        np.zeros((steps + 1, outputs)),
    )


@njit
def send(m, h, t, i):
    for j in range(m.weight.shape[1]):
        h.current[t + m.hop[i, j], j] += m.weight[i, j]


@njit
def forwards(m, h, units, offsets):
    for t in range(len(h.spikes)):
        h.readout[t] = m.kappa * h.readout[t - 1]
        for j in range(h.spikes.shape[1]):
            h.current[t, j] += m.beta * h.current[t - 1, j]
            early = m.threshold * (h.spikes[t - 1, j] and m.reset_now)
            kept = m.alpha * (h.potential[t - 1, j] - early)
            if h.spikes[t - 1, j] and not m.reset_now:
                kept = kept - m.threshold if m.soft_reset else 0.0
            h.potential[t, j] = kept + h.current[t, j]
            if h.potential[t, j] >= m.threshold:
                h.spikes[t, j] = True
                h.readout[t] += m.readout[j]
        for i in units[offsets[t] : offsets[t + 1]]:
            send(m, h, t, i)
        if m.recurrent:
            for fired in np.nonzero(h.spikes[t])[0]:
                send(m, h, t, m.inputs + fired)


# -------------------------------------------------------------------- loss


@njit
def softmax(y):
    power = np.exp(y - y.max())
    return power / power.sum()


@njit
def loss_and_scores(rule, h, scored, target):
    """Loss and scores of a sample; leaves dE/dy in the readout's adjoint."""
    loss, scores, total = 0.0, np.zeros(h.readout.shape[1]), np.zeros(h.readout.shape[1])
    for t in np.nonzero(scored)[0]:
        probability = softmax(h.readout[t])
        scores += probability
        total += h.readout[t]
        loss -= np.log(probability[target])
        h.readout_adjoint[t] = probability
        h.readout_adjoint[t, target] -= 1
    if rule.accumulated:
        probability = softmax(total)
        loss = -np.log(probability[target])
        probability[target] -= 1
        for t in np.nonzero(scored)[0]:
            h.readout_adjoint[t] = probability
    return loss, scores


# -------------------------------------------------------------------- backwards


@njit
def slope(rule, m, h, t, j):
    leak = -np.log(m.alpha)
    return max(leak * (h.current[t, j] / (1 - m.alpha) - m.threshold), rule.least_slope * m.threshold)


@njit
def later(line, felt):
    """dmu: derivative of the loss by the delay of a current, per unit of current."""
    return line[felt + 1] - line[felt]


@njit
def moved(m, h, t, j):
    """dS_j[t]: derivative of the loss by the time of a spike, per step."""
    total = 0.0
    for k in range(m.readout.shape[1]):
        before = h.readout_adjoint[t - 1, k] if t else 0.0
        total += m.readout[j, k] * (h.readout_adjoint[t + 1, k] - before) / 2
    if m.recurrent:
        i = m.inputs + j
        for other in range(m.weight.shape[1]):
            total += m.weight[i, other] * later(h.current_adjoint[other], t + m.hop[i, other])
    return total


@njit
def backwards(rule, m, h, counts):
    steps, neurons = h.spikes.shape
    for t in range(steps - 1, -1, -1):
        h.readout_adjoint[t] += m.kappa * h.readout_adjoint[t + 1]
    for t in range(steps - 1, -1, -1):
        for j in range(neurons):
            lam = m.alpha * h.potential_adjoint[t + 1, j]
            if h.spikes[t, j]:
                felt = m.alpha if m.reset_now else 1.0
                own = felt * m.threshold * (1 - m.alpha) * h.potential_adjoint[t + 1, j]
                lam += (own - moved(m, h, t, j)) / slope(rule, m, h, t, j)
                lam += rule.pull * max(0.0, counts[j] - rule.most)
            h.potential_adjoint[t, j] = lam
            h.current_adjoint[j, t] = m.beta * h.current_adjoint[j, t + 1] + lam


@njit
def collect_row(m, h, t, i, batch):
    for j in range(m.weight.shape[1]):
        felt = t + m.hop[i, j]
        batch.weight[i, j] += h.current_adjoint[j, felt]
        batch.delay[i, j] += m.weight[i, j] * later(h.current_adjoint[j], felt)


@njit
def collect(m, h, units, offsets, batch):
    for t in range(len(h.spikes)):
        for i in units[offsets[t] : offsets[t + 1]]:
            collect_row(m, h, t, i, batch)
        for j in np.nonzero(h.spikes[t])[0]:
            batch.readout[j] += h.readout_adjoint[t]
            if m.recurrent:
                collect_row(m, h, t, m.inputs + j, batch)


@keep
@njit(nogil=True)
def play(rule, m, units, offsets, scored, target):
    """One sample forwards and backwards."""
    h = empty(m, len(scored))
    forwards(m, h, units, offsets)
    loss, scores = loss_and_scores(rule, h, scored, target)
    backwards(rule, m, h, h.spikes.sum(axis=0))
    return h, loss, scores


@keep
@njit(nogil=True)
def play_batch(rule, m, units, offsets, first, scored, targets, batch):
    """Adds the samples' gradients to the arrays of `batch`; returns the summed loss and the number predicted correctly.

    Sample n owns entries ``first[n]`` to ``first[n + 1]`` of `scored`, and one more than that of `offsets`.
    """
    total, correct = 0.0, 0
    for n in range(len(targets)):
        steps = scored[first[n] : first[n + 1]]
        own = offsets[first[n] + n : first[n + 1] + n + 1]
        h, loss, scores = play(rule, m, units, own, steps, targets[n])
        collect(m, h, units, own, batch)
        batch.counts[:] += h.spikes.sum(axis=0)
        total += loss
        correct += scores.argmax() == targets[n]
    return total, correct


# -------------------------------------------------------------------- interface


def trajectory(net: FloatNetwork, sample: Sample, target: int, rule: EventRule) -> tuple[Trajectory, float]:
    """All steps of one sample, extended by the lag of `net`, forwards and backwards, and its loss.

    Raises
    ------
    SampleError
        If the sample or target does not fit the core.
    """
    check_run(net.config, sample, target, learn=False)
    (sample,) = net.prolonged([sample])
    arrays = np.array(sample.units), sample.offsets(), np.array(sample.scored)  # one compiled version: writable ones
    h, loss, _ = play(_plain(rule), Model.of(net), *arrays, int(target))
    return h, loss


def batch_gradient(net: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], rule: EventRule) -> Batch:
    """Gradient of the summed loss of a mini-batch, with the rescue of neurons that fire too little.

    Parameters
    ----------
    net : FloatNetwork
        Parameters; none of them changes.
    samples, labels : list of Sample, int array [samples]
        The mini-batch; samples may differ in length, and are extended by the lag of `net`.
    rule : EventRule
        Loss, bounds and strengths.

    Returns
    -------
    Batch
        Sums over the samples, per threshold (weight, readout) and per step (delay: of every synapse, whatever kind the core
        has).

    Raises
    ------
    SampleError
        If a sample or label does not fit the core.
    """
    for sample, label in zip(samples, labels.tolist(), strict=True):
        check_run(net.config, sample, label, learn=False)
    samples = net.prolonged(samples)
    m, starts = Model.of(net), np.cumsum([0] + [len(sample.units) for sample in samples])
    sums = Batch(
        np.zeros(net.weight.shape), np.zeros(net.weight.shape), np.zeros(net.readout.shape),
        np.zeros(net.config.neurons, np.int64), 0.0, 0,
    )  # fmt: skip
    loss, correct = play_batch(
        _plain(rule),
        m,
        np.concatenate([sample.units for sample in samples]),
        np.concatenate([start + sample.offsets() for start, sample in zip(starts[:-1], samples, strict=True)]),
        np.cumsum([0] + [sample.steps for sample in samples]),
        np.concatenate([sample.scored for sample in samples]),
        labels,
        sums,
    )
    c = net.config
    sums.weight[np.arange(c.inputs, c.rows), np.arange(c.rows - c.inputs)] = 0  # neurons onto themselves
    sums.weight[: c.inputs] -= rule.rescue * np.maximum(0, rule.least * len(samples) - sums.counts)
    return sums._replace(loss=loss, correct=int(correct))

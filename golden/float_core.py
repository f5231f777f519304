"""The rule of docs/rule.md in float64: what the fixed-point core approximates, and its gradient to check.

It shares parameters with the fixed-point model and no arithmetic, and no bookkeeping either: every quantity is kept for
every step of the sample, so that there are no circular buffers, no sleeping rows and no FIFO to get wrong in the same way.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranvier.files.code_cache import keep
from ranvier.golden.base import CoreBase
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork, whole_steps
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.record import COUNTERS, Steps
from ranvier.parameters.sample import Sample, check_run

__all__ = ["FloatCore", "History", "Parameters"]

Real = NDArray[np.float64]


# -------------------------------------------------------------------- what the compiled functions are handed


class Parameters(NamedTuple):
    """Parameters that learning changes (or a gradient by them); W and Wout in thresholds, D in steps."""

    weight: Real  # [rows, neurons]
    delay: Real  # [rows, neurons] if synaptic, else [rows, 1]
    readout: Real  # [neurons, outputs]


class Rule(NamedTuple):
    """Parameters that a sample does not change, in real units; flags are 0 or 1."""

    inputs: int
    recurrent: int
    axonal: int
    synaptic: int
    soft_reset: int
    reset_now: int
    dormant: int
    lag: int
    threshold: float
    width: float
    alpha: float
    kappa: float
    beta: float
    eta_weight: float
    eta_delay: float
    eta_readout: float
    weight_limits: tuple[float, float]
    delay_limits: tuple[float, float]
    kernel: Real  # k(-R) .. k(R)

    @classmethod
    def of(cls, net: Network) -> "Rule":
        c = net.config
        taps = c.kernel_format.to_float(c.kernel)
        return cls(
            inputs=c.inputs,
            recurrent=int(c.recurrent),
            axonal=int(c.delays == "axonal"),
            synaptic=int(c.delays == "synaptic"),
            soft_reset=int(c.reset == "soft"),
            reset_now=int(c.reset == "soft now"),
            dormant=int(c.dormant),
            lag=c.lag,
            threshold=c.threshold,
            width=c.surrogate_width * c.threshold,
            alpha=net.alpha / c.decay.one,
            kappa=net.kappa / c.decay.one,
            beta=net.beta / c.decay.one,
            eta_weight=float(net.eta_weight),
            eta_delay=float(net.eta_delay),
            eta_readout=float(net.eta_readout),
            weight_limits=(c.weight.min / c.weight.one, c.weight.max / c.weight.one),
            delay_limits=(0.0, float(c.max_delay)),
            kernel=np.concatenate([-taps[::-1], [0.0], taps]),
        )

    def accumulating(self) -> "Rule":
        """The same rule with unit step sizes and no limits, so that what it subtracts is a gradient."""
        free = (-np.inf, np.inf)
        return self._replace(eta_weight=1.0, eta_delay=1.0, eta_readout=1.0, weight_limits=free, delay_limits=free)


class History(NamedTuple):
    """Every quantity of a sample at every step, real units; lagging updates see `lag` silent steps after its end."""

    arrived: Real  # x: spikes of presynaptic units [steps + lag, rows]
    trace_current: Real  # ibar [steps + lag, rows]; x unless synapses are exponential
    trace: Real  # xbar [steps + lag, rows]
    current: Real  # what the delay line of current holds for each step [steps + max_delay + 1, neurons]
    synaptic_current: Real  # I [steps, neurons]; what arrives unless synapses are exponential
    potential: Real  # v before reset [steps, neurons]
    spikes: Real  # z [steps, neurons]
    surrogate: Real  # psi [steps, neurons]
    readout_trace: Real  # zbar [steps, neurons]
    credit: Real  # m [steps, neurons], zero on steps that are not scored
    readout: Real  # y [steps, outputs]
    probability: Real  # softmax of y [steps, outputs], zero on steps that are not scored

    @classmethod
    def of(cls, c: CoreConfig, steps: int) -> "History":
        shapes = {
            **dict.fromkeys(("arrived", "trace_current", "trace"), (steps + c.lag, c.rows)),
            "current": (steps + c.max_delay + 1, c.neurons),
            **dict.fromkeys(("synaptic_current", "potential", "spikes"), (steps, c.neurons)),
            **dict.fromkeys(("surrogate", "readout_trace", "credit"), (steps, c.neurons)),
            **dict.fromkeys(("readout", "probability"), (steps, c.outputs)),
        }
        return cls(**{name: np.zeros(shape) for name, shape in shapes.items()})


# -------------------------------------------------------------------- forward; index -1 reads zeros on step 0


@njit
def sweep(c, h, t):
    if c.reset_now:
        kept = c.alpha * (h.potential[t - 1] - c.threshold * h.spikes[t - 1])
    else:
        kept = c.alpha * h.potential[t - 1]
        kept = kept - c.threshold * h.spikes[t - 1] if c.soft_reset else kept * (1 - h.spikes[t - 1])
    h.synaptic_current[t] = c.beta * h.synaptic_current[t - 1] + h.current[t]
    h.potential[t] = kept + h.synaptic_current[t]
    h.spikes[t] = h.potential[t] >= c.threshold


@njit
def integrate(c, p, h, t):
    h.readout[t] = c.kappa * h.readout[t - 1]
    for j in np.nonzero(h.spikes[t])[0]:
        h.readout[t] += p.readout[j]


steps_of = njit(whole_steps)


@njit
def rounded_delay(c, p, i, j):
    return steps_of(p.delay[i, j * c.synaptic])


@njit
def deliver(c, p, h, t, units):
    for i in units:
        h.arrived[t, i] += 1
    if c.recurrent:
        h.arrived[t, c.inputs :] = h.spikes[t]
    for i in np.nonzero(h.arrived[t])[0]:
        for j in range(p.weight.shape[1]):
            if j != i - c.inputs:  # a neuron never projects onto itself
                h.current[t + 1 + rounded_delay(c, p, i, j), j] += h.arrived[t, i] * p.weight[i, j]


@njit
def softmax(h, t):
    power = np.exp(h.readout[t] - h.readout[t].max())
    h.probability[t] = power / power.sum()


# -------------------------------------------------------------------- learning: reads `p`, subtracts from `to`


@njit
def clip(value, limits):
    return min(max(value, limits[0]), limits[1])


@njit
def factors(c, h, t):
    h.surrogate[t] = np.maximum(0, 1 - np.abs(h.potential[t] - c.threshold) / c.width)
    h.readout_trace[t] = c.kappa * h.readout_trace[t - 1] + h.spikes[t]


@njit
def learning_signal(c, to, feedback, h, t, target):
    error = h.probability[t].copy()
    error[target] -= 1
    for j in range(len(feedback)):
        h.credit[t, j] = (feedback[j] * error).sum() * h.surrogate[t, j]
        for k in range(len(error)):
            change = c.eta_readout * error[k] * h.readout_trace[t, j]
            to.readout[j, k] = clip(to.readout[j, k] - change, c.weight_limits)


@njit
def trace_at(h, i, t):
    return h.trace[t, i] if t >= 0 else 0.0


@njit
def slope_at(c, h, i, t):
    """``sum_u k(u) xbar_i[t - u]``"""
    total = 0.0
    for tap in range(len(c.kernel)):
        total += c.kernel[tap] * trace_at(h, i, t - (tap - len(c.kernel) // 2))
    return total


@njit
def eligibility(c, p, to, h, t, awake):
    h.trace_current[t] = c.beta * h.trace_current[t - 1] + h.arrived[t]
    h.trace[t] = c.alpha * h.trace[t - 1] + h.trace_current[t]
    awake |= h.arrived[t] > 0
    s = t - c.lag  # the step whose credit is due
    if s < 0:
        return
    credited = np.nonzero(h.credit[s])[0]
    for i in np.nonzero(awake)[0]:
        row_change = 0.0
        for j in credited:
            if j == i - c.inputs:
                continue
            felt = s - 1 - rounded_delay(c, p, i, j)
            weight = p.weight[i, j]
            if c.dormant and weight == 0:
                continue
            change = c.eta_weight * h.credit[s, j] * trace_at(h, i, felt)
            to.weight[i, j] = clip(to.weight[i, j] - change, c.weight_limits)
            if c.synaptic or c.axonal:
                change = c.eta_delay * h.credit[s, j] * weight * slope_at(c, h, i, felt)
                row_change += change
                if c.synaptic:
                    to.delay[i, j] = clip(to.delay[i, j] - change, c.delay_limits)
        if c.axonal:
            to.delay[i, 0] = clip(to.delay[i, 0] - row_change, c.delay_limits)


@keep
@njit(nogil=True)
def play(c, p, to, feedback, h, units, offsets, scored, target, learn):
    """One sample. `to` is `p` itself when learning online, and something else to leave `p` as it is."""
    awake = np.zeros(len(p.weight), np.bool_)
    for t in range(len(scored)):
        sweep(c, h, t)
        integrate(c, p, h, t)
        deliver(c, p, h, t, units[offsets[t] : offsets[t + 1]])
        if scored[t]:
            softmax(h, t)
        if learn:
            factors(c, h, t)
            if scored[t]:
                learning_signal(c, to, feedback, h, t, target)
            eligibility(c, p, to, h, t, awake)
    if learn:
        for t in range(len(scored), len(scored) + c.lag):
            eligibility(c, p, to, h, t, awake)


class FloatCore(CoreBase):
    """The core in float64: the same device as `ranvier.golden.core.GoldenCore`, with records in real units.

    Parameters are read from a `Network` and kept in float64 while learning; only `network` quantises them. W, Wout and D
    are limited like on the chip, nothing else is: v, y, traces and learning signals have no format here.

    Parameters
    ----------
    config : CoreConfig
        The core to model.

    Attributes
    ----------
    parameters : Parameters
        W, D and Wout as they are now.
    history : History
        Every quantity of the last sample.
    """

    def restart(self) -> None:
        """Take the parameters from the network; clear state and counters."""
        self._take(FloatNetwork.of(self._network))

    def load_real(self, network: FloatNetwork) -> None:
        """`load` with real numbers, none of them rounded; step sizes and seed stay. `NetworkError` if for another core."""
        self._check_open()
        if not isinstance(network, FloatNetwork):
            raise NetworkError(
                f"a {type(network).__name__} is not a FloatNetwork: give FloatNetwork.of(network), or load it"
            )
        if network.config != self.config:
            raise NetworkError("the network was made for another configuration: open the device with network.config")
        self._held = self._held or Network.zeros(self.config)  # what real numbers are not: step sizes and seed
        self._held = self._held.replace(lag=network.lag)
        self._take(network)

    def _take(self, network: FloatNetwork) -> None:
        delay = network.delay.copy() if network.delay.size else np.zeros((self.config.rows, 1))
        self.parameters = Parameters(network.weight.copy(), delay, network.readout.copy())
        self._decays: dict[str, Any] = {"alpha": network.alpha, "kappa": network.kappa, "beta": network.beta}
        self.history = History.of(self.config, 0)
        self._counts = dict.fromkeys(COUNTERS, 0)

    SNAPSHOT = Parameters._fields

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """The parameters before `network` rounds them; there are no generators."""
        _ = self._network  # refuses if there is none
        return {name: values.copy() for name, values in self.parameters._asdict().items()}

    def _take_snapshot(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        self.parameters = Parameters(**{name: snapshot[name].copy() for name in Parameters._fields})

    def _read_network(self, network: Network) -> Network:
        """The parameters as they are now, each rounded to the nearest raw value, decays too."""
        c, p = self.config, self.parameters
        changes = {"weight": c.weight.quantise(p.weight), "readout": c.weight.quantise(p.readout)}
        if c.delays != "none":
            changes["delay"] = c.delay.quantise(p.delay)
        decays = {name: int(c.decay.quantise(value)) for name, value in self._decays.items()}
        return network.replace(**changes, **decays)

    def _counters(self) -> dict[str, int]:
        return dict(self._counts)  # saturation is not counted here

    def play(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> NDArray[Any]:
        """Run a checked sample from cleared state, fill `steps`, return the scores [outputs]; all in real units."""
        self._play(self._rule(), self.parameters, sample, target, learn)
        self._counts["spikes"] += int(self.history.spikes.sum())
        self._counts["deliveries"] += int(self.history.arrived.sum())
        for name in steps:
            values: NDArray[Any] = getattr(self.history, name)
            steps[name] = values[: sample.steps]
        values = self.history.probability if self.config.prediction == "softmax" else self.history.readout
        return values[sample.scored].sum(axis=0)

    def gradient(self, sample: Sample, target: int) -> Parameters:
        """What one sample would subtract from the parameters at unit step sizes, all of them frozen meanwhile.

        For Wout that is the exact gradient of ``E = sum over scored t of -log softmax(y[t])_target``. For W and D it is the
        gradient of ``sum_tj m_j[t] v_j[t]`` with m and all spikes held constant: recurrent and reset paths are stopped, and
        an error reaches back through the membrane's leak but not through the readout's (see docs/rule.md).

        Parameters
        ----------
        sample : Sample
            Input spikes and scored steps.
        target : int
            Class of the sample.

        Returns
        -------
        Parameters
            Gradients per threshold (weight, readout) and per step (delay; zeros without delays). `history` keeps the
            quantities that they were made of.

        Raises
        ------
        SampleError
            If the sample or target does not fit the core.
        """
        check_run(self.config, sample, target, learn=True)
        sample = sample.later(self._network.lag)
        change = Parameters(*(np.zeros_like(values) for values in self.parameters))
        self._play(self._rule().accumulating(), change, sample, target, True)
        return Parameters(*(-values for values in change))

    def _rule(self) -> Rule:
        return Rule.of(self._network)._replace(**self._decays)

    def _play(self, rule: Rule, to: Parameters, sample: Sample, target: int | None, learn: bool) -> None:
        net, self.history = self._network, History.of(self.config, sample.steps)
        feedback = net.real("feedback") if net.feedback.size else self.parameters.readout
        play(
            rule,
            self.parameters,
            to,
            feedback,
            self.history,
            np.array(sample.units),
            np.array(sample.offsets()),
            np.array(sample.scored),
            0 if target is None else int(target),
            bool(learn),
        )

"""The core compiled with Numba: the specification spelled a second time, in loops, for training at speed.

Bit-identical to `ranvier.golden.core.GoldenCore` in spikes, states, parameters, counters and random draws. The functions
below follow the files of the plain model phase by phase and name for name; what differs is only what is skipped because
it is known to be zero, and that no object is made on the way.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranvier.files.code_cache import keep
from ranvier.golden.base import CoreBase
from ranvier.golden.random import seeds
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE, LOG2_E, RECIPROCAL_BITS, TABLE_BITS
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat, Raw
from ranvier.parameters.record import COUNTERS, TRACED, Steps
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize

__all__ = ["CompiledCore"]


(
    SPIKES,
    DELIVERIES,
    DELAY_LINE_SATURATED,
    POTENTIAL_SATURATED,
    READOUT_SATURATED,
    TRACE_SATURATED,
    SIGNAL_SATURATED,
    WEIGHT_SATURATED,
    DELAY_SATURATED,
    SIGNAL_UNDERFLOW,
) = range(len(COUNTERS))

#: Places in `State.dither`.
SIGNAL, ELIGIBILITY = range(2)

_TABLE = np.array(EXP_TABLE)

#: Compiles a part of `play`. It is called from no Python, so it needs no wrapper; it allocates nothing, so it needs no
#: reference counts, which would cost up to as much as the arithmetic.
phase = njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


# -------------------------------------------------------------------- what the compiled functions are handed


class Format(NamedTuple):
    """A `QFormat` in integers."""

    min: int
    max: int
    fraction: int

    @classmethod
    def of(cls, q: QFormat) -> "Format":
        return cls(q.min, q.max, q.fraction)


class Sizes(NamedTuple):
    """Everything that a `CoreConfig` fixes, by the same names; flags are 0 or 1."""

    inputs: int
    neurons: int
    outputs: int
    lanes: int
    words: int
    readout_words: int
    slots: int
    reach: int
    lag: int
    kernel_radius: int
    recurrent: int
    axonal: int
    synaptic: int
    soft_reset: int
    reset_now: int
    exponential: int
    dormant: int
    softmax_scores: int
    threshold: int
    surrogate_width: int
    delay_fraction: int
    delay_limit: int
    random_bits_weight: int
    random_bits_delay: int
    random_bits_readout: int
    weight: Format
    potential: Format
    decay: Format
    trace: Format
    surrogate: Format
    error: Format
    signal: Format
    step_weight: Format
    step_delay: Format
    step_readout: Format
    kernel: Raw

    @classmethod
    def of(cls, c: CoreConfig) -> "Sizes":
        values: dict[str, Any] = {name: getattr(c, name, None) for name in cls._fields}
        values |= {name: Format.of(q) for name, q in c.formats().items()}
        values |= {
            "recurrent": int(c.recurrent),
            "axonal": int(c.delays == "axonal"),
            "synaptic": int(c.delays == "synaptic"),
            "soft_reset": int(c.reset == "soft"),
            "reset_now": int(c.reset == "soft now"),
            "exponential": int(c.exponential),
            "dormant": int(c.dormant),
            "softmax_scores": int(c.prediction == "softmax"),
            "threshold": c.threshold_raw,
            "surrogate_width": c.surrogate_raw,
            "kernel": np.array(c.kernel),
        }
        return cls(**values)


class Parameters(NamedTuple):
    """Parameters of a `Network`; the arrays are copies and are updated in place."""

    weight: Raw
    delay: Raw  # one column of zeros without delays
    readout: Raw
    feedback: Raw  # the readout itself if symmetric
    alpha: int
    kappa: int
    beta: int
    eta_weight: tuple[int, int]
    eta_delay: tuple[int, int]
    eta_readout: tuple[int, int]

    @classmethod
    def of(cls, n: Network) -> "Parameters":
        def eta(step: StepSize) -> tuple[int, int]:
            return step.mantissa, step.shift

        return cls(
            n.weight,
            n.delay if n.delay.size else np.zeros((n.config.rows, 1), np.int64),
            n.readout,
            n.feedback if n.feedback.size else n.readout,
            n.alpha,
            n.kappa,
            n.beta,
            eta(n.eta_weight),
            eta(n.eta_delay),
            eta(n.eta_readout),
        )


class State(NamedTuple):
    """Everything that changes while a sample runs, except the parameters."""

    delay_line: Raw  # [slots, neurons]
    synaptic_current: Raw  # [neurons]
    potential: Raw  # [neurons]
    spiked: Raw  # [neurons], 0 or 1
    surrogate: Raw  # [neurons]
    readout_trace: Raw  # [neurons]
    value: Raw  # y [outputs]
    scores: Raw  # [outputs]
    error: Raw  # [outputs]: probability, then err
    scaled_error: Raw  # [outputs]: eta_readout err
    credit_weight: Raw  # [lag + 1, neurons], circular
    credit_delay: Raw  # [lag + 1, neurons], circular
    draws: Raw  # [words, lanes], flat: one random number per synapse of a row
    dither: Raw  # [2]: what rounds products with a step size, and W etaD m, on this step
    words: Raw  # [words]: those with any credit
    lines: Raw  # [rows]: those awake, in the order in which they woke
    awake: Raw  # [1]: how many
    listed: NDArray[np.bool_]  # [rows]: whether among them
    arrived: Raw  # [rows]
    trace_current: Raw  # [rows]
    window: Raw  # [rows, 2 R + 1]
    trace: Raw  # [rows, slots]
    slope: Raw  # [rows, slots]
    age: Raw  # [rows]
    quiet: Raw  # [rows]
    generators: NDArray[np.uint32]  # [lanes]
    counts: Raw  # by the order of COUNTERS

    @classmethod
    def of(cls, c: CoreConfig, seed: int) -> "State":
        rows, neurons, outputs = c.rows, c.neurons, c.outputs
        shapes = {
            "delay_line": (c.slots, neurons),
            **dict.fromkeys(("synaptic_current", "potential", "spiked", "surrogate", "readout_trace"), (neurons,)),
            **dict.fromkeys(("value", "scores", "error", "scaled_error"), (outputs,)),
            **dict.fromkeys(("credit_weight", "credit_delay"), (c.lag + 1, neurons)),
            "draws": (max(c.words, c.readout_words) * c.lanes,),
            "dither": (2,),
            "words": (c.words,),
            **dict.fromkeys(("lines", "arrived", "trace_current", "age", "quiet"), (rows,)),
            "awake": (1,),
            "window": (rows, 2 * c.kernel_radius + 1),
            **dict.fromkeys(("trace", "slope"), (rows, c.slots)),
            "counts": (len(COUNTERS),),
        }
        arrays: dict[str, Any] = {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}
        return cls(**arrays, listed=np.zeros(rows, np.bool_), generators=seeds(seed, c.lanes))

    def clear(self) -> None:
        """Reset all but generators and counters. The trace histories' entries stay: their age says that they are gone."""
        for name in set(self._fields) - {"trace", "slope", "dither", "generators", "counts"}:
            getattr(self, name).fill(0)


class Recording(NamedTuple):
    """Where to record what, [steps, size]; arrays of no steps record nothing."""

    spikes: Raw
    potential: Raw
    readout: Raw
    surrogate: Raw
    readout_trace: Raw
    trace: Raw


# -------------------------------------------------------------------- fixed


@phase
def saturate(value, fmt):
    return min(max(value, fmt.min), fmt.max)


@phase
def clamp(value, most):
    return min(max(value, 0), most)


@phase
def toward_zero(value, bits):
    return value >> bits if value >= 0 else -(-value >> bits)


@phase
def round_half_up(value, bits):
    return value if bits == 0 else (value + (1 << (bits - 1))) >> bits


@phase
def round_stochastic(value, bits, draw):
    return (value + (draw & ((1 << bits) - 1))) >> bits


@phase
def narrow(exact, rounded, to, counts):
    """Saturate a learning quantity to the format `to`; what clips, and what vanished when it was rounded, is counted."""
    clipped = saturate(rounded, to)
    counts[SIGNAL_SATURATED] += clipped != rounded
    counts[SIGNAL_UNDERFLOW] += exact != 0 and rounded == 0
    return clipped


@phase
def scale(value, eta, fraction, to, dither, counts):
    mantissa, shift = eta
    product = value * mantissa << max(0, to.fraction - fraction)
    drop = shift + max(0, fraction - to.fraction)
    return narrow(product, round_stochastic(product, drop, dither << 32 | dither), to, counts)


# -------------------------------------------------------------------- random


@phase
def draw(s, words):
    """The next `words` draws of all lanes, into ``s.draws``."""
    lanes = len(s.generators)
    for lane in range(lanes):
        x = s.generators[lane]
        for i in range(lane, words * lanes, lanes):
            x = np.uint32(x ^ (x << np.uint32(13)))
            x = np.uint32(x ^ (x >> np.uint32(17)))
            x = np.uint32(x ^ (x << np.uint32(5)))
            s.draws[i] = x
        s.generators[lane] = x


# -------------------------------------------------------------------- neuron


@phase
def sweep(c, p, s, slot):
    clipped = fired = 0
    for j in range(c.neurons):
        early = c.threshold * (s.spiked[j] & c.reset_now)
        kept = toward_zero((s.potential[j] - early) * p.alpha, c.decay.fraction)
        if s.spiked[j] and not c.reset_now:
            kept = kept - c.threshold if c.soft_reset else 0
        current = s.delay_line[slot, j]
        s.delay_line[slot, j] = 0
        if c.exponential:
            total = toward_zero(s.synaptic_current[j] * p.beta, c.decay.fraction) + current
            current = saturate(total, c.potential)
            clipped += current != total
            s.synaptic_current[j] = current
        total = kept + current
        v = saturate(total, c.potential)
        clipped += v != total
        s.potential[j] = v
        s.spiked[j] = v >= c.threshold
        fired += v >= c.threshold
    s.counts[POTENTIAL_SATURATED] += clipped
    s.counts[SPIKES] += fired


@phase
def factors(c, p, s):
    one = 1 << c.trace.fraction
    for j in range(c.neurons):
        height = max(0, c.surrogate_width - abs(s.potential[j] - c.threshold))
        s.surrogate[j] = min((height << c.surrogate.fraction) // c.surrogate_width, c.surrogate.max)
        total = toward_zero(s.readout_trace[j] * p.kappa, c.decay.fraction) + one * s.spiked[j]
        s.readout_trace[j] = saturate(total, c.trace)
        s.counts[TRACE_SATURATED] += s.readout_trace[j] != total


# -------------------------------------------------------------------- readout and softmax


@phase
def readout(c, p, s):
    for k in range(c.outputs):
        s.value[k] = toward_zero(s.value[k] * p.kappa, c.decay.fraction)
    for j in range(c.neurons):
        if s.spiked[j]:
            for k in range(c.outputs):
                total = s.value[k] + (p.readout[j, k] << (c.potential.fraction - c.weight.fraction))
                s.value[k] = saturate(total, c.potential)
                s.counts[READOUT_SATURATED] += s.value[k] != total


@phase
def softmax(c, s):
    """Class probabilities of the readouts, into ``s.error``."""
    fraction = c.potential.fraction + EXP_BITS
    greatest = s.value[0]
    for k in range(c.outputs):
        greatest = max(greatest, s.value[k])
    total = 0
    for k in range(c.outputs):
        exponent = (greatest - s.value[k]) * LOG2_E
        index = (exponent >> (fraction - TABLE_BITS)) & ((1 << TABLE_BITS) - 1)
        s.error[k] = _TABLE[index] >> min(exponent >> fraction, EXP_BITS + 1)
        total += s.error[k]
    reciprocal = (1 << RECIPROCAL_BITS) // total
    for k in range(c.outputs):
        s.error[k] = round_half_up(s.error[k] * reciprocal, RECIPROCAL_BITS - c.error.fraction)


# -------------------------------------------------------------------- delay line


@phase
def rounded_delay(c, p, row, j):
    return round_half_up(p.delay[row, j * c.synaptic], c.delay_fraction)


@phase
def deliver(c, p, s, row, step):
    shift = c.potential.fraction - c.weight.fraction
    mask = c.slots - 1
    clipped = 0
    for j in range(c.neurons):
        if j != row - c.inputs:  # a neuron never projects onto itself
            slot = (step + 1 + rounded_delay(c, p, row, j)) & mask
            total = s.delay_line[slot, j] + (p.weight[row, j] << shift)
            s.delay_line[slot, j] = saturate(total, c.potential)
            clipped += s.delay_line[slot, j] != total
    s.counts[DELAY_LINE_SATURATED] += clipped
    s.counts[DELIVERIES] += 1


# -------------------------------------------------------------------- learning signal


@phase
def learning_signal(c, p, s, step, target):
    """err in ``s.error``, the credit of this step, and Wout itself."""
    draw(s, 1)
    s.dither[SIGNAL] = s.draws[0]
    s.error[target] -= 1 << c.error.fraction
    for k in range(c.outputs):
        s.scaled_error[k] = scale(
            s.error[k], p.eta_readout, c.error.fraction, c.step_readout, s.dither[SIGNAL], s.counts
        )
    for j in range(c.neurons):
        if s.surrogate[j]:
            credit(c, p, s, step % (c.lag + 1), j)
        if s.surrogate[j] or s.readout_trace[j]:
            update_readout(c, p, s, j)


@phase
def credit(c, p, s, now, j):
    total = 0
    for k in range(c.outputs):
        total += p.feedback[j, k] * s.error[k]
    drop = c.weight.fraction + c.error.fraction - c.signal.fraction
    signal = narrow(total, round_half_up(total, drop), c.signal, s.counts)
    product = signal * s.surrogate[j]
    m = narrow(product, round_half_up(product, c.surrogate.fraction), c.signal, s.counts)
    dither = s.dither[SIGNAL]
    s.credit_weight[now, j] = scale(m, p.eta_weight, c.signal.fraction, c.step_weight, dither, s.counts)
    s.credit_delay[now, j] = scale(m, p.eta_delay, c.signal.fraction, c.step_delay, dither, s.counts)


@phase
def update_readout(c, p, s, j):
    draw(s, c.readout_words)
    trace = s.readout_trace[j]
    clipped = 0
    for k in range(c.outputs):
        total = p.readout[j, k] - round_stochastic(s.scaled_error[k] * trace, c.random_bits_readout, s.draws[k])
        p.readout[j, k] = saturate(total, c.weight)
        clipped += p.readout[j, k] != total
    s.counts[WEIGHT_SATURATED] += clipped


# -------------------------------------------------------------------- presynaptic trace


@phase
def arrive(s, row):
    if not s.listed[row]:
        s.listed[row] = True
        s.lines[s.awake[0]] = row
        s.awake[0] += 1
        s.age[row] = 0
        s.quiet[row] = 0
    s.arrived[row] += 1


@phase
def presynaptic_trace(c, p, s, row, step):
    """Advance a trace and make its entry of ``step - R``; false if the unit now falls asleep."""
    radius = c.kernel_radius
    window = s.window[row]
    arrived = s.arrived[row] << c.trace.fraction
    s.arrived[row] = 0
    if c.exponential:
        total = toward_zero(s.trace_current[row] * p.beta, c.decay.fraction) + arrived
        arrived = saturate(total, c.trace)
        s.counts[TRACE_SATURATED] += arrived != total
        s.trace_current[row] = arrived
    total = toward_zero(window[2 * radius] * p.alpha, c.decay.fraction) + arrived
    alive = 0
    for i in range(2 * radius):
        window[i] = window[i + 1]
        alive |= window[i]
    window[2 * radius] = saturate(total, c.trace)
    alive |= window[2 * radius]
    s.counts[TRACE_SATURATED] += window[2 * radius] != total
    slope = 0
    for u in range(1, radius + 1):
        slope += c.kernel[u - 1] * (window[radius - u] - window[radius + u])
    slope = round_half_up(slope, c.trace.fraction)
    slot = (step - radius) & (c.slots - 1)
    s.trace[row, slot] = window[radius]
    s.slope[row, slot] = slope
    s.age[row] = min(s.age[row] + 1, c.slots)
    s.quiet[row] = 0 if window[radius] or slope else min(s.quiet[row] + 1, c.slots)
    return alive != 0 or s.quiet[row] <= c.reach


# -------------------------------------------------------------------- eligibility


@phase
def eligibility(c, p, s, step):
    """Advance every trace that is awake and update its row; leave the place of the next step's credit empty."""
    oldest = (step + 1) % (c.lag + 1)
    words = credited_words(c, s, oldest)
    if words and (c.synaptic or c.axonal):
        draw(s, 1)
        s.dither[ELIGIBILITY] = s.draws[0]
    awake = 0
    for i in range(s.awake[0]):
        row = s.lines[i]
        s.listed[row] = presynaptic_trace(c, p, s, row, step)
        if words:
            update_row(c, p, s, row, step, s.credit_weight[oldest], s.credit_delay[oldest], s.words[:words])
        if s.listed[row]:
            s.lines[awake] = row
            awake += 1
    s.awake[0] = awake
    for j in range(c.neurons):
        s.credit_weight[oldest, j] = s.credit_delay[oldest, j] = 0


@phase
def credited_words(c, s, oldest):
    """List the words with any credit in ``s.words``; how many."""
    count = 0
    for word in range(c.words):
        for j in range(word * c.lanes, min((word + 1) * c.lanes, c.neurons)):
            if s.credit_weight[oldest, j] or s.credit_delay[oldest, j]:
                s.words[count] = word
                count += 1
                break
    return count


@phase
def update_row(c, p, s, row, step, credit_weight, credit_delay, words):
    draw(s, len(words))
    newest = step - c.kernel_radius
    row_credit = clipped = 0
    for i in range(len(words) * c.lanes):
        j = words[i // c.lanes] * c.lanes + i % c.lanes
        if j >= c.neurons or j == row - c.inputs or not (credit_weight[j] or credit_delay[j]):
            continue
        if c.dormant and p.weight[row, j] == 0:
            continue
        delay = rounded_delay(c, p, row, j)
        slot = (newest - delay) & (c.slots - 1)
        recent = delay < s.age[row]
        weight = p.weight[row, j]
        weighted_credit = weight * credit_delay[j]
        if recent:
            change = round_stochastic(credit_weight[j] * s.trace[row, slot], c.random_bits_weight, s.draws[i])
            p.weight[row, j] = saturate(weight - change, c.weight)
            clipped += p.weight[row, j] != weight - change
        if c.synaptic:
            update_delay(c, p, s, row, j, weighted_credit, s.slope[row, slot] if recent else 0, s.draws[i])
        row_credit += weighted_credit
    if c.axonal:
        delay = rounded_delay(c, p, row, 0)
        slope = s.slope[row, (newest - delay) & (c.slots - 1)] if delay < s.age[row] else 0
        update_delay(c, p, s, row, 0, row_credit, slope, s.draws[(len(words) - 1) * c.lanes])
    s.counts[WEIGHT_SATURATED] += clipped


@phase
def update_delay(c, p, s, row, column, weighted_credit, slope, bits):
    dither = s.dither[ELIGIBILITY] >> (32 - c.weight.fraction)
    weighted_credit = narrow(
        weighted_credit, round_stochastic(weighted_credit, c.weight.fraction, dither), c.step_delay, s.counts
    )
    change = round_stochastic(weighted_credit * slope, c.random_bits_delay, bits >> (32 - c.random_bits_delay))
    total = p.delay[row, column] - change
    p.delay[row, column] = clamp(total, c.delay_limit)
    s.counts[DELAY_SATURATED] += p.delay[row, column] != total


# -------------------------------------------------------------------- core


@phase
def step_core(c, p, s, t, units, scored, target, learn):
    sweep(c, p, s, t & (c.slots - 1))
    if learn:
        factors(c, p, s)
    readout(c, p, s)
    for row in units:
        deliver(c, p, s, row, t)
        if learn:
            arrive(s, row)
    if c.recurrent:
        for j in range(c.neurons):
            if s.spiked[j]:
                deliver(c, p, s, c.inputs + j, t)
                if learn:
                    arrive(s, c.inputs + j)
    if scored:
        softmax(c, s)
        for k in range(c.outputs):
            s.scores[k] += s.error[k] if c.softmax_scores else s.value[k]
        if learn:
            learning_signal(c, p, s, t, target)
    if learn:
        eligibility(c, p, s, t)


@phase
def record(to, t, values):
    if len(to):
        for i in range(len(values)):
            to[t, i] = values[i]


@phase
def probe(s, recording, t):
    record(recording.spikes, t, s.spiked)
    record(recording.potential, t, s.potential)
    record(recording.readout, t, s.value)
    record(recording.surrogate, t, s.surrogate)
    record(recording.readout_trace, t, s.readout_trace)
    record(recording.trace, t, s.window[:, -1])


@keep
@njit(nogil=True, _nrt=False)
def play(c, p, s, recording, units, offsets, scored, target, learn):
    steps = len(scored)
    for t in range(steps):
        step_core(c, p, s, t, units[offsets[t] : offsets[t + 1]], scored[t], target, learn)
        probe(s, recording, t)
    if learn:
        for t in range(steps, steps + c.lag):
            eligibility(c, p, s, t)


class CompiledCore(CoreBase):
    """The golden model at training speed; the same device as `ranvier.golden.core.GoldenCore`, bit for bit.

    The first use compiles for about 15 s; later processes load the result from disk.

    Parameters
    ----------
    config : CoreConfig
        The core to model.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(config)
        self._sizes = Sizes.of(config)
        self._nowhere = {name: np.zeros((0, 0), np.int64) for name in TRACED}

    def restart(self) -> None:
        """Seed the generators; clear state and counters."""
        self._state = State.of(self.config, self._network.seed)

    @property
    def generators(self) -> NDArray[np.uint32]:
        """State of the random generators [lanes], to be changed in place."""
        return self._state.generators

    def _counters(self) -> dict[str, int]:
        return dict(zip(COUNTERS, self._state.counts.tolist(), strict=True))

    def play(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Raw:
        """Run a checked sample from cleared state, fill `steps`, return the scores [outputs]."""
        self._state.clear()
        play(
            self._sizes,
            Parameters.of(self._network),
            self._state,
            Recording(**(self._nowhere | steps)),
            np.array(sample.units),
            np.array(sample.offsets()),
            np.array(sample.scored),
            0 if target is None else int(target),
            bool(learn),
        )
        return self._state.scores.copy()

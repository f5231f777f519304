"""A core written from docs/rule.md, docs/arithmetic.md and docs/reimplementing.md alone, in plain Python integers.

It imports nothing of Ranvier: what it needed and did not find on those pages was added there first. Parts are numbered as on
docs/reimplementing.md.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import exp, log2

__all__ = ["COUNTERS", "IndependentCore", "Outcome"]

COUNTERS = (
    "spikes",
    "deliveries",
    "delay_line_saturated",
    "potential_saturated",
    "readout_saturated",
    "trace_saturated",
    "signal_saturated",
    "weight_saturated",
    "delay_saturated",
    "signal_underflow",
)

FORMATS = (
    "weight",
    "potential",
    "decay",
    "trace",
    "surrogate",
    "error",
    "signal",
    "step_weight",
    "step_delay",
    "step_readout",
)

LOG2_E = round(log2(exp(1)) * 2**15)
TABLE = [round(2 ** (-i / 256) * 2**15) for i in range(256)]


@dataclass(frozen=True)
class Format:
    """``s<i>.<f>`` or ``u<i>.<f>``."""

    least: int
    most: int
    f: int

    @classmethod
    def of(cls, text):
        integer, fraction = map(int, text[1:].split("."))
        span = 1 << (integer + fraction)
        return cls(-span if text[0] == "s" else 0, span - 1, fraction)


@dataclass
class Row:
    """A presynaptic unit that is awake."""

    arrivals: int = 0
    ibar: int = 0
    xbar: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    entries: dict[int, tuple[int, int]] = field(default_factory=dict)
    quiet: int = 0


@dataclass
class Outcome:
    """What a sample yields; `steps` holds, per quantity, a list of values for each step."""

    prediction: int
    scores: list[int]
    steps: dict[str, list[list[int]]]


def half_up(x, n):
    return x if n == 0 else (x + (1 << (n - 1))) >> n


class IndependentCore:
    """A core of the configuration `config`: its fields as TOML holds them, formats as text."""

    def __init__(self, config):
        self.__dict__.update(config)
        self.__dict__.update({name: Format.of(config[name]) for name in FORMATS})
        self.rows = self.inputs + (self.neurons if self.recurrent else 0)
        self.reach = 0 if self.delays == "none" else self.max_delay
        self.radius, self.lag = self.kernel_radius, self.kernel_radius - 1
        self.theta = int(self.threshold * 2**self.potential.f)
        self.width = int(self.surrogate_width * self.threshold * 2**self.potential.f)
        self.longest = self.max_delay << self.delay_fraction
        self.bits_w = self.step_weight.f + self.trace.f - self.weight.f
        self.bits_o = self.step_readout.f + self.trace.f - self.weight.f
        self.bits_d = self.step_delay.f + self.trace.f - self.delay_fraction
        self.kernel = self._kernel()
        one = self.error.f if self.prediction == "softmax" else self.potential.most.bit_length()
        self.max_scored = (2**31 - 1) // 2**one

    def _kernel(self):
        e = [u * exp(-(u**2) / (2 * self.kernel_sigma**2)) for u in range(1, self.radius + 1)]
        norm = 2 * sum(u * value for u, value in enumerate(e, 1))
        others = [min(round(value / norm * 2**self.trace.f), 2**self.trace.f - 1) for value in e[1:]]
        return [2 ** (self.trace.f - 1) - sum(u * k for u, k in enumerate(others, 2)), *others]

    def load(self, network):
        """Take over a network: arrays as lists of rows, decays, step sizes (mantissa, shift), seed, lag."""
        self.W, self.D, self.Wout, self.B = (
            [list(map(int, row)) for row in network[name]] for name in ("weight", "delay", "readout", "feedback")
        )
        self.alpha, self.kappa, self.beta = (network[name] for name in ("alpha", "kappa", "beta"))
        self.late = network["lag"]
        self.step_sizes(*(network[f"eta_{name}"] for name in ("weight", "delay", "readout")))
        lanes = (network["seed"] ^ (p + 1) * 0x9E3779B9 % 2**32 for p in range(self.lanes))
        self.generators = [state or 1 for state in lanes]
        self.counts = dict.fromkeys(COUNTERS, 0)

    def step_sizes(self, weight, delay, readout):
        self.eta_weight, self.eta_delay, self.eta_readout = weight, delay, readout

    def counters(self):
        return {name: count % 2**32 for name, count in self.counts.items()}

    # ---------------------------------------------------------------- notation

    def sat(self, form, x, counter):
        return self.clip(x, form.least, form.most, counter)

    def clip(self, x, least, most, counter):
        clipped = min(max(x, least), most)
        self.counts[counter] += clipped != x
        return clipped

    def leak(self, x, decay):
        kept = abs(x) * decay >> self.decay.f
        return kept if x >= 0 else -kept

    def underflow(self, before, after):
        self.counts["signal_underflow"] += before != 0 and after == 0

    def draw(self):
        """The next draw of every lane."""
        for lane, s in enumerate(self.generators):
            s ^= (s << 13) % 2**32
            s ^= s >> 17
            s ^= (s << 5) % 2**32
            self.generators[lane] = s
        return self.generators[:]

    # ---------------------------------------------------------------- a sample

    def run(self, sample, scored, target, learn):
        """A sample: for each step the input spikes in order of arrival, and whether it is scored."""
        if sum(scored) > self.max_scored:
            raise ValueError(f"{sum(scored)} scored steps are more than {self.max_scored}")
        sample, scored = [*sample, *[[]] * self.late], [False] * self.late + scored
        n = self.neurons
        self.line = defaultdict(lambda: [0] * n)
        self.I, self.v, self.z, self.psi, self.zbar = ([0] * n for _ in range(5))
        self.y, self.scores = [0] * self.outputs, [0] * self.outputs
        self.awake, self.credits = {}, [self.no_credit()] * self.lag
        steps = {name: [] for name in ("spikes", "potential", "readout", "surrogate", "readout_trace", "trace")}
        for t, spikes in enumerate(sample):
            self.step(t, spikes, scored[t], target, learn)
            now = (self.z, self.v, self.y, self.psi, self.zbar, self.traces(t))
            for values, value in zip(steps.values(), now, strict=True):
                values.append(list(map(int, value)))
        if learn:
            for t in range(len(sample), len(sample) + self.lag):
                self.eligibility(t, self.no_credit())
        return Outcome(self.scores.index(max(self.scores)), self.scores, steps)

    def no_credit(self):
        return [0] * self.neurons, [0] * self.neurons

    def traces(self, t):
        return [self.awake[i].xbar[t] if i in self.awake else 0 for i in range(self.rows)]

    def step(self, t, spikes, scored, target, learn):
        self.sweep(self.line.pop(t, [0] * self.neurons), learn)
        fired = [j for j in range(self.neurons) if self.z[j]]
        self.integrate(fired)
        for row in [*spikes, *([self.inputs + j for j in fired] if self.recurrent else [])]:
            self.deliver(t, row, learn)
        credit = self.no_credit()
        if scored:
            p = self.softmax()
            self.scores = [
                s + a for s, a in zip(self.scores, p if self.prediction == "softmax" else self.y, strict=True)
            ]
            if learn:
                credit = self.learning_signal([p_k - ((k == target) << self.error.f) for k, p_k in enumerate(p)])
        if learn:
            self.eligibility(t, credit)

    # ---------------------------------------------------------------- 1. sweep

    def sweep(self, currents, learn):
        for j, c in enumerate(currents):
            if self.synapse == "exponential":
                c = self.I[j] = self.sat(self.potential, self.leak(self.I[j], self.beta) + c, "potential_saturated")
            v, z = self.v[j], self.z[j]
            if self.reset == "soft":
                v = self.leak(v, self.alpha) - self.theta * z
            elif self.reset == "soft now":
                v = self.leak(v - self.theta * z, self.alpha)
            else:
                v = 0 if z else self.leak(v, self.alpha)
            v = self.v[j] = self.sat(self.potential, v + c, "potential_saturated")
            z = self.z[j] = int(v >= self.theta)
            self.counts["spikes"] += z
            if learn:
                height = max(0, self.width - abs(v - self.theta))
                self.psi[j] = min(self.surrogate.most, (height << self.surrogate.f) // self.width)
                zbar = self.leak(self.zbar[j], self.kappa) + (z << self.trace.f)
                self.zbar[j] = self.sat(self.trace, zbar, "trace_saturated")

    # ---------------------------------------------------------------- 2. readout

    def integrate(self, fired):
        self.y = [self.leak(y, self.kappa) for y in self.y]
        shift = self.potential.f - self.weight.f
        for j in fired:
            for k, w in enumerate(self.Wout[j]):
                self.y[k] = self.sat(self.potential, self.y[k] + (w << shift), "readout_saturated")

    # ---------------------------------------------------------------- 3. delivery

    def delay_of(self, row, j):
        """Dh, in steps."""
        if self.delays == "none":
            return 0
        d = self.D[row][j if self.delays == "synaptic" else 0]
        return (d + (1 << (self.delay_fraction - 1))) >> self.delay_fraction

    def deliver(self, t, row, learn):
        self.counts["deliveries"] += 1
        shift = self.potential.f - self.weight.f
        for j in range(self.neurons):
            if row != self.inputs + j:
                due = self.line[t + 1 + self.delay_of(row, j)]
                due[j] = self.sat(self.potential, due[j] + (self.W[row][j] << shift), "delay_line_saturated")
        if learn:
            self.awake.setdefault(row, Row()).arrivals += 1

    # ---------------------------------------------------------------- 4. scored steps

    def softmax(self):
        point = self.potential.f + 15
        d = [(max(self.y) - y) * LOG2_E for y in self.y]
        power = [TABLE[(x >> (point - 8)) % 256] >> min(x >> point, 16) for x in d]
        reciprocal = 2**32 // sum(power)
        return [half_up(x * reciprocal, 32 - self.error.f) for x in power]

    def eta(self, x, fraction, eta, to, dither):
        mantissa, shift = eta
        product = x * mantissa << max(0, to.f - fraction)
        n = shift + max(0, fraction - to.f)
        rounded = (product + (dither + (dither << 32)) % 2**n) >> n
        self.underflow(product, rounded)
        return self.sat(to, rounded, "signal_saturated")

    def learning_signal(self, err):
        dither = self.draw()[0]
        scaled_error = [self.eta(e, self.error.f, self.eta_readout, self.step_readout, dither) for e in err]
        credit_w, credit_d = self.no_credit()
        for j in range(self.neurons):
            if not (self.psi[j] or self.zbar[j]):
                continue
            if self.psi[j]:
                m = self.credit(j, err)
                credit_w[j] = self.eta(m, self.signal.f, self.eta_weight, self.step_weight, dither)
                credit_d[j] = self.eta(m, self.signal.f, self.eta_delay, self.step_delay, dither)
            for k, low in enumerate(self.low_bits(self.outputs, self.bits_o)):
                change = (scaled_error[k] * self.zbar[j] + low) >> self.bits_o
                self.Wout[j][k] = self.sat(self.weight, self.Wout[j][k] - change, "weight_saturated")
        return credit_w, credit_d

    def low_bits(self, outputs, bits):
        """Of a draw for each word of a readout row."""
        words = [self.draw() for _ in range(-(-outputs // self.lanes))]
        return [words[k // self.lanes][k % self.lanes] % 2**bits for k in range(outputs)]

    def credit(self, j, err):
        feedback = self.Wout[j] if self.feedback == "symmetric" else self.B[j]
        total = sum(b * e for b, e in zip(feedback, err, strict=True))
        rounded = half_up(total, self.weight.f + self.error.f - self.signal.f)
        self.underflow(total, rounded)
        product = self.sat(self.signal, rounded, "signal_saturated") * self.psi[j]
        m = half_up(product, self.surrogate.f)
        self.underflow(product, m)
        return self.sat(self.signal, m, "signal_saturated")

    # ---------------------------------------------------------------- 5. eligibility unit

    def eligibility(self, t, credit):
        self.credits.append(credit)
        credit = self.credits.pop(0)
        words = sorted({j // self.lanes for j in range(self.neurons) if credit[0][j] or credit[1][j]})
        dither = self.draw()[0] if words and self.delays != "none" else 0
        for i, row in list(self.awake.items()):
            self.advance(row, t)
            if words:
                self.update(i, row, t, words, credit, dither)
            still = any(row.xbar[s] for s in range(t - 2 * self.radius, t + 1))
            if not still and row.quiet > self.reach:
                del self.awake[i]

    def advance(self, row, t):
        x = row.arrivals << self.trace.f
        row.arrivals = 0
        if self.synapse == "exponential":
            x = row.ibar = self.sat(self.trace, self.leak(row.ibar, self.beta) + x, "trace_saturated")
        row.xbar[t] = self.sat(self.trace, self.leak(row.xbar[t - 1], self.alpha) + x, "trace_saturated")
        s = t - self.radius
        total = sum(k * (row.xbar[s - u] - row.xbar[s + u]) for u, k in enumerate(self.kernel, 1))
        row.entries[s] = row.xbar[s], half_up(total, self.trace.f)
        row.quiet = 0 if any(row.entries[s]) else row.quiet + 1

    def update(self, i, row, t, words, credit, dither):
        weighted_credits, draws = [], {}
        for word in words:
            draws = dict(enumerate(self.draw()))
            for lane, draw in draws.items():
                j = word * self.lanes + lane
                if j >= self.neurons or i == self.inputs + j or (self.dormant and self.W[i][j] == 0):
                    continue
                xbar, slope = row.entries.get(t - self.radius - self.delay_of(i, j), (0, 0))
                weighted_credits.append(self.W[i][j] * credit[1][j])
                change = (credit[0][j] * xbar + draw % 2**self.bits_w) >> self.bits_w
                self.W[i][j] = self.sat(self.weight, self.W[i][j] - change, "weight_saturated")
                if self.delays == "synaptic":
                    self.move(i, j, weighted_credits[-1], slope, draw, dither)
        if self.delays == "axonal":
            _, slope = row.entries.get(t - self.radius - self.delay_of(i, 0), (0, 0))
            self.move(i, 0, sum(weighted_credits), slope, draws[0], dither)

    def move(self, i, column, b, slope, draw, dither):
        """D after its weighted credit `b`."""
        f = self.weight.f
        narrow = (b + (dither >> (32 - f))) >> f
        self.underflow(b, narrow)
        narrow = self.sat(self.step_delay, narrow, "signal_saturated")
        change = (narrow * slope + (draw >> (32 - self.bits_d))) >> self.bits_d
        self.D[i][column] = self.clip(self.D[i][column] - change, 0, self.longest, "delay_saturated")

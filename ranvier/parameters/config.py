"""Configuration of a core: sizes, rule, number formats. Hardware and golden model are built from this one object."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import ceil, exp, frexp
from pathlib import Path
from typing import Any, Literal, get_args

from ranvier.errors import RanvierError, shown
from ranvier.parameters.qformat import FormatError, QFormat
from ranvier.parameters.scalars import is_flag, is_real, is_whole

__all__ = ["CHOICES", "ConfigError", "CoreConfig", "spelled"]

Delays = Literal["none", "axonal", "synaptic"]
Feedback = Literal["symmetric", "random"]
Reset = Literal["soft", "soft now", "zero"]
Synapse = Literal["delta", "exponential"]
Memory = Literal["dual", "single"]
Prediction = Literal["softmax", "readout"]


class ConfigError(RanvierError, ValueError):
    """A configuration that cannot be built; the message names the field, the limit and a way out."""


#: Text fields and their allowed values.
CHOICES: dict[str, tuple[str, ...]] = {
    "delays": get_args(Delays),
    "feedback": get_args(Feedback),
    "reset": get_args(Reset),
    "synapse": get_args(Synapse),
    "memory": get_args(Memory),
    "prediction": get_args(Prediction),
}

#: Integer fields and their range.
LIMITS = {
    "inputs": (1, 4096),
    "neurons": (1, 4096),
    "outputs": (2, 256),
    "max_delay": (1, 1022),
    "lanes": (1, 16),
    "kernel_radius": (1, 3),
    "delay_fraction": (1, 12),
}

#: Largest number of characters read, because parsing some documents takes quadratic time. `CoreConfig.to_toml` writes
#: about 600, the rest is for comments.
LARGEST = 20_000

#: Bits of the widest number format. A product of two, summed over a row of 4096, then fits 64 bits.
WIDEST = 24


def _bits(count: int) -> int:
    """Bits that distinguish `count` values, at least one."""
    return max(1, (count - 1).bit_length())


def spelled(name: str, value: Any) -> Any:
    """A value of the text field `name` in its canonical spelling: hyphens and underscores count as spaces."""
    if not isinstance(value, str):
        return value
    plain = value.replace("-", " ").replace("_", " ")
    return plain if plain in CHOICES[name] else value


def _power_of_two(value: float) -> bool:
    return frexp(value)[0] == 0.5


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """Configuration of a Ranvier core. Frozen, validated at construction, read from and written to TOML.

    Parameters
    ----------
    inputs, neurons, outputs : int
        Input units, hidden LIF neurons, leaky integrator readouts.
    recurrent : bool
        Whether neurons also project onto each other (never onto themselves).
    max_delay : int
        Largest delay in steps. Delay lines hold the next power of two at or above ``max_delay + 2`` slots, so
        ``2**n - 2`` wastes none.
    delays : {"none", "axonal", "synaptic"}
        No delay at all, one delay per presynaptic unit, or one per synapse.
    lanes : int
        Synapses handled per clock cycle, 1 to 16, a power of two. Lane ``p`` owns the neurons ``j`` with
        ``j mod lanes = p``.
    memory : {"dual", "single"}
        How the matrices W, D, Wout and B are held: in memories that are read and written on one clock cycle, or in
        single-ported ones, larger and undefined at power-up (SPRAM of an iCE40UP5K), with which learning takes up to twice
        the clock cycles.
    learning : bool
        Build the learning units; without them the core runs trained networks only.
    feedback : {"symmetric", "random"}
        Learning signal through the readout weights themselves or through separate fixed weights.
    reset : {"soft", "soft now", "zero"}
        After a spike subtract the threshold after the leak, subtract it before the leak, or start from zero. ``soft-now``
        and ``soft_now`` are read as ``soft now``.
    synapse : {"delta", "exponential"}
        Arriving spikes act on the membrane at once, or through a current of each neuron that decays by beta per step.
    dormant : bool
        Whether learning leaves synapses of raw weight 0 unchanged, so that the host may keep unused synapses and rewire.
    prediction : {"softmax", "readout"}
        What is accumulated over the scored steps: class probabilities, or the readouts themselves.
    threshold : float
        Firing threshold; a power of two, so that the surrogate derivative needs a shift and no divider.
    surrogate_width : float
        Half-width of the triangular surrogate derivative, as a power of two times the threshold.
    kernel_radius : int
        Half-width R of the Gaussian derivative that turns a trace into a delay gradient, 1 to 3. Learning lags by R - 1
        steps.
    kernel_sigma : float
        Standard deviation of that Gaussian in steps (without effect at R = 1, where the kernel is (-1/2, 0, 1/2)).
    weight, potential, decay, trace, surrogate, error, signal, step_weight, step_delay, step_readout : QFormat
        Number formats: W and Wout; current in the delay line, I, v and y; alpha, beta and kappa; ibar, xbar and zbar;
        psi; err; L and m; and the three learning factors with their step size folded in, ``eta * m`` (weights, delays) and
        ``eta * err`` (readout).
    delay_fraction : int
        Fraction bits of the master copy of D. The forward pass rounds D to steps; the gradient ignores the rounding.

    Raises
    ------
    ConfigError
        On any impossible combination.
    """

    inputs: int
    neurons: int
    outputs: int
    recurrent: bool = False
    max_delay: int = 30
    delays: Delays = "synaptic"
    lanes: int = 4
    memory: Memory = "dual"
    learning: bool = True
    feedback: Feedback = "symmetric"
    reset: Reset = "soft"
    synapse: Synapse = "delta"
    dormant: bool = False
    prediction: Prediction = "softmax"
    threshold: float = 1.0
    surrogate_width: float = 1.0
    kernel_radius: int = 1
    kernel_sigma: float = 1.0
    weight: QFormat = field(default=QFormat(True, 3, 12))
    potential: QFormat = field(default=QFormat(True, 5, 12))
    decay: QFormat = field(default=QFormat(False, 0, 12))
    trace: QFormat = field(default=QFormat(False, 4, 8))
    surrogate: QFormat = field(default=QFormat(False, 0, 8))
    error: QFormat = field(default=QFormat(True, 1, 10))
    signal: QFormat = field(default=QFormat(True, 4, 13))
    step_weight: QFormat = field(default=QFormat(True, 0, 17))
    step_delay: QFormat = field(default=QFormat(True, 3, 14))
    step_readout: QFormat = field(default=QFormat(True, 0, 17))
    delay_fraction: int = 6

    # ---------------------------------------------------------------- sizes derived once

    @property
    def rows(self) -> int:
        """Presynaptic units: inputs first, then (if recurrent) neurons."""
        return self.inputs + (self.neurons if self.recurrent else 0)

    @property
    def words(self) -> int:
        """Words of a row: ``ceil(neurons / lanes)``."""
        return ceil(self.neurons / self.lanes)

    @property
    def readout_words(self) -> int:
        """Words of a readout row: ``ceil(outputs / lanes)``."""
        return ceil(self.outputs / self.lanes)

    @property
    def slots(self) -> int:
        """Length L of every delay line: a power of two, at least ``max_delay + 2``."""
        return 1 << _bits(self.reach + 2)

    @property
    def reach(self) -> int:
        """Largest delay that the core can hold: `max_delay`, or 0 without delays."""
        return 0 if self.delays == "none" else self.max_delay

    @property
    def exponential(self) -> bool:
        """Whether neurons have a synaptic current that decays."""
        return self.synapse == "exponential"

    @property
    def lag(self) -> int:
        """Steps by which weight and delay updates lag behind the error: ``kernel_radius - 1``."""
        return self.kernel_radius - 1

    @property
    def delay(self) -> QFormat:
        """Format of the master copy of D."""
        return QFormat(False, _bits(self.max_delay + 1), self.delay_fraction)

    @property
    def delay_limit(self) -> int:
        """Raw value of the largest delay."""
        return self.max_delay << self.delay_fraction

    @property
    def max_scored(self) -> int:
        """Maximum number of scored steps of a sample, so that no score can leave signed 32 bits."""
        term = self.error.one if self.prediction == "softmax" else -self.potential.min
        return ((1 << 31) - 1) // term

    @property
    def threshold_raw(self) -> int:
        """Threshold in `potential` units."""
        return int(self.potential.quantise(self.threshold))

    @property
    def surrogate_raw(self) -> int:
        """Half-width of the surrogate derivative in `potential` units."""
        return int(self.potential.quantise(self.surrogate_width * self.threshold))

    @property
    def kernel_format(self) -> QFormat:
        """Format of the kernel taps."""
        return QFormat(False, 0, self.trace.fraction)

    @cached_property
    def kernel(self) -> tuple[int, ...]:
        """Raw taps ``k(1) .. k(R)`` in `kernel_format`; ``k(-u) = -k(u)``.

        ``k(u) = (u / s**2) g_s(u)``, scaled so that ``sum over u = -R..R of u k(u) = 1`` (docs/rule.md). The first
        tap absorbs the rounding of the others, so that the quantised taps keep that sum exactly.
        """
        raw = [u * exp(-(u**2) / (2 * self.kernel_sigma**2)) for u in range(1, self.kernel_radius + 1)]
        norm = 2 * sum(u * k for u, k in enumerate(raw, 1))
        others = [int(k) for k in self.kernel_format.quantise([k / norm for k in raw[1:]])]
        first = self.kernel_format.one // 2 - sum(u * k for u, k in enumerate(others, 2))
        return (first, *others)

    @property
    def trace_slope(self) -> QFormat:
        """Format of the differenced trace ``sum_u k(u) xbar[s - u]``: a trace with a sign (the taps add up to < 1)."""
        return QFormat(True, self.trace.integer, self.trace.fraction)

    # ---------------------------------------------------------------- validation

    def __post_init__(self) -> None:
        self._check_types()
        for met, message in self._rules():
            if not met:
                raise ConfigError(message)

    def _check_types(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in CHOICES:
                value = spelled(f.name, value)
                if not isinstance(value, str) or value not in CHOICES[f.name]:
                    raise ConfigError(f"{f.name}={shown(value)} is unknown: choose one of {', '.join(CHOICES[f.name])}")
                value = str(value)
            elif f.name in LIMITS:
                least, most = LIMITS[f.name]
                if not is_whole(value) or not least <= value <= most:
                    raise ConfigError(
                        f"{f.name}={shown(value)} is out of range: give a whole number from {least} to {most}"
                    )
                value = int(value)
            elif isinstance(f.default, bool):
                if not is_flag(value):
                    raise ConfigError(f"{f.name}={shown(value)} is neither true nor false: give one of them")
                value = bool(value)
            elif isinstance(f.default, float):
                if not is_real(value) or not 0 < value < 1e9:
                    raise ConfigError(f"{f.name}={shown(value)} is out of range: give a positive number below 1e9")
                value = float(value)
            elif not isinstance(value, QFormat):
                raise ConfigError(
                    f"{f.name}={shown(value)} is not a number format: give a QFormat (in TOML, text like s5.12)"
                )
            elif value.width > WIDEST:
                raise ConfigError(f"{f.name}={value} is {value.width} bits wide: give it at most {WIDEST}")
            object.__setattr__(self, f.name, value)  # NumPy's numbers become Python's: they write and compare alike

    def _rules(self) -> Iterator[tuple[bool, str]]:
        """Conditions that a core must meet, each with the message if it does not; later ones rely on earlier ones."""
        yield (
            self.lanes & (self.lanes - 1) == 0,
            f"lanes={self.lanes} is not a power of two: choose 1, 2, 4, 8 or 16",
        )
        for name in ("weight", "potential", "error", "signal", "step_weight", "step_delay", "step_readout"):
            form = getattr(self, name)
            yield form.signed, f"{name}={form} must carry both signs: write s{form.integer}.{form.fraction}"
        for name in ("decay", "trace", "surrogate"):
            form = getattr(self, name)
            yield not form.signed, f"{name}={form} is never negative: write u{form.integer}.{form.fraction}"
        for name in ("decay", "surrogate"):
            form = getattr(self, name)
            yield form.integer == 0, f"{name}={form} never exceeds 1: write u0.{max(1, form.fraction)}"
        yield (
            _power_of_two(self.threshold),
            f"threshold={self.threshold} is not a power of two: use 1.0 and divide the weights by {self.threshold}",
        )
        yield (
            1 <= self.threshold * self.potential.one < self.potential.max,
            f"threshold={self.threshold} does not fit potential={self.potential}: choose a threshold within it",
        )
        yield (
            _power_of_two(self.surrogate_width),
            f"surrogate_width={self.surrogate_width} is not a power of two: choose 0.5, 1.0 or 2.0",
        )
        yield (
            self.surrogate.one <= self.surrogate_width * self.threshold * self.potential.one <= self.potential.max,
            f"surrogate_width={self.surrogate_width} has fewer levels than surrogate={self.surrogate} or exceeds "
            f"potential={self.potential}: bring it nearer to 1, or take fraction bits from surrogate",
        )
        yield (
            0.25 <= self.kernel_sigma <= 8,
            f"kernel_sigma={self.kernel_sigma} is out of range: give 0.25 to 8 steps, 1.0 suits every radius",
        )
        yield (
            self.potential.fraction >= self.weight.fraction,
            f"potential={self.potential} has fewer fraction bits than weight={self.weight}: give it at least "
            f"{self.weight.fraction}, a weight is added without rounding",
        )
        yield (
            self.potential.integer >= self.weight.integer,
            f"potential={self.potential} is narrower than weight={self.weight}: give it at least "
            f"{self.weight.integer} integer bits",
        )
        yield (
            self.trace.fraction >= 8 and self.trace.integer >= 1,
            f"trace={self.trace} is too coarse: differences of traces need at least 8 fraction bits and 1 integer bit",
        )
        yield (
            self.error.integer >= 1 and self.error.fraction <= 14,
            f"error={self.error} is out of range: errors run from -1 to 1, give 1 integer and at most 14 fraction bits",
        )
        yield (
            self.signal.fraction <= self.weight.fraction + self.error.fraction,
            f"signal={self.signal} has more fraction bits than weight={self.weight} times error={self.error} yields: "
            f"give it at most {self.weight.fraction + self.error.fraction}",
        )
        yield (
            self.learning or self.feedback == "symmetric",
            'feedback="random" needs a core that learns: set learning=true or feedback="symmetric"',
        )
        yield (
            self.learning or not self.dormant,
            "dormant=true needs a core that learns: set learning=true or dormant=false",
        )
        if self.learning:
            yield self._rounding("weight", self.random_bits_weight, "step_weight")
            yield self._rounding("weight", self.random_bits_readout, "step_readout")
        if self.learning and self.delays != "none":
            yield self._rounding("delay", self.random_bits_delay, "step_delay")

    def _rounding(self, name: str, bits: int, step: str) -> tuple[bool, str]:
        """The rule that stochastic rounding of a parameter drops 1 to 16 bits."""
        form, factor = getattr(self, name), getattr(self, step)
        suits = factor.fraction - bits + 1
        return 1 <= bits <= 16, (
            f"{step}={factor} times trace={self.trace} has {bits} fraction bits more than {name}={form}, stochastic "
            f"rounding takes 1 to 16: give {step} from {max(0, suits)} to {suits + 15} fraction bits"
        )

    # ---------------------------------------------------------------- stochastic rounding

    @property
    def random_bits_weight(self) -> int:
        """Bits dropped by stochastic rounding of dW."""
        return self.step_weight.fraction + self.trace.fraction - self.weight.fraction

    @property
    def random_bits_readout(self) -> int:
        """Bits dropped by stochastic rounding of dWout."""
        return self.step_readout.fraction + self.trace.fraction - self.weight.fraction

    @property
    def random_bits_delay(self) -> int:
        """Bits dropped by stochastic rounding of dD, after W * (eta m) was narrowed to `step_delay`."""
        return self.step_delay.fraction + self.trace.fraction - self.delay_fraction

    # ---------------------------------------------------------------- text forms

    def formats(self) -> dict[str, QFormat]:
        """Every number format by field name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), QFormat)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values (formats as text), in field order."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(v) if isinstance(v, QFormat) else v for name, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CoreConfig":
        """Inverse of `to_dict`; unknown and missing fields raise `ConfigError`."""
        known = {f.name: f for f in fields(cls)}
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"{shown(values)} is not a configuration: give a dictionary with the fields {', '.join(known)}"
            )
        for name in values:
            if name not in known:
                raise ConfigError(f"unknown field {shown(name)}: the fields are {', '.join(known)}")
        missing = [name for name in ("inputs", "neurons", "outputs") if name not in values]
        if missing:
            raise ConfigError(f"field {missing[0]!r} is missing: a core needs inputs, neurons and outputs")
        parsed = dict(values)
        for name, value in values.items():
            if isinstance(known[name].default, QFormat):
                try:
                    parsed[name] = QFormat.parse(value)
                except FormatError as error:  # of which field
                    raise ConfigError(f"{name}: {error}") from None
        return cls(**parsed)

    def to_toml(self) -> str:
        """The configuration as a TOML document, every field written out."""

        def literal(value: Any) -> str:
            if isinstance(value, bool):
                return str(value).lower()
            return f'"{value}"' if isinstance(value, str) else str(value)

        return "".join(f"{name} = {literal(value)}\n" for name, value in self.to_dict().items())

    @classmethod
    def from_toml(cls, text: str) -> "CoreConfig":
        """Read a TOML document; `ConfigError` on bad syntax or content."""
        if not isinstance(text, str) or len(text) > LARGEST:
            raise ConfigError(f"a configuration is a text of at most {LARGEST:,} characters, in TOML")
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not a TOML document: {error}") from None
        except (ValueError, RecursionError):
            raise ConfigError(
                "not a configuration: it has numbers too long, or is nested too deep, to be read"
            ) from None
        return cls.from_dict(values)

    @classmethod
    def read(cls, path: str | Path) -> "CoreConfig":
        """Read a TOML file; errors carry the file's name."""
        try:
            with open(path, "rb") as file:
                text = file.read(LARGEST + 1).decode("utf-8-sig").replace("\r\n", "\n")
            return cls.from_toml(text)
        except UnicodeDecodeError:
            raise ConfigError(f"cannot read configuration {path}: it is not UTF-8 text") from None
        except OSError as error:
            raise ConfigError(f"cannot read configuration {path}: {error.strerror}") from None
        except ConfigError as error:  # in which file
            raise ConfigError(f"{path}: {error}") from None

    @property
    def digest(self) -> int:
        """32-bit hash of every field; what a core answers when asked what it was built from."""
        return int.from_bytes(hashlib.sha256(self.to_toml().encode()).digest()[:4], "little")

    def replace(self, **changes: Any) -> "CoreConfig":
        """A copy with some fields changed, validated again."""
        return replace(self, **changes)

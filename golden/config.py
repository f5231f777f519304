"""The one object that says what a core is: sizes, rule, number formats. Hardware and golden model are built from it."""

import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import ceil, exp, log2
from pathlib import Path
from typing import Any, Literal, get_args

from ranvier.golden.qformat import QFormat

__all__ = ["ConfigError", "CoreConfig"]

Delays = Literal["none", "axonal", "synaptic"]
Feedback = Literal["symmetric", "random"]
Reset = Literal["soft", "zero"]
Prediction = Literal["softmax", "readout"]


class ConfigError(ValueError):
    """A configuration that cannot be built; the message names the field, the limit and a way out."""


def _bits(count: int) -> int:
    """Bits that tell `count` values apart, at least one."""
    return max(1, (count - 1).bit_length())


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
        Synapses handled per clock, 1 to 16, a power of two. Lane ``p`` owns the neurons ``j`` with ``j mod lanes = p``.
    learning : bool
        Build the learning units; without them the core runs trained networks only.
    feedback : {"symmetric", "random"}
        Learning signal through the readout weights themselves or through fixed ones of their own.
    reset : {"soft", "zero"}
        After a spike subtract the threshold, or start again from zero.
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
        Number formats: W and Wout; ring, v and y; alpha and kappa; xbar and zbar; psi; err; L and m; and the three
        learning factors with their step size folded in, ``eta * m`` (weights, delays) and ``eta * err`` (readout).
    delay_fraction : int
        Fraction bits of the master copy of D. The forward pass rounds them away; the gradient goes straight through.

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
    learning: bool = True
    feedback: Feedback = "symmetric"
    reset: Reset = "soft"
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

        ``k(u) = (u / s**2) g_s(u)``, scaled so that ``sum over u = -R..R of u k(u) = 1`` (DESIGN section 3). The largest
        tap absorbs the rounding, so that the quantised taps keep that sum as nearly as the format allows.
        """
        raw = [u * exp(-(u**2) / (2 * self.kernel_sigma**2)) for u in range(1, self.kernel_radius + 1)]
        norm = 2 * sum(u * k for u, k in enumerate(raw, 1))
        return tuple(int(k) for k in self.kernel_format.quantise([k / norm for k in raw]))

    @property
    def trace_slope(self) -> QFormat:
        """Format of the differenced trace ``sum_u k(u) xbar[s - u]``: a trace with a sign (the taps add up to < 1)."""
        return QFormat(True, self.trace.integer, self.trace.fraction)

    # ---------------------------------------------------------------- validation

    def __post_init__(self) -> None:
        for name, value in self._choices().items():
            if getattr(self, name) not in value:
                raise ConfigError(f"{name}={getattr(self, name)!r} is unknown: choose one of {', '.join(value)}")
        limits = {"inputs": 4096, "neurons": 4096, "outputs": 256, "max_delay": 1022, "lanes": 16, "kernel_radius": 3}
        for name, most in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ConfigError(f"{name}={value!r} is out of range: give a whole number from 1 to {most}")
        for check, message in self._rules():
            if not check():
                raise ConfigError(message)

    @staticmethod
    def _choices() -> dict[str, tuple[str, ...]]:
        return {
            "delays": get_args(Delays),
            "feedback": get_args(Feedback),
            "reset": get_args(Reset),
            "prediction": get_args(Prediction),
        }

    def _rules(self) -> list[tuple[Callable[[], bool], str]]:
        """Pairs of a condition that a buildable core meets and the message when it does not."""
        return [
            (
                lambda: self.lanes & (self.lanes - 1) == 0,
                f"lanes={self.lanes} is not a power of two: choose 1, 2, 4, 8 or 16",
            ),
            (
                lambda: self.outputs >= 2,
                f"outputs={self.outputs} leaves nothing to classify: give at least 2 outputs",
            ),
            (
                lambda: self.threshold > 0 and log2(self.threshold).is_integer(),
                f"threshold={self.threshold} is not a power of two: use 1.0 and divide the weights by {self.threshold}",
            ),
            (
                lambda: self.surrogate_width > 0 and log2(self.surrogate_width).is_integer(),
                f"surrogate_width={self.surrogate_width} is not a power of two: choose 0.5, 1.0 or 2.0",
            ),
            (
                lambda: (
                    1 <= self.threshold_raw < self.potential.max
                    and self.threshold_raw == self.threshold * self.potential.one
                ),
                f"threshold={self.threshold} does not fit potential={self.potential}: choose a threshold within it",
            ),
            (
                lambda: self.surrogate_raw >= self.surrogate.one and self.surrogate_raw <= self.potential.max,
                f"surrogate_width={self.surrogate_width} has fewer levels than surrogate={self.surrogate} or exceeds "
                f"potential={self.potential}: widen it or take fraction bits from surrogate",
            ),
            (
                lambda: self.weight.signed and self.potential.signed and self.error.signed and self.signal.signed,
                "weight, potential, error and signal carry both signs: write them s<integer>.<fraction>",
            ),
            (
                lambda: self.step_weight.signed and self.step_delay.signed and self.step_readout.signed,
                "step_weight, step_delay and step_readout carry both signs: write them s<integer>.<fraction>",
            ),
            (
                lambda: not (self.decay.signed or self.trace.signed or self.surrogate.signed),
                "decay, trace and surrogate are never negative: write them u<integer>.<fraction>",
            ),
            (
                lambda: self.decay.integer == 0 and self.surrogate.integer == 0,
                "decay and surrogate are at most 1: write them u0.<fraction>",
            ),
            (
                lambda: self.potential.fraction >= self.weight.fraction,
                f"potential={self.potential} has fewer fraction bits than weight={self.weight}: give it at least "
                f"{self.weight.fraction}, a weight is added without rounding",
            ),
            (
                lambda: self.potential.integer >= self.weight.integer,
                f"potential={self.potential} is narrower than weight={self.weight}: give it at least "
                f"{self.weight.integer} integer bits",
            ),
            (
                lambda: self.trace.fraction >= 8 and self.trace.integer >= 1,
                f"trace={self.trace} is too coarse: differences of traces need at least 8 fraction bits and 1 integer bit",
            ),
            (
                lambda: self.error.integer >= 1 and self.error.fraction <= 14,
                f"error={self.error} is out of range: errors run from -1 to 1, give 1 integer and at most 14 fraction bits",
            ),
            (
                lambda: self.signal.fraction <= min(self.weight.fraction + self.error.fraction, 30),
                f"signal={self.signal} has more fraction bits than weight={self.weight} times error={self.error} yields: "
                f"give it at most {self.weight.fraction + self.error.fraction}",
            ),
            (
                lambda: 1 <= self.delay_fraction <= 12,
                f"delay_fraction={self.delay_fraction} is out of range: give 1 to 12 bits, without them small updates "
                "freeze D",
            ),
            (
                lambda: self.kernel_sigma > 0,
                f"kernel_sigma={self.kernel_sigma} is not positive: 1.0 suits every radius",
            ),
            (
                lambda: self.learning or self.feedback == "symmetric",
                'feedback="random" needs a core that learns: set learning=true or feedback="symmetric"',
            ),
            (
                lambda: all(f.width <= 32 for f in self.formats().values()),
                "a number format is wider than 32 bits: "
                + ", ".join(f"{n}={f}" for n, f in self.formats().items() if f.width > 32),
            ),
            (
                lambda: 1 <= self.random_bits_weight <= 16 and 1 <= self.random_bits_delay <= 16,
                f"stochastic rounding would need {self.random_bits_weight} and {self.random_bits_delay} random bits of 1 "
                "to 16 each: bring step_weight.fraction + trace.fraction to between 1 and 16 above weight.fraction, and "
                "likewise step_delay for delay_fraction",
            ),
            (
                lambda: 1 <= self.random_bits_readout <= 16,
                f"stochastic rounding of the readout would need {self.random_bits_readout} random bits of 1 to 16: bring "
                "step_readout.fraction + trace.fraction to between 1 and 16 above weight.fraction",
            ),
        ]

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
        for name in values:
            if name not in known:
                raise ConfigError(f"unknown field {name!r}: the fields are {', '.join(known)}")
        for name in ("inputs", "neurons", "outputs"):
            if name not in values:
                raise ConfigError(f"field {name!r} is missing: a core needs inputs, neurons and outputs")
        parsed = dict(values)
        for name, value in values.items():
            default = known[name].default
            if isinstance(default, QFormat):
                try:
                    parsed[name] = QFormat.parse(value)
                except (ValueError, TypeError) as error:
                    raise ConfigError(f"{name}: {error}") from None
            elif isinstance(default, bool) and not isinstance(value, bool):
                raise ConfigError(f"{name}={value!r} is not true or false")
            elif isinstance(default, float):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise ConfigError(f"{name}={value!r} is not a number")
                parsed[name] = float(value)
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
        try:
            return cls.from_dict(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not a TOML document: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> "CoreConfig":
        """Read a TOML file; errors carry the file's name."""
        try:
            return cls.from_toml(Path(path).read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read configuration {path}: {error}") from None
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    @property
    def digest(self) -> int:
        """32-bit hash of every field; what a core answers when asked what it was built from."""
        return int.from_bytes(hashlib.sha256(self.to_toml().encode()).digest()[:4], "little")

    def replace(self, **changes: Any) -> "CoreConfig":
        """A copy with some fields changed, validated again."""
        return replace(self, **changes)

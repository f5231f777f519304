"""Schema of a result, so that a damaged or foreign file is noticed when it is read and not in a table."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

__all__ = ["AGREEMENT", "RUN", "Kind", "problem"]

#: Whether a value read from JSON is valid.
Kind = Callable[[Any], bool]

#: Largest whole number that is a valid result.
LARGEST = 1 << 63


def text(value: Any) -> bool:
    """Any text."""
    return isinstance(value, str)


def count(value: Any) -> bool:
    """A whole number from 0 up."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def number(value: Any) -> bool:
    """A finite number."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    return whole or (isinstance(value, float) and isfinite(value))


def amount(value: Any) -> bool:
    """A finite number from 0 up."""
    return number(value) and value >= 0


def share(value: Any) -> bool:
    """A number from 0 to 1."""
    return number(value) and 0 <= value <= 1


def listed(kind: Kind) -> Kind:
    """A list of such values."""
    return lambda value: isinstance(value, list) and all(map(kind, value))


def optional(kind: Kind) -> Kind:
    """Such a value, or None."""
    return lambda value: value is None or kind(value)


def counted(value: Any) -> bool:
    """Name -> count."""
    return isinstance(value, dict) and all(map(count, value.values()))


def histogram(value: Any) -> bool:
    """Counts before and after, and their edges."""
    if not isinstance(value, dict) or not all(map(listed(amount), map(value.get, ("edges", "before", "after")))):
        return False
    return len(value["before"]) == len(value["after"]) == len(value["edges"]) - 1 > 0


#: Fields of a training.
RUN: Mapping[str, Kind] = {
    "golden_accuracy": share,
    "float_accuracy": optional(share),
    "loss": optional(number),
    "curve": listed(share),
    "curve_arithmetic": text,
    "parameters": count,
    "synapses": count,
    "formed": optional(count),
    "memory_bits": count,
    "firing_rate": amount,
    "silent": count,
    "spikes_per_sample": amount,
    "cycles_per_sample": amount,
    "learning_cycles_per_sample": optional(amount),
    "delays_moved": optional(amount),
    "histogram": optional(histogram),
    "saturated": counted,
    "warnings": listed(text),
    "cpu_seconds": amount,
}

#: Fields of an agreement between two devices.
AGREEMENT: Mapping[str, Kind] = {
    "reference": text,
    "device": text,
    "samples": count,
    "compared": count,
    "mismatches": count,
    "first": optional(text),
}


def problem(values: Mapping[str, Any], fields: Mapping[str, Kind]) -> str | None:
    """Problem with the values of a result in a few words, or None."""
    for name, kind in fields.items():
        if name not in values:
            return f"{name} is missing"
        if not kind(values[name]):
            return f"{name} is {str(values[name])[:40]}"
    return None

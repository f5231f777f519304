"""Configurations with a name and a reason: those of data sets are registered by `ranvier.recipes`."""

from ranvier.errors import shown
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.qformat import QFormat

__all__ = ["PRESETS", "preset"]

#: Name -> (why it exists, configuration).
PRESETS: dict[str, tuple[str, CoreConfig]] = {
    "test": (
        "Small enough that every corner is reached in seconds: nothing divides evenly, T wraps the delay line often.",
        CoreConfig(inputs=5, neurons=7, outputs=3, recurrent=True, max_delay=6, lanes=2),
    ),
    "ice40": (
        "A core for an iCE40UP5K beside a UART bridge: 128 neurons whose 16,384 synapses, each with its delay, fill their "
        "SPRAMs. It runs trained networks; the learning units do not fit (docs/architecture.md).",
        CoreConfig(
            inputs=128,
            neurons=128,
            outputs=20,
            max_delay=30,
            lanes=1,
            memory="single",
            learning=False,
            weight=QFormat(True, 2, 5),
            potential=QFormat(True, 4, 7),
            decay=QFormat(False, 0, 10),
            surrogate=QFormat(False, 0, 7),
            error=QFormat(True, 1, 7),
            signal=QFormat(True, 2, 9),
            delay_fraction=1,
        ),
    ),
}


def preset(name: str) -> CoreConfig:
    """Configuration called `name`; otherwise a `ConfigError` that lists all names."""
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"unknown preset {shown(name)}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name][1]

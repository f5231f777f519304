"""Configurations with a name and a reason."""

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
    "yinyang": (
        "Yin-Yang (Kriener et al. 2021) with 60 feedforward neurons: the demonstration that learns in a minute.",
        CoreConfig(inputs=5, neurons=60, outputs=3, max_delay=30, lanes=4),
    ),
    "yinyang60": (
        "The same on a grid of half the step, for learners that reach what 30 steps allow.",
        CoreConfig(inputs=5, neurons=30, outputs=3, max_delay=62, lanes=4),
    ),
    "braille": (
        "27 Braille letters from 12 taxels (24 ON/OFF channels), 64 feedforward neurons: real data whose timing decides.",
        CoreConfig(inputs=24, neurons=64, outputs=27, max_delay=62, lanes=4),
    ),
    "shd": (
        "Spiking Heidelberg Digits binned to 140 channels, 256 recurrent neurons; axonal delays, because one trace history "
        "then serves all lanes and the memories stay within an ECP5-85F.",
        CoreConfig(inputs=140, neurons=256, outputs=20, recurrent=True, max_delay=62, delays="axonal", lanes=4),
    ),
    "ssc": (
        "Spiking Speech Commands: the core of shd with an output for each of their 35 words.",
        CoreConfig(inputs=140, neurons=256, outputs=35, recurrent=True, max_delay=62, delays="axonal", lanes=4),
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
    """Configuration called `name`; `ConfigError` lists the names there are."""
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"unknown preset {shown(name)}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name][1]

"""Random cores, networks and samples that reach the corners: for comparing devices, not for learning anything."""

from dataclasses import fields
from typing import Any

import numpy as np

from ranvier.parameters.config import CHOICES, WIDEST, ConfigError, CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat, Raw
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize

__all__ = ["random_config", "random_extremes", "random_network", "random_sample"]


#: What `random_config` draws whole and real numbers from: small, at the edges of words, of lanes and of powers of two.
_SIZES: dict[str, tuple[float, ...]] = {
    "inputs": (1, 2, 3, 5, 7),
    "neurons": (1, 2, 3, 5, 7, 9, 17),
    "outputs": (2, 3, 4, 5, 9, 17),
    "lanes": (1, 2, 4, 8, 16),
    "max_delay": (1, 2, 3, 5, 6, 7, 13, 14, 15, 30),
    "kernel_radius": (1, 2, 3),
    "delay_fraction": tuple(range(1, 13)),
    "threshold": tuple(2.0**n for n in range(-4, 4)),
    "surrogate_width": tuple(2.0**n for n in range(-3, 4)),
    "kernel_sigma": (0.25, 0.5, 1.0, 2.7, 8.0),
}


def random_config(rng: np.random.Generator) -> CoreConfig:
    """A small core with any options and, four times out of five, any number formats, up to the widest."""
    config = _random_options(rng)
    if rng.random() < 0.8:
        for field in fields(CoreConfig):
            if isinstance(field.default, QFormat) and rng.random() < 0.7:
                config = _with_format(config, field.name, rng)
    return config


def _random_options(rng: np.random.Generator) -> CoreConfig:
    """A core with the usual formats; what does not go together is drawn anew."""
    while True:
        values: dict[str, object] = {"learning": bool(rng.random() < 0.9)}
        for field in fields(CoreConfig):
            if field.name in CHOICES:
                values[field.name] = str(rng.choice(CHOICES[field.name]))
            elif field.name in _SIZES:
                values[field.name] = rng.choice(_SIZES[field.name]).item()
            elif isinstance(field.default, bool) and field.name not in values:
                values[field.name] = bool(rng.integers(2))
        try:
            return CoreConfig(**values)  # type: ignore[arg-type]
        except ConfigError:
            continue


def _with_format(config: CoreConfig, name: str, rng: np.random.Generator, attempts: int = 20) -> CoreConfig:
    """`config` with a random format in one field; as it was if it allows none of those drawn."""
    signed = getattr(config, name).signed
    for _ in range(attempts):
        width = int(rng.integers(1 + signed, WIDEST + 1))
        integer = int(rng.integers(0, width - signed + 1))
        try:
            return config.replace(**{name: QFormat(signed, integer, width - signed - integer)})
        except ConfigError:
            continue
    return config


def random_extremes(network: Network, rng: np.random.Generator) -> Network:
    """`network` with some arrays, decays and step sizes at their ends, or anywhere that they can be."""
    config = network.config
    changes: dict[str, Any] = {}
    for name, (shape, least, most) in Network.layout(config).items():
        match rng.integers(8):
            case 0:
                changes[name] = np.full(shape, rng.choice([least, most]))
            case 1:
                changes[name] = rng.choice([least, 0, most], shape)
            case 2:
                changes[name] = rng.integers(least, most + 1, shape)
    for name in ("alpha", "kappa", *(["beta"] if config.exponential else [])):
        if rng.random() < 0.4:
            changes[name] = int(rng.choice([0, 1, config.decay.max, int(rng.integers(0, config.decay.max + 1))]))
    for name in ("eta_weight", "eta_delay", "eta_readout"):
        if rng.random() < 0.5:
            changes[name] = StepSize(int(rng.choice([0, int(rng.integers(256))])), int(rng.integers(32)))
    return network.replace(**changes)


def random_network(config: CoreConfig, rng: np.random.Generator) -> Network:
    """A network that fires: weights of any scale, some at their limits; delays from 0 to the largest, many at either end.

    On a core with dormant synapses, about a third are.
    """

    def weights(shape: tuple[int, int]) -> Raw:
        scale = config.weight.max >> int(rng.integers(0, 5))
        values = rng.integers(-scale // 4, scale + 1, shape)
        extreme = rng.random(shape) < 0.02
        return np.where(extreme, rng.choice([config.weight.min, config.weight.max], shape), values)

    def decay() -> int:
        return int(config.decay.quantise(rng.choice([0.0, 0.5, 0.9, 0.97, 1.0])))

    layout = Network.layout(config)
    shape = {name: shape for name, (shape, _, _) in layout.items()}
    delay = rng.integers(0, config.delay_limit + 1, shape["delay"])
    end = rng.random(shape["delay"])
    delay = np.where(end < 0.15, 0, np.where(end > 0.85, config.delay_limit, delay))
    eta_weight, eta_delay, eta_readout = (StepSize.of(10.0 ** rng.uniform(-4, most)) for most in (0, 2, 0))
    weight = weights(shape["weight"])
    if config.dormant:
        weight[rng.random(weight.shape) < 0.3] = 0
    return Network(
        config,
        weight=weight,
        delay=delay,
        readout=weights(shape["readout"]),
        feedback=weights(shape["feedback"]),
        alpha=decay(),
        kappa=decay(),
        beta=decay() if config.exponential else 0,
        eta_weight=eta_weight,
        eta_delay=eta_delay,
        eta_readout=eta_readout,
        seed=int(rng.integers(1, 2**32)),
    )


def random_sample(config: CoreConfig, rng: np.random.Generator) -> Sample:
    """Spikes that are sparse, dense, repeated, all on one step or absent, over up to several turns of the delay line."""
    steps = int(rng.integers(1, 3 * config.slots + 2))
    counts = np.zeros((steps, config.inputs), np.int64)
    match rng.choice(["sparse", "dense", "burst", "one step", "silent"], p=[0.35, 0.3, 0.15, 0.15, 0.05]):
        case "sparse":
            counts += rng.random(counts.shape) < 0.05
        case "dense":
            counts += rng.random(counts.shape) < 0.5
        case "burst":
            counts += rng.poisson(2.0, counts.shape) * (rng.random((steps, 1)) < 0.2)
        case "one step":
            counts[rng.integers(steps)] = 1
    share = rng.choice([0.0, 0.3, 1.0], p=[0.1, 0.4, 0.5])
    return Sample.from_raster(counts, rng.random(steps) < share)

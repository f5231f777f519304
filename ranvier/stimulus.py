"""Random networks and samples that reach the corners of a core: for comparing devices, not for learning anything."""

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network
from ranvier.golden.spikes import Sample
from ranvier.golden.step_size import StepSize

__all__ = ["random_network", "random_sample"]

Raw = NDArray[np.int64]


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

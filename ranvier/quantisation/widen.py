"""Number formats that hold a network: integer bits for the values it takes, fraction bits for the leaks it has."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from ranvier.parameters.config import WIDEST, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.sample import Sample

__all__ = ["LOST", "finer", "lasting", "widened", "zeroed"]

#: State that shares the format `potential`: delay line of current, I, v, y.
STATE = ("current", "synaptic_current", "potential", "readout")
#: The delay line may hold more on the way to a sum, and samples that were not looked at may reach further.
MARGIN = 1.25
#: Share of the threshold by which truncating leaks may shift a potential.
SHIFT = 1 / 64
LOOKED_AT = 200
#: Places that a weight in the middle should have.
LEVELS = 4
#: Share of the weights that may be rounded to 0.
LOST = 0.05


def _holding(form: QFormat, largest: float) -> QFormat:
    """`form`, or with as many integer bits as `largest` takes and the widest format allows."""
    bits = max(form.integer, ceil(log2(max(largest, 1.0))))
    return replace(form, integer=min(bits, WIDEST - form.fraction - form.signed))


def zeroed(form: QFormat, values: NDArray[np.float64]) -> float:
    """Share of the values that are not 0 and that `form` rounds to 0."""
    sizes = values[values != 0]
    return float((form.quantise(sizes) == 0).mean()) if sizes.size else 0.0


def lasting(form: QFormat, matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether something is left of what a unit sends, and of what reaches one: rows, then columns that are not all 0."""
    sizes = _largest(matrix)
    return form.quantise(sizes) != 0


def _largest(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Size of the largest value of every row and column [rows and columns that are not all 0]."""
    sizes = np.abs(np.atleast_2d(matrix))
    if not sizes.size:
        return np.zeros(0)
    largest = np.concatenate([sizes.max(axis=1), sizes.max(axis=0)]) if np.ndim(matrix) == 2 else sizes.max(axis=1)
    return largest[largest > 0]


def finer(form: QFormat, values: NDArray[np.float64]) -> QFormat:
    """`form`, or with fraction bits until it holds the small ones of the values that are not 0.

    Half of them are then `LEVELS` places or more, all but a share of `LOST` are not 0, nor is every value of any row or
    column. What would take more bits than a core has is left out, unless everything would.
    """
    sizes = np.sort(np.abs(values[values != 0]))
    if not sizes.size:
        return form
    least = (np.median(sizes) / LEVELS, sizes[int(LOST * sizes.size)], _largest(values).min())
    wanted = [ceil(-log2(max(float(size), 2.0 ** -(2 * WIDEST)))) for size in least]
    most = WIDEST - form.integer - form.signed
    held = [fraction for fraction in wanted if fraction <= most]
    return replace(form, fraction=max(form.fraction, max(held, default=most)))


def _shift(network: FloatNetwork) -> float:
    """Most by which truncating leaks (docs/arithmetic.md) shift a potential, in its last places.

    A leak loses less than one of them per step, so a leaky quantity is off by less than ``1 / (1 - decay)``; a synaptic
    current that is off by that much shifts the potential on every step.
    """
    current = 1 / (1 - network.beta) if network.beta else 0.0
    return (current + 1) / (1 - network.alpha)


def widened(network: FloatNetwork, samples: Sequence[Sample]) -> CoreConfig:
    """The network's core with bits of `weight` and `potential` added where values would be clipped or leaks too coarse.

    Parameters
    ----------
    network : FloatNetwork
        Trained offline, with no regard to formats.
    samples : sequence of Sample
        `LOOKED_AT` of them, evenly spread, are run in float64 to see how large currents, potentials and readouts become:
        training samples, not those it is judged by.

    Returns
    -------
    CoreConfig
        `potential` gets fraction bits until leaks shift it by `SHIFT` thresholds at most, `weight` those of `finer`. No
        format becomes wider than a core can be built with (24 bits).
    """
    from ranvier.golden.float_core import FloatCore

    c, largest = network.config, 0.0
    core = FloatCore(c)
    core.load_real(network)
    for n in np.unique(np.linspace(0, len(samples) - 1, LOOKED_AT).astype(int)):
        core.run(samples[n])
        largest = max(largest, *(float(np.abs(getattr(core.history, name)).max()) for name in STATE))
    matrices = (network.weight, network.readout)
    form = finer(finer(c.weight, network.weight), network.readout)
    weight = _holding(form, max(float(np.abs(values).max()) for values in matrices))
    fraction = max(c.potential.fraction, weight.fraction, ceil(log2(_shift(network) / (SHIFT * c.threshold))))
    state = _holding(replace(c.potential, fraction=fraction), max(MARGIN * largest, 2.0**weight.integer))
    return c.replace(weight=weight, potential=state)

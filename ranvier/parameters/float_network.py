"""A network in real numbers, which offline learners train and which is quantised into a `Network` for the core."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import shown
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import (
    MOST_LAG,
    Network,
    NetworkError,
    check_core,
    check_shape,
    named,
    read_classes,
    read_fields,
    real_decay,
    write_arrays,
)  # fmt: skip
from ranvier.parameters.sample import Sample
from ranvier.parameters.scalars import is_whole

__all__ = ["FloatNetwork", "whole_steps"]

Real = NDArray[np.float64]


def whole_steps(delay: Any) -> Any:
    """``Dh = floor(D + 1/2)``: delays of the forward pass, of one number or of an array; also to be compiled by Numba."""
    return np.int64(np.floor(delay + 0.5))


@dataclass
class FloatNetwork:
    """Parameters of the network in docs/rule.md, in real units, shaped as in `Network`.

    The forward model, with a spike at t arriving at ``t + 1 + floor(D + 1/2)``::

        I[t] = beta I[t-1] + sum over arrivals of W;   v[t] = alpha v[t-1] + I[t] - theta z[t-1];   z[t] = (v[t] >= theta)
        y[t] = kappa y[t-1] + Wout z[t]

    with ``v[t] = alpha (v[t-1] - theta z[t-1]) + I[t]`` for reset "soft now", and for "zero"
    ``v[t] = alpha v[t-1] (1 - z[t-1]) + I[t]``.

    Parameters
    ----------
    config : CoreConfig
        The core that the network is meant for: sizes, kind of delays, threshold, reset. Its number formats are not applied.
    weight : float array [rows, neurons]
        W_ji at ``[i, j]``: inputs first, then (if recurrent) neurons. A neuron's weight onto itself is never used.
    delay : float array [rows, neurons] (synaptic), [rows, 1] (axonal) or [0, 0] (none)
        D in steps, 0 to ``config.max_delay``.
    readout : float array [neurons, outputs]
        Wout_kj at ``[j, k]``.
    alpha, kappa : float
        Decay per step of the membrane potential and of the readout, ``exp(-dt / tau)``.
    beta : float
        Decay per step of the synaptic current; 0 is a current that lasts one step.
    lag : int
        Steps by which the network answers late; see `Network`.

    Raises
    ------
    NetworkError
        Naming the array, the shape or limit, and what came.
    """

    config: CoreConfig
    weight: Real
    delay: Real
    readout: Real
    alpha: float
    kappa: float
    beta: float = 0.0
    lag: int = 0

    def __post_init__(self) -> None:
        c = self.config
        check_core(c)
        for name in ("weight", "delay", "readout"):
            values = check_shape(name, getattr(self, name), Network.layout(c)[name][0])
            if values.dtype.kind not in "biuf":
                raise NetworkError(f"{name} holds {values.dtype} values: give real numbers")
            array = np.array(values, dtype=np.float64, order="C")
            if not np.isfinite(array).all():
                raise NetworkError(f"{name} holds values that are not finite: train with a smaller step size")
            setattr(self, name, array)
        if self.delay.size and not 0 <= self.delay.min() <= self.delay.max() <= c.max_delay:
            raise NetworkError(
                f"delay runs from {self.delay.min():g} to {self.delay.max():g} steps but this core holds 0 to "
                f"{c.max_delay}: clip it, or rebuild with a larger max_delay"
            )
        for name in ("alpha", "kappa", "beta"):
            setattr(self, name, real_decay(name, getattr(self, name)))
        lag = self.lag.item() if isinstance(self.lag, np.ndarray) and self.lag.size == 1 else self.lag
        if not is_whole(lag) or not 0 <= lag <= MOST_LAG:
            raise NetworkError(f"lag={shown(lag)} is not a number of steps: give a whole number from 0 to {MOST_LAG}")
        self.lag = int(lag)

    @classmethod
    def of(cls, network: Network) -> "FloatNetwork":
        """The real values of a network of raw integers."""
        c = network.config
        return cls(
            c,
            network.real("weight"),
            network.real("delay"),
            network.real("readout"),
            alpha=network.alpha / c.decay.one,
            kappa=network.kappa / c.decay.one,
            beta=network.beta / c.decay.one,
            lag=network.lag,
        )

    def replace(self, **changes: Any) -> "FloatNetwork":
        """A validated copy with some fields changed; arrays are never shared."""
        return replace(self, **changes)

    def prolonged(self, samples: Sequence[Sample]) -> list[Sample]:
        """`samples` as the network needs them: `Sample.later` by its lag."""
        return [sample.later(self.lag) for sample in samples]

    def arrivals(self) -> NDArray[np.int64]:
        """``floor(D + 1/2)`` for every synapse [rows, neurons], in steps; zeros without delays."""
        delay = self.delay if self.delay.size else np.zeros((self.config.rows, 1))
        return np.broadcast_to(whole_steps(delay), self.weight.shape)

    # ---------------------------------------------------------------- file

    def save(self, path: str | Path, classes: Sequence[str] = ()) -> None:
        """Write ``.npz`` with the names of `Network.save`; the types of the numbers distinguish the two."""
        values = {f.name: getattr(self, f.name) for f in fields(self)} | {"config": self.config.to_toml()}
        write_arrays(path, **values, **named(classes, self.config))

    read_classes = staticmethod(read_classes)

    @classmethod
    def read(cls, path: str | Path) -> "FloatNetwork":
        """Read what `save` wrote; `NetworkError` names the file and what is wrong with it. Without a lag it is 0."""
        way_out = "give a file that an offline learner wrote"
        values = read_fields(path, [f.name for f in fields(cls)], "a network in real numbers", way_out)
        kinds = {name: value.dtype.kind for name, value in values.items() if name not in ("config", "lag")}
        if kinds["weight"] in "iu":
            raise NetworkError(f"{path}: holds raw integers: this network is quantised already")
        for name, kind in kinds.items():
            if kind not in "fiu":
                raise NetworkError(f"{path}: not a network in real numbers: {name} holds {values[name].dtype}")
        try:
            return cls(**values)
        except (ValueError, TypeError) as error:  # in which file
            raise NetworkError(f"{path}: {error}") from None

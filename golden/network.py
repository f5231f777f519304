"""What is loaded into a core: weights, delays, decays, step sizes. Raw integers, and one file format for all of them."""

import os
import zipfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.qformat import QFormat
from ranvier.golden.step_size import StepSize

__all__ = ["Network", "NetworkError", "StepSize"]

Raw = NDArray[np.int64]


class NetworkError(ValueError):
    """A network that does not fit its configuration, or a file that is not a network."""


@dataclass
class Network:
    """Parameters of a core in raw integers.

    Shapes follow the memory: one row per presynaptic unit (inputs first, then recurrent neurons).

    Parameters
    ----------
    config : CoreConfig
        The core that the network is for.
    weight : int array [rows, neurons]
        W_ji at ``[i, j]``, format ``config.weight``. A neuron's weight onto itself is held but never used.
    delay : int array [rows, neurons] (synaptic), [rows, 1] (axonal) or [0, 0] (none)
        D in format ``config.delay``, at most ``config.delay_limit``.
    readout : int array [neurons, outputs]
        Wout_kj at ``[j, k]``, format ``config.weight``.
    feedback : int array [neurons, outputs], or [0, 0] when symmetric
        B_kj at ``[j, k]``, format ``config.weight``.
    alpha, kappa : int
        Decay of membrane and presynaptic trace, and of readout, per step, format ``config.decay``.
    eta_weight, eta_delay, eta_readout : StepSize
        Step sizes of W, D and Wout.
    seed : int
        Seed of the random generators behind stochastic rounding, 32 bits.

    Raises
    ------
    NetworkError
        Naming the array, the shape or limit, and what came.
    """

    config: CoreConfig
    weight: Raw
    delay: Raw
    readout: Raw
    feedback: Raw
    alpha: int
    kappa: int
    eta_weight: StepSize = field(default_factory=StepSize)
    eta_delay: StepSize = field(default_factory=StepSize)
    eta_readout: StepSize = field(default_factory=StepSize)
    seed: int = 1

    def __post_init__(self) -> None:
        c = self.config
        for name, (shape, least, most) in self.layout(c).items():
            array = np.asarray(getattr(self, name))
            if array.shape != shape:
                raise NetworkError(f"{name} has shape {list(array.shape)} but this core holds {list(shape)}")
            if not np.issubdtype(array.dtype, np.integer):
                raise NetworkError(f"{name} holds {array.dtype} but the chip holds raw integers: quantise it first")
            if array.size and (array.min() < least or array.max() > most):
                raise NetworkError(
                    f"{name} runs from {array.min()} to {array.max()} but this core holds {least} to {most}: "
                    "scale or clip it, or rebuild with a wider format"
                )
            setattr(self, name, np.array(array, dtype=np.int64))
        for name in ("alpha", "kappa"):
            if not 0 <= getattr(self, name) <= c.decay.max:
                raise NetworkError(f"{name}={getattr(self, name)} does not fit {c.decay}: give 0 to {c.decay.max}")
        if not 0 <= self.seed < 1 << 32:
            raise NetworkError(f"seed={self.seed} is not a 32-bit number")

    @staticmethod
    def layout(config: CoreConfig) -> dict[str, tuple[tuple[int, int], int, int]]:
        """Name -> (shape, least raw value, greatest raw value) of every array."""
        c = config
        delay = {"none": (0, 0), "axonal": (c.rows, 1), "synaptic": (c.rows, c.neurons)}[c.delays]
        feedback = (c.neurons, c.outputs) if c.feedback == "random" else (0, 0)
        return {
            "weight": ((c.rows, c.neurons), c.weight.min, c.weight.max),
            "delay": (delay, 0, c.delay_limit),
            "readout": ((c.neurons, c.outputs), c.weight.min, c.weight.max),
            "feedback": (feedback, c.weight.min, c.weight.max),
        }

    @classmethod
    def zeros(cls, config: CoreConfig, *, alpha: float = 0.9, kappa: float = 0.9) -> "Network":
        """A silent network with the given decays (real numbers)."""
        arrays = {name: np.zeros(shape, np.int64) for name, (shape, _, _) in cls.layout(config).items()}
        return cls(config, **arrays, alpha=int(config.decay.quantise(alpha)), kappa=int(config.decay.quantise(kappa)))

    def replace(self, **changes: object) -> "Network":
        """A validated copy with some fields changed; arrays are never shared."""
        return replace(self, **changes)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- file

    def save(self, path: str | Path) -> None:
        """Write ``.npz``: the arrays, the scalars and the configuration as TOML. Temporary name first, then renamed."""
        path = Path(path)
        scalars = {name: int(getattr(self, name)) for name in ("alpha", "kappa", "seed")}
        etas = {
            f.name: (getattr(self, f.name).mantissa, getattr(self, f.name).shift)
            for f in fields(self)
            if f.name.startswith("eta_")
        }
        arrays = {name: getattr(self, name) for name in self.layout(self.config)}
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with open(temporary, "wb") as stream:
                np.savez_compressed(stream, config=self.config.to_toml(), **scalars, **etas, **arrays)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: str | Path) -> "Network":
        """Read what `save` wrote; `NetworkError` names the file and what is wrong with it."""
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
            config = CoreConfig.from_toml(str(content.pop("config")))
            values = {
                name: StepSize(*(int(v) for v in value))
                if name.startswith("eta_")
                else value
                if value.ndim
                else int(value)
                for name, value in content.items()
            }
            return cls(config, **values)
        except FileNotFoundError:
            raise NetworkError(f"{path}: no such file") from None
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            reason = (
                "not a Ranvier network" if isinstance(error, KeyError | EOFError | zipfile.BadZipFile) else str(error)
            )
            if isinstance(error, ConfigError | NetworkError):
                reason = str(error)
            raise NetworkError(f"{path}: {reason}") from None

    # ---------------------------------------------------------------- real numbers

    def real(self, name: str) -> NDArray[np.float64]:
        """One of the arrays in real units (weights in thresholds' units, delays in steps)."""
        formats: dict[str, QFormat] = {"delay": self.config.delay}
        return formats.get(name, self.config.weight).to_float(getattr(self, name))

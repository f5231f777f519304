"""Network of a core: weights, delays, decays, step sizes as raw integers, and their file format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from io import BytesIO
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import RanvierError, shown
from ranvier.files.kind import advice
from ranvier.files.npz import Npz
from ranvier.files.replacing import OutputError, write_bytes
from ranvier.parameters.config import LARGEST, ConfigError, CoreConfig
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.scalars import is_real, is_whole
from ranvier.parameters.step_size import StepSize

__all__ = [
    "MOST_LAG", "Network", "NetworkError", "StepSize", "check_core", "check_network", "check_shape", "named", "read_classes",
    "read_fields", "real_decay", "write_arrays",
]  # fmt: skip

Raw = NDArray[np.int64]

#: Largest lag in steps, more than any network of layers has.
MOST_LAG = 4096

#: Fields that files of earlier versions lack; they are 0 then.
_LATER = ("beta", "lag")

#: Limits in bytes: the widest number of NumPy, a field that is not an array, and all class names.
_WIDEST, _SCALAR, _NAMES = 32, 1024, 1 << 20

#: Decays of a network, per step.
DECAYS = ("alpha", "kappa", "beta")


class NetworkError(RanvierError, ValueError):
    """A network that does not fit its configuration, or a file that is not a network."""


def write_arrays(path: str | Path, **arrays: Any) -> None:
    """Write an ``.npz`` file, see `write_bytes`; `OutputError` if `path` is none."""
    if not isinstance(path, str | PathLike):
        raise OutputError(f"{shown(path)} is not a path: give the name of a file")
    content = BytesIO()
    np.savez_compressed(content, **arrays)
    write_bytes(path, content.getvalue())


def read_fields(path: str | Path, names: Iterable[str], what: str, way_out: str) -> dict[str, Any]:
    """Fields of a saved network by name, `config` as a `CoreConfig`; other fields of the file are ignored.

    Nothing large is read before its shape is known to match the configuration.

    Parameters
    ----------
    path : path
        The file.
    names : iterable of str
        Which; beta and lag may be missing.
    what, way_out : str
        What the file should be, and what to do if it is not of a known kind.

    Raises
    ------
    NetworkError
        If the file cannot be read, is not a network, lacks a field, or holds an array of the wrong shape.
    """
    try:
        with Npz(path) as file:
            config = CoreConfig.from_toml(str(file.read("config", 4 * LARGEST)))
            layout = {name: shape for name, (shape, _, _) in Network.layout(config).items()}
            for name in layout.keys() & set(names):
                if (found := file.header(name).shape) != layout[name]:
                    raise NetworkError(f"{name} has shape {list(found)} but this core holds {list(layout[name])}")
            most = {name: _WIDEST * prod(shape) for name, shape in layout.items()}
            wanted = [name for name in names if name != "config" and (name not in _LATER or name in file.names)]
            return {"config": config} | {name: file.read(name, most.get(name, _SCALAR)) for name in wanted}
    except (ConfigError, NetworkError) as error:  # in which file
        raise NetworkError(f"{path}: {error}") from None
    except OSError as error:
        raise NetworkError(f"{path}: {error.strerror or error}") from None
    except Exception:  # what a damaged archive raises depends on the damage
        raise NetworkError(f"{path}: not {what}: {advice(path) or way_out}") from None


def named(classes: Sequence[str], config: CoreConfig) -> dict[str, NDArray[Any]]:
    """Names of the outputs in a file; empty if unknown. `NetworkError` if they are invalid."""
    names = [str(name) for name in classes]
    if names and not len(names) == len(set(names)) == config.outputs:
        raise NetworkError(f"classes={shown(classes)}: give {config.outputs} different names, one for each output")
    return {"classes": np.array(names)} if names else {}


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Names of the outputs of a saved network; empty if the file does not contain them.

    Raises
    ------
    NetworkError
        If they cannot be read, or are not as many different names as there are outputs.
    """
    try:
        with Npz(path) as file:
            if "classes" not in file.names:
                return ()
            config, names = CoreConfig.from_toml(str(file.read("config", 4 * LARGEST))), file.read("classes", _NAMES)
    except Exception:  # what a damaged archive raises depends on the damage
        raise NetworkError(f"{path}: what its outputs stand for cannot be read: train it again") from None
    if names.dtype.kind != "U" or names.shape != (config.outputs,) or len(set(names.tolist())) < config.outputs:
        raise NetworkError(
            f"{path}: damaged: classes are {names.dtype} of shape {list(names.shape)}, expected {config.outputs} "
            "different names: train it again"
        )
    return tuple(names.tolist())


def _step_size(name: str, value: NDArray[Any]) -> StepSize:
    if value.shape != (2,):
        raise ValueError(f"{name} has shape {list(value.shape)} but a step size is [mantissa, shift]")
    return StepSize(*value.tolist())


def _number(value: NDArray[Any]) -> Any:
    """A number as a Python number; anything else unchanged, to be refused."""
    return value.item() if value.ndim == 0 and value.dtype.kind in "iuf" else value


def check_core(config: CoreConfig) -> None:
    """Refuse to make a network for anything but a configuration."""
    if not isinstance(config, CoreConfig):
        raise NetworkError(f"config={shown(config)} is not a configuration: give a CoreConfig")


def check_shape(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """`values` as an array of this shape and any type; `NetworkError` if that is impossible."""
    try:
        array = np.asarray(values)
    except Exception as error:  # lists of several lengths, and what tensors raise who want to be detached
        raise NetworkError(f"{name} is not an array of numbers: {shown(error, str)}") from None
    if array.shape != shape:
        raise NetworkError(f"{name} has shape {list(array.shape)} but this core holds {list(shape)}")
    return array


def real_decay(name: str, value: Any, *, one: bool = False) -> float:
    """A decay per step as a real number below 1, or up to 1 if `one` is allowed; otherwise `NetworkError`."""
    number = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not is_real(number) or not (0 <= number < 1 or (one and number == 1)):
        text = shown(number, lambda given: f"{given:g}" if isinstance(given, float) else repr(given))
        raise NetworkError(f"{name}={text} is not a decay: give 0 to {'1' if one else 'below 1'}")
    return float(number)


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
    beta : int
        Decay of the synaptic current per step, format ``config.decay``; 0 unless the core's synapse is exponential.
    eta_weight, eta_delay, eta_readout : StepSize
        Step sizes of W, D and Wout.
    seed : int
        Seed of the random generators behind stochastic rounding, 32 bits.
    lag : int
        Steps by which the network answers late, at most `MOST_LAG`: an imported network may need more steps than its graph.
        Devices append as many silent steps to every sample and score it as much later (`Sample.later`).

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
    beta: int = 0
    eta_weight: StepSize = field(default_factory=StepSize)
    eta_delay: StepSize = field(default_factory=StepSize)
    eta_readout: StepSize = field(default_factory=StepSize)
    seed: int = 1
    lag: int = 0

    def __post_init__(self) -> None:
        c = self.config
        check_core(c)
        for name, (shape, least, most) in self.layout(c).items():
            array = check_shape(name, getattr(self, name), shape)
            if array.dtype.kind not in "iu":
                raise NetworkError(f"{name} holds {array.dtype} but the chip holds raw integers: quantise it first")
            if array.size and (array.min() < least or array.max() > most):
                raise NetworkError(
                    f"{name} runs from {array.min()} to {array.max()} but this core holds {least} to {most}: "
                    "scale or clip it, or rebuild with a wider format"
                )
            setattr(self, name, np.array(array, dtype=np.int64, order="C"))
        for name, most in (*((decay, c.decay.max) for decay in DECAYS), ("seed", (1 << 32) - 1), ("lag", MOST_LAG)):
            value = getattr(self, name)
            if not is_whole(value) or not 0 <= value <= most:
                raise NetworkError(f"{name}={shown(value)} does not fit the core: give a whole number from 0 to {most}")
            setattr(self, name, int(value))
        if self.beta and not c.exponential:
            raise NetworkError(f'beta={self.beta} needs synapse="exponential": set beta=0 or rebuild with that synapse')
        for name in ("eta_weight", "eta_delay", "eta_readout"):
            if not isinstance(getattr(self, name), StepSize):
                raise NetworkError(f"{name}={shown(getattr(self, name))} is not a step size: give StepSize.of(value)")

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
    def zeros(cls, config: CoreConfig, *, alpha: float = 0.9, kappa: float = 0.9, beta: float = 0.0) -> "Network":
        """A silent network with the given decays (real numbers from 0 to 1, which becomes the largest below it).

        `NetworkError` if they are anything else.
        """
        check_core(config)
        arrays: dict[str, Any] = {name: np.zeros(shape, np.int64) for name, (shape, _, _) in cls.layout(config).items()}
        decays = {"alpha": alpha, "kappa": kappa, "beta": beta}
        raw: dict[str, Any] = {
            name: int(config.decay.quantise(real_decay(name, value, one=True))) for name, value in decays.items()
        }
        return cls(config, **arrays, **raw)

    def replace(self, **changes: object) -> "Network":
        """A validated copy with some fields changed; arrays are never shared."""
        return replace(self, **changes)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- file

    def save(self, path: str | Path, classes: Sequence[str] = ()) -> None:
        """Write ``.npz``: the arrays, the scalars and the configuration as TOML; `OutputError` if that is impossible.

        With `classes`, also what the outputs stand for, for `read_classes`; `NetworkError` unless they are as many
        different names as there are outputs.
        """
        scalars: dict[str, Any] = {name: int(getattr(self, name)) for name in (*DECAYS, "seed", "lag")}
        etas: dict[str, Any] = {
            f.name: (getattr(self, f.name).mantissa, getattr(self, f.name).shift)
            for f in fields(self)
            if f.name.startswith("eta_")
        }
        arrays = {name: getattr(self, name) for name in self.layout(self.config)}
        write_arrays(path, config=self.config.to_toml(), **scalars, **etas, **arrays, **named(classes, self.config))

    @classmethod
    def read(cls, path: str | Path) -> "Network":
        """Read what `save` wrote; `NetworkError` names the file and what is wrong with it. Beta and lag default to 0."""
        values = read_fields(
            path, [f.name for f in fields(cls)], "a Ranvier network", "give a file that `ranvier train` wrote"
        )
        try:
            for name in values:
                if name.startswith("eta_"):
                    values[name] = _step_size(name, values[name])
                elif name not in cls.layout(values["config"]) and name != "config":
                    values[name] = _number(values[name])
            return cls(**values)
        except (ValueError, TypeError) as error:  # in which file
            raise NetworkError(f"{path}: {error}") from None

    read_classes = staticmethod(read_classes)

    # ---------------------------------------------------------------- real numbers

    def real(self, name: str) -> NDArray[np.float64]:
        """One of the arrays in real units (weights in thresholds' units, delays in steps)."""
        formats: dict[str, QFormat] = {"delay": self.config.delay}
        return formats.get(name, self.config.weight).to_float(getattr(self, name))


def check_network(network: Network, config: CoreConfig) -> None:
    """Refuse what cannot be loaded into a core, with a `NetworkError` that states what was given, and what to give."""
    if not isinstance(network, Network):
        text = isinstance(network, str | Path)
        kind = repr(str(network)) if text else f"a {type(network).__name__}"
        if text:
            way = f"give Network.read({kind})"
        elif kind == "a FloatNetwork":
            way = "quantise it first"
        else:
            way = "give Network.read(path), Network.zeros(config) or one that was trained"
        raise NetworkError(f"{kind} is not a Network: {way}")
    if network.config != config:
        raise NetworkError("the network was made for another configuration: open the device with network.config")

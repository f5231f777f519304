"""Checkpoint of a training: everything that the next epoch depends on, so that training resumes bit for bit."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import RanvierError, shown
from ranvier.files.npz import Npz
from ranvier.files.output import OutputError, check_output
from ranvier.files.replacing import descriptor, place
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, write_arrays
from ranvier.parameters.step_size import StepSize
from ranvier.plasticity.deep_r import DeepR

__all__ = ["Arrays", "Checkpoint", "CheckpointError", "fingerprint", "network_arrays", "network_from", "plain"]

AnyNetwork = TypeVar("AnyNetwork", Network, FloatNetwork)
Arrays = dict[str, NDArray[Any]]

#: Arrays of a network that training changes.
CHANGED: dict[type, tuple[str, ...]] = {
    Network: ("weight", "delay", "readout", "seed", "eta_weight", "eta_delay", "eta_readout"),
    FloatNetwork: ("weight", "delay", "readout"),
}

#: Limits of bytes of text in a file, and of values in an array whose size no network determines (generators).
MOST, MOST_SMALL = 1 << 30, 1 << 16

#: Number of differences between two trainings that a message names.
NAMED = 3


class CheckpointError(RanvierError, ValueError):
    """A file that is not a checkpoint, or one of another training; the message says which and what to do."""


class Checkpoint:
    """One file, replaced as a whole after every epoch.

    Parameters
    ----------
    path : path
        The file; it need not exist yet.
    about : dict
        Name -> plain value of everything that determines the training. `read` refuses a file with a different one.
    network : Network or FloatNetwork
        Initial network of the training. No array of the file may be larger than its largest.
    plasticity : DeepR, optional
        Structural plasticity whose state is included.

    Raises
    ------
    OutputError
        If the file is not writable, or is not a plain file but standard output, a FIFO or a device.
    """

    def __init__(
        self,
        path: str | Path,
        about: Mapping[str, Any],
        network: Network | FloatNetwork,
        plasticity: DeepR | None = None,
    ):
        if not isinstance(path, str | os.PathLike):
            raise OutputError(f"checkpoint={shown(path)} is not a path: give the name of a file")
        self.path, self.plasticity = check_output(path), plasticity
        if descriptor(path) is not None or place(path) is None:
            raise OutputError(f"{path} is not a plain file, as a checkpoint must be: give another name")
        self.most = 8 * max(MOST_SMALL, network.weight.size, network.delay.size, network.readout.size)
        self.about = json.loads(json.dumps(about))  # as read from a file

    def write(self, values: dict[str, Any], arrays: Arrays) -> None:
        """Write plain values and arrays, and the state of `plasticity`; `OutputError` leaves the file unchanged."""
        state = self.plasticity.state() if self.plasticity else None
        text = {"about": self.about, "values": values, "plasticity": state}
        write_arrays(self.path, checkpoint=json.dumps(text), **arrays)

    def read(self) -> tuple[dict[str, Any], Arrays] | None:
        """Values and arrays of `write`, with the state of `plasticity` restored; None if there is no file.

        Raises
        ------
        CheckpointError
            If it is not a checkpoint, is damaged, or belongs to another training.
        """
        if not self.path.exists():
            return None
        text, arrays = self._content()
        with self.damage():
            if self.plasticity:
                self.plasticity.restore(text["plasticity"])
            return dict(text["values"]), arrays

    @contextmanager
    def damage(self) -> Iterator[None]:
        """Convert errors from missing or wrongly typed content to `CheckpointError`."""
        try:
            yield
        except CheckpointError:
            raise
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
            raise self._no_checkpoint() from None

    def _no_checkpoint(self) -> CheckpointError:
        return CheckpointError(
            f"{self.path}: not a checkpoint, or damaged: give another name, or remove it to start from the beginning"
        )

    def _content(self) -> tuple[dict[str, Any], Arrays]:
        """The text, and the arrays if the text belongs to this training."""
        try:
            with Npz(self.path) as file:
                text = json.loads(str(file.read("checkpoint", MOST)))
                self._compare(text["about"])
                return text, {name: file.read(name, self.most) for name in file.names - {"checkpoint"}}
        except CheckpointError:
            raise
        except OSError as error:
            raise CheckpointError(f"{self.path}: {error.strerror or error}") from None
        except Exception:  # a damaged archive can raise anything
            raise self._no_checkpoint() from None

    def _compare(self, there: dict[str, Any]) -> None:
        names = [name for name in dict.fromkeys([*self.about, *there]) if self.about.get(name) != there.get(name)]
        if names:
            some = ", ".join(
                f"{name} is {there.get(name)} there and {self.about.get(name)} here" for name in names[:NAMED]
            )
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            raise CheckpointError(
                f"{self.path} belongs to another training ({some}{more}): repeat its own command, give another name, or "
                "remove it"
            )


def plain(**parts: Any) -> dict[str, Any]:
    """Values for `Checkpoint.about`: dictionaries are flattened, and types unknown to JSON become text."""
    values: dict[str, Any] = {}
    for name, value in parts.items():
        entries = {f"{name} {key}": entry for key, entry in value.items()} if isinstance(value, dict) else {name: value}
        for key, entry in entries.items():
            values[key] = entry if isinstance(entry, str | int | float | None) else str(entry)
    return values


def network_arrays(prefix: str, network: Network | FloatNetwork) -> Arrays:
    """Arrays of a network that training changes, with names that begin with `prefix`."""
    return {f"{prefix}_{name}": _array(getattr(network, name)) for name in CHANGED[type(network)]}


def network_from(prefix: str, arrays: Mapping[str, NDArray[Any]], initial: AnyNetwork) -> AnyNetwork:
    """The network of `network_arrays`, completed from `initial`."""
    changes: dict[str, Any] = {}
    for name in CHANGED[type(initial)]:
        value = arrays[f"{prefix}_{name}"]
        if name.startswith("eta_"):
            mantissa, shift = value.tolist()
            changes[name] = StepSize(mantissa, shift)
        else:
            changes[name] = value if value.ndim else value.item()
    return initial.replace(**changes)


def fingerprint(network: Network | FloatNetwork) -> str:
    """Digest of all parameters of a network, without its core."""
    total = hashlib.sha256(f"{network.alpha} {network.kappa} {network.beta}".encode())
    feedback = {"feedback": network.feedback} if isinstance(network, Network) else {}
    for name, array in (network_arrays("", network) | feedback).items():
        total.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def _array(value: Any) -> NDArray[Any]:
    return np.array((value.mantissa, value.shift) if isinstance(value, StepSize) else value)

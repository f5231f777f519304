"""A training in a file: all that the next epoch depends on, so that a stopped one resumes bit for bit."""

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

#: What training changes in a network; the rest is as it was at first.
CHANGED: dict[type, tuple[str, ...]] = {
    Network: ("weight", "delay", "readout", "seed", "eta_weight", "eta_delay", "eta_readout"),
    FloatNetwork: ("weight", "delay", "readout"),
}

#: Bytes of the text in a file at most, and values of an array of which no network says how large it is (generators).
MOST, MOST_SMALL = 1 << 30, 1 << 16

#: Differences between two trainings that are named.
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
        Name -> plain value of everything that decides the training. `read` refuses a file in which one is different.
    network : Network or FloatNetwork
        Where the training started: no array of the file is larger than the largest of its own.
    plasticity : DeepR, optional
        Whose state belongs to it.

    Raises
    ------
    OutputError
        If the file cannot be written, or is not a plain one: standard output, a FIFO, a device.
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
            raise OutputError(f"{path} is not a plain file, and a checkpoint is read again: give the name of one")
        self.most = 8 * max(MOST_SMALL, network.weight.size, network.delay.size, network.readout.size)
        self.about = json.loads(json.dumps(about))  # as a file gives it back

    def write(self, values: dict[str, Any], arrays: Arrays) -> None:
        """Keep plain values and arrays, and the state of `plasticity`; `OutputError` leaves the file as it was."""
        state = self.plasticity.state() if self.plasticity else None
        text = {"about": self.about, "values": values, "plasticity": state}
        write_arrays(self.path, checkpoint=json.dumps(text), **arrays)

    def read(self) -> tuple[dict[str, Any], Arrays] | None:
        """What `write` kept, `plasticity` being as it was then; None if there is no file.

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
        """Whatever is missing or of the wrong type becomes one `CheckpointError`."""
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
        """The text, and the arrays if it is that of this training."""
        try:
            with Npz(self.path) as file:
                text = json.loads(str(file.read("checkpoint", MOST)))
                self._compare(text["about"])
                return text, {name: file.read(name, self.most) for name in file.names - {"checkpoint"}}
        except CheckpointError:
            raise
        except OSError as error:
            raise CheckpointError(f"{self.path}: {error.strerror or error}") from None
        except Exception:  # what a damaged archive raises depends on the damage
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
    """Values for `Checkpoint.about`; a dictionary stands for its entries, whatever JSON does not know for its text."""
    values: dict[str, Any] = {}
    for name, value in parts.items():
        entries = {f"{name} {key}": entry for key, entry in value.items()} if isinstance(value, dict) else {name: value}
        for key, entry in entries.items():
            values[key] = entry if isinstance(entry, str | int | float | None) else str(entry)
    return values


def network_arrays(prefix: str, network: Network | FloatNetwork) -> Arrays:
    """Arrays of what training changes in a network, their names beginning with `prefix`."""
    return {f"{prefix}_{name}": _array(getattr(network, name)) for name in CHANGED[type(network)]}


def network_from(prefix: str, arrays: Mapping[str, NDArray[Any]], initial: AnyNetwork) -> AnyNetwork:
    """The network of `network_arrays`, `initial` giving the rest."""
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
    """Digest of all parameters of a network; its core is not among them."""
    total = hashlib.sha256(f"{network.alpha} {network.kappa} {network.beta}".encode())
    feedback = {"feedback": network.feedback} if isinstance(network, Network) else {}
    for name, array in (network_arrays("", network) | feedback).items():
        total.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def _array(value: Any) -> NDArray[Any]:
    return np.array((value.mantissa, value.shift) if isinstance(value, StepSize) else value)

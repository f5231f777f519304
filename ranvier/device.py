"""One interface to every core: the golden model, its compiled form, the rule in floating point, and the simulated RTL."""

from collections.abc import Collection
from types import TracebackType
from typing import Literal, Protocol, Self, get_args

from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network, StepSize
from ranvier.golden.record import Record, Traced
from ranvier.golden.spikes import Sample

__all__ = ["DEVICES", "Device", "DeviceError", "DeviceName", "open_device"]

DeviceName = Literal["golden", "golden:plain", "float64", "sim"]

#: Names that `open_device` knows.
DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)


class DeviceError(ValueError):
    """A device that is unknown or cannot be opened here."""


class Device(Protocol):
    """A core that holds one network and runs one sample at a time. Also a context manager that closes itself."""

    config: CoreConfig

    def load(self, network: Network) -> None:
        """Load parameters, decays, step sizes and seed; clear all state and counters. `NetworkError` if it does not fit."""

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Replace the step sizes, nothing else."""

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run one sample from cleared state; with `learn`, update W, D and Wout towards class `target`.

        Raises
        ------
        SampleError
            If the sample has units that the core lacks, or learning has no valid target or no learning unit.
        """

    def network(self) -> Network:
        """Read back the parameters (the state of the random generators is not part of them)."""

    def counters(self) -> dict[str, int]:
        """Counts since `load` by name, see `ranvier.golden.record.COUNTERS`."""

    def close(self) -> None:
        """Free the device; using it afterwards is an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_device(name: str, config: CoreConfig) -> Device:
    """Open a core built from `config`.

    Parameters
    ----------
    name : {"golden", "golden:plain", "float64", "sim"}
        Compiled golden model; the same model as plain NumPy (slow, for reading and checking); the rule that both round,
        with records in real units; the RTL in Verilator.

    Raises
    ------
    DeviceError
        If the name is unknown, or the simulator cannot be built here.
    """
    match name:
        case "golden":
            from ranvier.golden.compiled import CompiledCore

            return CompiledCore(config)
        case "golden:plain":
            from ranvier.golden.core import GoldenCore

            return GoldenCore(config)
        case "float64":
            from ranvier.golden.reference import FloatCore

            return FloatCore(config)
        case "sim":
            from ranvier.sim.device import SimulatedCore
            from ranvier.sim.verilator import VerilatorError

            try:
                return SimulatedCore(config)
            except VerilatorError as error:
                raise DeviceError(f"cannot simulate: {error}") from None
    raise DeviceError(f"unknown device {name!r}: choose one of {', '.join(DEVICES)}")

"""A scenario that every device has to pass: what it is, and how it compares a device with a golden model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ranvier.device import Device, DeviceError
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.errors import RanvierError
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.record import Record, Traced
from ranvier.parameters.sample import Sample
from ranvier.verification.stimulus import random_network, random_sample

__all__ = [
    "RASTER",
    "Scenario",
    "ScenarioError",
    "ScenarioResult",
    "Scenarios",
    "compare",
    "compare_networks",
    "compare_records",
    "compare_runs",
    "lively_sample",
    "load_both",
    "require",
]

#: Recorded where only the spikes of each step matter.
RASTER: tuple[Traced, ...] = ("spikes",)

Function = TypeVar("Function", bound=Callable[..., int])


class ScenarioError(RanvierError):
    """A device differs from what it has to do; the message names the first difference."""


@dataclass(frozen=True)
class Scenario:
    """A function of the device and of a golden model, which returns how many values it compared.

    It leaves the device in a state from which any other scenario can start: with some network loaded and no error pending.

    Parameters
    ----------
    function : callable
        Raises `ScenarioError` at the first difference.
    registers : bool
        Whether it needs the registers, which only a `RemoteCore` has.
    """

    function: Callable[..., int]
    registers: bool

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    def fits(self, device: Device) -> bool:
        """Whether the device has what it needs."""
        return not self.registers or isinstance(device, RemoteCore)

    def run(self, device: Device, reference: Device) -> "ScenarioResult":
        """Run it; an error of the link, or of a device that refuses what it must do, is a failure like a difference."""
        try:
            return ScenarioResult(self.name, self.function(device, reference))
        except (ScenarioError, LinkError, DeviceError) as error:
            return ScenarioResult(self.name, failure=str(error))


@dataclass(frozen=True)
class ScenarioResult:
    """Result of a scenario: values compared, and the failure if there was one."""

    name: str
    compared: int = 0
    failure: str | None = None


class Scenarios(dict[str, Scenario]):
    """Scenarios by name, in the order of their functions.

    Parameters
    ----------
    registers : bool
        Whether they need the registers.
    """

    def __init__(self, *, registers: bool):
        super().__init__()
        self.registers = registers

    def add(self, function: Function) -> Function:
        """Decorator of a function, see `Scenario`."""
        self[function.__name__] = Scenario(function, self.registers)
        return function


# -------------------------------------------------------------------- comparing


def compare(what: str, actual: Any, expected: Any) -> int:
    """Number of values compared; `ScenarioError` names the first index at which two numbers or arrays differ."""
    got, want = np.asarray(actual), np.asarray(expected)
    if got.shape != want.shape:
        raise ScenarioError(f"{what}: expected shape {want.shape}, received {got.shape}")
    if (got != want).any():
        place = tuple(int(n) for n in np.argwhere(got != want)[0])
        raise ScenarioError(f"{what}{list(place) if place else ''}: expected {want[place]}, received {got[place]}")
    return got.size


def require(what: str, condition: bool) -> int:
    """1, for a value compared; `ScenarioError` unless `condition` holds."""
    if not condition:
        raise ScenarioError(f"expected {what}")
    return 1


def compare_records(what: str, actual: Record, expected: Record) -> int:
    """`compare` prediction, scores, spikes and every recorded step."""
    compared = compare(f"{what}: prediction", actual.prediction, expected.prediction)
    compared += compare(f"{what}: scores", actual.scores, expected.scores)
    compared += compare(f"{what}: spikes", actual.spikes, expected.spikes)
    return compared + sum(
        compare(f"{what}: {name} at [step, unit]", actual.steps[name], values)
        for name, values in expected.steps.items()
    )


def compare_networks(what: str, actual: Network, expected: Network) -> int:
    """`compare` all arrays."""
    layout = Network.layout(expected.config)
    return sum(compare(f"{what}: {name}", getattr(actual, name), getattr(expected, name)) for name in layout)


def load_both(device: Device, reference: Device, seed: int, **changes: Any) -> np.random.Generator:
    """Load a random network, with some changes, into both; the generator to draw samples from."""
    rng = np.random.default_rng(seed)
    network = random_network(device.config, rng).replace(**changes)
    device.load(network)
    reference.load(network)
    return rng


def compare_runs(device: Device, reference: Device, what: str, sample: Sample, **how: Any) -> int:
    """`compare_records` of a sample on both."""
    return compare_records(what, device.run(sample, **how), reference.run(sample, **how))


def lively_sample(config: CoreConfig, rng: np.random.Generator) -> Sample:
    """A random sample with more spikes than inputs."""
    while True:
        sample = random_sample(config, rng)
        if len(sample.times) > config.inputs:
            return sample

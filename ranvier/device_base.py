"""Base class of devices: checks of all arguments, in one place."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Any

import numpy as np

from ranvier.closing import Closing
from ranvier.errors import RanvierError, shown
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, check_network
from ranvier.parameters.record import TRACED, WRAP, Record, Steps, Traced
from ranvier.parameters.sample import Sample, check_record, check_run
from ranvier.parameters.step_size import StepSize

__all__ = ["CLOSED", "DeviceBase", "DeviceError", "check_config"]

#: Message of a `DeviceError` once a device is closed.
CLOSED = "the device was closed: open it again"


class DeviceError(RanvierError, ValueError):
    """An unknown device, one that cannot be opened here, or one that has no network or was closed."""


def check_config(config: CoreConfig) -> None:
    """`DeviceError` unless a core can be built from it."""
    if not isinstance(config, CoreConfig):
        raise DeviceError(
            f"config={shown(config)} is not a CoreConfig: give preset(name), CoreConfig.read(path) or one made of its fields"
        )


class DeviceBase(Closing):
    """A core that holds one network and runs one sample at a time; what differs between devices is in the methods below.

    Parameters
    ----------
    config : CoreConfig
        What the core was built from.

    Raises
    ------
    DeviceError
        If that is not a configuration; from every other method, if no network was loaded, or the device was closed.
    """

    def __init__(self, config: CoreConfig):
        check_config(config)
        self.config = config
        self._held: Network | None = None
        self._closed = False

    @property
    def _network(self) -> Network:
        """The network that was loaded, with the current step sizes; `DeviceError` if there is none."""
        self._check_open()
        if self._held is None:
            raise DeviceError("no network is loaded, or not all of it: load one before anything else")
        return self._held

    def _lose(self) -> None:
        """Forget the network, since it is unknown how much of it the core holds: one must be loaded again."""
        self._held = None

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceError(CLOSED)

    # ---------------------------------------------------------------- device API

    def load(self, network: Network) -> None:
        """Take over all parameters and the seed; clear state and counters.

        If it fails, the device holds no network.

        Raises
        ------
        NetworkError
            If it is no network, or made for another core; what was loaded stays.
        """
        self._check_open()
        check_network(network, self.config)
        self._held = network.replace()
        try:
            self._load(self._held)
        except BaseException:
            self._lose()
            raise

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Change the step sizes between samples, all or none. `NetworkError` if one is no step size."""
        changed = self._network.replace(eta_weight=weight, eta_delay=delay, eta_readout=readout)
        self._step_sizes(changed)
        self._held = changed

    def network(self) -> Network:
        """A copy of the parameters as they are now."""
        return self._read_network(self._network)

    def counters(self) -> dict[str, int]:
        """Events since `load`, by the names of `ranvier.parameters.record.COUNTERS`; each wraps at 32 bits."""
        _ = self._network  # refuses if there is none
        return {name: count % WRAP for name, count in self._counters().items()}

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run one sample from cleared state, learning on it if `learn`; prolonged by the network's lag (`Sample.later`).

        Parameters
        ----------
        sample : Sample
            Input spikes and scored steps.
        target : int, optional
            Class of the sample; needed to learn.
        learn : bool
            Update W, D and Wout during the sample.
        record : collection of str
            Quantities to record after every step, from `ranvier.parameters.record.TRACED`.

        Raises
        ------
        SampleError
            If the sample or target does not fit the core, or a quantity to record is unknown.
        """
        check_run(self.config, sample, target, learn)
        sample = sample.later(self._network.lag)
        steps: Steps = {
            name: np.zeros((sample.steps, getattr(self.config, TRACED[name])), np.int64)
            for name in check_record(record)
        }
        result = self._run(sample, target, learn, steps)
        result.length = sample.steps
        return result

    def close(self) -> None:
        """Free the device; using it afterwards is an error."""
        self._closed = True
        self._close()

    # ---------------------------------------------------------------- what a device does

    @abstractmethod
    def _load(self, network: Network) -> None:
        """Take over a network that fits; clear state and counters."""

    @abstractmethod
    def _step_sizes(self, network: Network) -> None:
        """Take over the step sizes of a network."""

    @abstractmethod
    def _read_network(self, network: Network) -> Network:
        """A copy of `network` with the arrays as they are now."""

    @abstractmethod
    def _counters(self) -> dict[str, int]:
        """See `counters`; need not wrap."""

    @abstractmethod
    def _run(self, sample: Sample, target: int | None, learn: bool, steps: dict[Traced, Any]) -> Record:
        """Run a checked sample from cleared state, whatever happened before, and fill `steps`."""

    def _close(self) -> None:
        """Release what is held."""
        return

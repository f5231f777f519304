"""Base of the plain and the compiled golden model: everything except the arithmetic."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ranvier.device_base import DeviceBase
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import Record, Steps, since
from ranvier.parameters.sample import Sample

__all__ = ["CoreBase"]


class CoreBase(DeviceBase):
    """A core in software: one network, one sample at a time.

    Parameters
    ----------
    config : CoreConfig
        The core to model.
    """

    def _load(self, network: Network) -> None:
        self.restart()

    def _step_sizes(self, network: Network) -> None:
        return

    def _read_network(self, network: Network) -> Network:
        return network.replace()

    def _run(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Record:
        before = self.counters()["spikes"]
        scores = self.play(sample, target, learn, steps)
        return Record(int(np.argmax(scores)), scores, since(before, self.counters()["spikes"]), steps)

    # ---------------------------------------------------------------- what resumes bit for bit

    #: Names in a `snapshot`.
    SNAPSHOT: ClassVar[tuple[str, ...]] = ("generators",)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """What learning continues from between samples, besides `network`: arrays by name, for `resume`."""
        _ = self._network  # refuses if there is none
        return {"generators": self.generators.copy()}

    def resume(self, network: Network, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """`load`, and continue like the core whose `network` and `snapshot` these are. `NetworkError` if they do not fit."""
        self.load(network)
        for name, array in self.snapshot().items():
            given = snapshot.get(name)
            if given is None or (given.shape, given.dtype) != (array.shape, array.dtype):
                raise NetworkError(f"{name} are not those of this core: it was another device")
        self._take_snapshot(snapshot)

    def _take_snapshot(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        self.generators[...] = snapshot["generators"]

    @property
    def generators(self) -> NDArray[np.uint32]:
        """State of the random generators [lanes], to be changed in place."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing")

    # ---------------------------------------------------------------- arithmetic, spelled twice

    @abstractmethod
    def restart(self) -> None:
        """Seed the generators; clear state and counters."""

    @abstractmethod
    def play(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Raw:
        """Run a checked sample from cleared state, fill `steps`, return the scores [outputs]."""

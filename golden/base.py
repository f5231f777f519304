"""What the plain and the compiled golden model share: everything around the arithmetic."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.device_base import DeviceBase
from ranvier.golden.network import Network
from ranvier.golden.record import Record, Steps, since
from ranvier.golden.spikes import Sample

__all__ = ["CoreBase", "Steps"]

Raw = NDArray[np.int64]


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

    # ---------------------------------------------------------------- arithmetic, spelled twice

    @abstractmethod
    def restart(self) -> None:
        """Seed the generators; clear state and counters."""

    @abstractmethod
    def play(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Raw:
        """Run a checked sample from cleared state, fill `steps`, return the scores [outputs]."""

"""What the plain and the compiled golden model share: everything around the arithmetic."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.golden.closing import Closing
from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network, NetworkError
from ranvier.golden.record import TRACED, Record, Traced
from ranvier.golden.spikes import Sample, SampleError, check_run
from ranvier.golden.step_size import StepSize

__all__ = ["CoreBase", "Steps"]

Raw = NDArray[np.int64]
Steps = dict[Traced, Raw]


class CoreBase(Closing):
    """A core in software: one network, one sample at a time.

    Parameters
    ----------
    config : CoreConfig
        The core to model.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.load(Network.zeros(config))

    def load(self, network: Network) -> None:
        """Take over all parameters and the seed; clear state and counters. `NetworkError` if made for another core."""
        if network.config != self.config:
            raise NetworkError("the network was made for another configuration: open the device with network.config")
        self._network = network.replace()
        self.restart()

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Change the step sizes between samples."""
        self._network = self._network.replace(eta_weight=weight, eta_delay=delay, eta_readout=readout)

    def network(self) -> Network:
        """A copy of the parameters as they are now."""
        return self._network.replace()

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run one sample from cleared state, learning on it if `learn`.

        Parameters
        ----------
        sample : Sample
            Input spikes and scored steps.
        target : int, optional
            Class of the sample; needed to learn.
        learn : bool
            Update W, D and Wout on the way.
        record : collection of str
            Quantities to record after every step, from `ranvier.golden.record.TRACED`.

        Raises
        ------
        SampleError
            If the sample or target does not fit the core, or a quantity to record is unknown.
        """
        check_run(self.config, sample, target, learn)
        for name in record:
            if name not in TRACED:
                raise SampleError(f"record={name!r} is unknown: choose from {', '.join(TRACED)}")
        steps: Steps = {n: np.zeros((sample.steps, getattr(self.config, TRACED[n])), np.int64) for n in record}
        before = self.counters()["spikes"]
        scores = self.play(sample, target, learn, steps)
        return Record(int(np.argmax(scores)), scores, self.counters()["spikes"] - before, steps)

    def close(self) -> None:
        """Nothing to release."""
        return

    # ---------------------------------------------------------------- what goes on to the bit

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Between samples, what learning goes on with beside `network`: arrays by name, for `resume`."""
        return {"generators": self.generators.copy()}

    def resume(self, network: Network, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """`load`, and go on as the core did whose `network` and `snapshot` these are. `NetworkError` if they do not fit."""
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

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """Events since `load`, by the names of `ranvier.golden.record.COUNTERS`."""

"""The core's RTL, verilated and driven in process, with the device API of the golden model."""

import ctypes
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranvier.device_base import CLOSED, DeviceBase, DeviceError
from ranvier.drivers.loading import ARRAYS, TRACES, arrays, settings, step_sizes
from ranvier.errors import RanvierError
from ranvier.hw.core import Phase
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import COUNTERS, Record, Steps, since
from ranvier.parameters.sample import Sample
from ranvier.sim.build import library
from ranvier.sim.simulation import Simulation

__all__ = ["SimulatedCore", "SimulationError"]

_INT_P = ctypes.POINTER(ctypes.c_int32)


class SimulationError(RanvierError, RuntimeError):
    """The simulated core did something that it must not do: stalled, answered an error, or flooded its output."""


#: Clock cycles without any handshake after which the core counts as stalled.
_PATIENCE = 20_000_000


class SimulatedCore(DeviceBase):
    """Simulated RTL of a core: about a million clock cycles per second, every result read through the core's own ports.

    Parameters
    ----------
    config : CoreConfig
        The core; its simulator is built on first use and kept.
    path : Path, optional
        A library built by `ranvier.sim.build.library`, if not the one for `config`.

    Raises
    ------
    VerilatorError
        If the simulator cannot be built.
    SimulationError
        If the core stalls or answers an error.
    """

    def __init__(self, config: CoreConfig, path: Path | None = None):
        super().__init__(config)
        self._settled = True  # the last sample came to its end, and so did the last change of step sizes
        self._simulation = Simulation(path or library(config), "device", DeviceError, CLOSED)
        if self.read(AddressSpace.REGISTER, 0, Register.DIGEST.value) & 0xFFFFFFFF != config.digest:
            raise SimulationError(
                "the simulated core was built from another configuration: clear the cache and rebuild"
            )

    # ---------------------------------------------------------------- host port

    def host(self, requests: NDArray[np.int32]) -> NDArray[np.int32]:
        """Do `requests` [n, 5]: (write, space, row, column, data); returns the data read, [n]."""
        requests = np.ascontiguousarray(requests, dtype=np.int32)
        done = self._simulation.call("host", requests.ctypes.data_as(_INT_P), len(requests), _PATIENCE)
        if done == len(requests):
            return requests[:, 4]
        if done < 0:
            raise SimulationError("the simulated core does not answer on its host port")
        write, space, row, column, _ = (int(v) for v in requests[done])
        verb = "write" if write else "read"
        raise SimulationError(f"the simulated core refused to {verb} {AddressSpace(space).name}[{row}, {column}]")

    def read(self, space: AddressSpace, row: int, column: int) -> int:
        """One word."""
        return int(self.host(np.array([[0, space.value, row, column, 0]]))[0])

    def write(self, space: AddressSpace, row: int, column: int, value: int) -> None:
        """One word."""
        self.host(np.array([[1, space.value, row, column, np.int64(value).astype(np.int32)]]))

    def _write_registers(self, values: dict[Register, int]) -> None:
        for register, value in values.items():
            self.write(AddressSpace.REGISTER, 0, register.value, value)

    def _read_matrix(self, space: AddressSpace, shape: tuple[int, int]) -> Raw:
        return self.host(_requests(0, space, np.zeros(shape, np.int64))).astype(np.int64).reshape(shape)

    # ---------------------------------------------------------------- device API

    def cycles(self) -> int:
        """Clock cycles since `load` during which the core was busy."""
        _ = self._network  # refuses if there is none
        return self.read(AddressSpace.REGISTER, 0, Register.CYCLES.value) & 0xFFFFFFFF

    def simulated_cycles(self) -> int:
        """Clock cycles simulated since the device was opened, host accesses included."""
        _ = self._network  # refuses if there is none
        return self._simulation.cycles()

    def phases(self) -> Raw:
        """Clock cycles spent in each `ranvier.hw.core.Phase` since the device was opened, [phases]."""
        _ = self._network  # refuses if there is none
        counts = (ctypes.c_uint64 * 16)()
        self._simulation.call("phases", counts)
        return np.array(counts[: len(Phase)], np.int64)

    # ---------------------------------------------------------------- what a device does

    def _load(self, network: Network) -> None:
        self._reset()
        for space, values in arrays(network).items():
            self.host(_requests(1, space, values))
        self._write_registers(settings(network) | {Register.CLEAR: 1})
        self._settled = True

    def _step_sizes(self, network: Network) -> None:
        self._settled = False
        self._write_step_sizes(network)
        self._settled = True

    def _read_network(self, network: Network) -> Network:
        """The parameters as they are now, read back from the core."""
        layout = Network.layout(self.config)
        read = {name: self._read_matrix(ARRAYS[name], shape) for name, (shape, _, _) in layout.items()}
        return network.replace(**read)

    def _counters(self) -> dict[str, int]:
        first = Register.COUNTER.value
        return {name: self.read(AddressSpace.REGISTER, 0, first + n) & 0xFFFFFFFF for n, name in enumerate(COUNTERS)}

    def _run(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Record:
        if not self._settled:
            self._reset()
            self._write_step_sizes(self._network)
        self._settled = False
        self.write(AddressSpace.REGISTER, 0, Register.MODE.value, Register.MODE.pack(learn=learn, report=bool(steps)))
        cycles, spikes = self.cycles(), self.counters()["spikes"]
        events = []
        if steps:
            for t in range(sample.steps):
                self._run_events(_events(sample, range(t, t + 1), target), OutputKind.STEP.value)
                for name, values in steps.items():
                    if TRACES[name].exists(self.config):
                        values[t] = self._read_matrix(TRACES[name], (1, values.shape[1]))[0]
        else:
            events = _events(sample, range(sample.steps), target)
        outputs = self._run_events([*events, (EventKind.END.value, 0, 0, 0)], OutputKind.PREDICTION.value)
        self._settled = True
        scores = outputs[outputs[:, 0] == OutputKind.SCORE.value, 2].astype(np.int64)
        return Record(
            prediction=int(outputs[-1, 1]),
            scores=scores,
            spikes=since(spikes, self.counters()["spikes"]),
            steps=steps,
            cycles=since(cycles, self.cycles()),
        )

    def _close(self) -> None:
        self._simulation.close()

    # ---------------------------------------------------------------- details

    def _reset(self) -> None:
        """Clear the state; the rest of a sample that was interrupted never comes."""
        self._run_events([(EventKind.RESET.value, 0, 0, 0)], 0)

    def _write_step_sizes(self, network: Network) -> None:
        self._write_registers(step_sizes(network.eta_weight, network.eta_delay, network.eta_readout))

    def _run_events(self, events: Iterable[tuple[int, int, int, int]], until: int) -> NDArray[np.int32]:
        """Feed `events` and return the outputs [n, 3] up to one of the kind `until`."""
        offered = np.array(list(events), dtype=np.int32)
        room = 16 + self.config.outputs + len(offered) * (self.config.neurons + 1)
        outputs = np.empty((room, 3), np.int32)
        given = self._simulation.call(
            "run",
            offered.ctypes.data_as(_INT_P),
            len(offered),
            outputs.ctypes.data_as(_INT_P),
            room,
            until,
            _PATIENCE,
        )
        if given < 0:
            reason = {-1: "stalled", -2: "gave more outputs than it can have"}[given]
            raise SimulationError(f"the simulated core {reason}")
        return outputs[:given]


def _requests(write: int, space: AddressSpace, values: Raw) -> NDArray[np.int32]:
    """Requests [n, 5] for every element of a matrix."""
    requests = np.zeros((values.size, 5), np.int32)
    rows, columns = np.divmod(np.arange(values.size), max(1, values.shape[1]))
    requests[:, 0], requests[:, 1], requests[:, 2], requests[:, 3] = write, space.value, rows, columns
    requests[:, 4] = values.reshape(-1)
    return requests


def _events(sample: Sample, steps: range, target: int | None) -> list[tuple[int, int, int, int]]:
    """Events of some steps: the spikes of each, then the step itself."""
    offsets = sample.offsets()
    events = []
    for t in steps:
        events += [(EventKind.SPIKE.value, int(unit), 0, 0) for unit in sample.units[offsets[t] : offsets[t + 1]]]
        events.append((EventKind.STEP.value, 0, int(sample.scored[t]), target or 0))
    return events

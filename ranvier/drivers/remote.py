"""A core behind a link, with the device API of the golden model: the driver of a board, or of its simulation."""

import zlib
from collections.abc import Sequence
from time import monotonic, sleep

import numpy as np

from ranvier.device_base import DeviceBase
from ranvier.drivers.link import Link, LinkError, Words
from ranvier.drivers.loading import ARRAYS, TRACES, arrays, settings, step_sizes
from ranvier.hw.events import EventKind
from ranvier.hw.registers import AddressSpace, Register, constants, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Raw
from ranvier.parameters.record import COUNTERS, Record, Steps, since
from ranvier.parameters.sample import Sample

__all__ = ["RemoteCore"]


class RemoteCore(DeviceBase):
    """A core reached over a `Link`.

    Both sides keep a checksum of everything that is written (`Register.CHECKSUM`). They are compared after loading a network
    and after every sample, so that a broken link is detected before its result is used. The core refuses events while a
    network is being loaded and, after a failure, until a network has been loaded completely.

    Nothing is assumed about the state of the core: another process, or an interrupt in this one, may have left half a
    sample, half a network, or unread outputs. `load` recovers from all of these, and every `run` resets first.

    Parameters
    ----------
    config : CoreConfig
        What the core must have been built from.
    link : Link
        The link to it; closed with the device.

    Raises
    ------
    LinkError
        If no core answers, or another one, naming both sides; from any method, if data was lost or the core makes no
        progress. After lost data a network must be loaded again.
    """

    #: Seconds that a core may be busy without progress.
    PATIENCE = 60.0

    def __init__(self, config: CoreConfig, link: Link):
        self.link = link
        self._checksum = 0
        self._step_sizes_arrived = True  # those of the network; not if changing them was interrupted
        try:
            super().__init__(config)
            self._identify()
        except BaseException:
            link.close()
            raise

    # ---------------------------------------------------------------- registers and windows

    def read(self, register: Register, element: int = 0) -> int:
        """The word of a register."""
        return int(self.link.read(register.address + 4 * element)[0])

    def write(self, register: Register, value: int) -> None:
        """Write a register."""
        self._write(register.address, [value])

    def _write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write through the link, and update the checksum."""
        values = np.asarray(np.asarray(words, np.int64) & 0xFFFFFFFF, "<u4")
        self.link.write(address, values, increment=increment)
        pairs = np.empty((len(values), 2), "<u4")
        pairs[:, 0] = address + 4 * increment * np.arange(len(values))
        pairs[:, 1] = values
        self._checksum = zlib.crc32(pairs.tobytes(), self._checksum)

    def _lose(self) -> None:
        super()._lose()
        self.link.resynchronise()  # whatever shows that data was lost may be an answer that is a byte behind

    def _start_checksum(self) -> None:
        self.write(Register.CHECKSUM, 0)
        self._checksum = 0

    def _check(self, what: str) -> None:
        """Compare both checksums."""
        given = self.read(Register.CHECKSUM)
        if given != self._checksum:
            self._lose()
            self.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
            causes = [name for name, held in Register.ERROR.unpack(self.read(Register.ERROR)).items() if held]
            raise LinkError(
                f"{self.link.name}: {what} did not arrive whole: expected checksum {self._checksum:#010x}, received "
                f"{given:#010x} (errors: {', '.join(causes) or 'none'}): check the cable or lower the baud rate, then load "
                "the network again"
            )

    def _window(self, space: AddressSpace) -> Raw:
        """A whole window as raw values."""
        rows, columns = space.extent(self.config)
        values = np.empty((rows, columns), np.int64)
        for row in range(rows):
            if space.has_rows:
                self.write(Register.ROW, row)
            values[row] = self.link.read(word_address(space, 0) << 2, columns).astype(np.int32)
        return values

    # ---------------------------------------------------------------- what a device does

    def _load(self, network: Network) -> None:
        """The core may take events only once everything has arrived."""
        self.write(Register.CONTROL, 0)  # no output stream: a core that waits for its reader continues
        self._reset()
        self.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
        self.link.read(Register.OUTPUT.address, self._status()["waiting"], increment=False)
        self._start()
        for space, values in arrays(network).items():
            for row, columns in enumerate(values):
                self.write(Register.ROW, row)
                self._write(word_address(space, 0) << 2, columns)
        for register, value in settings(network).items():
            self.write(register, value)
        self.write(Register.CLEAR, 1)
        self._check("the network")
        self.write(Register.CONTROL, 0)
        self._step_sizes_arrived = True

    def _step_sizes(self, network: Network) -> None:
        self._step_sizes_arrived = False
        self._start()
        self._write_step_sizes(network)
        self._check("the step sizes")
        self._step_sizes_arrived = True

    def _read_network(self, network: Network) -> Network:
        """The parameters as they are now, read back from the core."""
        self._wait()
        self._start()
        names = [name for name, (shape, _, _) in Network.layout(self.config).items() if shape[0]]
        return network.replace(**{name: self._window(ARRAYS[name]) for name in names})

    def _counters(self) -> dict[str, int]:
        self._wait()
        return dict(
            zip(COUNTERS, (int(n) for n in self.link.read(Register.COUNTER.address, len(COUNTERS))), strict=True)
        )

    def _run(self, sample: Sample, target: int | None, learn: bool, steps: Steps) -> Record:
        self._reset()
        self._start()
        if not self._step_sizes_arrived:
            self._write_step_sizes(self._network)
        self.write(Register.MODE, Register.MODE.pack(learn=learn))
        cycles, samples, spikes = self.read(Register.CYCLES), self.read(Register.SAMPLES), self._spikes()
        events = _events(sample, target)
        if steps:
            for t, words in enumerate(events):
                self._give(words)
                self._wait()
                for name, values in steps.items():
                    if TRACES[name].exists(self.config):
                        values[t] = self._window(TRACES[name])[0]
        else:
            self._give([word for words in events for word in words])
        self._give([Register.EVENT.pack(kind=EventKind.END.value)])
        self._wait()
        self._check("the sample")
        self._step_sizes_arrived = True
        ended = since(samples, self.read(Register.SAMPLES))
        if ended != 1:
            raise LinkError(
                f"{self.link.name}: the core ended {ended} samples instead of 1: it was used by somebody else"
            )
        return Record(
            prediction=self.read(Register.PREDICTION),
            scores=self._window(AddressSpace.SCORE)[0],
            spikes=since(spikes, self._spikes()),
            steps=steps,
            cycles=since(cycles, self.read(Register.CYCLES)),
        )

    def _close(self) -> None:
        self.link.close()

    # ---------------------------------------------------------------- details

    def _identify(self) -> None:
        """Refuse anything but a core built from the configuration."""
        for register, expected in constants(self.config).items():
            given = self.read(register)
            if given == expected:
                continue
            if register is Register.ID:
                raise LinkError(
                    f"{self.link.name}: no Ranvier core of this version answers: expected ID {expected:#010x}, received "
                    f"{given:#010x}: check port, baud rate and bitstream"
                )
            raise LinkError(
                f"{self.link.name}: the core was built from another configuration: expected {register.name} "
                f"{expected:#010x}, received {given:#010x}: open it with the configuration of its bitstream"
            )

    def _start(self) -> None:
        """Clear errors and checksums before anything whose arrival is checked."""
        self.write(Register.ERROR, 0xFFFFFFFF)
        self._start_checksum()

    def _reset(self) -> None:
        """Wait until the core has handled all events, of any sender, and clear its state."""
        self._wait()
        self._give([Register.EVENT.pack(kind=EventKind.RESET.value)])
        self._wait()

    def _spikes(self) -> int:
        return self.read(Register.COUNTER, COUNTERS.index("spikes"))

    def _write_step_sizes(self, network: Network) -> None:
        for register, value in step_sizes(network.eta_weight, network.eta_delay, network.eta_readout).items():
            self.write(register, value)

    def _give(self, words: Sequence[int]) -> None:
        """Put events into the queue, never more than it has room for."""
        until = monotonic() + self.PATIENCE
        while words:
            status = self._status()
            if status["loading"]:
                self._lose()
                raise LinkError(
                    f"{self.link.name}: the core refuses events, since a network did not arrive whole: load it again"
                )
            now, words = words[: status["room"]], words[status["room"] :]
            if now:
                self._write(Register.EVENT.address, now, increment=False)
                until = monotonic() + self.PATIENCE
            elif monotonic() > until:
                raise self._stuck()
            else:
                sleep(0)

    def _wait(self) -> None:
        """Wait until the core has handled everything, as long as it makes progress."""
        until, room = monotonic() + self.PATIENCE, 0
        while (status := self._status())["busy"]:
            if status["room"] > room:  # events leave the queue
                until, room = monotonic() + self.PATIENCE, status["room"]
            elif monotonic() > until:
                raise self._stuck()
            sleep(0)

    def _status(self) -> dict[str, int]:
        return Register.STATUS.unpack(self.read(Register.STATUS))

    def _stuck(self) -> LinkError:
        """Error of a core that makes no progress."""
        streaming = Register.CONTROL.unpack(self.read(Register.CONTROL))["stream"]
        way = (
            "its outputs go to the output stream and nobody takes them: take them, or load a network, which ends that"
            if streaming
            else "reset it or reload its bitstream"
        )
        return LinkError(f"{self.link.name}: the core is still busy after {self.PATIENCE:g} s: {way}")


def _events(sample: Sample, target: int | None) -> list[list[int]]:
    """Words of `Register.EVENT` for every step: its spikes, then the step itself."""
    pack, words = Register.EVENT.pack, []
    for t, units in enumerate(sample.arriving()):
        spikes = [pack(kind=EventKind.SPIKE.value, index=int(unit)) for unit in units]
        scored = bool(sample.scored[t])
        words.append([*spikes, pack(kind=EventKind.STEP.value, scored=scored, index=target or 0)])
    return words

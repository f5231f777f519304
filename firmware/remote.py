"""A core behind a link, with the device API of the golden model: what drives a board, and its simulation just so."""

import zlib
from collections.abc import Collection, Sequence
from time import monotonic, sleep

import numpy as np
from numpy.typing import NDArray

from ranvier.firmware.link import Link, LinkError, Words
from ranvier.firmware.loading import ARRAYS, TRACES, arrays, settings, step_sizes
from ranvier.golden.closing import Closing
from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network, NetworkError
from ranvier.golden.record import COUNTERS, TRACED, Record, Traced
from ranvier.golden.spikes import Sample, check_run
from ranvier.golden.step_size import StepSize
from ranvier.hw.events import EventKind
from ranvier.hw.registers import Register, Space, constants, word_address

__all__ = ["RemoteCore"]

Raw = NDArray[np.int64]


class RemoteCore(Closing):
    """A core reached over a `Link`.

    Everything that is written is summed up on both sides (`Register.CHECKSUM`) and compared after a network was loaded and
    after every sample, so that a broken link is noticed before its result is believed. While a network is loaded the core
    refuses events; after a failure it goes on refusing them until a network was loaded whole.

    Parameters
    ----------
    config : CoreConfig
        What the core must have been built from.
    link : Link
        The way there; closed with the device.

    Raises
    ------
    LinkError
        If something else answers, or nothing; naming both sides.
    """

    #: Seconds that a core may be busy with what it was given.
    PATIENCE = 60.0

    def __init__(self, config: CoreConfig, link: Link):
        self.config, self.link = config, link
        self._checksum = 0
        try:
            self._identify()
            self.load(Network.zeros(config))
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
        """Write through the link, and sum up what was written."""
        values = np.asarray(np.asarray(words, np.int64) & 0xFFFFFFFF, "<u4")
        self.link.write(address, values, increment=increment)
        pairs = np.empty((len(values), 2), "<u4")
        pairs[:, 0] = address + 4 * increment * np.arange(len(values))
        pairs[:, 1] = values
        self._checksum = zlib.crc32(pairs.tobytes(), self._checksum)

    def _start_checksum(self) -> None:
        self.write(Register.CHECKSUM, 0)
        self._checksum = 0

    def _check(self, what: str) -> None:
        """Compare the sums of what was written."""
        given = self.read(Register.CHECKSUM)
        if given != self._checksum:
            self.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
            causes = [name for name, held in Register.ERROR.unpack(self.read(Register.ERROR)).items() if held]
            raise LinkError(
                f"{self.link.name}: {what} did not arrive whole: expected checksum {self._checksum:#010x}, received "
                f"{given:#010x} (errors: {', '.join(causes) or 'none'}): check the cable or lower the baud rate, then load "
                "the network again"
            )

    def _window(self, space: Space) -> Raw:
        """A whole window as raw values."""
        rows, columns = space.extent(self.config)
        values = np.empty((rows, columns), np.int64)
        for row in range(rows):
            if space.has_rows:
                self.write(Register.ROW, row)
            values[row] = self.link.read(word_address(space, 0) << 2, columns).astype(np.int32)
        return values

    # ---------------------------------------------------------------- device API

    def load(self, network: Network) -> None:
        """Take over all parameters and the seed, and check that they arrived; clear state and counters."""
        if network.config != self.config:
            raise NetworkError("the network was made for another configuration: open the device with network.config")
        self._wait()
        self.write(Register.CONTROL, 0)
        self.write(Register.EVENT, Register.EVENT.pack(kind=EventKind.RESET.value))
        self._wait()
        self.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
        self.write(Register.ERROR, 0xFFFFFFFF)
        for _ in range(Register.STATUS.unpack(self.read(Register.STATUS))["waiting"]):
            self.read(Register.OUTPUT)
        self._start_checksum()
        for space, values in arrays(network).items():
            for row, columns in enumerate(values):
                self.write(Register.ROW, row)
                self._write(word_address(space, 0) << 2, columns)
        for register, value in settings(network).items():
            self.write(register, value)
        self.write(Register.CLEAR, 1)
        self._check("the network")
        self.write(Register.CONTROL, 0)
        self._network = network.replace()

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Change the step sizes between samples."""
        self._start_checksum()
        for register, value in step_sizes(weight, delay, readout).items():
            self.write(register, value)
        self._check("the step sizes")
        self._network = self._network.replace(eta_weight=weight, eta_delay=delay, eta_readout=readout)

    def network(self) -> Network:
        """The parameters as they are now, read back from the core."""
        names = [name for name, (shape, _, _) in Network.layout(self.config).items() if shape[0]]
        return self._network.replace(**{name: self._window(ARRAYS[name]) for name in names})

    def counters(self) -> dict[str, int]:
        """Events since `load`, by the names of `ranvier.golden.record.COUNTERS`."""
        return dict(
            zip(COUNTERS, (int(n) for n in self.link.read(Register.COUNTER.address, len(COUNTERS))), strict=True)
        )

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run one sample from cleared state, learning on it if `learn`; see `ranvier.golden.core.GoldenCore.run`.

        Raises
        ------
        LinkError
            If not all of it arrived, or the core does not answer. What the core holds then is not to be trusted: load again.
        """
        sample = sample.later(self._network.lag)
        check_run(self.config, sample, target, learn)
        self._start_checksum()
        self.write(Register.MODE, Register.MODE.pack(learn=learn))
        (cycles,), spikes = self.link.read(Register.CYCLES.address), self.counters()["spikes"]
        steps: dict[Traced, Raw] = {
            name: np.zeros((sample.steps, getattr(self.config, TRACED[name])), np.int64) for name in record
        }
        events = _events(sample, target)
        if steps:
            for t, words in enumerate(events):
                self._give(words)
                for name, values in steps.items():
                    if TRACES[name].exists(self.config):
                        values[t] = self._window(TRACES[name])[0]
        else:
            self._give([word for words in events for word in words])
        samples = self.read(Register.SAMPLES)
        self._give([Register.EVENT.pack(kind=EventKind.END.value)])
        self._wait()
        self._check("the sample")
        ended = (self.read(Register.SAMPLES) - samples) & 0xFFFFFFFF
        if ended != 1:
            raise LinkError(
                f"{self.link.name}: the core ended {ended} samples instead of 1: it was used by somebody else"
            )
        return Record(
            prediction=self.read(Register.PREDICTION),
            scores=self._window(Space.SCORE)[0],
            spikes=self.counters()["spikes"] - spikes,
            steps=steps,
            cycles=int((self.read(Register.CYCLES) - int(cycles)) & 0xFFFFFFFF),
        )

    def close(self) -> None:
        """Let go of the link."""
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

    def _give(self, words: Sequence[int]) -> None:
        """Put events into the queue, never more than it has room for."""
        while words:
            room = Register.STATUS.unpack(self.read(Register.STATUS))["room"]
            now, words = words[:room], words[room:]
            if now:
                self._write(Register.EVENT.address, now, increment=False)

    def _wait(self) -> None:
        """Until the core has handled everything."""
        until = monotonic() + self.PATIENCE
        while Register.STATUS.unpack(self.read(Register.STATUS))["busy"]:
            if monotonic() > until:
                raise LinkError(
                    f"{self.link.name}: the core is still busy after {self.PATIENCE:.0f} s: reset it or reload its bitstream"
                )
            sleep(0)


def _events(sample: Sample, target: int | None) -> list[list[int]]:
    """Words of `Register.EVENT` for every step: its spikes, then the step itself."""
    pack, words = Register.EVENT.pack, []
    for t, units in enumerate(sample.arriving()):
        spikes = [pack(kind=EventKind.SPIKE.value, index=int(unit)) for unit in units]
        scored = bool(sample.scored[t])
        words.append([*spikes, pack(kind=EventKind.STEP.value, scored=scored, index=target or 0)])
    return words

"""A link over a serial port, in UARTBone frames: to a board, or to its simulation behind a pseudo-terminal."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import serial
from serial.tools import list_ports

from ranvier.device_base import DeviceError
from ranvier.drivers.link import LinkError, Words
from ranvier.errors import shown
from ranvier.hw.bus.serial import BAUD, TIMEOUT
from ranvier.hw.bus.uart import BITS_PER_BYTE
from ranvier.hw.bus.uartbone import BURST, REFUSED, Command
from ranvier.hw.registers import (
    ADDRESS_BITS,
    INTERFACE_VERSION,
    MAGIC,
    AccessRight,
    AddressSpace,
    Register,
    word_address,
)

__all__ = ["SerialLink"]

#: Windows begin here; below are registers.
_WINDOWS = word_address(AddressSpace.WEIGHT, 0) << 2
#: Registers that are not read twice: reading one takes a word from it, and the other is polled anyway.
_MOVING = {register.address for register in Register if register.access == AccessRight.TAKE} | {Register.STATUS.address}
#: Exceptions of pyserial if a port is missing, was removed, or refuses a setting.
_GONE = (OSError, ValueError)


class SerialLink:
    """A serial port with a Ranvier core at its other end; a `ranvier.drivers.link.Link`.

    Opening waits until the core has dropped a frame that may have been left unfinished, and then expects its ID. So does
    the first access after an error or an interrupted access. Everything but `Register.STATUS` and `Register.OUTPUT` is read
    twice and compared, since it has no checksum. A refused read is an error; a refused write shows in `Register.ERROR` and
    `Register.CHECKSUM` only.

    Parameters
    ----------
    port : str
        Device file, such as ``/dev/ttyUSB0``.
    baud : int
        The rate that the core was built for.
    timeout : float
        Seconds without a byte after which a read fails.

    Attributes
    ----------
    port, baud, name
        As given, and both of them for messages.

    Raises
    ------
    LinkError
        If the port cannot be opened, or no core answers there.
    """

    _TRIES = 4
    #: Readings of a register after the first, until two agree.
    _READINGS = 3
    #: Seconds of silence before the ID is read, and until it must be received; longer with every try.
    _SILENCE, _ANSWER = 1.5 * TIMEOUT, 0.5

    def __init__(self, port: str, baud: int = BAUD, timeout: float = 2.0):
        self.port, self.baud, self.name, self._timeout = port, baud, f"{port} at {baud} baud", timeout
        try:
            self._serial = serial.Serial(port, baud, exclusive=True)
        except _GONE as error:
            raise LinkError(f"{self.name}: {_reason(port, error)}") from None
        self._lost, self._owed = True, 0
        try:
            self._synchronise()
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_url(cls, url: str) -> Self:
        """A link to ``serial://PORT?baud=RATE&timeout=SECONDS``, of which all but the port may be left out.

        Raises
        ------
        DeviceError
            If the URL is invalid.
        LinkError
            See `SerialLink`.
        """
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True)
        options = dict(given)
        if len(options) < len(given):
            raise DeviceError(f"{shown(url)} gives an option twice: leave out one")
        port, baud, timeout = parts.netloc + parts.path, options.pop("baud", str(BAUD)), options.pop("timeout", "2")
        if parts.scheme != "serial" or not port or options or not _rate(baud) or not _seconds(timeout):
            raise DeviceError(
                f"{shown(url)} is not a serial port: expected serial:///dev/ttyUSB0?baud={BAUD}&timeout=2"
            )
        return cls(port, int(baud), float(timeout))

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words; see `Link`."""
        command, parts = (Command.READ if increment else Command.READ_FIXED), []
        for start, length in _bursts(count):
            where = address + 4 * start * increment
            with self._exchange():
                words = self._burst(command, length, where)
                if _MOVING.isdisjoint(range(where, where + 4 * (length if increment else 1), 4)):
                    words = self._confirmed(command, words, where)
            if (words == REFUSED).any():
                self._check(where, length)
            parts.append(words)
        return np.concatenate(parts) if parts else np.empty(0, np.uint32)

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`; see `Link`."""
        command, values = (Command.WRITE if increment else Command.WRITE_FIXED), np.asarray(words, ">u4")
        for start, length in _bursts(len(values)):
            where = address + 4 * start * increment
            with self._exchange():
                self._send(_head(command, length, where) + values[start : start + length].tobytes())

    def tune(self, baud: int) -> None:
        """Change the baud rate of the port; that of the core stays."""
        self.baud, self.name, self._lost = baud, f"{self.port} at {baud} baud", True
        try:
            self._serial.baudrate = baud
        except _GONE as error:
            raise LinkError(f"{self.name}: the port cannot do this rate: {error}") from None

    def resynchronise(self) -> None:
        """Wait, before the next access, until the line is silent: answers may be a byte behind, which nothing else ends."""
        self._lost = True

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    # ---------------------------------------------------------------- details

    def _synchronise(self) -> None:
        """After opening or an error: wait until the core has dropped its frame, discard what it sends, read its ID."""
        if not self._lost:
            return
        answer, magic = b"", MAGIC.to_bytes(3, "big")
        for words in range(1, self._TRIES + 1):  # so that a late answer to an earlier try is not taken for its own
            self._drain(words * self._SILENCE)
            self._send(_head(Command.READ, words, Register.ID.address))
            answer = self._receive(4 * words, min(self._timeout, words * self._ANSWER))
            if len(answer) == 4 * words and answer.startswith(magic) and answer.count(magic) == 1:
                self._lost = False
                return
        expected = f"{Register.ID.pack(version=INTERFACE_VERSION, magic=MAGIC):#010x}"
        received = f"{len(answer)} bytes ({answer.hex(' ')})" if answer else "nothing"
        raise LinkError(
            f"{self.name}: no Ranvier core answers: expected ID {expected}, received {received}: check port, baud rate, "
            f"wiring (rx and tx crossed) and bitstream"
        )

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Frames and their answers as a whole: one that is interrupted leaves the line in an unknown state."""
        self._synchronise()
        self._lost = True
        yield
        self._lost = False

    def _confirmed(self, command: Command, words: Words, address: int) -> Words:
        """Words that two successive readings agree on; a register may change between them, but not every time."""
        for _ in range(self._READINGS if address < _WINDOWS else 1):
            again = self._burst(command, len(words), address)
            differ = words != again
            if not differ.any():
                return words
            first, words = words, again
        n = int(differ.argmax())
        raise LinkError(
            f"{self.name}: reading {len(words)} words at {address:#x} twice: expected {first[n]:#010x} again as word {n}, "
            f"received {words[n]:#010x}: the line garbles bytes: check the cable or lower the baud rate"
        )

    def _check(self, address: int, count: int) -> None:
        """`LinkError` if the core refused a read: a word that means so may be a value as well, and only the core knows."""
        with self._exchange():
            error, where = (
                int(self._burst(Command.READ, 1, register.address)[0])
                for register in (Register.ERROR, Register.ERROR_ADDRESS)
            )
        beyond = address + 4 * count > 1 << ADDRESS_BITS
        if beyond or (error and address <= where < address + 4 * count):
            raise LinkError(f"{self.name}: the core refused a read from {address if beyond else where:#x}")

    def _burst(self, command: Command, count: int, address: int) -> Words:
        """The words that one frame asks for."""
        self._send(_head(command, count, address))
        answer = self._receive(4 * count, self._timeout)
        if len(answer) < 4 * count:
            raise LinkError(
                f"{self.name}: reading {count} words at {address:#x}: expected {4 * count} bytes, received {len(answer)}: "
                f"the line loses bytes: check the cable or lower the baud rate"
            )
        return np.frombuffer(answer, ">u4").astype(np.uint32)

    def _send(self, frame: bytes) -> None:
        try:
            surplus = self._serial.in_waiting
            if surplus:
                received = self._serial.read(surplus)
                raise LinkError(
                    f"{self.name}: expected nothing more, received {surplus} bytes ({received[:8].hex(' ')}): something "
                    f"else is on the line, or its baud rate is wrong"
                )
            self._owed += len(frame)
            self._serial.write_timeout = self._timeout + self._line_time(self._owed)
            self._serial.write(frame)
        except _GONE as error:
            raise LinkError(f"{self.name}: expected to send {len(frame)} bytes: {_vanished(error)}") from None

    def _receive(self, count: int, timeout: float) -> bytes:
        """`count` bytes, or those that came before `timeout` seconds without any, once all that was sent is out."""
        answer, patience = b"", timeout + self._line_time(self._owed)
        while len(answer) < count and (part := self._part(count - len(answer), patience)):
            answer, patience = answer + part, timeout
        if len(answer) == count:
            self._owed = 0
        return answer

    def _line_time(self, count: int) -> float:
        """Seconds that this many bytes take."""
        return BITS_PER_BYTE * count / self.baud

    def _drain(self, silence: float) -> None:
        """Wait until nothing has come for `silence` seconds since all that was sent is out."""
        silence += self._line_time(self._owed)
        while self._part(1 << 16, silence):
            pass
        self._owed = 0

    def _part(self, most: int, timeout: float) -> bytes:
        """The next bytes, up to `most`; empty after `timeout` seconds without any."""
        try:
            self._serial.timeout = timeout
            first = self._serial.read(1)
            return first + self._serial.read(min(most - 1, self._serial.in_waiting)) if first else first
        except _GONE as error:
            raise LinkError(f"{self.name}: expected up to {most} bytes: {_vanished(error)}") from None


def _head(command: Command, count: int, address: int) -> bytes:
    """All of a frame but the words to write."""
    return bytes((command, count)) + (address >> 2).to_bytes(4, "big")


def _bursts(count: int) -> list[tuple[int, int]]:
    """(first word, words) of the frames for `count` words."""
    return [(start, min(BURST, count - start)) for start in range(0, count, BURST)]


def _rate(text: str) -> bool:
    """Whether it is a baud rate."""
    return text.isdecimal() and int(text) > 0


def _seconds(text: str) -> bool:
    """Whether it is a time to wait."""
    try:
        return 0 < float(text) < inf
    except ValueError:
        return False


def _vanished(error: Exception) -> str:
    return f"received {error}: was the port unplugged?"


def _reason(port: str, error: Exception) -> str:
    """Why a port cannot be opened, and the way out."""
    if not os.path.exists(port):
        there = ", ".join(sorted(found.device for found in list_ports.comports())) or "none"
        return f"no such port: plugged in? ports here: {there}"
    if not os.access(port, os.R_OK | os.W_OK):
        return "permission denied: join the group that owns it (often dialout) and log in again"
    return f"cannot open it: {error}"

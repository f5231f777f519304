"""A link over a serial port, in UARTBone frames: to a board, or to its simulation behind a pseudo-terminal."""

import os
from collections.abc import Sequence

import numpy as np
import serial
from serial.tools import list_ports

from ranvier.firmware.link import LinkError, Words
from ranvier.hw.registers import INTERFACE_VERSION, MAGIC, Register
from ranvier.hw.serial import TIMEOUT
from ranvier.hw.uartbone import BURST, REFUSED, Command

__all__ = ["BAUD", "SerialLink"]

#: Baud rate unless told otherwise.
BAUD = 1_000_000


class SerialLink:
    """A serial port with a Ranvier core at its other end; a `ranvier.firmware.link.Link`.

    Opening it waits until the core has forgotten half a frame that somebody may have left, and then expects its ID. After
    an error it does so again before the next access. A refused read is an error; a refused write shows in
    `Register.ERROR` and `Register.CHECKSUM` only.

    Parameters
    ----------
    port : str
        Device file, such as ``/dev/ttyUSB0``.
    baud : int
        The rate that the core was built for.
    timeout : float
        Seconds without a byte after which no more are expected.

    Raises
    ------
    LinkError
        If the port cannot be opened, or no core answers there.
    """

    _TRIES = 4
    _SILENCE = 1.5 * TIMEOUT

    def __init__(self, port: str, baud: int = BAUD, timeout: float = 2.0):
        self.name, self._timeout = f"{port} at {baud} baud", timeout
        try:
            self._serial = serial.Serial(port, baud, write_timeout=timeout, exclusive=True)
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.name}: {_reason(port, error)}") from None
        self._lost = True
        try:
            self._synchronise()
        except BaseException:
            self.close()
            raise

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words; see `Link`."""
        self._synchronise()
        command, parts = (Command.READ if increment else Command.READ_FIXED), []
        for start, length in _bursts(count):
            where = address + 4 * start * increment
            self._send(_head(command, length, where))
            words = self._words(length, f"reading {length} words at {where:#x}")
            if (words == REFUSED).any():
                self._check(where, length)
            parts.append(words)
        return np.concatenate(parts) if parts else np.empty(0, np.uint32)

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`; see `Link`."""
        self._synchronise()
        command, values = (Command.WRITE if increment else Command.WRITE_FIXED), np.asarray(words, ">u4")
        for start, length in _bursts(len(values)):
            where = address + 4 * start * increment
            self._send(_head(command, length, where) + values[start : start + length].tobytes())

    def close(self) -> None:
        """Let go of the port."""
        self._serial.close()

    # ---------------------------------------------------------------- details

    def _synchronise(self) -> None:
        """After opening, or after an error: let the core forget the frame it is in, drop what it says, ask who it is."""
        if not self._lost:
            return
        answer = b""
        for patience in range(1, self._TRIES + 1):
            self._drain(patience * self._SILENCE)
            self._send(_head(Command.READ, 1, Register.ID.address))
            answer = self._receive(4)
            if len(answer) == 4 and answer[:3] == MAGIC.to_bytes(3, "big"):
                self._lost = False
                return
        expected = f"{Register.ID.pack(version=INTERFACE_VERSION, magic=MAGIC):#010x}"
        received = f"{len(answer)} bytes ({answer.hex(' ')})" if answer else "nothing"
        raise LinkError(
            f"{self.name}: no Ranvier core answers: expected ID {expected}, received {received}: check port, baud rate, "
            f"wiring (rx and tx crossed) and bitstream"
        )

    def _check(self, address: int, count: int) -> None:
        """A word may be an answer, or stand for a refused access; only the core knows."""
        words = {}
        for register in (Register.ERROR, Register.ERROR_ADDRESS):
            self._send(_head(Command.READ, 1, register.address))
            words[register] = int(self._words(1, f"reading {register.name}")[0])
        where = words[Register.ERROR_ADDRESS]
        if words[Register.ERROR] and address <= where < address + 4 * count:
            raise LinkError(f"{self.name}: the core refused a read from {where:#x}")

    def _words(self, count: int, what: str) -> Words:
        answer = self._receive(4 * count)
        if len(answer) < 4 * count:
            self._lost = True
            raise LinkError(
                f"{self.name}: {what}: expected {4 * count} bytes, received {len(answer)}: the line loses bytes: check the "
                f"cable or lower the baud rate"
            )
        return np.frombuffer(answer, ">u4").astype(np.uint32)

    def _send(self, frame: bytes) -> None:
        try:
            surplus = self._serial.in_waiting
            if surplus:
                self._lost = True
                received = self._serial.read(surplus)
                raise LinkError(
                    f"{self.name}: expected nothing more, received {surplus} bytes ({received[:8].hex(' ')}): something else "
                    f"is on the line, or its baud rate is wrong"
                )
            self._serial.write(frame)
        except (OSError, serial.SerialException) as error:
            self._lost = True
            raise LinkError(f"{self.name}: expected to send {len(frame)} bytes: {_vanished(error)}") from None

    def _receive(self, count: int) -> bytes:
        """`count` bytes, or those that came before the line fell silent."""
        answer = b""
        while len(answer) < count:
            part = self._part(count - len(answer), self._timeout)
            if not part:
                break
            answer += part
        return answer

    def _drain(self, silence: float) -> None:
        """Wait until nothing has come for `silence` seconds."""
        while self._part(1 << 16, silence):
            pass

    def _part(self, most: int, timeout: float) -> bytes:
        """What comes next, up to `most` bytes; nothing after `timeout` seconds."""
        try:
            self._serial.timeout = timeout
            first = self._serial.read(1)
            return first + self._serial.read(min(most - 1, self._serial.in_waiting)) if first else first
        except (OSError, serial.SerialException) as error:
            self._lost = True
            raise LinkError(f"{self.name}: expected up to {most} bytes: {_vanished(error)}") from None


def _head(command: Command, count: int, address: int) -> bytes:
    """All of a frame but the words to write."""
    return bytes((command, count)) + (address >> 2).to_bytes(4, "big")


def _bursts(count: int) -> list[tuple[int, int]]:
    """(first word, words) of the frames for `count` words."""
    return [(start, min(BURST, count - start)) for start in range(0, count, BURST)]


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

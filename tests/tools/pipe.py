"""A cable between a serial port and whoever uses it, which can lose, change, add and delay bytes, or be pulled out."""

import os
import select
import threading
import time
import tty
from collections.abc import Callable

import serial

#: Direction of a byte.
TO_CORE, FROM_CORE = "to the core", "from the core"
#: What may be done to a byte.
HARMS: dict[str, Callable[[int], bytes]] = {
    "lost": lambda byte: b"",
    "garbled": lambda byte: bytes([byte ^ 0x10]),
    "doubled": lambda byte: bytes([byte, byte]),
    "late": lambda byte: time.sleep(LATE) or bytes([byte]),
    "behind": lambda byte: bytes([byte, byte]),
}
#: Seconds by which a byte is late, with all that follow it.
LATE = 1.0
#: Seconds after which a line whose bytes are behind, each waiting for the next, lets the last one go.
BEHIND = 0.02


class Pipe:
    """Bytes both ways between `port` and a terminal of its own, of which the one that is due is harmed, once.

    Attributes
    ----------
    port : str
        Where to open the other end.
    harmed : int
        How many bytes were.
    """

    def __init__(self, port: str, baud: int):
        self._serial = serial.Serial(port, baud, timeout=0)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port, self.harmed, self._harm, self._way, self._countdown = os.ttyname(self._slave), 0, "", "", 0
        self._behind, self._held = False, b""
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def harm(self, what: str, way: str, after: int) -> None:
        """Harm the byte that goes `way` after so many others; or pull the plug then ("unplugged")."""
        self._way, self._countdown, self._harm = way, after, what

    def _run(self):
        ends = {self._master: (TO_CORE, self._serial.fileno()), self._serial.fileno(): (FROM_CORE, self._master)}
        while True:
            ready, _, _ = select.select([*ends, self._wake], [], [], BEHIND if self._held else None)
            if self._wake in ready:
                return
            if not ready:
                os.write(self._master, self._held)
                self._held = b""
            for source in ready:
                way, sink = ends[source]
                passed = b"".join(self._pass(way, byte) for byte in os.read(source, 4096))
                if self._harm == "unplugged" and self._countdown < 0:
                    return self._unplug()
                if self._behind and way == FROM_CORE:
                    passed = self._held + passed
                    passed, self._held = passed[:-1], passed[-1:]
                if passed:
                    os.write(sink, passed)

    def _pass(self, way: str, byte: int) -> bytes:
        if way != self._way or not self._harm:
            return bytes([byte])
        self._countdown -= 1
        if self._countdown >= 0 or self._harm == "unplugged":
            return bytes([byte])
        harm, self._harm = self._harm, ""
        self.harmed += 1
        self._behind |= harm == "behind"
        return HARMS[harm](byte)

    def _unplug(self):
        self.harmed += 1
        os.close(self._slave)
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Take it away."""
        os.write(self._end, b"x")
        self._thread.join()
        self._serial.close()
        if self._master >= 0:
            os.close(self._slave)
            os.close(self._master)

"""What a driver needs of the way to a core: words read and written at addresses."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Link", "LinkError", "Words"]

Words = NDArray[np.uint32]


class LinkError(RuntimeError):
    """The way to the core is broken; the message names it, what was expected and what came."""


class Link(Protocol):
    """A way to the bus of a core: a serial port, or a simulated bus.

    Addresses are byte addresses of 32-bit words. `increment` moves on by a word with every word; without it all words go to,
    or come from, one address.
    """

    #: What to call it in messages, such as "/dev/ttyUSB0 at 1000000 baud".
    name: str

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words.

        Raises
        ------
        LinkError
            If fewer come, or the core refuses.
        """

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`, low 32 bits of each; that they arrived, only `Register.CHECKSUM` tells.

        Raises
        ------
        LinkError
            If they cannot be sent, or the core refuses.
        """

    def close(self) -> None:
        """Let go of it; it cannot be used any more."""

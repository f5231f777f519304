"""A link to a core: words read and written at addresses."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import RanvierError

__all__ = ["Link", "LinkError", "Words"]

Words = NDArray[np.uint32]


class LinkError(RanvierError, RuntimeError):
    """A link to a core failed; the message names the link, what was expected and what was received."""


class Link(Protocol):
    """Access to the bus of a core: over a serial port, or in a simulation.

    Addresses are byte addresses of 32-bit words. With `increment` the address grows by a word with every word; without
    it all words are written to, or read from, one address.
    """

    #: Name in messages, such as "/dev/ttyUSB0 at 1000000 baud".
    name: str

    def read(self, address: int, count: int = 1, *, increment: bool = True) -> Words:
        """`count` words.

        Raises
        ------
        LinkError
            If fewer are received, or the core refuses the read.
        """

    def write(self, address: int, words: Sequence[int] | Words, *, increment: bool = True) -> None:
        """Write all `words`, low 32 bits of each; only `Register.CHECKSUM` shows whether they arrived.

        Raises
        ------
        LinkError
            If they cannot be sent, or the core refuses the write.
        """

    def resynchronise(self) -> None:
        """Discard what is on its way, before the next access: what was received cannot be right."""

    def close(self) -> None:
        """Close it; using it afterwards is an error."""

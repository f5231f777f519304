"""What a simulator's library allocated, for as long as it may be used."""

import ctypes
from collections.abc import Callable

from ranvier.closing import Closing

__all__ = ["Handle"]


class Handle(Closing):
    """A pointer for functions of a library, which would follow one that was released and end the process.

    Parameters
    ----------
    pointer : int
        What the library returned.
    release : callable
        Its function that frees that.
    error, message : type of Exception, str
        What `pointer` raises from then on.
    """

    def __init__(
        self, pointer: int, release: Callable[[ctypes.c_void_p], object], error: type[Exception], message: str
    ):
        self._pointer, self._release = ctypes.c_void_p(pointer), release
        self._error, self._message = error, message

    @property
    def pointer(self) -> ctypes.c_void_p:
        """To be handed to the library."""
        if not self._pointer:
            raise self._error(self._message)
        return self._pointer

    def close(self) -> None:
        """Release it, once."""
        pointer, self._pointer = self._pointer, ctypes.c_void_p()
        if pointer:
            self._release(pointer)

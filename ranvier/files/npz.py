"""Arrays in an ``.npz`` file, read only once their headers say what was expected.

`numpy.load` allocates what a header claims, and a header of a few bytes can claim anything.
"""

import os
import stat
import zipfile
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.lib import format as form
from numpy.typing import NDArray

from ranvier.errors import RanvierError

__all__ = ["Header", "NotPlain", "Npz", "check_plain"]

#: Files that are not plain, by the type in their mode.
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


class NotPlain(RanvierError, OSError):
    """A device, which may have no end, or a pipe, which can be read only once."""


def check_plain(path: str | Path) -> None:
    """`NotPlain` says what a path leads to if that is neither a plain file nor a folder; opens nothing.

    Raises
    ------
    OSError
        If there is nothing, too.
    """
    if kind := KINDS.get(stat.S_IFMT(os.stat(path).st_mode)):
        raise NotPlain(f"this is {kind}: give a plain file")


class Header(NamedTuple):
    """Header of an array: its claimed type and shape."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * self.dtype.itemsize


class Npz:
    """An open file.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    OSError
        If it cannot be read.
    Exception
        Here and in every method, of a kind that depends on the damage, if it is no such file or damaged.
    """

    def __init__(self, path: str | Path):
        check_plain(path)
        self._file = zipfile.ZipFile(path)
        names = [name.removesuffix(".npy") for name in self._file.namelist()]
        self.names = set(names)
        if len(names) > len(self.names):
            self._file.close()
            raise ValueError("two arrays of one name")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def header(self, name: str) -> Header:
        """Of one array; `KeyError` if there is none of that name, `ValueError` if it holds objects."""
        with self._file.open(f"{name}.npy") as stream:
            read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[form.read_magic(stream)]
            shape, _, dtype = read(stream)
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects")
        return Header(shape, dtype)

    def read(self, name: str, most: int) -> NDArray[Any]:
        """One array; `ValueError` if it claims more than `most` bytes."""
        if not 0 <= self.header(name).size <= most:
            raise ValueError(f"{name} claims {self.header(name).size} bytes")
        with self._file.open(f"{name}.npy") as stream:
            return np.asarray(form.read_array(stream, allow_pickle=False))

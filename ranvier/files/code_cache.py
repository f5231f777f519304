"""Numba's cache of machine code on disk, checked so that a damaged file never ends a run.

Numba trusts its files: one cut short or damaged ends in a traceback or worse. Here each has a checksum in front, and what
does not match is compiled again. Where nothing can be kept (no folder to write to, a full disk), every process compiles.
"""

import hashlib
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core.caching import IndexDataCacheFile

from ranvier.files.replacing import OutputError, write_bytes

__all__ = ["keep"]


def keep(function: Any) -> Any:
    """`function` as `numba.njit` made it, kept on disk where possible: next to its source, or in ``NUMBA_CACHE_DIR``."""
    with suppress(RuntimeError, OSError):  # Numba found no folder to write to
        function.enable_caching()
        cache = function._cache
        files = cache._cache_file
        cache._cache_file = SummedFiles(files._cache_path, cache._impl.filename_base, files._source_stamp)
    return function


class SummedFiles(IndexDataCacheFile):
    """Numba's index and code files, each behind its SHA-256; an index that cannot be read is empty."""

    def save(self, key: Any, data: Any) -> None:
        """Keep an entry, if there is room for it."""
        with suppress(OSError, OutputError):
            super().save(key, data)

    def _load_index(self) -> dict[Any, str]:
        with suppress(OSError):
            version, stamp, overloads = _read(self._index_path)
            if (version, stamp) == (self._version, self._source_stamp):
                return dict(overloads)
        return {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        _write(self._index_path, (self._version, self._source_stamp, overloads), self._dump)

    def _load_data(self, name: str) -> Any:
        return _read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        _write(self._data_path(name), data, self._dump)


def _write(path: str, data: Any, dump: Callable[[Any], bytes]) -> None:
    content = dump(data)
    write_bytes(path, hashlib.sha256(content).digest() + content)


def _read(path: str) -> Any:
    """What `_write` wrote; `OSError`, for which Numba compiles again, if it is not that."""
    content = Path(path).read_bytes()
    total, content = content[:32], content[32:]
    if hashlib.sha256(content).digest() != total:
        raise OSError(f"{path} is damaged")
    return pickle.loads(content)

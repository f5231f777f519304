"""Files that are published compressed: unpacked once, beside the archive."""

import gzip
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ranvier.data.dataset import DataError
from ranvier.data.published import PUBLISHED
from ranvier.files.replacing import replacing

__all__ = ["MissingFile", "is_file", "unpacked"]

#: With which an HDF5 file begins.
SIGNATURE = b"\x89HDF\r\n\x1a\n"


class MissingFile(DataError):
    """A file of a data set that is not in its folder."""


@contextmanager
def _contents(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """The file `name` in an archive, which is the only one in a ``.gz``."""
    if archive.suffix == ".gz":
        with gzip.open(archive) as stream:
            yield cast(IO[bytes], stream)
    else:
        with zipfile.ZipFile(archive) as files, files.open(name) as stream:
            yield stream


def _unpack(archive: Path, target: Path) -> None:
    """Unpack; on failure nothing is left behind."""
    try:
        with (
            replacing(target) as copy,
            _contents(archive, target.name) as source,
        ):
            if (head := source.read(len(SIGNATURE))) != SIGNATURE:
                raise DataError(f"{archive}: what is in it is not an HDF5 file: download it again")
            copy.write(head)
            shutil.copyfileobj(source, copy, 1 << 20)
    except DataError:
        raise
    except KeyError:
        raise DataError(f"{archive}: there is no {target.name} in it") from None
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile) or not error.strerror:
            raise DataError(f"{archive}: not a complete archive: download it again") from None
        raise DataError(f"cannot unpack {archive}: {error.strerror}: unpack it into a folder of your own") from None
    except Exception as error:  # what a damaged archive raises depends on the damage
        encrypted = "encrypted" in str(error)
        reason = "is encrypted: unpack it yourself" if encrypted else "not a complete archive: download it again"
        raise DataError(f"{archive}: {reason}") from None


def is_file(path: Path) -> bool:
    """Whether there is such a file; `DataError` if that cannot be known: no permission, a name that is too long."""
    try:
        return path.is_file()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: give another path, or ask its owner") from None


def unpacked(folder: str | Path, name: str, dataset: str) -> Path:
    """Path of the file `name` in a folder, unpacked first if only ``name.gz`` or ``name.zip`` is there.

    Raises
    ------
    MissingFile
        If the file is not in the folder; the message says where to get `dataset`.
    DataError
        If the folder is missing, the file is a folder, or its archive cannot be unpacked.
    """
    folder = Path(folder)
    source = PUBLISHED[dataset].address
    if is_file(folder) or not folder.is_dir():
        raise DataError(f"{folder} is not a folder: ranvier download {dataset} --out {folder} fills one from {source}")
    path = folder / name
    if is_file(path):
        return path
    if path.is_dir():
        raise DataError(f"{path} is a folder: give the folder that {name} is in as a file")
    for archive in (folder / f"{name}.gz", folder / f"{name}.zip"):
        if is_file(archive):
            _unpack(archive, path)
            return path
    raise MissingFile(f"{folder} has no {name}, {name}.gz or {name}.zip: put it there, from {source}")

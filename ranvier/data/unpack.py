"""Unpacking of files that are published compressed: once, by pooch, into the folder of the archive."""

import gzip
import logging
import os
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from ranvier.data.dataset import DataError
from ranvier.data.published import PUBLISHED
from ranvier.extras import extra

__all__ = ["MissingFile", "is_file", "unpacked"]

#: With which an HDF5 file begins.
SIGNATURE = b"\x89HDF\r\n\x1a\n"


class MissingFile(DataError):
    """A file of a data set that is not in its folder."""


def _check(archive: Path, name: str) -> None:
    """Check that the file `name` in an archive, the only one in a ``.gz``, is HDF5 by its first bytes.

    Pooch unpacks a file, and all files whose names begin with its name, before anybody sees what they are: an archive of
    something else must not fill the disk first.
    """
    if archive.suffix == ".gz":
        with gzip.open(archive) as file:
            head = file.read(len(SIGNATURE))
    else:
        with zipfile.ZipFile(archive) as files:
            with files.open(name) as file:
                head = file.read(len(SIGNATURE))
            if sum(os.path.normpath(found).startswith(name) for found in files.namelist()) > 1:
                raise DataError(f"{archive}: there are several {name} in it: unpack it yourself")
    if head != SIGNATURE:
        raise DataError(f"{archive}: what is in it is not an HDF5 file: download it again")


def _unpack(archive: Path, target: Path) -> None:
    """Unpack into a folder next to the target, from where the complete file is moved; on failure nothing is left behind."""
    pooch = extra("pooch", "data")
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        _check(archive, target.name)
        with TemporaryDirectory(prefix=".ranvier-", dir=target.parent.absolute()) as folder:
            copy = Path(folder, target.name)
            gz = archive.suffix == ".gz"
            processor = pooch.Decompress("gzip", str(copy)) if gz else pooch.Unzip([target.name], folder)
            processor(str(archive), "download", None)
            with open(copy, "rb") as file:
                os.fsync(file.fileno())  # a file that has its name is complete, whatever happens to the machine
            copy.replace(target)
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

"""Files that are published compressed: unpacked once, beside the archive."""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ranvier.data.dataset import DataError
from ranvier.data.published import PUBLISHED
from ranvier.golden.replacing import replacing

__all__ = ["unpacked"]


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
            shutil.copyfileobj(source, copy, 1 << 20)
    except KeyError:
        raise DataError(f"{archive}: there is no {target.name} in it") from None
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile):
        raise DataError(f"{archive}: not a complete archive: download it again") from None
    except OSError as error:
        raise DataError(f"cannot unpack {archive}: {error.strerror}: unpack it into a folder of your own") from None


def unpacked(folder: str | Path, name: str, dataset: str) -> Path:
    """Path of the file `name` in a folder, unpacked first if only ``name.gz`` or ``name.zip`` is there.

    Raises
    ------
    DataError
        If the folder or the file is missing (the message says where to get `dataset`), or its archive cannot be unpacked.
    """
    folder = Path(folder)
    source = PUBLISHED[dataset].address
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: ranvier download {dataset} --out {folder} fills one from {source}")
    path = folder / name
    if path.is_file():
        return path
    for archive in (folder / f"{name}.gz", folder / f"{name}.zip"):
        if archive.is_file():
            _unpack(archive, path)
            return path
    raise DataError(f"{folder} has no {name}, {name}.gz or {name}.zip: put it there, from {source}")

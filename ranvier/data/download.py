"""Downloads of published data sets: verified, resumable, and never incomplete under their final name.

Pooch verifies the checksum of a file before the file gets its name. Until then the data are in a hidden file next to it,
which the next attempt continues with an HTTP range request.
"""

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ranvier.data.published import PUBLISHED, File
from ranvier.errors import RanvierError, shown
from ranvier.extras import extra
from ranvier.files.output import output_folder

__all__ = ["DownloadError", "download"]

#: Seconds to wait for a connection, and for the next bytes.
PATIENCE = (10, 60)

#: Bytes that are written at once.
CHUNK = 1 << 16

OK, PARTIAL, BEYOND_THE_END = 200, 206, 416


class DownloadError(RanvierError, ValueError):
    """A file that cannot be downloaded; the message has the address and where to put the file."""


@dataclass(frozen=True)
class Resuming:
    """Downloader for `pooch.retrieve` that continues what an earlier one left in `part`.

    Parameters
    ----------
    part : Path
        The data received so far.
    progress : bool
        Show a progress bar if stderr is a terminal.
    """

    part: Path
    progress: bool = False

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Fetch `url` and leave it in `output_file`."""
        requests = extra("requests", "data")
        have = self.part.stat().st_size if self.part.exists() else 0
        ask = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=ask, stream=True, timeout=PATIENCE) as answer:
            if answer.status_code == BEYOND_THE_END:  # all of it is there, or it never was a part of this file
                self.part.replace(output_file)
                return
            answer.raise_for_status()
            self._append(answer, have if answer.status_code == PARTIAL else 0)
        self.part.replace(output_file)

    def _append(self, answer: Any, have: int) -> None:
        """Write the body behind the `have` bytes that are to be kept."""
        rest = int(answer.headers.get("Content-Length", 0))
        with (
            open(self.part, "r+b" if have else "wb") as file,
            tqdm(
                total=have + rest or None,
                initial=have,
                desc=self.part.stem.lstrip("."),
                unit="B",
                unit_scale=True,
                leave=False,
                disable=None if self.progress else True,
            ) as bar,
        ):
            file.seek(have)
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _fetch(file: File, url: str, folder: Path, progress: bool) -> Path:
    """One file, verified; otherwise a `DownloadError` with what to do by hand."""
    pooch, requests = extra("pooch", "data"), extra("requests", "data")
    pooch.get_logger().setLevel(logging.WARNING)
    part = folder / f".{file.name}.part"
    by_hand = f"download {url} elsewhere and put {file.name} into {folder}"
    try:
        return Path(pooch.retrieve(url, f"md5:{file.md5}", file.name, folder, downloader=Resuming(part, progress)))
    except requests.HTTPError as error:
        raise DownloadError(f"{url}: {error.response.status_code} {error.response.reason}: {by_hand}") from None
    except requests.RequestException as error:
        if part.exists():
            have = part.stat().st_size
            raise DownloadError(f"{url}: connection lost after {have:,} bytes: run the same command to go on") from None
        reason = type(error).__name__
        raise DownloadError(f"cannot reach {url} ({reason}): {by_hand}") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DownloadError(f"cannot write into {folder}: {reason}: make room or give another folder") from None
    except ValueError:
        raise DownloadError(f"{url}: wrong checksum, nothing was kept: try again, or {by_hand}") from None


def download(
    name: str,
    folder: str | Path,
    *,
    mirror: str = "",
    progress: bool = False,
) -> list[Path]:
    """Download those files of a data set that are not in the folder yet.

    Parameters
    ----------
    name : str
        A key of `PUBLISHED`.
    folder : str or Path
        Where to put them; created if missing.
    mirror : str
        Address of the files, instead of the published one. The checksums stay the same.
    progress : bool
        Show progress bars if stderr is a terminal.

    Returns
    -------
    list of Path
        All files of the data set. An unpacked file counts as its archive and is not changed.

    Raises
    ------
    DownloadError
        If there is nothing to download, or it fails: no connection, a server's refusal, a wrong checksum.
    OutputError
        If the folder cannot be created.
    """
    if name not in PUBLISHED:
        raise DownloadError(f"unknown data set {shown(name)}: choose one of {', '.join(PUBLISHED)}")
    published = PUBLISHED[name]
    folder = Path(folder)
    if not published.files:
        raise DownloadError(
            f"{name} cannot be used as published: get it at {published.address} and put {published.expected} into {folder}"
        )
    made = not folder.exists()
    output_folder(folder)
    paths = []
    try:
        for file in published.files:
            plain = folder / Path(file.name).stem
            url = f"{mirror.rstrip('/')}/{file.name}" if mirror else file.url
            paths.append(plain if plain.exists() else _fetch(file, url, folder, progress))
    finally:
        if made:
            with suppress(OSError):
                os.rmdir(folder)  # only if nothing is in it
    return paths

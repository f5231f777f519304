"""Finished runs in a folder: one file each, complete or not there, so that a bench goes on from where it was stopped."""

import json
from pathlib import Path

from ranvier.bench.suite import Outcome, Row
from ranvier.files import OutputError, output_folder, write_bytes, write_text

__all__ = ["Store"]


class Store:
    """A folder of results.

    Parameters
    ----------
    folder : path
        Made if missing: ``runs`` holds one JSON file per finished run, ``networks`` what the runs leave.

    Raises
    ------
    OutputError
        If it cannot be written to.
    """

    def __init__(self, folder: str | Path):
        self.folder = output_folder(folder)
        self.runs, _ = (output_folder(self.folder / name) for name in ("runs", "networks"))

    def __contains__(self, key: str) -> bool:
        """Whether the run is finished and everything that it left is still there."""
        return self._path(key).exists() and all((self.folder / name).exists() for name in self._read(key)["files"])

    def __getitem__(self, key: str) -> Row:
        """Values of a finished run."""
        row: Row = self._read(key)["row"]
        return row

    def keep(self, key: str, outcome: Outcome) -> None:
        """Write a finished run; it counts as finished once the last of its files, that of its values, is there."""
        paths = {what: f"networks/{name}-{key[:8]}.npz" for what, (name, _) in outcome.files.items()}
        for what, (_, content) in outcome.files.items():
            write_bytes(self.folder / paths[what], content)
        write_text(self._path(key), json.dumps({"row": outcome.row | paths, "files": list(paths.values())}, indent=1))

    def _path(self, key: str) -> Path:
        return self.runs / f"{key}.json"

    def _read(self, key: str) -> Row:
        path = self._path(key)
        try:
            content = json.loads(path.read_text())
            if not isinstance(content["row"], dict) or not isinstance(content["files"], list):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{path}: not a finished run: remove it, and it is repeated") from None
        result: Row = content
        return result

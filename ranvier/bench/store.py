"""Finished runs in a folder: one file each, complete or not there, so that a bench goes on from where it was stopped."""

import json
from pathlib import Path

from ranvier.bench.executor import Experiment
from ranvier.bench.suite import ExperimentResult, Material, Values
from ranvier.files.output import OutputError, output_folder, write_bytes, write_text

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

    def finished(self, key: str, experiment: Experiment, material: Material) -> Values | None:
        """Values of a finished run; None if it is not finished, or what it left is gone.

        Raises
        ------
        OutputError
            If its file is damaged, or impossible for `experiment`: other types, an accuracy that is not a number.
        """
        path = self._path(key)
        if not path.exists():
            return None
        values, files = self._read(path)
        if not all((self.folder / name).exists() for name in files):
            return None
        others = [name for name in experiment.leaves if values.get(name) not in files]
        found = experiment.problem(values, material) or (f"{others[0]} is none of its files" if others else None)
        if found:
            raise OutputError(f"{path}: not a result of this run ({found}): remove it, and it is repeated")
        return values

    def keep(self, key: str, result: ExperimentResult) -> None:
        """Write a finished run; it counts as finished once the last of its files, that of its values, is there."""
        paths = {what: f"networks/{name}-{key[:8]}.npz" for what, (name, _) in result.files.items()}
        for what, (_, content) in result.files.items():
            write_bytes(self.folder / paths[what], content)
        finished = {"row": result.values | paths, "files": list(paths.values())}
        write_text(self._path(key), json.dumps(finished, indent=1, allow_nan=False))

    def _path(self, key: str) -> Path:
        return self.runs / f"{key}.json"

    def _read(self, path: Path) -> tuple[Values, list[str]]:
        """Values, and what else it left."""
        try:
            content = json.loads(path.read_text())
            values, files = content["row"], content["files"]
            if not isinstance(values, dict) or not isinstance(files, list) or not all(map(_left, files)):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise OutputError(f"{path}: not a finished run: remove it, and it is repeated") from None
        return values, files


def _left(name: object) -> bool:
    """Whether it is the name of a file that a run leaves."""
    return isinstance(name, str) and name.startswith("networks/") and name.isprintable() and ".." not in name

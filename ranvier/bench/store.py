"""Finished runs in a folder: one file each, complete or absent, so that a stopped bench can be resumed."""

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
        Created if missing; ``runs`` holds one JSON file per finished run, ``networks`` the files of the runs.

    Raises
    ------
    OutputError
        If it is not writable.
    """

    def __init__(self, folder: str | Path):
        self.folder = output_folder(folder)
        self.runs, _ = (output_folder(self.folder / name) for name in ("runs", "networks"))

    def finished(self, key: str, experiment: Experiment, material: Material) -> Values | None:
        """Values of a finished run; None if it is not finished, or one of its files is missing.

        Raises
        ------
        OutputError
            If its file is damaged, or holds values that `experiment` cannot have produced, such as other types.
        """
        path = self._path(key)
        if not path.exists():
            return None
        values, files = self._read(path)
        if not all((self.folder / name).exists() for name in files):
            return None
        others = [name for name in experiment.leaves if values.get(name) not in files]
        found = experiment.problem(values, material) or (f"{others[0]} is not one of its files" if others else None)
        if found:
            raise OutputError(f"{path}: not a result of this run ({found}): remove it to repeat the run")
        return values

    def keep(self, key: str, result: ExperimentResult) -> None:
        """Write a finished run; it counts as finished once the last of its files, that of its values, exists."""
        paths = {what: f"networks/{name}-{key[:8]}.npz" for what, (name, _) in result.files.items()}
        for what, (_, content) in result.files.items():
            write_bytes(self.folder / paths[what], content)
        finished = {"row": result.values | paths, "files": list(paths.values())}
        write_text(self._path(key), json.dumps(finished, indent=1, allow_nan=False))

    def _path(self, key: str) -> Path:
        return self.runs / f"{key}.json"

    def _read(self, path: Path) -> tuple[Values, list[str]]:
        """Values, and the names of its other files."""
        try:
            content = json.loads(path.read_text())
            values, files = content["row"], content["files"]
            if not isinstance(values, dict) or not isinstance(files, list) or not all(map(_left, files)):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise OutputError(f"{path}: not a finished run: remove it to repeat the run") from None
        return values, files


def _left(name: object) -> bool:
    """Whether it is a valid name of a file of a run."""
    return isinstance(name, str) and name.startswith("networks/") and name.isprintable() and ".." not in name

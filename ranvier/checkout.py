"""Ranvier straight from a clone: Python started there finds this folder first, installed or not.

Four packages lie next to this folder instead of in it (`pyproject.toml` maps them). Where that is so, they are found there,
by name: nothing else of a clone becomes a part of ``ranvier``. In an installed copy they lie in it, and nothing happens.
"""

import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["find_beside", "version"]

_HERE = Path(__file__).absolute().parent
_ROOT = _HERE.parent
_BESIDE = ("golden", "hw", "sim", "firmware")


class Beside:
    """Finds the packages next to this one."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As ``importlib.abc.MetaPathFinder`` has it."""
        parent, _, folder = name.rpartition(".")
        if parent != __package__ or folder not in _BESIDE:
            return None
        return spec_from_file_location(name, _ROOT / folder / "__init__.py")


def find_beside() -> None:
    """Find the packages next to this one, in a clone, before an installed copy or another clone is asked."""
    if (_ROOT / "pyproject.toml").is_file() and not (_HERE / _BESIDE[0]).exists() and Beside not in sys.meta_path:
        sys.meta_path.insert(0, Beside)


def version() -> str:
    """Version of the distribution, or of the clone where none is installed."""
    try:
        return installed("ranvier")
    except PackageNotFoundError:
        project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["version"])


find_beside()

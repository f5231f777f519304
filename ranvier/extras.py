"""Optional packages: imported where they are used, with a one-line error if they are missing."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from ranvier.errors import RanvierError

__all__ = ["ExtraError", "extra", "missing"]


class ExtraError(RanvierError, RuntimeError):
    """An optional package that is not installed; the message says how to install it."""


def extra(module: str, name: str) -> ModuleType:
    """Import a module that belongs to the optional extra `name`.

    Raises
    ------
    ExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ExtraError(f"{module} is missing ({error}): install ranvier[{name}]") from None


def missing(packages: Mapping[str, str]) -> list[str]:
    """The packages out of `packages` (module -> package) that are not installed; none is imported."""

    def there(module: str) -> bool:
        try:
            return find_spec(module) is not None
        except ImportError:  # of its parent package
            return False

    return [package for module, package in packages.items() if not there(module)]

"""Optional packages: asked for where they are used, and missed in one clear line."""

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
    """Those of some packages, by the module of each, that are not installed; none is imported."""

    def there(module: str) -> bool:
        try:
            return find_spec(module) is not None
        except ImportError:  # of what it lies in
            return False

    return [package for module, package in packages.items() if not there(module)]

"""Optional packages: asked for where they are used, and missed in one clear line."""

from importlib import import_module
from types import ModuleType

__all__ = ["ExtraError", "extra"]


class ExtraError(RuntimeError):
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

"""The root of all exceptions, and values as their messages show them: short, and never the cause of another error."""

from collections.abc import Callable
from typing import Any

__all__ = ["RanvierError", "shown"]

#: Longer texts lose their middle.
_LONGEST = 60


class RanvierError(Exception):
    """Base class of all errors of Ranvier: the message names cause and way out, and the command line prints nothing else.

    Every exception class of the project derives from it, and from the built-in one that fits: `ConfigError` is a
    `ValueError` too.
    """


def shown(value: Any, form: Callable[[Any], str] = repr) -> str:
    """`repr` (or `str`) of any value, in one line of at most 60 characters."""
    try:
        text = " ".join(form(value).split())
    except Exception:  # integers of 5,000 digits, lists nested 5,000 deep, and whatever a class of its own may do
        text = f"a {type(value).__name__} too large to show"
    half = (_LONGEST - 5) // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"

"""The code that decides a result: modules with all that they import, directly or not, as a digest.

Import statements are read, not run, those within functions too. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["closure", "source_digest"]

#: The one package that is looked at.
PACKAGE = "ranvier"

#: Not followed: results come from the golden models and float, with which these devices are compared to the bit.
OTHER_DEVICES = ("ranvier.sim", "ranvier.drivers")


@cache
def source_digest(*modules: str) -> str:
    """SHA-256 of the code of modules and of all modules of Ranvier that they import.

    Parameters
    ----------
    modules : str
        Full names; they are not imported, the packages that they lie in are.
    """
    total = hashlib.sha256()
    for name, path in sorted(closure(*modules).items()):
        total.update(f"{name}\n{_code(path.read_text(encoding='utf-8'))}\n".encode())
    return total.hexdigest()


def closure(*modules: str) -> dict[str, Path]:
    """Name -> file of modules and of all modules of Ranvier that they import, directly or not.

    The package itself, whose ``__init__`` gathers everything for users, is not among them. The ``__init__`` of one of its
    parts is, if anything but a module is imported from there.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name == PACKAGE or name.startswith(OTHER_DEVICES):
            continue
        if path := _file(name):
            found[name] = path
            waiting += _imports(path.read_text(encoding="utf-8"))
    return found


@cache
def _file(name: str) -> Path | None:
    """File of a module; None if that is not a module, but something in one."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # what it would lie in is not a package
        return None
    return Path(spec.origin) if spec and spec.origin else None


@cache
def _imports(text: str) -> list[str]:
    """Modules of Ranvier that a source imports; of ``from a import b`` that is a.b if there is such a module, and else a."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [name if _ours(name) and _file(name) else str(node.module) for name in inner]
    return [name for name in names if _ours(name)]


def _ours(name: str) -> bool:
    return name.split(".")[0] == PACKAGE


@cache
def _code(text: str) -> str:
    """A source without comments and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)

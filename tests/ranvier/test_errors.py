"""One root of all exceptions, which keep their built-in kind; and values that messages show."""

import ast
import builtins
from pathlib import Path

import pytest

import ranvier
from ranvier.errors import RanvierError, shown

ROOT = Path(__file__).resolve().parents[2]

#: Exceptions with another root, and why.
OTHERS = {
    "Stopped": "Ctrl-C with a message, which `except Exception` must let pass",
    "_Interrupt": "Ctrl-C as a scenario of the self-test plays it",
}


def bases() -> dict[str, list[str]]:
    """Every class of the packages -> the names of its bases."""
    found: dict[str, list[str]] = {}
    for package in ("ranvier", "golden", "hw", "sim", "firmware"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    names = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
                    found.setdefault(node.name, []).extend(names)
    return found


def test_every_exception_has_the_one_root() -> None:
    found = bases()

    def roots(name: str) -> set[str]:
        """Where the bases of a class end: classes that are not the project's own."""
        return {root for base in found[name] for root in roots(base)} if name in found else {name}

    def builtin(name: str) -> bool:
        kind = getattr(builtins, name, None)
        return isinstance(kind, type) and issubclass(kind, BaseException)

    def derives(name: str) -> bool:
        return name == "RanvierError" or any(map(derives, found.get(name, ())))

    raised = {name for name in found if any(map(builtin, roots(name)))}
    assert len(raised) > 25
    assert {name for name in raised if not derives(name)} == set(OTHERS)


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        (ranvier.ConfigError, ValueError),
        (ranvier.DataError, ValueError),
        (ranvier.DeviceError, ValueError),
        (ranvier.NetworkError, ValueError),
        (ranvier.SampleError, ValueError),
    ],
)
def test_what_is_caught_by_its_builtin_kind_still_is(own: type[Exception], kind: type[Exception]) -> None:
    assert issubclass(own, kind)
    assert issubclass(own, ranvier.RanvierError)
    assert ranvier.RanvierError is RanvierError


def test_the_root_is_caught() -> None:
    for wrong in (
        lambda: ranvier.preset("nope"),
        lambda: ranvier.open_device("nope", ranvier.preset("test")),
        lambda: ranvier.open_dataset("nope"),
        lambda: ranvier.Network.read("nope"),
        lambda: ranvier.Sample([0], [0, 1], [True]),
    ):
        with pytest.raises(RanvierError) as caught:
            wrong()
        assert "\n" not in str(caught.value)


def test_values_are_shown_in_one_short_line() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown("a") == "'a'"
    assert shown("a\n  b", str) == "a b"
    assert shown("x" * 1000).startswith("'xxx")
    assert len(shown("x" * 1000)) <= 60
    assert shown(Broken()) == "a Broken too large to show"

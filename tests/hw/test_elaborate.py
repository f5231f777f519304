"""How components are written: short methods, and no signal left on a component for another method to find."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

HARDWARE = Path(__file__).parents[2] / "hw"
LONGEST, MEDIAN = 60, 40
METHODS = ast.FunctionDef | ast.AsyncFunctionDef


def elaborating(tree: ast.AST) -> dict[str, int]:
    """Lines of every function that adds to a module: `elaborate`, and whatever takes `m`."""
    functions = [node for node in ast.walk(tree) if isinstance(node, METHODS)]
    return {
        f"{node.name}, line {node.lineno}": node.end_lineno - node.lineno + 1
        for node in functions
        if node.name == "elaborate" or any(argument.arg == "m" for argument in node.args.args)
    }


def left_behind(tree: ast.AST) -> Iterator[str]:
    """Attributes of `self` that a method of a component other than ``__init__`` binds.

    Latencies may be bound: they are numbers, for the users of a component.
    """
    for component in ast.walk(tree):
        if isinstance(component, ast.ClassDef) and _elaborates(component):
            for method in component.body:
                if isinstance(method, METHODS) and method.name != "__init__":
                    bound = (name for name in _bound(method) if not name.endswith("latency"))
                    yield from (f"{component.name}.{method.name}: {name}" for name in bound)


def _elaborates(component: ast.ClassDef) -> bool:
    return any(isinstance(node, METHODS) and node.name == "elaborate" for node in component.body)


def _bound(method: ast.AST) -> Iterator[str]:
    for node in ast.walk(method):
        stored = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
        binding = "self." if stored else "setattr(self, "
        if (stored or isinstance(node, ast.Call)) and ast.unparse(node).startswith(binding):
            yield ast.unparse(node)


def trees() -> dict[str, ast.AST]:
    return {str(path.relative_to(HARDWARE)): ast.parse(path.read_text()) for path in sorted(HARDWARE.rglob("*.py"))}


def test_methods_are_short(record_property):
    lines = {f"{file}: {name}": n for file, tree in trees().items() for name, n in elaborating(tree).items()}
    of_elaborate = [n for name, n in lines.items() if ": elaborate, " in name]
    record_property(
        "evidence",
        f"{len(lines)} methods that elaborate: median {median(lines.values())} lines, longest {max(lines.values())}; "
        f"{len(of_elaborate)} named so: median {median(of_elaborate)}",
    )
    assert len(of_elaborate) > 40
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}
    assert median(of_elaborate) <= MEDIAN


def test_no_signal_is_left_on_a_component():
    found = {file: list(left_behind(tree)) for file, tree in trees().items()}
    assert len(found) > 40
    assert {file: names for file, names in found.items() if names} == {}


BROKEN = """
class Unit(wiring.Component):
    def __init__(self):
        self.config = 0

    def elaborate(self, platform):
        {body}
        return m

    def _part(self, m):
        pass
"""


@pytest.mark.parametrize(
    "body",
    [
        "self.late = Signal()",
        "m.submodules.unit = self.unit = Unit()",
        "self.first, other = Signal(), Signal()",
        "self.parts[0] = Signal()",
        "self.late: Signal = Signal()",
        "setattr(self, 'late', Signal())",
        "with m.If(1): self.late = Signal()",
    ],
)
def test_a_signal_left_behind_is_found(body):
    assert len(list(left_behind(ast.parse(BROKEN.format(body=body))))) == 1


@pytest.mark.parametrize("body", ["m.d.comb += self.port.eq(self.config)", "self.read_latency = 3"])
def test_what_a_component_may_do_is_not(body):
    assert list(left_behind(ast.parse(BROKEN.format(body=body)))) == []


def test_long_methods_are_counted():
    lines = elaborating(ast.parse(BROKEN.format(body="\n        ".join(["pass"] * 70))))
    assert sorted(lines.values()) == [2, 72]

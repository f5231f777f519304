"""House rules of CONTRIBUTING.md that reading the tree can check: one name per unit, and lists of public names."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ranvier", "golden", "hw", "sim", "firmware")

#: Units of the hardware without a test of their name, and where they are tested.
TESTED_ELSEWHERE = {
    "hw/budget.py": "tests/system/test_cycles.py",
    "hw/events.py": "tests/hw/bus/test_event_queue.py",
    "hw/bus/peripheral.py": "tests/sim/test_bus.py",
    "hw/bus/signature.py": "tests/hw/bus/test_responder.py",
    "hw/bus/soc.py": "tests/firmware/test_soc.py",
    "hw/flow/bitstream.py": "tests/system/test_board.py",
}
#: Units of the golden model without one of their name in the hardware, and why.
SOFTWARE = {
    "base": "the device that all golden models are",
    "compiled": "the golden model again, compiled",
    "float_core": "the rule in real numbers",
}
#: Units of the golden model without a test of their name, and where they are tested.
GOLDEN_TESTED_ELSEWHERE = {"golden/base.py": "tests/ranvier/test_device.py"}


def modules() -> dict[str, ast.Module]:
    """Dotted name -> source, of everything that is packaged."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if package == "ranvier" else ("ranvier", *parts)
            found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


MODULES = modules()


def defined(module: ast.Module) -> set[str]:
    """Names at the top of a module."""
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def public(module: ast.Module) -> list[str] | None:
    """``__all__`` of a module, if it has one."""
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


PUBLIC = {name: names for name, module in MODULES.items() if (names := public(module)) is not None}


@pytest.mark.parametrize(("folder", "elsewhere"), [("hw", TESTED_ELSEWHERE), ("golden", GOLDEN_TESTED_ELSEWHERE)])
def test_every_unit_has_a_test_of_its_name(folder, elsewhere):
    units = [path for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "__init__.py"]
    places = {path.relative_to(ROOT).as_posix(): ROOT / "tests" / path.relative_to(ROOT) for path in units}
    without = {name for name, path in places.items() if not path.with_name(f"test_{path.name}").exists()}
    assert without == set(elsewhere)
    assert len(units) > 10
    for name, place in elsewhere.items():
        assert (ROOT / place).exists(), f"{name} is not tested by {place}"


def test_every_unit_of_the_golden_model_is_one_of_the_hardware():
    golden, hardware = ({path.stem for path in (ROOT / name).glob("[!_]*.py")} for name in ("golden", "hw"))
    assert golden - hardware == set(SOFTWARE)
    assert len(golden & hardware) > 8


def test_public_names_exist_and_are_named_once():
    assert len(PUBLIC) > 150
    for name, names in PUBLIC.items():
        assert len(names) == len(set(names)), name
        assert set(names) <= defined(MODULES[name]), f"{name} has no {sorted(set(names) - defined(MODULES[name]))}"


def test_what_other_modules_import_is_public():
    seen = 0
    for name, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and node.module in PUBLIC:
                imported = {alias.name for alias in node.names if f"{node.module}.{alias.name}" not in MODULES}
                hidden = imported - set(PUBLIC[node.module])
                assert not hidden, f"{name} imports {sorted(hidden)}, which {node.module} does not list as public"
                seen += len(imported)
    assert seen > 500


def test_every_module_is_imported_or_run():
    """Commands, recipes and data sets are found by the folder that they are in."""
    found = {f"ranvier.{folder}" for folder in ("commands", "recipes", "data")}
    imported = {"ranvier.__main__"}
    for path in (
        path for folder in (*PACKAGES, "tests", "examples", "fusesoc") for path in (ROOT / folder).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("ranvier."):
                imported.add(node.value)
    folders = {name.rpartition(".")[0] for name in MODULES}
    for name in set(MODULES) - folders:
        assert name in imported or name.rpartition(".")[0] in found, f"nothing imports {name}"

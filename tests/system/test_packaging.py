"""What is packaged is what is on disk, and it installs from wheel and sdist."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def folders() -> dict[str, Path]:
    """Package name -> folder, for every folder that holds Python of ours."""
    mapped = {name: ROOT / folder for name, folder in SETTINGS["package-dir"].items()}
    found = {}
    for name, folder in mapped.items():
        for init in sorted(folder.rglob("__init__.py")):
            inner = init.parent.relative_to(folder).parts
            found[".".join((name, *inner))] = init.parent
    return found


def test_package_list_equals_what_is_on_disk():
    assert sorted(SETTINGS["packages"]) == sorted(folders())


def test_every_mapped_folder_is_typed():
    missing = [name for name in SETTINGS["package-dir"] if not (folders()[name] / "py.typed").exists()]
    assert not missing


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """A wheel built from the sdist built from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def test_wheel_holds_every_module_and_data_file(distributions):
    names = set(zipfile.ZipFile(distributions[0]).namelist())
    expected = {
        "/".join((*package.split("."), path.name))
        for package, folder in folders().items()
        for path in folder.iterdir()
        if path.suffix in {".py", ".cpp", ".c", ".h"} or path.name == "py.typed"
    }
    expected |= {f"ranvier/firmware/examples/{path.name}" for path in (ROOT / "firmware" / "examples").iterdir()}
    assert len(expected) > 50
    assert expected <= names, expected - names


def test_sdist_holds_licence_and_readme(distributions):
    with tarfile.open(distributions[1]) as archive:
        names = {Path(name).name for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_wheel_works_outside_the_checkout(distributions, tmp_path):
    target = tmp_path / "installed"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        str(distributions[0]),
    ]
    subprocess.run(command, check=True, capture_output=True)
    code = "import ranvier.golden.core as m, ranvier.hw.core, ranvier.sim.build, ranvier.cli; print(m.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(target))

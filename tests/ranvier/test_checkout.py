"""Python started at the root of a clone, where the folder `ranvier` is found first: installed or not, it works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ranvier", "golden", "hw", "sim", "firmware")

RUN = """
import pickle, sys, ranvier, ranvier.hw.core, ranvier.sim.build, ranvier.drivers.remote, ranvier.bench.suite
config = ranvier.preset("test")
with ranvier.open_device("golden:plain", config) as device:
    device.load(ranvier.Network.zeros(config))
    assert device.run(ranvier.yin_yang(train=1, test=1).test[0]).prediction in range(3)
assert pickle.loads(pickle.dumps(config)) == config
from multiprocessing import get_context
if __name__ == "__main__":
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(ranvier.preset, ("test",)) == config
    for name in ("tests", "docs", "examples", "ranvier"):
        try:
            __import__(f"ranvier.{name}")
        except ModuleNotFoundError:
            continue
        print("a stranger:", name)
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "ranvier":
            print(module.__file__)
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What git has of the packages, and a folder of tests beside them."""
    folder = tmp_path_factory.mktemp("clone")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "cocotb"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("tests", "docs", "examples"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    return folder


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory):
    """Folders of everything but Ranvier; without its editable install, whose hook needs Python's `site`."""
    return [folder for folder in sys.path if folder.endswith("site-packages")]


def python(code: str, folder: Path, path: list[str], *options: str) -> subprocess.CompletedProcess:
    """Run code in a file at the root of a folder, as one does who tries the README's example."""
    (folder / "example.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *options, "example.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("installed", ["not at all", "elsewhere", "as a wheel"])
def test_a_clone_works_from_its_root(installed, clone, dependencies, tmp_path):
    """Every module comes from the clone, none from a copy that is installed, and no other folder is a part of it."""
    if installed == "as a wheel":
        for name in PACKAGES:
            target = tmp_path / "ranvier" / name if name != "ranvier" else tmp_path / "ranvier"
            shutil.copytree(ROOT / name, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    path, options = ([], []) if installed == "elsewhere" else ([str(tmp_path), *dependencies], ["-S"])
    done = python(RUN, clone, path, *options)
    assert done.returncode == 0, done.stderr
    files = done.stdout.splitlines()
    assert len(files) > 50
    assert [file for file in files if not file.startswith(f"{clone}{os.sep}")] == []


def test_the_command_line_of_a_bare_clone(clone, dependencies):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(dependencies)}
    command = [sys.executable, "-S", "-m", "ranvier", "--version"]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"ranvier \d+\.\d+\.\d+\n", done.stdout)


def test_an_installed_copy_is_left_alone(dependencies, tmp_path):
    """Beside it may lie anything, a folder `golden` and somebody's `pyproject.toml` too."""
    for name in PACKAGES:
        target = tmp_path / "ranvier" / name if name != "ranvier" else tmp_path / "ranvier"
        shutil.copytree(ROOT / name, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "__init__.py").write_text("raise SystemExit('a stranger')")
    done = python("import sys, ranvier; print(ranvier.golden.__file__)", tmp_path, dependencies, "-S")
    assert done.stdout == f"{tmp_path}/ranvier/golden/__init__.py\n", done.stderr


@pytest.mark.prove
def test_the_example_of_the_readme(clone, dependencies):
    """To the letter, on recordings of noise; a minute, since Numba compiles in the new folder."""
    example = re.search(r"## Use it\n\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    rng = np.random.default_rng(1)
    taxels, letter = rng.integers(0, 2, (1080, 76, 12)).astype(float), np.arange(1080) % 27
    letters = [chr(ord("A") + n) for n in range(26)] + ["Space"]
    np.savez(clone / "braille_taxels.npz", taxels=taxels, letter=letter, letters=letters)
    done = python(example, clone, dependencies, "-S")
    assert done.returncode == 0, done.stderr
    assert (clone / "model.npz").stat().st_size > 1000

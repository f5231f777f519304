"""Building simulators: once for each core, and again when anything changes."""

import os
import shutil
from pathlib import Path

import ranvier.hw
import ranvier.parameters
from ranvier.parameters.presets import preset
from ranvier.sim import build
from ranvier.sim.build import library, sources_digest

CONFIG = preset("test")


def test_a_built_core_is_kept():
    first = library(CONFIG, optimise=False)
    built = os.stat(first).st_mtime_ns
    assert library(CONFIG, optimise=False) == first
    assert os.stat(first).st_mtime_ns == built


def test_every_source_and_option_makes_another_core(tmp_path, monkeypatch):
    digest = sources_digest(CONFIG)
    assert sources_digest(CONFIG.replace(kernel_radius=2)) != digest
    (tmp_path / "core.py").write_text("changed")
    for package in (ranvier.hw, ranvier.parameters):
        with monkeypatch.context() as patch:
            patch.setattr(package, "__path__", [str(tmp_path)])
            assert sources_digest(CONFIG) != digest


def test_every_source_in_c_makes_another_core(tmp_path, monkeypatch):
    folder = Path(build.__file__).parent
    names = [path.name for kind in ("*.cpp", "*.h", "build.py") for path in folder.glob(kind)]
    assert len(names) >= 5
    for name in names:
        shutil.copy(folder / name, tmp_path)
    monkeypatch.setattr(build, "__file__", str(tmp_path / "build.py"))
    digest = sources_digest(CONFIG)
    for name in names:
        (tmp_path / name).write_bytes((folder / name).read_bytes() + b"\n")
        assert sources_digest(CONFIG) != digest, name
        shutil.copy(folder / name, tmp_path)
    assert sources_digest(CONFIG) == digest

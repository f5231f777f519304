"""Building simulators: once for each core, and again when anything changes."""

import os

import ranvier.hw
import ranvier.parameters
from ranvier.parameters.presets import preset
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

"""Machine code that Numba keeps: used while it is sound, compiled anew when it is not or when nothing can be kept."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching, config

from ranvier.files.code_cache import SummedFiles
from ranvier.golden import compiled
from ranvier.golden import float_core as reference
from ranvier.learners import eventprop_continuous as eventprop_exact
from ranvier.learners import eventprop_gradient as eventprop

SOURCE = """
from numba import njit
from ranvier.files.code_cache import keep

@keep
@njit
def twice(x):
    return x + x
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Imports the function above anew, as a new process would, from a folder of its own; its code goes into another."""
    source, cache = tmp_path / "source.py", tmp_path / "cache"
    source.write_text(SOURCE)
    monkeypatch.setattr(config, "CACHE_DIR", str(cache))

    def imported():
        spec = importlib.util.spec_from_file_location("source", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    return imported


def files(folder: Path) -> list[Path]:
    """What is kept."""
    return sorted(path for path in (folder / "cache").rglob("*") if path.is_file())


def test_code_is_kept(load, tmp_path):
    first, second = load(), load()
    assert first(4) == second(4) == 8
    assert sum(first.stats.cache_misses.values()) == sum(second.stats.cache_hits.values()) == 1
    assert [path.suffix for path in files(tmp_path)] == [".nbc", ".nbi"]


DAMAGE = {
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "a bit": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"\x80" + path.read_bytes()[-8:]),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "gone": os.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", [0, 1])
def test_damage_is_compiled_away(damage, which, load, tmp_path):
    load()(4)
    DAMAGE[damage](files(tmp_path)[which])
    function, again = load(), load()
    assert function(5) == again(6) - 2 == 10
    assert sum(function.stats.cache_misses.values()) == sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_is_no_error(load, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ranvier.files.replacing._replacing", full)
    assert load()(4) == 8
    assert files(tmp_path) == []


def test_no_folder_is_no_error(load, monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    assert load()(4) == 8


@pytest.mark.parametrize("folder", ["/proc/nothing", "/dev/null/nothing"])
def test_a_folder_that_takes_nothing(folder):
    """Asked of Numba as a user does; it used to end in a traceback while our modules were imported."""
    code = "import ranvier.golden.compiled, ranvier.learners.eventprop_gradient; print('imported')"
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("imported\n", "")


def test_all_of_our_functions_are_kept():
    kept = [
        value
        for module in (compiled, reference, eventprop, eventprop_exact)
        for value in vars(module).values()
        if isinstance(getattr(getattr(value, "_cache", None), "_cache_file", None), SummedFiles)
    ]
    assert len(kept) >= 6

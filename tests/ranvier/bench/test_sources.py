"""The key of a run follows the code that decides its result, however far down it is imported, and no other code."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ranvier.bench.sources import closure
from ranvier.learners import LEARNERS

ROOT = Path(__file__).parents[3]

#: Prints the key of every learner on every data set as the files are, and again after each edit that comes on stdin.
SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path

from ranvier.bench import sources
from ranvier.bench.suite import Material, Run
from ranvier.data import yin_yang
from ranvier.learners import LEARNERS

Material.arithmetic = lambda material, config: "the same"
some = yin_yang(train=3, test=3)
materials = {name: Material.of(replace(some, name=name)) for name in ("yinyang", "yinyang60", "braille", "shd")}

def keys():
    sources.source_digest.cache_clear()
    return {
        f"{learner} {name}": Run(name, learner, "synaptic", "feedforward", 10, 0).key(material)
        for learner in LEARNERS
        for name, material in materials.items()
    }

before, changed = keys(), []
for path, old, new in json.loads(sys.stdin.read()):
    text = Path(path).read_text()
    assert text.count(old) == 1, (path, old, text.count(old))
    Path(path).write_text(text.replace(old, new))
    changed.append([name for name, key in keys().items() if key != before[name]])
    Path(path).write_text(text)
assert keys() == before
print(json.dumps(changed))
"""

DATA = ("yinyang", "yinyang60", "braille", "shd")
OFFLINE, ONLINE = ("eventprop", "bptt"), ("online", "online-float")

#: File, an edit of one constant, whose keys see it, on what data.
EDITS = [
    ("ranvier/recipes/yinyang.py", "epochs=25,", "epochs=26,", (*ONLINE, *OFFLINE), ("yinyang", "yinyang60")),
    ("ranvier/recipes/yinyang60.py", "beta=0.83", "beta=0.84", (*ONLINE, *OFFLINE), ("yinyang60",)),
    ("ranvier/recipes/braille.py", "batch=16", "batch=17", (*ONLINE, *OFFLINE), ("braille",)),
    ("ranvier/recipes/sparsity.py", "3.0, 0.0, 1.0, 1 / 8", "3.0, 0.1, 1.0, 1 / 8", (*ONLINE, *OFFLINE), DATA),
    ("ranvier/data/augmentation.py", "< 0.5", "< 0.6", (*ONLINE, *OFFLINE), DATA),
    ("golden/compiled.py", "range(steps, steps + c.lag)", "range(steps, steps + c.lag + 1)", (*ONLINE, *OFFLINE), DATA),
    ("ranvier/parameters/config.py", "lanes: int = 4", "lanes: int = 2", (*ONLINE, *OFFLINE), DATA),
    ("ranvier/learners/checkpoint.py", "1 << 30", "1 << 31", (*ONLINE, *OFFLINE), DATA),
    ("ranvier/learners/online.py", "2**32 - 2", "2**32 - 3", ONLINE, DATA),
    ("ranvier/quantisation/widen.py", "LOST = 0.05", "LOST = 0.06", (*ONLINE, *OFFLINE), DATA),
    ("ranvier/learners/offline.py", "0.9, 0.999, 1e-8", "0.9, 0.99, 1e-8", OFFLINE, DATA),
    ("ranvier/learners/bptt.py", "SHARP = 0.2", "SHARP = 0.3", ("bptt",), DATA),
    ("ranvier/learners/bptt.py", '{"sigma": 0.0}', '{"sigma": 0.1}', ("bptt",), DATA),
    (
        "ranvier/learners/eventprop_gradient.py",
        "least_slope: float = 0.1",
        "least_slope: float = 0.2",
        ("eventprop",),
        DATA,
    ),
    ("ranvier/learners/eventprop_continuous.py", "LIMIT = 100_000", "LIMIT = 100_001", (), ()),
    ("ranvier/learners/online.py", "#: Distinguishes the seeds of", "#: Distinguishes all seeds of", (), ()),
    ("ranvier/learners/bptt.py", "Lengths of Fourier", "All lengths of Fourier", (), ()),
    ("ranvier/learners/offline.py", '"""Training offline', '"""All training offline', (), ()),
    ("ranvier/plot/page.py", "LONG = 36", "LONG = 37", (), ()),
    ("ranvier/__init__.py", "__version__ =", "version = __version__ =", (), ()),
    ("hw/core.py", "class Core(", "ONE = 1\n\n\nclass Core(", (), ()),
    ("sim/device.py", "class SimulatedCore(", "ONE = 1\n\n\nclass SimulatedCore(", (), ()),
]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Keys that each edit changed, in a copy of the sources."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("ranvier", "golden", "hw", "sim", "firmware"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    edits = json.dumps([edit[:3] for edit in EDITS])
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=copy, input=edits, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_edit_changes_exactly_one_place() -> None:
    counts = {(path, old): (ROOT / path).read_text().count(old) for path, old, *_ in EDITS}
    assert counts == dict.fromkeys(counts, 1)


@pytest.mark.parametrize("number", range(len(EDITS)), ids=[f"{path}, {new}" for path, _, new, *_ in EDITS])
def test_keys_follow_what_is_imported(number: int, changed: list[list[str]]) -> None:
    *_, learners, data = EDITS[number]
    assert set(changed[number]) == {f"{learner} {name}" for learner in learners for name in data}


def test_what_is_in_a_closure() -> None:
    for name, learner in LEARNERS.items():
        found = closure(*learner.modules)
        assert {"ranvier.golden.compiled", "ranvier.parameters.config", "ranvier.learners.training"} <= set(found), name
        assert all(path.suffix == ".py" for path in found.values())
        others = [module for module in found if module.startswith(("ranvier.hw", "ranvier.sim", "ranvier.bench"))]
        assert not others
        assert "ranvier" not in found
        assert set(learner.modules) <= set(found)
    assert closure("ranvier.no.such.module") == {}


def test_nothing_below_imports_the_package_as_a_whole() -> None:
    """`ranvier/__init__.py` gathers what stands below it, and must not be gathered by it."""
    top = {"__init__.py", "__main__.py", "cli.py"}
    for path in ROOT.glob("ranvier/**/*.py"):
        if path.relative_to(ROOT / "ranvier").as_posix() not in top:
            lines = [line.strip() for line in path.read_text().splitlines()]
            assert "import ranvier" not in lines, path

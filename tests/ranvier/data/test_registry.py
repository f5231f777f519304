"""A data set is two files: what docs/adding.md says is done to the letter, and everything else follows from it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ranvier
from ranvier.bench import SUITES
from ranvier.data import DataError, open_dataset, registry
from ranvier.data.published import PUBLISHED
from ranvier.data.registry import DATASETS, NamedDataset, option_table, table
from ranvier.learners import LEARNERS
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.presets import PRESETS, preset
from ranvier.recipes import RECIPES_OF, RULES_OF, register

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "adding.md").read_text()


# -------------------------------------------------------------------- what is registered


def test_every_data_set_has_both_files() -> None:
    assert DATASETS.keys() == RECIPES_OF["online"].keys() >= {"braille", "shd", "ssc", "yinyang", "yinyang60"}
    for name in DATASETS:
        assert (ROOT / "ranvier" / "data" / f"{name}.py").exists()
        assert (ROOT / "ranvier" / "recipes" / f"{name}.py").exists()
    assert set(PRESETS) == {"test", "ice40", *DATASETS}
    assert {"braille", "shd", "yinyang", "yinyang60"} <= set(SUITES) <= set(DATASETS)
    assert {name: dataset.published for name, dataset in DATASETS.items() if dataset.published} == PUBLISHED


def test_recipes_are_those_of_learners() -> None:
    names = {learner.recipes for learner in LEARNERS.values()}
    assert set(RECIPES_OF) == names
    for learner, rules in RULES_OF.items():
        assert set(rules) <= set(RECIPES_OF[learner])


def test_presets_have_the_classes_of_their_data() -> None:
    for name, dataset in DATASETS.items():
        assert preset(name).outputs == dataset.classes, name
        if dataset.generated:
            data = open_dataset(name)
            assert (data.name, len(data.classes)) == (name, dataset.classes)
            assert f"{len(data.train):,} / {len(data.test):,}" == dataset.samples
            data.check(preset(name))


def test_a_name_is_registered_once() -> None:
    with pytest.raises(DataError, match="two data sets are called 'shd'"):
        registry.register(DATASETS["shd"])
    with pytest.raises(ConfigError, match="two presets are called 'test'"):
        register("test", why="", core=CoreConfig(inputs=1, neurons=1, outputs=2), recipes={})


def test_what_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError) as error:
        ranvier.learner("replay")
    assert str(error.value) == "unknown learner 'replay': choose one of online, eventprop, bptt, online-float"
    with pytest.raises(ConfigError, match="the learner eventprop trains in float: leave out the device"):
        ranvier.learner("eventprop", "sim")
    with pytest.raises(ConfigError, match="unknown kind of delays 'long': choose one of none, fixed"):
        ranvier.learner("online").train(preset("yinyang"), ranvier.yin_yang(train=5, test=5), delays="long")
    with pytest.raises(ConfigError, match=f"there is no recipe for ssc, only for {', '.join(RECIPES_OF['eventprop'])}"):
        ranvier.learner("eventprop").core_and_recipe(preset("ssc"), "ssc")


# -------------------------------------------------------------------- the documents


def tables(text: str) -> list[list[str]]:
    """Tables of a page, line by line."""
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.M)]


def test_tables_of_the_page() -> None:
    """`ranvier.data.registry` prints what is in docs/data.md."""
    found = tables((ROOT / "docs" / "data.md").read_text())
    for expected in (table(), option_table("braille"), option_table("shd", "ssc")):
        assert expected in found, "\n".join(expected)


def test_a_table_that_lacks_a_data_set_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = NamedDataset(spelled="more:PATH", load=open_dataset, what="more", classes=2, samples="1 / 1")
    monkeypatch.setitem(DATASETS, "more", extra)
    with pytest.raises(AssertionError):
        test_tables_of_the_page()


# -------------------------------------------------------------------- following docs/adding.md


FILES = dict(zip(("data", "recipes"), re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S), strict=True))
COMMANDS = re.search(r"^```\n(ranvier .*?)^```", PAGE, re.M | re.S)[1].splitlines()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the two files in it; what lies beside it is that of this clone, compiled code too."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "ranvier", folder / "ranvier")
    for name in ("golden", "hw", "sim", "firmware", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    for part, text in FILES.items():
        (folder / "ranvier" / part / "toy.py").write_text(text)
    return folder


def run(copy: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_of_the_page(copy: Path) -> None:
    assert len(COMMANDS) == 3
    for line in COMMANDS:
        words = line.split()[1:]
        out = run(copy, "-m", "ranvier", *words, "--json")
        values = json.loads(out)
        if words[0] == "train":
            last = values["epochs"][-1]
            assert values["accuracy"] > 0.8, line
            assert last["accuracy_while_learning"] > 0.6, line
        else:
            assert {row["delays"] for row in values["accuracy"]} == {"none", "fixed", "axonal", "synaptic", "zero"}
            assert max(row["golden_accuracy"]["mean"] for row in values["accuracy"]) > 0.8


def test_help_and_tables_name_it(copy: Path) -> None:
    assert "toy" in run(copy, "-m", "ranvier", "train", "--help").split("--data DATA")[2].split("--")[0]
    assert re.search(r"--suite \{.*\btoy\b.*\}", run(copy, "-m", "ranvier", "bench", "--help"))
    script = (
        "import ranvier; from ranvier.data.registry import table; print(*table(), ranvier.preset('toy'), sep='\\n')"
    )
    lines = run(copy, "-c", script).splitlines()
    assert "| `toy` | Two inputs, of which one spikes first | 2 | 300 / 100 | computed | |" in lines
    assert "neurons=8" in lines[-1]
    done = subprocess.run(
        [sys.executable, "-m", "ranvier", "train", "--data", "toy", "--learner", "bptt"],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "there is no recipe for toy" in done.stderr or "torch is missing" in done.stderr

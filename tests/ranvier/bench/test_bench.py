"""A small bench from end to end: tables, pictures and networks; finished runs are not repeated, stopped ones go on."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ranvier.bench
from ranvier.bench import Material, Report, Run, Selection, Stopped, run_suite
from ranvier.bench.executor import execute
from ranvier.bench.suite import Setting
from ranvier.cli import main
from ranvier.data import yin_yang
from ranvier.learners import LEARNERS, OfflineLearner, OnlineLearner
from ranvier.learners.offline import Gradient
from ranvier.parameters.config import ConfigError
from ranvier.plot import charts
from ranvier.recipes import RECIPES, RECIPES_OF, VARIANTS, OfflineRecipe

OPTIONS: dict[str, Any] = {"seeds": 2, "epochs": 1, "jobs": 1}
SMALL = Selection(neurons=[30], wiring=["feedforward"])
LINE = "bench --suite yinyang --learner online --neurons 30 --wiring feedforward --epochs 1 --jobs 1"


def line(*options: str, seeds: int = 2) -> list[str]:
    """Arguments of a short run."""
    return [*LINE.split(), "--seeds", str(seeds), *options]


class Drift:
    """An offline learner that pushes every weight up, so that something changes."""

    def __init__(self, *_: object):
        pass

    def gradient(self, network, samples, labels, done):
        down, still = -np.ones_like(network.weight), np.ones_like(network.delay)
        return Gradient(down, still, np.zeros_like(network.readout), 1.0, correct=0, spikes=0)


def count(monkeypatch: pytest.MonkeyPatch, limit: float = float("inf")) -> list[str]:
    """Notes every experiment that is done; one beyond `limit` is interrupted."""
    done: list[str] = []

    def counted(experiments, *args, **kwargs):
        for key, result in execute(experiments, *args, **kwargs):
            if len(done) >= limit:
                raise KeyboardInterrupt
            done.append(key)
            yield key, result

    monkeypatch.setattr(ranvier.bench, "execute", counted)
    return done


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty samples."""
    monkeypatch.setattr(Material, "open", lambda text, samples=None: Material.of(yin_yang(train=30, test=30)))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures: they take longer than the runs."""
    monkeypatch.setattr(ranvier.bench.report, "find_spec", lambda name: None)


@dataclass(frozen=True)
class Quick:
    """What a bench left."""

    folder: Path
    report: Report
    values: dict[str, Any]
    html: str


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    """Two seeds of every kind of delays, online and offline."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES_OF, "drift", {"yinyang": OfflineRecipe(**RECIPE)})
        patch.setitem(LEARNERS, "drift", OfflineLearner("drift", "drift offline", Drift))
        patch.setattr(Material, "open", lambda text, samples=None: Material.of(yin_yang(train=30, test=30)))
        report = run_suite(
            "yinyang",
            "yinyang",
            replace(SMALL, learner=["online", "drift"]),
            devices=["golden:plain", "golden"],
            out=folder,
            **OPTIONS,
        )
        yield Quick(
            folder, report, json.loads((folder / "report.json").read_text()), (folder / "report.html").read_text()
        )


RECIPE: dict[str, Any] = {
    "epochs": 1, "batch": 15, "eta_weight": 0.1, "eta_delay": 1.0, "eta_readout": 0.0, "alpha": 0.95, "kappa": 0.9,
    "weight_mean": 1.0, "weight_std": 0.5, "readout_std": 0.25,
}  # fmt: skip


def test_rows(quick):
    rows = {(row["learner"], row["delays"]): row for row in quick.values["accuracy"]}
    assert list(rows) == [(learner, delays) for learner in ("online", "drift") for delays in VARIANTS]
    for (learner, delays), row in rows.items():
        runs = [run for run in quick.values["runs"] if (run["learner"], run["delays"]) == (learner, delays)]
        assert [run["seed"] for run in runs] == row["seeds"] == [0, 1]
        golden = [run["golden_accuracy"] for run in runs]
        assert row["golden_accuracy"]["each"] == golden
        assert row["golden_accuracy"]["mean"] == pytest.approx(np.mean(golden))
        assert row["golden_accuracy"]["std"] == pytest.approx(np.std(golden, ddof=1))
        assert (row["float_accuracy"] is None) == (learner == "online") == (row["loss"] is None)
        assert (row["learning_cycles_per_sample"] is None) == (learner == "drift")
        assert (row["delays_moved"] is None) == (delays == "none")
        assert row["cycles_per_sample"] > 0
        if learner == "drift":
            assert row["loss"]["each"] == [run["float_accuracy"] - run["golden_accuracy"] for run in runs]
    online, drift = rows["online", "synaptic"], rows["drift", "synaptic"]
    assert drift["delays_moved"] > 1
    assert rows["drift", "fixed"]["delays_moved"] == 0
    assert online["memory_bits"] > drift["memory_bits"], "a core that does not learn needs less"
    assert online["parameters"] == drift["parameters"]


def test_differences(quick):
    rows = quick.values["differences"]
    assert [(row["learner"], row["control"], row["arithmetic"]) for row in rows] == [
        ("online", "fixed", "golden"), ("online", "none", "golden"),
        ("drift", "fixed", "golden"), ("drift", "fixed", "float"), ("drift", "none", "golden"), ("drift", "none", "float"),
    ]  # fmt: skip
    each = {
        row["delays"]: row["golden_accuracy"]["each"] for row in quick.values["accuracy"] if row["learner"] == "online"
    }
    assert rows[0]["mean"] == pytest.approx(np.mean(np.subtract(each["synaptic"], each["fixed"])))
    assert rows[0]["pairs"] == 2


def test_devices(quick):
    plain, compiled = quick.report.speed
    assert plain["against_plain"] == 1.0
    assert compiled["against_plain"] > 20
    (pair,) = quick.report.agreement
    assert (pair["reference"], pair["device"], pair["samples"], pair["mismatches"]) == ("golden:plain", "golden", 60, 0)
    assert pair["compared"] > 1000


def test_markdown(quick):
    text = (quick.folder / "report.md").read_text()
    assert text.count("| online three-factor | feedforward | 30 |") == 2 * len(VARIANTS) + 2
    titles = re.findall(r"^## (.*)", text, re.M)
    assert len(titles) == 5
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "golden, %" in text
    assert "cycles / sample, formula" in text


class Page(HTMLParser):
    """Notes what a page asks for from elsewhere, and its tags."""

    def __init__(self, text: str):
        super().__init__()
        self.asked: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "xlink:href")
        self.asked += [f"{tag} {value}" for name, value in attrs if name in names and value and value[0] != "#"]


def test_page_is_self_contained(quick):
    page = Page(quick.html)
    assert page.asked == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "@import" not in quick.html
    assert page.tags.count("svg") == 4
    assert page.tags.count("table") == 5
    for name, text in quick.report.summary()["about"].items():
        assert f"<dt>{name}</dt>" in quick.html
        assert text in quick.html


def test_axes_have_units(quick, monkeypatch):
    monkeypatch.setitem(charts.SETTINGS, "svg.fonttype", "none")
    pictures = quick.report.figures()
    expected = [
        {"parameters (count)", "golden test accuracy (%)", "drift offline", "random, fixed"},
        {"epochs (count)", "test accuracy (%)", "online three-factor (golden)", "drift offline (float)"},
        {"delay (steps)", "delays (%)", "before", "after"},
        {"time (steps)", "input (unit)", "hidden (neuron)"},
    ]
    for (title, caption, svg), words in zip(pictures, expected, strict=True):
        assert not {word for word in words if word not in svg}, title
        assert caption


def test_networks_can_be_evaluated(quick, monkeypatch, capsys):
    monkeypatch.setattr("ranvier.data.open_dataset", lambda text: yin_yang(train=30, test=30))
    for run in quick.values["runs"][:12:4]:
        assert main(["eval", "--json", str(quick.folder / run["network"]), "--data", "yinyang"]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == run["golden_accuracy"]
    drifted = [run for run in quick.values["runs"] if run["learner"] == "drift"]
    assert all((quick.folder / run["float_network"]).exists() for run in drifted)


def test_finished_runs_are_not_repeated(plain, tmp_path, monkeypatch, capsys):
    done = count(monkeypatch)
    options = ["--delays", "none", "--delays", "fixed", "--out", str(tmp_path)]
    assert main(line(*options, "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    assert len(done) == 4
    assert main(line(*options, "--json")) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert len(done) == 4, "a finished run was repeated"
    assert main(line(*options, seeds=1)) == 0
    assert len(done) == 4, "a subset needs no new run"
    (tmp_path / first["runs"][0]["network"]).unlink()
    assert main(line(*options, seeds=3)) == 0
    assert len(done) == 4 + 1 + 2, "a lost network and another seed"
    monkeypatch.setitem(RECIPES, "yinyang", RECIPES["yinyang"].replace(decay=0.5))
    assert main(line(*options)) == 0
    assert len(done) == 7 + 4, "a changed recipe is another result"
    assert not list(tmp_path.rglob("*.tmp"))


def test_interrupted_bench_goes_on(plain, tmp_path, monkeypatch, capsys):
    options = line("--delays", "none", "--delays", "fixed", "--out", str(tmp_path))
    done = count(monkeypatch, limit=3)
    assert main(options) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"ranvier: interrupted: 3 of 4 runs are finished and kept in {tmp_path}: the same command goes on\n"
    assert not (tmp_path / "report.html").exists()
    rest = count(monkeypatch)
    assert main(options) == 0
    assert (len(done), len(rest)) == (3, 1)
    assert issubclass(Stopped, KeyboardInterrupt)


def test_damaged_run_is_named(plain, tmp_path, capsys):
    options = line("--delays", "none", "--out", str(tmp_path), seeds=1)
    assert main(options) == 0
    (path,) = (tmp_path / "runs").iterdir()
    path.write_text('{"row"')
    capsys.readouterr()
    assert main(options) == 2
    assert capsys.readouterr().err == f"ranvier: {path}: not a finished run: remove it, and it is repeated\n"


WRONG = {
    "an accuracy that is not a number": (("row", "golden_accuracy"), float("nan"), "golden_accuracy is nan"),
    "an accuracy beyond 1": (("row", "golden_accuracy"), 57, "golden_accuracy is 57"),
    "an accuracy of text": (("row", "golden_accuracy"), "0.5", "golden_accuracy is 0.5"),
    "a truth for a number": (("row", "silent"), True, "silent is True"),
    "no accuracy": (("row", "float_accuracy"), ..., "float_accuracy is missing"),
    "an infinite count": (("row", "memory_bits"), float("inf"), "memory_bits is inf"),
    "another number of epochs": (("row", "curve"), [0.5, 0.5], "curve has 2 epochs, not 1"),
    "a curve of nothing": (("row", "curve"), None, "curve is None"),
    "a curve with a gap": (("row", "curve"), [None], "curve is [None]"),
    "a histogram without edges": (("row", "histogram"), {"before": [1], "after": [1]}, "histogram is {"),
    "no histogram": (("row", "histogram"), None, "histogram is None"),
    "counters in a list": (("row", "saturated"), [], "saturated is []"),
    "a warning that is none": (("row", "warnings"), [7], "warnings is [7]"),
    "somebody else's network": (("row", "network"), ["networks/other.npz"], "network is none of its files"),
    "a row of nothing": (("row",), [], "not a finished run"),
    "files of numbers": (("files",), [3], "not a finished run"),
    "files elsewhere": (("files",), ["networks/../../secret"], "not a finished run"),
    "a name with a null": (("files",), ["networks/\0"], "not a finished run"),
    "a number of 5,000 digits": ((), '{"row": ' + "9" * 5000 + "}", "not a finished run"),
    "5,000 brackets": ((), "[" * 5000, "not a finished run"),
    "bytes": ((), b"\xff\xfe", "not a finished run"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path, str]:
    """A command, the file of its one run, and what is in it."""
    folder = tmp_path_factory.mktemp("finished")
    options = line("--delays", "synaptic", "--out", str(folder), seeds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Material, "open", lambda text, samples=None: Material.of(yin_yang(train=30, test=30)))
        patch.setattr(ranvier.bench.report, "find_spec", lambda name: None)
        assert main(options) == 0
    (path,) = (folder / "runs").iterdir()
    return options, path, path.read_text()


@pytest.mark.parametrize("kind", WRONG)
def test_damaged_results_end_in_one_line(kind, finished, plain, capsys):
    options, path, text = finished
    (where, value, reason), content = WRONG[kind], json.loads(text)
    if where:
        *above, last = where
        inner = content[above[0]] if above else content
        inner[last] = value
        if value is ...:
            del inner[last]
        value = json.dumps(content)
    path.write_bytes(value.encode() if isinstance(value, str) else value)
    capsys.readouterr()
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"ranvier: {path}: ")
    assert err.endswith("remove it, and it is repeated\n")
    assert reason in err
    path.write_text(text)
    assert main(options) == 0


def test_result_that_is_no_number_is_not_kept(plain, tmp_path, monkeypatch, capsys):
    """Such as of a data set without test samples."""
    train = Run.result

    def lost(run, material):
        result = train(run, material)
        return replace(result, values=result.values | {"golden_accuracy": float("nan")})

    monkeypatch.setattr(Run, "result", lost)
    assert main(line("--delays", "none", "--out", str(tmp_path), "--json", seeds=1)) == 1
    values = json.loads(capsys.readouterr().out)
    assert (values["failures"], values["runs"]) == (1, [])
    assert values["notes"][0] == "online-none-feedforward-30-seed0 failed: golden_accuracy is nan"
    assert not list((tmp_path / "runs").iterdir())


def test_failed_run_is_reported(plain, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(OnlineLearner, "train", failing := Failing())
    assert main(line("--delays", "none", "--out", str(tmp_path), "--json")) == 1
    values = json.loads(capsys.readouterr().out)
    assert failing.calls == values["failures"] == 2
    assert values["notes"][0] == "online-none-feedforward-30-seed0 failed: weight ran away"
    assert values["runs"] == []


class Failing:
    calls = 0

    def __call__(self, *_: object, **__: object) -> None:
        self.calls += 1
        raise ConfigError("weight ran away")


def test_learner_that_is_missing_is_left_out_unless_it_is_named(plain, tmp_path, monkeypatch):
    missing = OfflineLearner("bptt", "BPTT", Drift, needs={"no_such_torch": "offline"})
    monkeypatch.setitem(LEARNERS, "bptt", missing)
    monkeypatch.setattr(ranvier.bench.selection, "SUITE_LEARNERS", ("online", "bptt"))
    report = run_suite("yinyang", "yinyang", replace(SMALL, delays=["none"]), out=tmp_path, **OPTIONS)
    assert report.notes == ["bptt was left out: no_such_torch is missing: install ranvier[offline]"]
    assert {run.learner for run, _ in report.finished} == {"online"}
    with pytest.raises(ConfigError, match=r"install ranvier\[offline\]"):
        run_suite("yinyang", "yinyang", replace(SMALL, learner=["bptt"]), out=tmp_path, **OPTIONS)


def test_without_scipy_nothing_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    assert main(line("--out", str(tmp_path / "out"))) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.endswith("install ranvier[bench]\n")
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_there_are_tables(quick, plain):
    html = quick.report.html()
    assert "no pictures: install ranvier[bench]" in html
    assert Page(html).tags.count("table") == 5
    assert "svg" not in Page(html).tags


def test_rows_are_named_after_runs():
    run = Run("yinyang", "online", "none", "recurrent", 30, 4)
    assert str(run) == "online-none-recurrent-30-seed4"
    assert run.setting() == Setting("online", "recurrent", 30, "none")
    sparse = replace(run, connectivity=0.05, structure="rewired")
    assert str(sparse) == "online-none-recurrent-30-0.05-rewired-seed4"
    assert sparse.setting() == Setting("online", "recurrent", 30, "none", 0.05, "rewired")


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Two seeds of dense and sparse networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Material, "open", lambda text, samples=None: Material.of(yin_yang(train=30, test=30)))
        rows = replace(SMALL, learner=["online"], delays=["none", "synaptic"], connectivity=[1.0, 0.2])
        return run_suite("yinyang", "yinyang", rows, out=tmp_path_factory.mktemp("sparse"), **OPTIONS)


def test_sparse_rows(sparse):
    rows = {(row["connectivity"], row["structure"], row["delays"]): row for row in sparse.accuracy()}
    kinds = [(1.0, "static"), (0.2, "static"), (0.2, "rewired")]
    assert set(rows) == {(*kind, delays) for kind in kinds for delays in ("none", "synaptic")}
    for (level, structure, delays), row in rows.items():
        assert row["synapses"] == 150 * level
        assert row["parameters"] == row["synapses"] * (1 + (delays == "synaptic")) + 90
        assert (row["formed"] or 0) > 10 if structure == "rewired" else not row["formed"]


def test_what_rewiring_is_worth(sparse):
    found = [row for row in sparse.summary()["differences"] if row["control"] == "static"]
    assert {row["delays"] for row in found} == {"none", "synaptic"}
    each = {
        row["structure"]: row["golden_accuracy"]["each"]
        for row in sparse.accuracy()
        if (row["delays"], row["connectivity"]) == ("none", 0.2)
    }
    (none,) = [row for row in found if row["delays"] == "none"]
    assert none["mean"] == pytest.approx(np.mean(np.subtract(each["rewired"], each["static"])))
    assert none["pairs"] == 2


def test_table_of_connectivity(sparse):
    text = sparse.markdown()
    title = "## Golden test accuracy (%) against connectivity: online three-factor, 30 feedforward neurons"
    head, _, dense, thin = text[text.index(title) :].splitlines()[2:6]
    assert head.count("static") == head.count("rewired") == 2
    assert dense.startswith("| 100% | 150 |")
    assert dense.count("–") == 3
    assert thin.startswith("| 20% | 30 |")
    assert thin.count("±") == 4
    assert "| online three-factor | feedforward | 30 | 20%, rewired | none, weights only |" in text
    assert "| online three-factor | feedforward | 30 | 100% | none, weights only |" in text


def test_pictures_of_sparse_networks(sparse, monkeypatch):
    monkeypatch.setitem(charts.SETTINGS, "svg.fonttype", "none")
    pictures = {title: svg for title, _, svg in sparse.figures()}
    assert "Learning curves, 30 feedforward neurons" in pictures
    for word in ("active synapses (% of the possible)", "golden test accuracy (%)", "(rewired)", "(static)"):
        assert word in pictures["Accuracy against connectivity"]
    thin = replace(sparse, finished=[(run, row) for run, row in sparse.finished if run.structure == "rewired"])
    titles = [title for title, _, _ in thin.figures()]
    assert titles[:2] == [
        "Accuracy against connectivity",
        "Learning curves, 30 feedforward neurons, 20% of the synapses, rewired",
    ]

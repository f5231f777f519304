"""The bench: what decides a result decides its key, finished runs are not repeated, and the tables hold every row."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ranvier.bench import ARITHMETICS, VARIANTS, Bench, Run, bench
from ranvier.cli import main
from ranvier.recipes import RECIPES

RUN = Run("yinyang", "synaptic", "golden", seed=0, epochs=1, samples=30)


@pytest.mark.parametrize(
    "changes",
    [
        {"delays": "fixed"},
        {"delays": "synaptic from 0"},
        {"device": "float64"},
        {"seed": 1},
        {"epochs": 2},
        {"samples": 31},
    ],
    ids=str,
)
def test_key_follows_the_settings(changes: dict[str, object]) -> None:
    assert RUN.key() == RUN.key() != replace(RUN, **changes).key()  # type: ignore[arg-type]


def test_key_follows_the_recipe_and_the_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    from ranvier.golden.compiled import CompiledCore

    key = RUN.key()
    with monkeypatch.context() as patch:
        patch.setitem(RECIPES, "yinyang", RECIPES["yinyang"].replace(decay=0.5))
        assert RUN.key() != key
    network = CompiledCore.network
    monkeypatch.setattr(CompiledCore, "network", lambda self: (n := network(self)).replace(weight=n.weight ^ 1))
    assert RUN.key() != key


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bench]:
    """Two seeds of everything on 30 samples."""
    cache = tmp_path_factory.mktemp("bench") / "cache.json"
    return cache, bench(["yinyang"], seeds=2, epochs=1, samples=30, devices=("golden:plain", "golden"), cache=cache)


def test_tables(quick: tuple[Path, Bench]) -> None:
    _, result = quick
    assert [(row["device"], row["delays"]) for row in result.accuracy] == [
        (a, d) for a in ARITHMETICS for d in VARIANTS
    ]
    for row in result.accuracy:
        assert len(row["runs"]) == 2
        assert row["mean"] == pytest.approx(sum(run["accuracy"] for run in row["runs"]) / 2)
        assert (row["delays_moved"] is None) == (row["delays"] == "none")
    plain, compiled = result.speed
    assert plain["against_plain"] == 1.0
    assert compiled["against_plain"] > 20
    (pair,) = result.agreement
    assert (pair["reference"], pair["device"], pair["samples"], pair["mismatches"]) == ("golden:plain", "golden", 60, 0)
    assert pair["compared"] > 1000
    text = result.markdown()
    assert text.count("| yinyang |") == len(result.accuracy) + len(result.speed) + 1
    assert "±" in text
    json.dumps(result.summary())


def test_finished_runs_are_not_repeated(quick: tuple[Path, Bench], capsys: pytest.CaptureFixture[str]) -> None:
    cache, result = quick
    before = cache.stat().st_mtime_ns
    options = ["--seeds", "2", "--epochs", "1", "--samples", "30", "--device", "golden", "--cache", str(cache)]
    out = cache.with_name("tables.md")
    assert main(["bench", "--json", *options, "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == result.summary()["accuracy"]
    assert cache.stat().st_mtime_ns == before
    assert out.read_text().startswith("| data | arithmetic |")
    assert json.loads(cache.read_text()).keys() >= {RUN.key()}
    assert main(["bench", *options[2:], "--seeds", "1"]) == 0
    assert cache.stat().st_mtime_ns == before, "a subset needs no new run"
    assert main(["bench", *options[2:], "--seeds", "3"]) == 0
    assert len(json.loads(cache.read_text())) == 3 * len(ARITHMETICS) * len(VARIANTS) + 1

"""Yin-Yang in continuous time: both losses learn, and learned delays move."""

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "examples" / "yin_yang_in_continuous_time.py"
SPEC = spec_from_file_location("yin_yang_in_continuous_time", PATH)
example = module_from_spec(SPEC)
sys.modules[SPEC.name] = example  # dataclasses look their module up
SPEC.loader.exec_module(example)


@pytest.mark.parametrize("loss", example.CONTINUOUS_RECIPES)
def test_learns_yin_yang(loss):
    recipe = replace(example.CONTINUOUS_RECIPES[loss], epochs=2, hidden=20)
    result = example.train(recipe, seed=0, samples=600, tests=150)
    print(f"{loss}: {result.accuracies}")
    assert result.accuracies[-1] > 0.6
    moved = result.network.delay - result.initial.delay
    assert abs(moved[result.network.exists]).mean() > 0.05
    assert not moved[~result.network.exists].any()
    assert 0 <= result.network.delay.min() <= result.network.delay.max() <= recipe.end


def test_repeats():
    recipe = replace(example.CONTINUOUS_RECIPES["first_spike"], epochs=1, hidden=5)
    one, two = (example.train(recipe, seed=3, samples=60, tests=20) for _ in range(2))
    np.testing.assert_array_equal(one.network.weight, two.network.weight)
    assert one.accuracies == two.accuracies


def test_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(PATH), "--epochs", "2", "--samples", "40", "--tests", "20"])
    example.main()
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["epoch 1", "epoch 2"]

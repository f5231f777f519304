"""Yin-Yang in continuous time: both losses learn, and learned delays move."""

from dataclasses import replace

import numpy as np
import pytest

from ranvier.learners.eventprop_exact import EXACT_RECIPES, fit_yin_yang


@pytest.mark.parametrize("loss", EXACT_RECIPES)
def test_learns_yin_yang(loss):
    recipe = replace(EXACT_RECIPES[loss], epochs=2, hidden=20)
    result = fit_yin_yang(recipe, seed=0, train=600, test=150)
    print(f"{loss}: {result.accuracies}")
    assert result.accuracies[-1] > 0.6
    moved = result.network.delay - result.initial.delay
    assert abs(moved[result.network.exists]).mean() > 0.05
    assert not moved[~result.network.exists].any()
    assert 0 <= result.network.delay.min() <= result.network.delay.max() <= recipe.end


def test_repeats():
    recipe = replace(EXACT_RECIPES["first_spike"], epochs=1, hidden=5)
    one, two = (fit_yin_yang(recipe, seed=3, train=60, test=20) for _ in range(2))
    np.testing.assert_array_equal(one.network.weight, two.network.weight)
    assert one.accuracies == two.accuracies

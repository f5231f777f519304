"""EventProp as a learner: it learns, the same twice, and what it learned is what the core runs."""

import numpy as np
import pytest

from ranvier.data import yin_yang
from ranvier.learners.eventprop import EventProp
from ranvier.learners.eventprop_gradient import EventRule
from ranvier.learners.offline import train_offline
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES_OF, RULES_OF

EVENTPROP_RECIPES, RULES = RECIPES_OF["eventprop"], RULES_OF["eventprop"]


def learned(delays, seed=0):
    config = preset("yinyang").replace(neurons=30, delays=delays)
    recipe = EVENTPROP_RECIPES["yinyang"].replace(epochs=2)
    start = recipe.draw(config, np.random.default_rng(seed))
    return train_offline(
        EventProp(config, EventRule(**RULES["yinyang"])), start, yin_yang(train=1200, test=200), recipe, seed
    )


@pytest.mark.parametrize(("delays", "least"), [("synaptic", 0.75), ("none", 0.5)])
def test_learns_yin_yang(delays, least):
    result = learned(delays)
    print(f"{delays}: {[round(epoch.tested, 3) for epoch in result.epochs]}")
    assert result.accuracy > least
    assert abs(result.network.weight - result.initial.weight).mean() > 0.02
    if delays != "none":
        assert abs(result.network.delay - result.initial.delay).mean() > 0.2


def test_repeats():
    one, two = learned("synaptic"), learned("synaptic")
    for name in ("weight", "delay", "readout"):
        np.testing.assert_array_equal(getattr(one.network, name), getattr(two.network, name))
    assert one.epochs == two.epochs


def test_every_recipe_has_a_rule():
    assert EVENTPROP_RECIPES.keys() == RULES.keys() >= {"yinyang", "yinyang60", "braille", "shd"}
    for name, recipe in EVENTPROP_RECIPES.items():
        assert EventRule(**RULES[name]) != EventRule()
        network = recipe.draw(preset(name), np.random.default_rng(0))
        assert network.weight.std() > 0

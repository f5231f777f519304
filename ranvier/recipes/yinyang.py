"""Yin-Yang on 30 steps: the demonstration that learns in a minute."""

from ranvier.parameters.config import CoreConfig
from ranvier.recipes.registry import register
from ranvier.recipes.schedule import OfflineRecipe, Recipe
from ranvier.recipes.suite import Suite

__all__ = ["BPTT", "EVENTPROP", "ONLINE", "RULE", "SUITE"]

ONLINE = Recipe(
    epochs=5,
    eta_weight=0.02,
    eta_delay=1.0,
    eta_axonal=1.0,
    eta_readout=0.01,
    decay=0.6,
    alpha=0.95,
    kappa=0.9,
    weight_mean=1.0,
    weight_std=0.5,
    readout_std=0.25,
)

EVENTPROP = OfflineRecipe(
    epochs=25,
    batch=32,
    eta_weight=0.005,
    eta_delay=0.1,
    eta_readout=0.01,
    decay=0.8,
    alpha=0.95,
    beta=0.7,
    kappa=0.9,
    weight_mean=0.3,
    weight_std=0.3,
    readout_std=0.25,
)

#: Arguments of the gradient rule of EventProp.
RULE = {"accumulated": True, "least_slope": 1.0, "most": 3.0, "pull": 0.1}

BPTT = OfflineRecipe(
    epochs=24,
    batch=100,
    eta_weight=0.01,
    eta_delay=0.5,
    eta_readout=0.01,
    decay=0.9,
    alpha=0.95,
    kappa=0.9,
    weight_mean=0.5,
    weight_std=0.5,
    readout_std=0.25,
)

SUITE = Suite(feedforward=(10, 30, 60), recurrent=(30,), shown=("feedforward", 30))

register(
    "yinyang",
    why="Yin-Yang (Kriener et al. 2021) with 60 feedforward neurons: the demonstration that learns in a minute.",
    core=CoreConfig(inputs=5, neurons=60, outputs=3, max_delay=30, lanes=4),
    recipes={"online": ONLINE, "eventprop": EVENTPROP, "bptt": BPTT},
    from_zero={"online": ONLINE.replace(delay_span=0.0, eta_delay=6.0)},  # delays have further to go
    rules={"eventprop": RULE},
    suite=SUITE,
)

"""Braille letters: real data in which timing matters."""

from ranvier.parameters.config import CoreConfig
from ranvier.recipes.registry import register
from ranvier.recipes.schedule import OfflineRecipe, Recipe
from ranvier.recipes.suite import Suite

ONLINE = Recipe(
    epochs=12,
    eta_weight=0.004,
    eta_delay=3.0,
    eta_axonal=0.1,
    eta_readout=0.004,
    decay=0.8,
    alpha=0.9,
    kappa=0.875,
    weight_mean=0.1,
    weight_std=0.3,
    readout_std=0.15,
)

EVENTPROP = OfflineRecipe(
    epochs=40,
    batch=16,
    eta_weight=0.01,
    eta_delay=0.2,
    eta_readout=0.01,
    decay=0.93,
    alpha=0.9,
    kappa=0.875,
    weight_mean=0.1,
    weight_std=0.3,
    readout_std=0.15,
)

BPTT = OfflineRecipe(
    epochs=20,
    batch=64,
    eta_weight=0.01,
    eta_delay=0.5,
    eta_readout=0.01,
    decay=0.95,
    alpha=0.9,
    kappa=0.875,
    weight_mean=0.1,
    weight_std=0.3,
    readout_std=0.15,
)

register(
    "braille",
    why=(
        "27 Braille letters from 12 taxels (24 ON/OFF channels), 64 feedforward neurons: real data in which timing matters."
    ),
    core=CoreConfig(inputs=24, neurons=64, outputs=27, max_delay=62, lanes=4),
    recipes={"online": ONLINE, "eventprop": EVENTPROP, "bptt": BPTT},
    from_zero={"online": ONLINE.replace(delay_span=0.0, eta_delay=24.0)},
    rules={"eventprop": {"least_slope": 0.3, "least": 0.2, "rescue": 0.1}},
    suite=Suite(feedforward=(16, 32, 64), recurrent=(32,), shown=("feedforward", 64)),
)

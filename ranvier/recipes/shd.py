"""Spiking Heidelberg Digits: many spikes, every step scored, recurrent neurons.

The online recipe was chosen on other recordings of the same layout, on 15 % of their training part; those of the offline
learners are guesses. None of them has been run on SHD itself.
"""

from ranvier.parameters.config import CoreConfig
from ranvier.recipes.registry import register
from ranvier.recipes.schedule import OfflineRecipe, Recipe
from ranvier.recipes.suite import Suite

__all__ = ["CORE", "ONLINE"]

#: The readout forgets slowly: all of a word counts.
ONLINE = Recipe(
    epochs=20,
    eta_weight=0.0002,
    eta_delay=0.5,
    eta_axonal=0.05,
    eta_readout=0.0001,
    decay=0.9,
    alpha=0.9,
    kappa=0.98,
    weight_mean=0.0,
    weight_std=0.1,
    recurrent_std=0.02,
    readout_std=0.02,
)

EVENTPROP = OfflineRecipe(
    epochs=50,
    batch=64,
    eta_weight=0.003,
    eta_delay=0.1,
    eta_readout=0.003,
    decay=0.95,
    alpha=0.95,
    kappa=0.95,
    weight_mean=0.03,
    weight_std=0.1,
    recurrent_std=0.05,
    readout_std=0.05,
)

BPTT = OfflineRecipe(
    epochs=40,
    batch=128,
    eta_weight=0.003,
    eta_delay=0.3,
    eta_readout=0.003,
    decay=0.95,
    alpha=0.95,
    kappa=0.95,
    weight_mean=0.02,
    weight_std=0.1,
    recurrent_std=0.03,
    readout_std=0.1,
)

CORE = CoreConfig(inputs=140, neurons=256, outputs=20, recurrent=True, max_delay=62, delays="axonal", lanes=4)

register(
    "shd",
    why=(
        "Spiking Heidelberg Digits binned to 140 channels, 256 recurrent neurons; axonal delays, because one trace history "
        "then serves all lanes and the memories stay within an ECP5-85F."
    ),
    core=CORE,
    recipes={"online": ONLINE, "eventprop": EVENTPROP, "bptt": BPTT},
    rules={"eventprop": {"least_slope": 0.3, "least": 0.2, "most": 20.0, "pull": 0.01, "rescue": 0.1}},
    suite=Suite(feedforward=(), recurrent=(64, 256), shown=("recurrent", 256)),
)

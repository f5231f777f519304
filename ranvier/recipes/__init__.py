"""Recipes: for each data set a core, initial networks, and the step sizes of each learner.

One file per data set, named after it, which registers itself. The other files define recipes and suites.
"""

from importlib import import_module
from pkgutil import iter_modules

from ranvier.recipes.registry import FROM_ZERO, RECIPES, RECIPES_OF, RULES_OF, SUITES, recipe_of, register
from ranvier.recipes.schedule import (
    DELAY_MODES,
    VARIANTS,
    DelayMode,
    Initialisation,
    OfflineRecipe,
    Recipe,
    Schedule,
    initial_network,
    with_delays,
)
from ranvier.recipes.sparsity import REWIRED, rewiring
from ranvier.recipes.suite import WIRINGS, Suite, Wiring

__all__ = [
    "DELAY_MODES",
    "FROM_ZERO",
    "RECIPES",
    "RECIPES_OF",
    "REWIRED",
    "RULES_OF",
    "SUITES",
    "VARIANTS",
    "WIRINGS",
    "DelayMode",
    "Initialisation",
    "OfflineRecipe",
    "Recipe",
    "Schedule",
    "Suite",
    "Wiring",
    "initial_network",
    "recipe_of",
    "register",
    "rewiring",
    "with_delays",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

"""Data sets by name: a suitable core, a recipe for every learner, and a suite of the bench.

A file ``ranvier/recipes/NAME.py`` calls `register`; importing `ranvier.recipes` imports every file of its folder.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.presets import PRESETS
from ranvier.recipes.schedule import Recipe, Schedule
from ranvier.recipes.suite import Suite

__all__ = ["FROM_ZERO", "RECIPES", "RECIPES_OF", "RULES_OF", "SUITES", "recipe_of", "register"]

#: Learner -> data set -> recipe.
RECIPES_OF: dict[str, dict[str, Any]] = defaultdict(dict)

#: Learner -> data set -> recipe for delays that are all 0 at first, where another `delay_span` is not enough.
FROM_ZERO_OF: dict[str, dict[str, Any]] = defaultdict(dict)

#: Learner -> data set -> arguments of its gradient rule that are not defaults.
RULES_OF: dict[str, dict[str, Any]] = defaultdict(dict)

#: Data set -> recipe of the online rule, and the same with all delays 0 at first, so that their whole effect on the accuracy
#: was learned.
RECIPES: dict[str, Recipe] = RECIPES_OF["online"]
FROM_ZERO: dict[str, Recipe] = FROM_ZERO_OF["online"]

#: Data set -> suite of the bench of the same name.
SUITES: dict[str, Suite] = {}


def register(
    name: str,
    *,
    why: str,
    core: CoreConfig,
    recipes: Mapping[str, Schedule],
    from_zero: Mapping[str, Schedule] | None = None,
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    suite: Suite | None = None,
) -> None:
    """Make a data set known to presets, learners and bench.

    Parameters
    ----------
    name : str
        Name of the data set, its preset and its suite.
    why : str
        Reason for the choices of the preset.
    core : CoreConfig
        The preset.
    recipes : mapping
        Learner -> recipe; learners that are left out refuse the data set.
    from_zero : mapping, optional
        Learner -> recipe for delays that are all 0 at first; by default the recipe with ``delay_span=0``.
    rules : mapping, optional
        Learner -> arguments of its gradient rule.
    suite : Suite, optional
        Networks that the bench trains.
    """
    if name in PRESETS:
        raise ConfigError(f"two presets are called {name!r}: give each a name of its own")
    PRESETS[name] = why, core
    for table, given in ((RECIPES_OF, recipes), (FROM_ZERO_OF, from_zero or {}), (RULES_OF, rules or {})):
        for learner, value in given.items():
            table[learner][name] = value
    if suite:
        SUITES[name] = suite


def recipe_of(learner: str, data: str, *, from_zero: bool = False) -> Any:
    """Recipe of a learner for a data set; if there is none, a `ConfigError` lists the data sets that have one."""
    known = RECIPES_OF[learner]
    if data not in known:
        raise ConfigError(f"there is no recipe for {data}, only for {', '.join(known)}")
    if not from_zero:
        return known[data]
    return FROM_ZERO_OF[learner].get(data, known[data].replace(delay_span=0.0))

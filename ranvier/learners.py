"""Every way to train a network for the core, by name: on the core's own arithmetic, or offline and then quantised."""

import ast
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import ranvier
import ranvier.golden
from ranvier.data.dataset import Dataset
from ranvier.device import open_device
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.network import Network
from ranvier.offline import Learner, OfflineRecipe, fit
from ranvier.quantise import Behaviour, quantise, quantised
from ranvier.recipes import FROM_ZERO, RECIPES, DelayMode, initial_network, with_delays
from ranvier.training import train
from ranvier.widen import widened

__all__ = ["LEARNERS", "VARIANTS", "Offline", "Online", "Trained", "Way"]

#: What becomes of the delays -> (delay mode, whether all of them are 0 at first).
VARIANTS: dict[str, tuple[DelayMode, bool]] = {
    "none": ("none", False),
    "fixed": ("fixed", False),
    "axonal": ("axonal", False),
    "synaptic": ("synaptic", False),
    "zero": ("synaptic", True),
}


@dataclass(frozen=True)
class Trained:
    """What a learner made.

    Parameters
    ----------
    initial, network : Network
        Before and after, for the core.
    real : FloatNetwork or None
        Before quantisation; None if it was learned on the core's arithmetic.
    curve : list of float
        Test accuracy after every epoch.
    arithmetic : str
        What `curve` was measured in: "golden" or "float".
    golden : Behaviour
        Of `network` on the core's arithmetic, on all test samples.
    float_accuracy : float or None
        Test accuracy in float64 before quantisation; None if nothing was quantised.
    saturated : dict
        Quantities that saturated: while learning, or in the test if the network was not learned on the core's arithmetic.
    warnings : list of str
        What went wrong on the way to the core.
    """

    initial: Network
    network: Network
    real: FloatNetwork | None
    curve: list[float]
    arithmetic: str
    golden: Behaviour
    float_accuracy: float | None
    saturated: dict[str, int]
    warnings: list[str]


class Way(ABC):
    """A way to train.

    Parameters
    ----------
    label : str
        For people.
    needs : dict
        Module that has to be there -> the optional extra that brings it ("" if it is a part of Ranvier).
    sources : tuple of str
        Patterns of the files in ranvier/ and golden/ that decide what is learned.
    """

    label: str
    needs: Mapping[str, str] = {}
    sources: tuple[str, ...]

    @abstractmethod
    def recipe(self, data: str, from_zero: bool) -> Any:
        """Recipe for a data set by its name, with all delays 0 at first if `from_zero`; `ConfigError` if there is none."""

    @abstractmethod
    def core(self, config: CoreConfig, recipe: Any) -> CoreConfig:
        """The core that a network of this learner needs."""

    @abstractmethod
    def train(self, config: CoreConfig, recipe: Any, dataset: Dataset, seed: int) -> Trained:
        """Learn; `KeyboardInterrupt` even if some epochs are finished."""

    def parts(self, config: CoreConfig, data: str, delays: str, epochs: int | None) -> tuple[CoreConfig, Any]:
        """Core and recipe for a kind of delays of `VARIANTS`."""
        mode, from_zero = VARIANTS[delays]
        recipe = self.recipe(data, from_zero)
        if epochs is not None:
            recipe = recipe.replace(epochs=epochs)
        config, recipe = with_delays(config, recipe, mode)
        return self.core(config, recipe), recipe

    def refusal(self, data: str) -> str | None:
        """Why it cannot learn a data set here, in a few words; None if it can."""
        for module, name in self.needs.items():
            if find_spec(module) is None:
                return f"{module} is missing" + (f": install ranvier[{name}]" if name else "")
        try:
            self.recipe(data, from_zero=False)
        except ConfigError as error:
            return str(error)
        return None

    def digest(self) -> str:
        """Changes with the code that decides what is learned, not with its comments."""
        folders = [Path(package.__path__[0]) for package in (ranvier, ranvier.golden)]
        files = {path for folder in folders for pattern in self.sources for path in folder.glob(pattern)}
        return hashlib.sha256("".join(_code(path) for path in sorted(files)).encode()).hexdigest()


@lru_cache
def _code(path: Path) -> str:
    """A source file without comments and docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


class Online(Way):
    """The three-factor rule, one sample at a time, on the core's arithmetic or the same rule in float64.

    Parameters
    ----------
    device : {"golden", "float64"}
        What learns.
    """

    sources = ("learners.py", "training.py", "recipes.py")

    def __init__(self, device: str):
        self.device = device
        self.arithmetic = {"golden": "golden", "float64": "float"}[device]
        self.label = "online three-factor" + (" in float64" if device == "float64" else "")

    def recipe(self, data: str, from_zero: bool) -> Any:
        """See `Way.recipe`."""
        recipe = _recipe(RECIPES, data)
        return FROM_ZERO.get(data, recipe.replace(delay_span=0.0)) if from_zero else recipe

    def core(self, config: CoreConfig, recipe: Any) -> CoreConfig:
        """A core that learns."""
        return config

    def train(self, config: CoreConfig, recipe: Any, dataset: Dataset, seed: int) -> Trained:
        """See `Way.train`."""
        with open_device(self.device, config) as device:
            learned = train(device, initial_network(config, recipe, seed), dataset, recipe, seed)
        if learned.interrupted:
            raise KeyboardInterrupt
        with open_device("golden", config) as device:
            device.load(learned.network)
            golden = Behaviour.of("golden", device, dataset)
        return Trained(
            initial=learned.initial,
            network=learned.network,
            real=None,
            curve=[epoch.test.accuracy for epoch in learned.epochs],
            arithmetic=self.arithmetic,
            golden=golden,
            float_accuracy=learned.accuracy if self.arithmetic == "float" else None,
            saturated={name: n for name, n in learned.counters.items() if name.endswith("saturated") and n},
            warnings=[],
        )


#: Configuration, recipe, name of the data set -> what `ranvier.offline.fit` takes.
Make = Callable[[CoreConfig, OfflineRecipe, str], Learner]


class Offline(Way):
    """A `ranvier.offline.Learner` in real numbers, quantised at the end for a core that needs no learning units.

    Its formats get as many integer bits as the network takes on training samples, see `ranvier.widen`.

    Parameters
    ----------
    label : str
        For people.
    module : str
        Where its ``RECIPES`` are, by data set.
    make : callable
        Configuration, recipe and name of the data set -> `ranvier.offline.Learner`.
    needs
        Of `Way`.
    sources : tuple of str
        Of `Way`, beside those that all offline learners share.
    """

    def __init__(self, label: str, module: str, make: Make, needs: Mapping[str, str], sources: tuple[str, ...]):
        self.label, self.module, self.make, self.needs = label, module, make, {module: "", **needs}
        self.sources = (
            "learners.py",
            "offline.py",
            "quantise.py",
            "widen.py",
            "float_network.py",
            "reference.py",
            *sources,
        )

    def recipe(self, data: str, from_zero: bool) -> Any:
        """See `Way.recipe`."""
        recipe = _recipe(import_module(self.module).RECIPES, data)
        return recipe.replace(delay_span=0.0) if from_zero else recipe

    def core(self, config: CoreConfig, recipe: Any) -> CoreConfig:
        """A core for inference only, with a filter of the synaptic current if the recipe has one."""
        return config.replace(learning=False, **({"synapse": "exponential"} if recipe.beta else {}))

    def train(self, config: CoreConfig, recipe: Any, dataset: Dataset, seed: int) -> Trained:
        """See `Way.train`."""
        learner = self.make(config, recipe, dataset.name)
        learned = fit(learner, recipe.draw(config, np.random.default_rng(seed)), dataset, recipe, seed)
        if learned.interrupted:
            raise KeyboardInterrupt
        core = widened(learned.network, dataset.train)
        result = quantise(learned.network, core, dataset=dataset)
        assert result.before, "there was data"
        assert result.after, "there was data"
        return Trained(
            initial=quantised(learned.initial, core),
            network=result.network,
            real=learned.network,
            curve=[epoch.tested for epoch in learned.epochs],
            arithmetic="float",
            golden=result.after,
            float_accuracy=result.before.accuracy,
            saturated=result.after.saturated,
            warnings=result.warnings(),
        )


def _recipe(recipes: Mapping[str, Any], data: str) -> Any:
    if data not in recipes:
        raise ConfigError(f"there is no recipe for {data}, only for {', '.join(recipes)}")
    return recipes[data]


def _eventprop(config: CoreConfig, recipe: OfflineRecipe, data: str) -> Learner:
    module = import_module("ranvier.eventprop")
    learner: Learner = module.EventProp(config, module.RULES[data])
    return learner


def _bptt(config: CoreConfig, recipe: OfflineRecipe, data: str) -> Learner:
    """Spikes are spread around their delays only where these learn."""
    module = import_module("ranvier.bptt")
    learns = config.delays != "none" and recipe.eta_delay
    learner: Learner = module.Bptt(**module.OPTIONS.get(data, {}) if learns else {"sigma": 0.0})
    return learner


#: Name on the command line -> how to train.
LEARNERS: dict[str, Way] = {
    "online": Online("golden"),
    "eventprop": Offline("EventProp", "ranvier.eventprop", _eventprop, {}, ("eventprop.py",)),
    "bptt": Offline("BPTT", "ranvier.bptt", _bptt, {"torch": "offline"}, ("bptt.py",)),
    "online-float": Online("float64"),
}

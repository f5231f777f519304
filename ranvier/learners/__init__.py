"""Every way to train a network for the core, by name: on the core's own arithmetic, or offline and then quantised."""

import ast
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
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
from ranvier.learners.offline import Fit, Learner, OfflineRecipe, fit
from ranvier.learners.online import Training, train
from ranvier.learners.validation import hold_out
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.quantisation.quantise import Behaviour, Quantisation, quantise, quantised
from ranvier.quantisation.widen import widened
from ranvier.recipes import FROM_ZERO, RECIPES, DelayMode, initial_network, rewiring, with_delays

__all__ = ["LEARNERS", "VARIANTS", "Offline", "Online", "Sparse", "Trained", "Way"]

#: What becomes of the delays -> (delay mode, whether all of them are 0 at first).
VARIANTS: dict[str, tuple[DelayMode, bool]] = {
    "none": ("none", False),
    "fixed": ("fixed", False),
    "axonal": ("axonal", False),
    "synaptic": ("synaptic", False),
    "zero": ("synaptic", True),
}


@dataclass(frozen=True)
class Sparse:
    """A share of the possible connections, drawn at random, instead of all of them.

    Parameters
    ----------
    connectivity : float
        The share.
    rewired : bool
        Whether they come and go (DEEP R) or stay where they are; then weights may change their sign.
    """

    connectivity: float
    rewired: bool = True


@dataclass(frozen=True)
class Trained:
    """What a learner made.

    Parameters
    ----------
    learned : Training or Fit
        Epoch by epoch.
    initial, network : Network
        Before and after, for the core.
    arithmetic : {"golden", "float"}
        Of `learned`.
    quantisation : Quantisation or None
        Of what an offline learner made.
    plasticity : DeepR or None
        What held or changed the connections of a sparse network.
    """

    learned: Training | Fit
    initial: Network
    network: Network
    arithmetic: str
    quantisation: Quantisation | None = None
    plasticity: DeepR | None = None

    @property
    def real(self) -> FloatNetwork | None:
        """Before quantisation; None if it was learned on the core's arithmetic."""
        return self.learned.network if isinstance(self.learned, Fit) else None

    @property
    def float_accuracy(self) -> float | None:
        """Test accuracy in float64; None if it was learned on the core's arithmetic."""
        return self.learned.accuracy if self.arithmetic == "float" else None

    @property
    def synapses(self) -> int | None:
        """Active synapses of a sparse network; None if all are."""
        return int(np.count_nonzero(self.plasticity.sign)) if self.plasticity else None

    def golden(self, dataset: Dataset) -> Behaviour:
        """What `network` does on the core's arithmetic with all test samples."""
        if self.quantisation and self.quantisation.after:
            return self.quantisation.after
        with open_device("golden", self.network.config) as device:
            device.load(self.network)
            return Behaviour.of("golden", device, dataset)

    @property
    def saturated(self) -> dict[str, int]:
        """Quantities that saturated: while learning, or in the test if it was not learned on the core's arithmetic."""
        if self.quantisation and self.quantisation.after:
            return self.quantisation.after.saturated
        return self.learned.saturated if isinstance(self.learned, Training) else {}

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        values = self.learned.summary()
        if self.plasticity:
            values |= {"synapses": self.synapses, "formed": self.plasticity.formed}
        return values | ({"quantisation": self.quantisation.summary()} if self.quantisation else {})

    def text(self) -> list[str]:
        """Lines for people, warnings aside."""
        learned = self.learned
        return [*learned.head(), *(learned.row(n) for n in range(len(learned.epochs))), *self.closing()]

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        lines = self.learned.closing()
        if self.plasticity:
            lines.append(f"{self.synapses:,} synapses are active, {self.plasticity.formed:,} were formed anew")
        if self.learned.interrupted:
            lines.append(f"interrupted after epoch {len(self.learned.epochs)}")
        return lines + (["", "quantised for the core", *self.quantisation.text()] if self.quantisation else [])


class Way(ABC):
    """A way to train.

    Parameters
    ----------
    label : str
        For people.
    needs : dict
        Module that has to be there -> the optional extra that brings it ("" if it is a part of Ranvier).
    sources : tuple of str
        Patterns of the files in ranvier/ and golden/ that decide what is learned, beside those that all ways share.
    """

    label: str
    needs: Mapping[str, str] = {}
    sources: tuple[str, ...]
    #: Fields of the core that may be different in a network to start from.
    indifferent: frozenset[str] = frozenset({"learning", "dormant", "lanes", "memory"})

    @abstractmethod
    def recipe(self, data: str, from_zero: bool) -> Any:
        """Recipe for a data set by its name, with all delays 0 at first if `from_zero`; `ConfigError` if there is none."""

    @abstractmethod
    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """The core that a network of this learner needs."""

    @abstractmethod
    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """How a sparse network is rewired that learns from so many samples."""

    @abstractmethod
    def _learn(
        self,
        config: CoreConfig,
        recipe: Any,
        dataset: Dataset,
        seed: int,
        start: Any,
        plasticity: DeepR | None,
        rewired: bool,
        **options: Any,
    ) -> Trained:
        """`train` with connections that `plasticity` draws, and changes if `rewired`; `options` are those of the loop."""

    def train(
        self,
        config: CoreConfig,
        recipe: Any,
        dataset: Dataset,
        seed: int,
        *,
        sparse: Sparse | None = None,
        start: Network | FloatNetwork | None = None,
        validation: float = 0.0,
        checkpoint: str | Path | None = None,
        report: Callable[[Any], None] | None = None,
        progress: bool = False,
    ) -> Trained:
        """Learn with core and recipe of `parts`; Ctrl-C ends it after the last finished epoch, if there is one.

        It starts from a random network, or from `start`; `validation` and what follows are those of
        `ranvier.learners.online.train` and `ranvier.learners.offline.fit`.
        """
        learned, _ = hold_out(dataset, validation, seed)
        plasticity = DeepR(config, self.rewiring(recipe, sparse, len(learned.train)), seed) if sparse else None
        return self._learn(
            config,
            recipe,
            dataset,
            seed,
            start,
            plasticity,
            bool(sparse and sparse.rewired),
            validation=validation,
            checkpoint=checkpoint,
            report=report,
            progress=progress,
        )

    def parts(
        self,
        config: CoreConfig,
        data: str,
        delays: str,
        epochs: int | None = None,
        sparse: Sparse | None = None,
        start: Network | FloatNetwork | None = None,
    ) -> tuple[CoreConfig, Any]:
        """Core and recipe for a kind of delays of `VARIANTS`; `ConfigError` if `start` is a network for another core."""
        mode, from_zero = VARIANTS[delays]
        recipe = self.recipe(data, from_zero)
        if epochs is not None:
            recipe = recipe.replace(epochs=epochs)
        if isinstance(start, FloatNetwork):
            recipe = recipe.replace(alpha=start.alpha, kappa=start.kappa, beta=start.beta)
        config, recipe = with_delays(config, recipe, mode)
        core = self.core(config, recipe, sparse)
        if start:
            self._check_start(start.config, core)
        return core, recipe

    def _check_start(self, there: CoreConfig, here: CoreConfig) -> None:
        for name in fields(CoreConfig):
            values = getattr(there, name.name), getattr(here, name.name)
            if name.name not in self.indifferent and values[0] != values[1]:
                raise ConfigError(
                    f"the network to start from has {name.name}={values[0]} but this training {name.name}={values[1]}: "
                    "leave out the options that say so, or start from another network"
                )

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
        patterns = ("learners.py", "validation.py", "deep_r.py", *self.sources)
        files = {path for folder in folders for pattern in patterns for path in folder.glob(pattern)}
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
    device : str
        What learns, as `ranvier.device.open_device` takes it.
    """

    sources = ("training.py", "recipes.py")

    def __init__(self, device: str):
        self.device, self.arithmetic = device, "float" if device == "float64" else "golden"
        self.label = "online three-factor" + (" in float64" if device == "float64" else "")

    def recipe(self, data: str, from_zero: bool) -> Any:
        """See `Way.recipe`."""
        recipe = _recipe(RECIPES, data)
        return FROM_ZERO.get(data, recipe.replace(delay_span=0.0)) if from_zero else recipe

    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """A core that learns, and leaves alone what is dormant."""
        return config.replace(dormant=config.dormant or bool(sparse))

    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """By the host, a few times per epoch."""
        return rewiring(sparse.connectivity, recipe.epochs, samples=samples)

    def _learn(
        self,
        config: CoreConfig,
        recipe: Any,
        dataset: Dataset,
        seed: int,
        start: Any,
        plasticity: DeepR | None,
        rewired: bool,
        **options: Any,
    ) -> Trained:
        network = initial_network(config, recipe, seed)
        if start:  # not with its own draws once more
            network = start.replace(config=config, seed=network.seed)
        network = _sparse(plasticity, network, start)
        changes = plasticity if rewired else None
        with open_device(self.device, config) as device:
            learned = train(device, network, dataset, recipe, seed, rewiring=changes, **options)
        return Trained(learned, learned.initial, learned.network, self.arithmetic, plasticity=plasticity)


#: Configuration, recipe, name of the data set -> what `ranvier.learners.offline.fit` takes.
Make = Callable[[CoreConfig, OfflineRecipe, str], Learner]


class Offline(Way):
    """A `ranvier.learners.offline.Learner` in real numbers, quantised at the end for a core that needs no learning units.

    Its formats get as many integer bits as the network takes on training samples, see `ranvier.quantisation.widen`.

    Parameters
    ----------
    label : str
        For people.
    module : str
        Where its ``RECIPES`` are, by data set.
    make : callable
        Configuration, recipe and name of the data set -> `ranvier.learners.offline.Learner`.
    needs
        Of `Way`.
    sources : tuple of str
        Of `Way`, beside those that all offline learners share.
    """

    indifferent = frozenset(field.name for field in fields(CoreConfig)) - {
        "inputs", "neurons", "outputs", "recurrent", "delays", "max_delay", "threshold", "reset",
    }  # fmt: skip

    def __init__(self, label: str, module: str, make: Make, needs: Mapping[str, str], sources: tuple[str, ...]):
        self.label, self.module, self.make, self.needs = label, module, make, {module: "", **needs}
        self.sources = ("offline.py", "quantise.py", "widen.py", "float_network.py", "reference.py", *sources)

    def recipe(self, data: str, from_zero: bool) -> Any:
        """See `Way.recipe`."""
        recipe = _recipe(import_module(self.module).RECIPES, data)
        return recipe.replace(delay_span=0.0) if from_zero else recipe

    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """A core for inference only, with a filter of the synaptic current if the recipe has one."""
        synapse = {"synapse": "exponential"} if recipe.beta else {}
        return config.replace(learning=False, dormant=False, **synapse)

    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """After every mini-batch."""
        return rewiring(sparse.connectivity, recipe.epochs, steps=recipe.steps(samples))

    def _learn(
        self,
        config: CoreConfig,
        recipe: Any,
        dataset: Dataset,
        seed: int,
        start: Any,
        plasticity: DeepR | None,
        rewired: bool,
        **options: Any,
    ) -> Trained:
        network = start.replace(config=config) if start else recipe.draw(config, np.random.default_rng(seed))
        network, change = _sparse(plasticity, network, start), None
        if plasticity:
            change = plasticity.step if rewired else plasticity.hold
        learner = self.make(config, recipe, dataset.name)
        learned = fit(learner, network, dataset, recipe, seed, after_step=change, plasticity=plasticity, **options)
        core = widened(learned.network, dataset.train)
        result = quantise(learned.network, core, dataset=dataset)
        return Trained(
            learned,
            quantised(learned.initial, core),
            result.network,
            "float",
            quantisation=result,
            plasticity=plasticity,
        )


def _sparse(plasticity: DeepR | None, network: Any, start: Any) -> Any:
    """The network with the connections that it is to have: its own, if it is the one to start from."""
    if not plasticity:
        return network
    return plasticity.adopt(network) if start else plasticity.start(network)


def _recipe(recipes: Mapping[str, Any], data: str) -> Any:
    if data not in recipes:
        raise ConfigError(f"there is no recipe for {data}, only for {', '.join(recipes)}")
    return recipes[data]


def _eventprop(config: CoreConfig, recipe: OfflineRecipe, data: str) -> Learner:
    module = import_module("ranvier.learners.eventprop")
    learner: Learner = module.EventProp(config, module.RULES[data])
    return learner


def _bptt(config: CoreConfig, recipe: OfflineRecipe, data: str) -> Learner:
    """Spikes are spread around their delays only where these learn."""
    module = import_module("ranvier.learners.bptt")
    learns = config.delays != "none" and recipe.eta_delay
    learner: Learner = module.Bptt(**module.OPTIONS.get(data, {}) if learns else {"sigma": 0.0})
    return learner


#: Name on the command line -> how to train.
LEARNERS: dict[str, Way] = {
    "online": Online("golden"),
    "eventprop": Offline("EventProp", "ranvier.learners.eventprop", _eventprop, {}, ("eventprop.py",)),
    "bptt": Offline("BPTT", "ranvier.learners.bptt", _bptt, {"torch": "offline"}, ("bptt.py",)),
    "online-float": Online("float64"),
}

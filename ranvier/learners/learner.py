"""Base class of learners, which train a network for the core on a data set."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ranvier.data.dataset import Dataset
from ranvier.device import open_device
from ranvier.errors import shown
from ranvier.learners.training import Report, Training
from ranvier.learners.validation import check_dataset, hold_out
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.quantisation.quantise import Behaviour, Quantisation
from ranvier.recipes import VARIANTS, Schedule, recipe_of, with_delays

__all__ = ["Learner", "Sparse", "Trained", "with_connections"]


@dataclass(frozen=True)
class Sparse:
    """A share of the possible connections, drawn at random, instead of all of them.

    Parameters
    ----------
    connectivity : float
        The share.
    rewired : bool
        Whether they are rewired (DEEP R) or stay as drawn; in the latter case weights may change their sign.
    """

    connectivity: float
    rewired: bool = True


@dataclass(frozen=True)
class Trained:
    """Result of a learner.

    Parameters
    ----------
    training : Training
        The training.
    initial, network : Network
        Before and after, for the core.
    arithmetic : {"golden", "float"}
        Arithmetic of `training`.
    quantisation : Quantisation or None
        Quantisation of the network of an offline learner.
    plasticity : DeepR or None
        Structural plasticity of a sparse network.
    """

    training: Training
    initial: Network
    network: Network
    arithmetic: str
    quantisation: Quantisation | None = None
    plasticity: DeepR | None = None

    @property
    def epochs(self) -> Sequence[Any]:
        """Finished epochs, in order."""
        return self.training.epochs

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early."""
        return self.training.interrupted

    @property
    def warnings(self) -> list[str]:
        """Diagnosis of the training, one line for each problem."""
        return self.training.warnings

    @property
    def float_network(self) -> FloatNetwork | None:
        """Before quantisation; None if it was learned on the core's arithmetic."""
        network = self.training.network
        return network if isinstance(network, FloatNetwork) else None

    @property
    def float_accuracy(self) -> float | None:
        """Test accuracy in float64; None if it was learned on the core's arithmetic."""
        return self.training.accuracy if self.arithmetic == "float" else None

    @property
    def synapses(self) -> int | None:
        """Active synapses of a sparse network; None if all are."""
        return int(np.count_nonzero(self.plasticity.sign)) if self.plasticity else None

    def golden(self, data: Dataset) -> Behaviour:
        """Behaviour of `network` on the core's arithmetic with all test samples."""
        if self.quantisation and self.quantisation.after:
            return self.quantisation.after
        with open_device("golden", self.network.config) as device:
            device.load(self.network)
            return Behaviour.of("golden", device, data)

    @property
    def saturated(self) -> dict[str, int]:
        """Quantities that saturated: while learning on the core's arithmetic, else in the test."""
        if self.quantisation and self.quantisation.after:
            return self.quantisation.after.saturated
        return self.training.saturated

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        values = self.training.summary()
        if self.plasticity:
            values |= {"synapses": self.synapses, "formed": self.plasticity.formed}
        return values | ({"quantisation": self.quantisation.summary()} if self.quantisation else {})

    def lines(self) -> list[str]:
        """Lines for people, warnings aside."""
        training = self.training
        return [*training.head(), *(training.row(n) for n in range(len(training.epochs))), *self.closing()]

    def closing(self) -> list[str]:
        """Lines for people that follow the table of epochs."""
        lines = self.training.closing()
        if self.plasticity:
            lines.append(f"{self.synapses:,} synapses are active, {self.plasticity.formed:,} were formed anew")
        if self.interrupted:
            lines.append(f"interrupted after epoch {len(self.epochs)}")
        return lines + (["", "quantised for the core", *self.quantisation.lines()] if self.quantisation else [])


class Learner(ABC):
    """A learner, which trains a network for the core; `ranvier.learner` returns one by its name.

    Parameters
    ----------
    label : str
        Name for people.
    recipes : str
        Key of `ranvier.recipes.RECIPES_OF` whose recipes it uses.
    arithmetic : {"golden", "float"}
        Arithmetic in which it learns.
    modules : tuple of str
        Modules of ranvier that, with all that they import, determine the result of learning.
    needs : mapping
        Required module -> optional extra that installs it.
    """

    label: str
    recipes: str
    arithmetic: str
    modules: tuple[str, ...]
    needs: Mapping[str, str] = {}
    #: Fields of the core that may differ in a network to start from.
    indifferent: frozenset[str] = frozenset({"learning", "dormant", "lanes", "memory"})

    @abstractmethod
    def core(self, config: CoreConfig, recipe: Any, sparse: Sparse | None) -> CoreConfig:
        """The core that a network of this learner needs."""

    @abstractmethod
    def rewiring(self, recipe: Any, sparse: Sparse, samples: int) -> Rewiring:
        """Rewiring of a sparse network that learns from `samples` samples per epoch."""

    @abstractmethod
    def _learn(
        self,
        config: CoreConfig,
        recipe: Any,
        data: Dataset,
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
        data: Dataset,
        seed: int = 0,
        *,
        delays: str | None = None,
        epochs: int | None = None,
        recipe: Schedule | None = None,
        sparse: Sparse | None = None,
        start: Network | FloatNetwork | None = None,
        validation: float = 0.0,
        checkpoint: str | Path | None = None,
        report: Report | None = None,
        progress: bool = False,
        keep_partial: bool = True,
    ) -> Trained:
        """Train a network for a core on a data set.

        Parameters
        ----------
        config : CoreConfig
            The core, adapted to the learner by `core`.
        data : Dataset
            Learned from, and tested on after every epoch.
        seed : int
            Of initial network, order of the samples, augmentation, validation and stochastic rounding.
        delays : str, optional
            Kind of delays, out of `ranvier.recipes.VARIANTS`; by default that of `config`.
        epochs : int, optional
            Replaces that of the recipe.
        recipe : Schedule, optional
            Replaces that of the data set.
        sparse : Sparse, optional
            Keeps only a share of the connections.
        start : Network or FloatNetwork, optional
            Where to start, instead of a random network.
        validation : float
            Share of the training samples to hold out and test after every epoch, see
            `ranvier.learners.validation.hold_out`; the network of the epoch with the best accuracy on them is returned (the
            latest of equals). With 0 all samples are learned and the network of the last epoch is returned.
        checkpoint : path, optional
            File that is written after every epoch. If it exists, its training is resumed.
        report : callable, optional
            Called with the `Training` so far after every epoch, and once with that of an existing checkpoint.
        progress : bool
            Show a progress bar if stderr is a terminal.
        keep_partial : bool
            If False, Ctrl-C raises `KeyboardInterrupt` at any time, without further work.

        Returns
        -------
        Trained
            Ctrl-C ends it after the last finished epoch; before that it raises `KeyboardInterrupt`.

        Raises
        ------
        ConfigError
            If `config` is no configuration, there is no recipe for the data set, inputs or outputs of the core differ from
            those of the data, or `start` was made for another core.
        DataError
            If there are no training or test samples, or no validation samples can be held out.
        CheckpointError
            If the checkpoint is damaged or belongs to another training.
        OutputError
            If the checkpoint cannot be written.
        """
        check_dataset(data)
        config, recipe = self.core_and_recipe(config, data.name, delays, epochs, sparse, start, recipe)
        data.check(config)
        learned, _ = hold_out(data, validation, seed)
        plasticity = DeepR(config, self.rewiring(recipe, sparse, len(learned.train)), seed) if sparse else None
        return self._learn(
            config,
            recipe,
            data,
            seed,
            start,
            plasticity,
            bool(sparse and sparse.rewired),
            validation=validation,
            checkpoint=checkpoint,
            report=report,
            progress=progress,
            keep_partial=keep_partial,
        )

    def core_and_recipe(
        self,
        config: CoreConfig,
        data: str,
        delays: str | None = None,
        epochs: int | None = None,
        sparse: Sparse | None = None,
        start: Network | FloatNetwork | None = None,
        recipe: Any = None,
    ) -> tuple[CoreConfig, Any]:
        """Core and recipe that `train` uses for a data set of this name; parameters and errors as for `train`."""
        if not isinstance(config, CoreConfig):
            raise ConfigError(f"config={shown(config)} is no configuration: give a CoreConfig")
        delays = delays or config.delays
        if delays not in VARIANTS:
            raise ConfigError(f"unknown kind of delays {delays!r}: choose one of {', '.join(VARIANTS)}")
        mode, from_zero = VARIANTS[delays]
        if recipe is None:
            recipe = self.recipe(data, from_zero)
        elif from_zero:
            recipe = recipe.replace(delay_span=0.0)
        if epochs is not None:
            recipe = recipe.replace(epochs=epochs)
        if isinstance(start, FloatNetwork):
            recipe = recipe.replace(alpha=start.alpha, kappa=start.kappa, beta=start.beta)
        config, recipe = with_delays(config, recipe, mode)
        core = self.core(config, recipe, sparse)
        if start:
            self._check_start(start.config, core)
        return core, recipe

    def recipe(self, data: str, from_zero: bool = False) -> Any:
        """Recipe for a data set by its name, with all delays 0 at first if `from_zero`; `ConfigError` if there is none."""
        return recipe_of(self.recipes, data, from_zero=from_zero)

    def _check_start(self, there: CoreConfig, here: CoreConfig) -> None:
        for name in fields(CoreConfig):
            values = getattr(there, name.name), getattr(here, name.name)
            if name.name not in self.indifferent and values[0] != values[1]:
                raise ConfigError(
                    f"the network to start from has {name.name}={values[0]} but this training {name.name}={values[1]}: "
                    "leave out the options that change it, or start from another network"
                )

    def refusal(self, data: str) -> str | None:
        """Reason why it cannot learn a data set here, in a few words, or None."""
        for module, name in self.needs.items():
            if find_spec(module) is None:
                return f"{module} is missing: install ranvier[{name}]"
        try:
            self.recipe(data)
        except ConfigError as error:
            return str(error)
        return None


def with_connections(plasticity: DeepR | None, network: Any, start: Any) -> Any:
    """The network with the connections of `plasticity`, which keeps those of a network to start from."""
    if not plasticity:
        return network
    return plasticity.adopt(network) if start else plasticity.start(network)

"""The trainings of a suite: every learner with every kind of delays at several sizes, each with several seeds."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, ClassVar, Literal, NamedTuple

from ranvier.bench.schema import RUN, problem
from ranvier.bench.sources import source_digest
from ranvier.data import Dataset, open_dataset
from ranvier.device import open_device
from ranvier.learners import LEARNERS, Sparse, Trained
from ranvier.learners.delay_change import DelayChange
from ranvier.learners.online import train
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.recipes import RECIPES, SUITES, WIRINGS, Wiring, initial_network

__all__ = [
    "OBSERVED",
    "STRUCTURES",
    "SUITES",
    "WIRINGS",
    "ExperimentResult",
    "Material",
    "Run",
    "Setting",
    "Values",
    "formula_cycles",
    "parameters",
    "synapses",
]

#: Plain values of a result, by name.
Values = dict[str, Any]
Structure = Literal["static", "rewired"]
#: Whether the connections of a sparse network stay as drawn, or are rewired.
STRUCTURES: tuple[Structure, ...] = ("static", "rewired")

#: Test samples on which the work for the hardware is counted.
OBSERVED = 3
#: Samples learned to detect a change of the arithmetic.
TRIAL = 20
#: Modules that affect every learner: the treatment of samples from epoch to epoch.
SHARED = ("ranvier.data.augmentation",)


@dataclass(frozen=True)
class Material:
    """The data of the runs, sent once to every worker.

    Parameters
    ----------
    dataset : Dataset
        Samples.
    digest : str
        Digest of its content.
    """

    dataset: Dataset
    digest: str
    _trials: dict[CoreConfig, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, dataset: Dataset, samples: int | None = None) -> "Material":
        """From a data set, with at most `samples` training and test samples each."""
        dataset.require("train", "test")
        if samples:
            dataset = dataset.part(samples, samples)
        return cls(dataset, dataset.digest())

    @classmethod
    def open(cls, text: str, samples: int | None = None) -> "Material":
        """From a data set as named on the command line."""
        return cls.of(open_dataset(text), samples)

    def arithmetic(self, config: CoreConfig) -> str:
        """Digest of the results of the core's arithmetic on the first samples: it depends on them, not on the code."""
        if config not in self._trials:
            learning = config.replace(learning=True)
            recipe = RECIPES.get(self.dataset.name, RECIPES["braille"]).replace(epochs=1)
            with open_device("golden", learning) as device:
                learned = train(device, initial_network(learning, recipe, 0), self.dataset.part(TRIAL, 1), recipe)
            digest = hashlib.sha256(json.dumps(learned.counters).encode())
            for name in Network.layout(learning):
                digest.update(getattr(learned.network, name).tobytes())
            self._trials[config] = digest.hexdigest()
        return self._trials[config]


@dataclass(frozen=True)
class ExperimentResult:
    """Result of an experiment.

    Parameters
    ----------
    values : dict
        Plain values.
    files : dict
        Name of a value -> (file name without suffix, content of an ``.npz`` file).
    failed : str
        Reason of a failure; values and files are empty then.
    """

    values: Values
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    failed: str = ""


class Setting(NamedTuple):
    """The fields of `Run` except the seed: a row of the tables."""

    learner: str
    wiring: Wiring
    neurons: int
    delays: str
    connectivity: float = 1.0
    structure: Structure = "static"


@dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    suite : str
        Name of the suite.
    learner, delays : str
        Keys of `ranvier.learners.LEARNERS` and `ranvier.recipes.VARIANTS`.
    wiring : {"feedforward", "recurrent"}
        Whether neurons project onto each other.
    neurons : int
        Hidden neurons.
    seed : int
        Of initial network, order of samples and stochastic rounding.
    epochs : int or None
        Instead of the recipe's.
    connectivity : float
        Share of the possible synapses that are active.
    structure : {"static", "rewired"}
        Of a sparse network, see `STRUCTURES`.
    """

    suite: str
    learner: str
    delays: str
    wiring: Wiring
    neurons: int
    seed: int
    epochs: int | None = None
    connectivity: float = 1.0
    structure: Structure = "static"
    leaves: ClassVar[tuple[str, ...]] = ("network",)

    def __str__(self) -> str:
        sparse = f"{self.connectivity:g}-{self.structure}-" if self.sparse else ""
        return f"{self.learner}-{self.delays}-{self.wiring}-{self.neurons}-{sparse}seed{self.seed}"

    @property
    def sparse(self) -> Sparse | None:
        """For `ranvier.learners.Learner`; None if all synapses are active."""
        return Sparse(self.connectivity, self.structure == "rewired") if self.connectivity < 1 else None

    def setting(self) -> Setting:
        """Its row."""
        return Setting(**{name: getattr(self, name) for name in Setting._fields})

    def core(self, dataset: Dataset) -> CoreConfig:
        """The preset with the size of this run."""
        return preset(self.suite).replace(
            inputs=dataset.inputs,
            outputs=len(dataset.classes),
            neurons=self.neurons,
            recurrent=self.wiring == "recurrent",
        )

    def core_and_recipe(self, dataset: Dataset) -> tuple[CoreConfig, Any]:
        """Core and recipe of its learner."""
        return LEARNERS[self.learner].core_and_recipe(
            self.core(dataset), dataset.name, self.delays, self.epochs, self.sparse
        )

    def key(self, material: Material) -> str:
        """Digest of everything that determines the result: settings, core, recipe, data, arithmetic, code of the learner.

        The core's arithmetic is represented by its results, the learner's code without comments.
        """
        config, recipe = self.core_and_recipe(material.dataset)
        learner, sparse = LEARNERS[self.learner], self.sparse
        parts = (
            json.dumps(asdict(self)),
            config.to_toml(),
            str(recipe),
            material.digest,
            material.arithmetic(config),
            source_digest(*learner.modules, f"ranvier.recipes.{material.dataset.name}", *SHARED),
            str(sparse and learner.rewiring(recipe, sparse, len(material.dataset.train))),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def problem(self, values: Values, material: Material) -> str | None:
        """Problem with stored values, or None."""
        if found := problem(values, RUN):
            return found
        epochs = self.core_and_recipe(material.dataset)[1].epochs
        if len(values["curve"]) != epochs:
            return f"curve has {len(values['curve'])} epochs, not {epochs}"
        if (values["histogram"] is None) != (self.delays == "none"):
            return f"histogram is {str(values['histogram'])[:40]}"
        return None

    def result(self, material: Material) -> ExperimentResult:
        """Train, evaluate and summarise; `KeyboardInterrupt` even if some epochs are finished.

        All training samples are learned, and the network is that of the last epoch: no result is chosen among several.
        """
        dataset = material.dataset
        config, _ = self.core_and_recipe(dataset)
        start = process_time()
        trained = LEARNERS[self.learner].train(
            self.core(dataset),
            dataset,
            self.seed,
            delays=self.delays,
            epochs=self.epochs,
            sparse=self.sparse,
            keep_partial=False,
        )
        golden, change = trained.golden(dataset), DelayChange.between(trained.initial, trained.network)
        seconds = process_time() - start
        steps = sum(sample.steps for sample in dataset.test) / len(dataset.test)
        values = {
            "golden_accuracy": golden.accuracy,
            "float_accuracy": trained.float_accuracy,
            "loss": None if trained.float_accuracy is None else trained.float_accuracy - golden.accuracy,
            "curve": trained.training.curve,
            "curve_arithmetic": trained.arithmetic,
            "parameters": parameters(config, trained.synapses),
            "synapses": synapses(config) if trained.synapses is None else trained.synapses,
            "formed": trained.plasticity.formed if trained.plasticity else None,
            "memory_bits": _memory_bits(trained.network.config),
            "firing_rate": golden.rate,
            "silent": golden.silent,
            "spikes_per_sample": golden.rate * config.neurons * steps,
            "cycles_per_sample": _cycles(trained.network, dataset, learn=False),
            "learning_cycles_per_sample": _cycles(trained.network, dataset, learn=True) if config.learning else None,
            "delays_moved": change.mean if change else None,
            "histogram": change.summary()["histogram"] if change else None,
            "saturated": trained.saturated,
            "warnings": [
                *trained.warnings,
                *(trained.quantisation.warnings() if trained.quantisation else []),
            ],
            "cpu_seconds": seconds,
        }
        return ExperimentResult(values, self._files(trained))

    def _files(self, trained: Trained) -> dict[str, tuple[str, bytes]]:
        """The network for the core, and the one in real numbers if there is one."""
        networks: dict[str, Network | FloatNetwork] = {"network": trained.network}
        if trained.float_network:
            networks["float_network"] = trained.float_network
        with TemporaryDirectory() as folder:
            path, files = Path(folder, "network.npz"), {}
            for what, network in networks.items():
                network.save(path)
                files[what] = (f"{self}-float" if what == "float_network" else str(self), path.read_bytes())
        return files


def synapses(config: CoreConfig) -> int:
    """Number of possible synapses, without those of neurons onto themselves."""
    return (config.rows - config.recurrent) * config.neurons


def parameters(config: CoreConfig, active: int | None = None) -> int:
    """Weights, delays and readout weights that a core uses; `active` is its number of active synapses."""
    count = synapses(config) if active is None else active
    delays = {"none": 0, "axonal": config.rows, "synaptic": count}[config.delays]
    return count + delays + config.neurons * config.outputs


@lru_cache
def _memory_bits(config: CoreConfig) -> int:
    from ranvier.hw.budget import memories

    return sum(memories(config).values())


def formula_cycles(network: Network, samples: Sequence[tuple[Sample, int]], *, learn: bool) -> int:
    """Clock cycles of labelled samples by the formulas of `ranvier.hw.budget`, starting from the network."""
    from ranvier.hw.budget import cycles
    from ranvier.verification.activity import ObservedCore

    with ObservedCore(network.config) as golden:
        golden.load(network)
        work = [golden.observe(sample, label, learn=learn) for sample, label in samples]
    return sum(sum(cycles(network.config, activity).values()) for activity in work)


def _cycles(network: Network, dataset: Dataset, *, learn: bool) -> float:
    """Clock cycles per sample by the formulas, for the first test samples."""
    samples = list(zip(dataset.test, dataset.test_labels.tolist(), strict=True))[:OBSERVED]
    return formula_cycles(network, samples, learn=learn) / len(samples)

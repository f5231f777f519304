"""What a suite trains: every learner with every kind of delays at several sizes, each with several seeds."""

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
#: Whether the connections of a sparse network stay where they were drawn, or come and go.
STRUCTURES: tuple[Structure, ...] = ("static", "rewired")

#: Test samples on which the work for the hardware is counted.
OBSERVED = 3
#: Samples learned to see whether the arithmetic is still the same.
TRIAL = 20
#: Modules that decide what is learned, whatever learns: what happens to the samples from epoch to epoch.
SHARED = ("ranvier.data.augmentation",)


@dataclass(frozen=True)
class Material:
    """What runs learn from, handed to every worker once.

    Parameters
    ----------
    dataset : Dataset
        Samples.
    digest : str
        Of everything in it.
    """

    dataset: Dataset
    digest: str
    _trials: dict[CoreConfig, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, dataset: Dataset, samples: int | None = None) -> "Material":
        """A data set with its training and test samples cut to these numbers."""
        dataset.require("train", "test")
        if samples:
            dataset = dataset.part(samples, samples)
        return cls(dataset, dataset.digest())

    @classmethod
    def open(cls, text: str, samples: int | None = None) -> "Material":
        """Of a data set as on the command line."""
        return cls.of(open_dataset(text), samples)

    def arithmetic(self, config: CoreConfig) -> str:
        """Digest of what the core's arithmetic makes of the first samples: it follows the results, not the code."""
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
    """What an experiment leaves.

    Parameters
    ----------
    values : dict
        Plain values.
    files : dict
        What it is -> (file name without suffix, content of an ``.npz`` file).
    failed : str
        Why there is neither.
    """

    values: Values
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    failed: str = ""


class Setting(NamedTuple):
    """What runs have in common that differ in their seeds only, a row of the tables; see `Run`."""

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
        Out of `ranvier.learners.LEARNERS` and `ranvier.recipes.VARIANTS`.
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
        """All that is not its own."""
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
        """What its learner takes."""
        return LEARNERS[self.learner].core_and_recipe(
            self.core(dataset), dataset.name, self.delays, self.epochs, self.sparse
        )

    def key(self, material: Material) -> str:
        """Digest of what decides the result: settings, core, recipe, data, arithmetic, and the code of the learner.

        What the core's arithmetic is, is found by trying it. Of the learner's code, comments do not count.
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
        """What is wrong with values that were kept; None if nothing is."""
        if found := problem(values, RUN):
            return found
        epochs = self.core_and_recipe(material.dataset)[1].epochs
        if len(values["curve"]) != epochs:
            return f"curve has {len(values['curve'])} epochs, not {epochs}"
        if (values["histogram"] is None) != (self.delays == "none"):
            return f"histogram is {str(values['histogram'])[:40]}"
        return None

    def result(self, material: Material) -> ExperimentResult:
        """Train, evaluate, and sum up; `KeyboardInterrupt` even if some epochs are finished.

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
    """How many a core has room for: a neuron's synapse onto itself is none."""
    return (config.rows - config.recurrent) * config.neurons


def parameters(config: CoreConfig, active: int | None = None) -> int:
    """Weights, delays and readout weights that a core uses, if only this many of its synapses are active."""
    count = synapses(config) if active is None else active
    delays = {"none": 0, "axonal": config.rows, "synaptic": count}[config.delays]
    return count + delays + config.neurons * config.outputs


@lru_cache
def _memory_bits(config: CoreConfig) -> int:
    from ranvier.hw.budget import memories

    return sum(memories(config).values())


def formula_cycles(network: Network, samples: Sequence[tuple[Sample, int]], *, learn: bool) -> int:
    """Clock cycles of labelled samples by the formulas of `ranvier.hw.budget`, from the network on."""
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

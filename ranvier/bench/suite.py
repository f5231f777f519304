"""What a suite trains: every learner with every kind of delays at several sizes, each with several seeds."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Literal

import numpy as np

from ranvier.data import Dataset, open_dataset
from ranvier.device import open_device
from ranvier.golden.config import CoreConfig
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.network import Network
from ranvier.golden.presets import preset
from ranvier.golden.spikes import Sample
from ranvier.learners import LEARNERS, VARIANTS, Trained
from ranvier.recipes import RECIPES, initial_network
from ranvier.training import DelayChange, train

__all__ = [
    "OBSERVED",
    "SUITES",
    "WIRINGS",
    "Material",
    "Outcome",
    "Row",
    "Run",
    "Suite",
    "formula_cycles",
    "parameters",
    "runs",
]

Row = dict[str, Any]
Wiring = Literal["feedforward", "recurrent"]
WIRINGS: tuple[Wiring, ...] = ("feedforward", "recurrent")

#: Test samples on which the work for the hardware is counted.
OBSERVED = 3
#: Samples learned to see whether the arithmetic is still the same.
TRIAL = 20


@dataclass(frozen=True)
class Suite:
    """Sizes of one data set.

    Parameters
    ----------
    feedforward, recurrent : tuple of int
        Hidden neurons of the networks of either wiring.
    shown : tuple of (wiring, neurons)
        Whose curves, delays and rasters the report draws; the row with learned delays that all start at 0 has this size.
    """

    feedforward: tuple[int, ...]
    recurrent: tuple[int, ...]
    shown: tuple[Wiring, int]

    def networks(self) -> Iterator[tuple[Wiring, int, str]]:
        """Wiring, neurons and kind of delays of every row."""
        for wiring in WIRINGS:
            for neurons in getattr(self, wiring):
                for delays, (_, from_zero) in VARIANTS.items():
                    if not from_zero or (wiring, neurons) == self.shown:
                        yield wiring, neurons, delays

    def text(self) -> str:
        """Which sizes there are."""
        sizes = {wiring: ", ".join(map(str, getattr(self, wiring))) for wiring in WIRINGS}
        return "; ".join(f"{wiring}: {text} neurons" for wiring, text in sizes.items() if text)


#: Name of the suite, which is that of its data set and preset.
SUITES = {
    "yinyang": Suite(feedforward=(10, 30, 60), recurrent=(30,), shown=("feedforward", 30)),
    "yinyang60": Suite(feedforward=(10, 30, 60), recurrent=(30,), shown=("feedforward", 30)),
    "braille": Suite(feedforward=(16, 32, 64), recurrent=(32,), shown=("feedforward", 64)),
    "shd": Suite(feedforward=(), recurrent=(64, 256), shown=("recurrent", 256)),
}


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
        """Of a data set, its training and test samples cut to so many."""
        if samples:
            dataset = dataset.part(samples, samples)
        digest = hashlib.sha256(f"{dataset.name} {dataset.inputs} {dataset.classes} {dataset.notes}".encode())
        for part in (dataset.train, dataset.test):
            for sample in part:
                digest.update(sample.times.tobytes() + sample.units.tobytes() + sample.scored.tobytes())
        digest.update(dataset.train_labels.tobytes() + dataset.test_labels.tobytes())
        return cls(dataset, digest.hexdigest())

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
class Outcome:
    """What a task leaves.

    Parameters
    ----------
    row : dict
        Plain values.
    files : dict
        What it is -> (file name without suffix, content of an ``.npz`` file).
    failed : str
        Why there is neither.
    """

    row: Row
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    failed: str = ""


@dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    suite : str
        Name of the suite.
    learner, delays : str
        Out of `ranvier.learners.LEARNERS` and `ranvier.learners.VARIANTS`.
    wiring : {"feedforward", "recurrent"}
        Whether neurons project onto each other.
    neurons : int
        Hidden neurons.
    seed : int
        Of initial network, order of samples and stochastic rounding.
    epochs : int or None
        Instead of the recipe's.
    """

    suite: str
    learner: str
    delays: str
    wiring: Wiring
    neurons: int
    seed: int
    epochs: int | None = None

    def __str__(self) -> str:
        return f"{self.learner}-{self.delays}-{self.wiring}-{self.neurons}-seed{self.seed}"

    def place(self) -> tuple[str, str, int, str]:
        """Its row: learner, wiring, neurons, delays."""
        return self.learner, self.wiring, self.neurons, self.delays

    def parts(self, dataset: Dataset) -> tuple[CoreConfig, Any]:
        """Core and recipe."""
        config = preset(self.suite).replace(
            inputs=dataset.inputs,
            outputs=len(dataset.classes),
            neurons=self.neurons,
            recurrent=self.wiring == "recurrent",
        )
        return LEARNERS[self.learner].parts(config, dataset.name, self.delays, self.epochs)

    def key(self, material: Material) -> str:
        """Digest of what decides the result: settings, core, recipe, data, arithmetic, and the code of the learner.

        What the core's arithmetic is, is found by trying it. Of the learner's code, comments do not count.
        """
        config, recipe = self.parts(material.dataset)
        parts = (
            json.dumps(asdict(self)),
            config.to_toml(),
            str(recipe),
            material.digest,
            material.arithmetic(config),
            LEARNERS[self.learner].digest(),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def result(self, material: Material) -> Outcome:
        """Train, judge, and sum up."""
        dataset = material.dataset
        config, recipe = self.parts(dataset)
        start = process_time()
        trained = LEARNERS[self.learner].train(config, recipe, dataset, self.seed)
        seconds = process_time() - start
        golden, change = trained.golden, DelayChange.between(trained.initial, trained.network)
        steps = sum(sample.steps for sample in dataset.test) / len(dataset.test)
        row = {
            "golden_accuracy": golden.accuracy,
            "float_accuracy": trained.float_accuracy,
            "loss": None if trained.float_accuracy is None else trained.float_accuracy - golden.accuracy,
            "curve": trained.curve,
            "curve_arithmetic": trained.arithmetic,
            "parameters": parameters(config),
            "memory_bits": _memory_bits(trained.network.config),
            "firing_rate": golden.rate,
            "silent": golden.silent,
            "spikes_per_sample": golden.rate * config.neurons * steps,
            "cycles_per_sample": _cycles(trained.network, dataset, learn=False),
            "learning_cycles_per_sample": _cycles(trained.network, dataset, learn=True) if config.learning else None,
            "delays_moved": change.mean if change else None,
            "histogram": change.summary()["histogram"] if change else None,
            "saturated": trained.saturated,
            "warnings": trained.warnings,
            "cpu_seconds": seconds,
        }
        return Outcome(row, self._files(trained))

    def _files(self, trained: Trained) -> dict[str, tuple[str, bytes]]:
        """The network for the core, and the one in real numbers if there is one."""
        networks: dict[str, Network | FloatNetwork] = {"network": trained.network}
        if trained.real:
            networks["float_network"] = trained.real
        with TemporaryDirectory() as folder:
            path, files = Path(folder, "network.npz"), {}
            for what, network in networks.items():
                network.save(path)
                files[what] = (f"{self}-float" if what == "float_network" else str(self), path.read_bytes())
        return files


def parameters(config: CoreConfig) -> int:
    """Weights, delays and readout weights that a core uses: a neuron's synapse onto itself is none."""
    own = config.neurons if config.recurrent else 0
    count = 0
    for name, (shape, _, _) in Network.layout(config).items():
        if name != "feedback":
            per_synapse = name == "weight" or (name == "delay" and config.delays == "synaptic")
            count += int(np.prod(shape)) - (own if per_synapse else 0)
    return count


@lru_cache
def _memory_bits(config: CoreConfig) -> int:
    from ranvier.hw.budget import memories

    return sum(memories(config).values())


def formula_cycles(network: Network, samples: Sequence[tuple[Sample, int]], *, learn: bool) -> int:
    """Clocks of labelled samples by the formulas of `ranvier.hw.budget`, from the network on."""
    from ranvier.activity import ObservedCore
    from ranvier.hw.budget import cycles

    with ObservedCore(network.config) as golden:
        golden.load(network)
        work = [golden.observe(sample, label, learn=learn) for sample, label in samples]
    return sum(sum(cycles(network.config, activity).values()) for activity in work)


def _cycles(network: Network, dataset: Dataset, *, learn: bool) -> float:
    """Clocks per sample by the formulas, for the first test samples."""
    samples = list(zip(dataset.test, dataset.test_labels.tolist(), strict=True))[:OBSERVED]
    return formula_cycles(network, samples, learn=learn) / len(samples)


def runs(
    suite: str,
    *,
    learners: Sequence[str],
    delays: Sequence[str] = (),
    wirings: Sequence[str] = (),
    neurons: Sequence[int] = (),
    seeds: int,
    epochs: int | None = None,
) -> list[Run]:
    """Runs of a suite that pass every filter that is not empty, first all with seed 0, then all with seed 1, and so on."""
    return [
        Run(suite, learner, kind, wiring, size, seed, epochs)
        for seed in range(seeds)
        for learner in learners
        for wiring, size, kind in SUITES[suite].networks()
        if kind in (delays or (kind,)) and wiring in (wirings or (wiring,)) and size in (neurons or (size,))
    ]

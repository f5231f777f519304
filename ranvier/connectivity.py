"""What sparseness costs: accuracy against connectivity, with connections that stay or come and go, and kinds of delays."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.bench.statistics import Spread
from ranvier.bench.suite import TRIAL, Material
from ranvier.data import DataError, Dataset
from ranvier.device import open_device
from ranvier.files import write_text
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.deep_r import DeepR
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.presets import preset
from ranvier.learners import LEARNERS, Offline
from ranvier.offline import AfterStep, Fit, fit
from ranvier.recipes import RECIPES, DelayMode, initial_network, rewiring, with_delays
from ranvier.training import Training, train

__all__ = ["ARITHMETIC", "DELAYS", "LEVELS", "STRUCTURES", "Run", "Study", "study"]

#: Shares of the possible connections.
LEVELS = (1.0, 0.3, 0.1, 0.05, 0.01)

#: Whether connections stay where they were drawn (and may change their sign) or come and go.
STRUCTURES = ("static", "rewired")

#: Kind of delays -> what it is called; without a gradient only rewiring moves them.
DELAYS: dict[DelayMode, str] = {
    "none": "no delays",
    "fixed": "delays without gradient",
    "synaptic": "delays with gradient",
}

#: Name of the learner -> its arithmetic.
ARITHMETIC = {"online": "golden", "eventprop": "float", "bptt": "float"}

Row = dict[str, Any]

_material = lru_cache(Material.open)


@dataclass(frozen=True)
class Run:
    """One training of a sparse network.

    Parameters
    ----------
    data : str
        Data set as on the command line.
    learner : str
        Out of `ARITHMETIC`.
    connectivity : float
        Share of the possible connections; of all of them none has anywhere to go.
    structure : {"static", "rewired"}
        Out of `STRUCTURES`.
    delays : {"none", "fixed", "synaptic"}
        Out of `DELAYS`.
    seed : int
        Of initial network, order of samples, rewiring and stochastic rounding.
    epochs, samples : int or None
        Instead of the recipe's; cut the training and the test samples to so many.
    """

    data: str
    learner: str
    connectivity: float
    structure: str
    delays: DelayMode
    seed: int
    epochs: int | None = None
    samples: int | None = None

    def key(self) -> str:
        """What decides the result: the settings, and a digest of the data and of what a short training makes of it."""
        material = _material(self.data, self.samples)
        digest = hashlib.sha256(material.digest.encode())
        outcome, plasticity = self._train(material.dataset.part(TRIAL, 1), 1)
        digest.update(f"{plasticity.recipe}{outcome.network.config.to_toml()}".encode())
        for name in ("weight", "delay", "readout"):
            digest.update(getattr(outcome.network, name).tobytes())
        return f"{json.dumps(asdict(self))} {digest.hexdigest()[:16]}"

    def result(self) -> Row:
        """Train, and sum up as plain values; `KeyboardInterrupt` even if some epochs are finished."""
        outcome, plasticity = self._train(_material(self.data, self.samples).dataset, self.epochs)
        if outcome.interrupted:
            raise KeyboardInterrupt
        return {
            "accuracy": outcome.accuracy,
            "synapses": int(np.count_nonzero(plasticity.sign)),
            "formed": plasticity.formed,
        }

    def _train(self, dataset: Dataset, epochs: int | None) -> tuple[Training | Fit, DeepR]:
        config = preset(dataset.name).replace(dormant=True)
        return (self._online if self.learner == "online" else self._offline)(config, dataset, epochs)

    def _online(self, config: CoreConfig, dataset: Dataset, epochs: int | None) -> tuple[Training, DeepR]:
        """On the core's arithmetic; the host rewires."""
        config, recipe = with_delays(config, RECIPES[dataset.name], self.delays)
        recipe = recipe.replace(epochs=epochs or recipe.epochs)
        plasticity = DeepR(config, rewiring(self.connectivity, recipe.epochs, samples=len(dataset.train)), self.seed)
        start = plasticity.start(initial_network(config, recipe, self.seed))
        rewires = plasticity if self.structure == "rewired" else None
        with open_device("golden", config) as device:
            return train(device, start, dataset, recipe, self.seed, rewiring=rewires), plasticity

    def _offline(self, config: CoreConfig, dataset: Dataset, epochs: int | None) -> tuple[Fit, DeepR]:
        """In floating point; rewired after every mini-batch. Adam's steps are larger as the weights of `DeepR.start` are."""
        way = LEARNERS[self.learner]
        assert isinstance(way, Offline)
        config, recipe = way.parts(config.replace(dormant=False), dataset.name, self.delays, epochs)
        recipe = recipe.replace(eta_weight=recipe.eta_weight / np.sqrt(self.connectivity))
        sparse = rewiring(self.connectivity, recipe.epochs, steps=recipe.steps(len(dataset.train)))
        plasticity = DeepR(config, sparse, self.seed)
        start = plasticity.start(recipe.draw(config, np.random.default_rng(self.seed)))
        change = plasticity.step if self.structure == "rewired" else _hold(start)
        made = way.make(config, recipe, dataset.name)
        return fit(made, start, dataset, recipe, self.seed, after_step=change), plasticity


def _hold(network: FloatNetwork) -> AfterStep:
    """Leaves dormant what is dormant in `network`."""
    active = network.weight != 0

    def hold(weight: NDArray[np.float64], delay: NDArray[np.float64]) -> None:
        weight *= active

    return hold


@dataclass(frozen=True)
class Study:
    """Outcome of `study`.

    Parameters
    ----------
    data, learner, arithmetic : str
        What was learned, by which rule, in which numbers.
    rows : list of dict
        One per connectivity, structure and kind of delays: mean and standard deviation over the seeds, and each result.
    """

    data: str
    learner: str
    arithmetic: str
    rows: list[Row]

    def summary(self) -> Row:
        """Plain values for a report."""
        return asdict(self)

    def markdown(self) -> str:
        """Test accuracy against connectivity, and what rewiring is worth."""
        columns = [(delays, structure) for delays in DELAYS for structure in STRUCTURES]
        head = ["connectivity", "synapses", *(f"{DELAYS[delays]}, {structure}" for delays, structure in columns)]
        head.append("formed anew")
        table = [head, ["---"] * len(head)]
        for level in dict.fromkeys(row["connectivity"] for row in self.rows):
            cells = {(row["delays"], row["structure"]): row for row in self.rows if row["connectivity"] == level}
            formed = cells.get(("synaptic", "rewired"))
            table.append(
                [
                    f"{level:.0%}",
                    f"{next(iter(cells.values()))['synapses']:,}",
                    *(_accuracy(cells.get(column)) for column in columns),
                    f"{formed['formed']:,.0f}" if formed else "–",
                ]
            )
        return "\n".join(f"| {' | '.join(line)} |" for line in table)


def _accuracy(row: Row | None) -> str:
    return f"{row['mean']:.1%} ± {row['std']:.1%}" if row else "–"


def study(
    data: str,
    *,
    learner: str = "online",
    levels: Sequence[float] = LEVELS,
    seeds: int = 5,
    epochs: int | None = None,
    samples: int | None = None,
    cache: str | Path = "connectivity.json",
    progress: bool = False,
) -> Study:
    """Accuracy of sparse networks with every kind of delays, static and rewired.

    Parameters
    ----------
    data : str
        Data set as on the command line.
    learner : {"online", "eventprop", "bptt"}
        The core's rule on the golden model, or an offline one in floating point.
    levels : sequence of float
        Connectivities. All connections (1) have nowhere to go and are learned without rewiring only.
    seeds : int
        Trainings per row, seeds 0, 1, 2 and so on.
    epochs, samples : int, optional
        Instead of the recipe's; cut the data, for a quick look.
    cache : path
        JSON file of finished runs. They are not repeated, so that an interrupted study resumes.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Raises
    ------
    ConfigError
        If there is no such learner or recipe, or a connectivity is out of range.
    DataError
        If the data set or the cache cannot be used.
    """
    cache, known = Path(cache), _read(Path(cache))
    if learner not in ARITHMETIC:
        raise ConfigError(f"unknown learner {learner!r}: choose one of {', '.join(ARITHMETIC)}")
    runs = [
        Run(data, learner, level, structure, delays, seed, epochs, samples)
        for seed in range(seeds)
        for level in levels
        for structure, delays in _variants(level)
    ]
    results: dict[Run, Row] = {}
    for run in tqdm(runs, unit=" runs", leave=False, disable=None if progress else True):
        key = run.key()
        if key not in known:
            known[key] = run.result()
            write_text(cache, json.dumps(known, indent=1))
        results[run] = known[key]
    groups: dict[tuple[float, str, str], list[Row]] = {}
    for run, row in results.items():
        groups.setdefault((run.connectivity, run.structure, run.delays), []).append(row)
    rows = [_summed(*group, rows) for group, rows in groups.items()]
    return Study(_material(data, samples).dataset.name, learner, ARITHMETIC[learner], rows)


def _variants(level: float) -> Iterator[tuple[str, DelayMode]]:
    for structure in STRUCTURES:
        if structure == "static" or level < 1:
            for delays in DELAYS:
                yield structure, delays


def _summed(connectivity: float, structure: str, delays: str, runs: list[Row]) -> Row:
    accuracy = [run["accuracy"] for run in runs]
    spread = Spread.of(accuracy)
    return {
        "connectivity": connectivity,
        "structure": structure,
        "delays": delays,
        "synapses": runs[0]["synapses"],
        "mean": spread.mean,
        "std": spread.std,
        "formed": Spread.of([run["formed"] for run in runs]).mean,
        "runs": accuracy,
    }


def _read(cache: Path) -> dict[str, Row]:
    try:
        content = json.loads(cache.read_text())
        if not isinstance(content, dict):
            raise ValueError
        return content
    except FileNotFoundError:
        return {}
    except ValueError:
        raise DataError(f"{cache}: not a cache of finished runs: remove it or name another file") from None

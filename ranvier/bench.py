"""The tables of the README: accuracy with its controls, agreement of the devices, and speed, measured and as Markdown."""

import hashlib
import json
import signal
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from tqdm import tqdm

import ranvier.golden
import ranvier.hw
import ranvier.sim
from ranvier.data import DataError, Dataset, open_dataset
from ranvier.device import CORES, open_device
from ranvier.files import write_text
from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network
from ranvier.golden.presets import preset
from ranvier.golden.spikes import Sample
from ranvier.recipes import DELAY_MODES, FROM_ZERO, RECIPES, DelayMode, Recipe, initial_network, with_delays
from ranvier.training import Training, train
from ranvier.verify import Mismatch, Twin

__all__ = ["Agreement", "Bench", "Run", "bench"]

#: What accuracy is measured on: the bit-exact fixed-point rule, and the same rule in floating point.
ARITHMETICS = ("golden", "float64")

#: Row of the accuracy table -> delay mode and recipes.
VARIANTS: dict[str, tuple[DelayMode, dict[str, Recipe]]] = {
    **{mode: (mode, RECIPES) for mode in DELAY_MODES},
    "synaptic from 0": ("synaptic", FROM_ZERO),
}

#: What speed is measured on, with the number of samples that takes seconds.
SPEED_SAMPLES = {"golden:plain": 3, "golden": 300, "float64": 100, "sim": 50}

#: Device -> its label in the tables.
LABELS = {"golden:plain": "golden, plain", "golden": "golden, compiled", "float64": "float", "sim": "simulated RTL"}

#: Pairs of devices that must agree to the bit over an epoch.
PAIRS = (("golden:plain", "golden"), ("golden", "sim"))

Row = dict[str, Any]

_dataset = lru_cache(open_dataset)


@dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    data : str
        Data set as on the command line.
    delays : DelayMode or "synaptic from 0"
        What becomes of the delays: the controls, and learned ones that all start at 0.
    device : str
        What learns.
    seed : int
        Of initial network, order of samples and stochastic rounding.
    epochs : int or None
        Instead of the recipe's.
    samples : int or None
        Cut the training and the test samples to so many.
    """

    data: str
    delays: str
    device: str
    seed: int
    epochs: int | None
    samples: int | None

    def parts(self) -> tuple[CoreConfig, Recipe, Dataset]:
        """Core, recipe and data."""
        dataset = _dataset(self.data)
        if self.samples:
            dataset = dataset.part(self.samples, self.samples)
        mode, recipes = VARIANTS[self.delays]
        recipe = recipes[dataset.name]
        if self.epochs is not None:
            recipe = recipe.replace(epochs=self.epochs)
        return *with_delays(preset(dataset.name), recipe, mode), dataset

    def train(self, config: CoreConfig, recipe: Recipe, dataset: Dataset) -> Training:
        """Do it; `KeyboardInterrupt` even if some epochs are finished."""
        with open_device(self.device, config) as device:
            outcome = train(device, initial_network(config, recipe, self.seed), dataset, recipe, self.seed)
        if outcome.interrupted:
            raise KeyboardInterrupt
        return outcome

    def key(self) -> str:
        """What decides the result: the settings, and a digest of what they make of the first samples.

        The digest follows every change of data, recipe, core and arithmetic, and no change of anything else.
        """
        config, recipe, dataset = self.parts()
        learned = self.train(config, recipe.replace(epochs=1), dataset.part(20, 1)).network
        digest = hashlib.sha256(f"{config.to_toml()}{recipe}".encode())
        for name in Network.layout(config):
            digest.update(getattr(learned, name).tobytes())
        for sample in (*dataset.train, *dataset.test):
            digest.update(sample.times.tobytes() + sample.units.tobytes() + sample.scored.tobytes())
        digest.update(dataset.train_labels.tobytes() + dataset.test_labels.tobytes())
        return f"{json.dumps(asdict(self))} {digest.hexdigest()[:16]}"

    def result(self) -> Row:
        """Train, and sum up as plain values."""
        outcome = self.train(*self.parts())
        last = outcome.epochs[-1].train
        return {
            "accuracy": outcome.accuracy,
            "epochs": [epoch.test.accuracy for epoch in outcome.epochs],
            "firing_rate": last.rate,
            "delays_moved": outcome.delays.mean if outcome.delays else None,
            "samples_per_second": last.samples / last.seconds,
            "saturated": {name: count for name, count in outcome.counters.items() if name.endswith("saturated")},
        }


@dataclass(frozen=True)
class Agreement:
    """One epoch learned and one test run on two devices at once, every result compared.

    Parameters
    ----------
    data : str
        Data set as on the command line.
    reference, device : str
        The two.
    samples : int or None
        Cut the training and the test samples to so many.
    """

    data: str
    reference: str
    device: str
    samples: int | None

    def key(self) -> str:
        """What decides the result: the settings and every source file of golden model, hardware and simulator."""
        learned = Run(self.data, "synaptic", "golden", 0, None, self.samples).key()
        digest = hashlib.sha256(learned.encode())
        for module in (ranvier.golden, ranvier.hw, ranvier.sim):
            for path in sorted(Path(module.__path__[0]).glob("*.*")):
                digest.update(path.read_bytes() if path.is_file() else b"")
        return f"{json.dumps(asdict(self))} {digest.hexdigest()[:16]}"

    def result(self) -> Row:
        """Run it; spikes, scores and counters are compared on every sample, steps and parameters on every 50th."""
        config, recipe, dataset = Run(self.data, "synaptic", "golden", 0, 1, self.samples).parts()
        with Twin(open_device(self.reference, config), open_device(self.device, config), every=50) as twin:
            first = None
            try:
                train(twin, initial_network(config, recipe, 0), dataset, recipe)
            except Mismatch as mismatch:
                first = str(mismatch)
        return {"samples": twin.samples, "compared": twin.compared, "mismatches": twin.mismatches, "first": first}


@dataclass(frozen=True)
class Bench:
    """Outcome of `bench`.

    Parameters
    ----------
    accuracy : list of dict
        One row per data set, device and kind of delays: mean and standard deviation over the seeds, and every single result.
    agreement : list of dict
        One row per data set and pair of devices: values compared and mismatches.
    speed : list of dict
        One row per data set and device.
    """

    accuracy: list[Row]
    agreement: list[Row]
    speed: list[Row]

    def summary(self) -> Row:
        """Plain values for a report."""
        return asdict(self)

    def markdown(self) -> str:
        """All tables."""
        accuracy = [
            (
                row["data"],
                LABELS[row["device"]],
                row["delays"],
                f"{row['mean']:.1%} ± {row['std']:.1%}",
                ", ".join(f"{run['accuracy']:.1%}" for run in row["runs"]),
                _number(row["delays_moved"], ".2f"),
                f"{row['firing_rate']:.3f}",
            )
            for row in self.accuracy
        ]
        agreement = [
            (
                row["data"],
                f"{LABELS[row['reference']]} = {LABELS[row['device']]}",
                f"{row['samples']:,}",
                f"{row['mismatches']} / {row['compared']:,}",
            )
            for row in self.agreement
        ]
        speed = [
            (
                row["data"],
                LABELS[row["device"]],
                _number(row["samples_per_second"], ",.1f"),
                _number(row["against_plain"], ",.1f"),
                _number(row["cycles_per_sample"], ",.0f"),
                _number(row["of_formula"], ".0%"),
                _number(row["cycles_per_second"], ",.0f"),
            )
            for row in self.speed
        ]
        return "\n\n".join(
            [
                _table(
                    "data | arithmetic | delays | test accuracy | each seed | D moved, steps | spikes / neuron / step",
                    accuracy,
                ),
                _table("data | devices, one epoch and test | samples | mismatches / values compared", agreement),
                _table(
                    "data | device | learned / CPU s | against plain | cycles / sample | of formulas | clocks / CPU s",
                    speed,
                ),
            ]
        )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _table(header: str, rows: Iterable[Sequence[str]]) -> str:
    names = header.split(" | ")
    return "\n".join(f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows))


def bench(
    data: Sequence[str],
    *,
    seeds: int = 5,
    epochs: int | None = None,
    samples: int | None = None,
    devices: Sequence[str] = CORES,
    jobs: int = 2,
    cache: str | Path = "bench.json",
    progress: bool = False,
) -> Bench:
    """Measure accuracy for every data set, arithmetic, kind of delays and seed; then agreement and speed of the devices.

    Parameters
    ----------
    data : sequence of str
        Data sets as on the command line.
    seeds : int
        Trainings per row, seeds 0, 1, 2 and so on.
    epochs : int, optional
        Instead of the recipes'.
    samples : int, optional
        Cut the data sets, for a quick look.
    devices : sequence of str
        Whose agreement and speed to measure.
    jobs : int
        Worker processes; speed is measured afterwards, by itself.
    cache : path
        JSON file of finished runs. They are not repeated, so that an interrupted bench resumes.
    progress : bool
        Show a progress bar if stderr is a terminal.

    Raises
    ------
    DataError
        If a data set or the cache cannot be used.
    """
    cache = Path(cache)
    known = _read(cache)
    runs = [
        Run(name, delays, device, seed, epochs, samples)
        for name in data
        for device in ARITHMETICS
        for delays in VARIANTS
        for seed in range(seeds)
    ]
    pairs = [Agreement(name, *pair, samples) for name in data for pair in PAIRS if set(pair) <= set(devices)]
    tasks: list[Run | Agreement] = [*pairs, *runs]
    keys = {task: task.key() for task in tqdm(tasks, desc="settings", leave=False, disable=None if progress else True)}
    todo = [(key, task) for task, key in keys.items() if key not in known]
    with get_context("spawn").Pool(jobs, initializer=_ignore_interrupt) as pool:
        done = pool.imap_unordered(_work, todo)
        for key, result in tqdm(done, desc="runs", total=len(todo), disable=None if progress else True):
            known[key] = result
            write_text(cache, json.dumps(known, indent=1))
        pool.close()
        pool.join()
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for run in runs:
        groups.setdefault((run.data, run.device, run.delays), []).append(known[keys[run]])
    return Bench(
        accuracy=[_accuracy(*group, results) for group, results in groups.items()],
        agreement=[asdict(pair) | {"data": _dataset(pair.data).name} | known[keys[pair]] for pair in pairs],
        speed=[row for name in data for row in _speed(name, devices)],
    )


def _ignore_interrupt() -> None:
    """Ctrl-C is for the parent process, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: tuple[str, Run | Agreement]) -> tuple[str, Row]:
    key, run = task
    return key, run.result()


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


def _accuracy(data: str, device: str, delays: str, runs: list[Row]) -> Row:
    accuracy = [run["accuracy"] for run in runs]
    moved = [run["delays_moved"] for run in runs]
    return {
        "data": _dataset(data).name,
        "device": device,
        "delays": delays,
        "mean": float(np.mean(accuracy)),
        "std": float(np.std(accuracy, ddof=1)) if len(runs) > 1 else 0.0,
        "delays_moved": None if None in moved else float(np.mean(moved)),
        "firing_rate": float(np.mean([run["firing_rate"] for run in runs])),
        "runs": runs,
    }


def _speed(data: str, devices: Sequence[str]) -> list[Row]:
    """Learning speed of every device on the data set's preset, from the same network on, in CPU time.

    A busy machine changes that little.
    """
    dataset = _dataset(data)
    config, recipe = preset(dataset.name), RECIPES[dataset.name]
    network = initial_network(config, recipe, 0)
    rows: list[Row] = []
    for name in devices:
        samples = list(zip(dataset.train, dataset.train_labels.tolist(), strict=True))[: SPEED_SAMPLES[name]]
        with open_device(name, config) as device:
            device.run(dataset.train[0], target=0, learn=True)  # compiles
            device.load(network)
            start = process_time()
            clocks = [device.run(sample, target=label, learn=True).cycles for sample, label in samples]
            seconds = process_time() - start
        cycles = [count for count in clocks if count is not None]
        rows.append(
            {
                "data": dataset.name,
                "device": name,
                "samples_per_second": len(samples) / seconds,
                "cycles_per_sample": float(np.mean(cycles)) if cycles else None,
                "of_formula": _of_formula(network, samples, cycles) if cycles else None,
                "cycles_per_second": sum(cycles) / seconds if cycles else None,
            }
        )
    plain = next((row["samples_per_second"] for row in rows if row["device"] == "golden:plain"), None)
    return [row | {"against_plain": row["samples_per_second"] / plain if plain else None} for row in rows]


def _of_formula(
    network: Network, samples: Sequence[tuple[Sample, int]], measured: Sequence[int], count: int = 3
) -> float:
    """Measured clocks of the first samples as a share of what `ranvier.hw.budget` allows for their work."""
    from ranvier.activity import ObservedCore
    from ranvier.hw.budget import cycles

    with ObservedCore(network.config) as golden:
        golden.load(network)
        work = [golden.observe(sample, label, learn=True) for sample, label in samples[:count]]
    return sum(measured[:count]) / sum(sum(cycles(network.config, activity).values()) for activity in work)

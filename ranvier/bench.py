"""The tables of the README: accuracy with its controls, and speed, measured and written as Markdown."""

import hashlib
import json
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from ranvier.data import DataError, Dataset, open_dataset
from ranvier.device import DEVICES, open_device
from ranvier.files import write_text
from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network
from ranvier.golden.presets import preset
from ranvier.recipes import DELAY_MODES, RECIPES, DelayMode, Recipe, initial_network, with_delays
from ranvier.training import Training, train

__all__ = ["Bench", "Run", "bench"]

#: What accuracy is measured on: the bit-exact fixed-point rule, and the same rule in floating point.
ARITHMETICS = ("golden", "float64")

#: What speed is measured on, with the number of samples that takes seconds.
SPEED_SAMPLES = {"golden:plain": 3, "golden": 300, "sim": 50}

#: Device -> its label in the tables.
LABELS = {"golden:plain": "golden, plain", "golden": "golden, compiled", "float64": "float", "sim": "simulated RTL"}

Row = dict[str, Any]

_dataset = lru_cache(open_dataset)


@dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    data : str
        Data set as on the command line.
    delays : DelayMode
        What becomes of the delays.
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
    delays: DelayMode
    device: str
    seed: int
    epochs: int | None
    samples: int | None

    def parts(self) -> tuple[CoreConfig, Recipe, Dataset]:
        """Core, recipe and data."""
        dataset = _dataset(self.data)
        if self.samples:
            dataset = dataset.part(self.samples, self.samples)
        recipe = RECIPES[dataset.name]
        if self.epochs is not None:
            recipe = recipe.replace(epochs=self.epochs)
        return *with_delays(preset(dataset.name), recipe, self.delays), dataset

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
        for sample in dataset.train + dataset.test:
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
class Bench:
    """Outcome of `bench`.

    Parameters
    ----------
    accuracy : list of dict
        One row per data set, device and delay mode: mean and standard deviation over the seeds, and every single result.
    speed : list of dict
        One row per data set and device.
    """

    accuracy: list[Row]
    speed: list[Row]

    def summary(self) -> Row:
        """Plain values for a report."""
        return asdict(self)

    def markdown(self) -> str:
        """Both tables."""
        lines = ["| data | arithmetic | delays | test accuracy | seeds | delays moved | spikes / neuron / step |"]
        lines.append("|---|---|---|---|---|---|---|")
        for row in self.accuracy:
            single = ", ".join(format(run["accuracy"], ".1%") for run in row["runs"])
            moved = "–" if row["delays_moved"] is None else f"{row['delays_moved']:.2f} steps"
            lines.append(
                f"| {row['data']} | {LABELS[row['device']]} | {row['delays']} | {row['mean']:.1%} ± {row['std']:.1%} "
                f"| {single} | {moved} | {row['firing_rate']:.3f} |"
            )
        lines += ["", "| core | device | learned samples / s | against plain | cycles / sample | cycles / s |"]
        lines.append("|---|---|---|---|---|---|")
        for row in self.speed:
            cycles = [f"{row[name]:,.0f}" if row[name] else "–" for name in ("cycles_per_sample", "cycles_per_second")]
            ratio = f"{row['against_plain']:,.1f} x" if row["against_plain"] else "–"
            lines.append(
                f"| {row['data']} | {LABELS[row['device']]} | {row['samples_per_second']:,.1f} | {ratio} "
                f"| {' | '.join(cycles)} |"
            )
        return "\n".join(lines)


def bench(
    data: Sequence[str],
    *,
    seeds: int = 5,
    epochs: int | None = None,
    samples: int | None = None,
    devices: Sequence[str] = DEVICES,
    jobs: int = 2,
    cache: str | Path = "bench.json",
    progress: bool = False,
) -> Bench:
    """Measure accuracy for every data set, arithmetic, delay mode and seed, then the speed of every device.

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
        Whose speed to measure.
    jobs : int
        Worker processes.
    cache : path
        JSON file of finished trainings. They are not repeated, so that an interrupted bench resumes.
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
        for delays in DELAY_MODES
        for seed in range(seeds)
    ]
    keys = {run: run.key() for run in tqdm(runs, desc="settings", leave=False, disable=None if progress else True)}
    todo = [(key, run) for run, key in keys.items() if key not in known]
    with get_context("spawn").Pool(jobs, initializer=_ignore_interrupt) as pool:
        done = pool.imap_unordered(_work, todo)
        for key, result in tqdm(done, desc="trainings", total=len(todo), disable=None if progress else True):
            known[key] = result
            write_text(cache, json.dumps(known, indent=1))
        pool.close()
        pool.join()
    rows = [
        _row(
            name,
            device,
            delays,
            [known[keys[run]] for run in runs if (run.data, run.device, run.delays) == (name, device, delays)],
        )
        for name in data
        for device in ARITHMETICS
        for delays in DELAY_MODES
    ]
    return Bench(rows, [row for name in data for row in _speed(name, devices)])


def _ignore_interrupt() -> None:
    """Ctrl-C is for the parent process, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: tuple[str, Run]) -> tuple[str, Row]:
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


def _row(data: str, device: str, delays: str, runs: list[Row]) -> Row:
    accuracy = [run["accuracy"] for run in runs]
    moved = [run["delays_moved"] for run in runs]
    return {
        "data": data.partition(":")[0],
        "device": device,
        "delays": delays,
        "mean": float(np.mean(accuracy)),
        "std": float(np.std(accuracy, ddof=1)) if len(runs) > 1 else 0.0,
        "delays_moved": None if None in moved else float(np.mean(moved)),
        "firing_rate": float(np.mean([run["firing_rate"] for run in runs])),
        "runs": runs,
    }


def _speed(data: str, devices: Sequence[str]) -> list[Row]:
    """Learning speed of every device on the data set's preset."""
    dataset = _dataset(data)
    config, recipe = preset(dataset.name), RECIPES[dataset.name]
    rows: list[Row] = []
    for name in devices:
        with open_device(name, config) as device:
            device.load(initial_network(config, recipe, 0))
            device.run(dataset.train[0], target=int(dataset.train_labels[0]), learn=True)  # compiles
            count = min(SPEED_SAMPLES[name], len(dataset.train))
            start = perf_counter()
            cycles = [
                device.run(dataset.train[n], target=int(dataset.train_labels[n]), learn=True).cycles
                for n in range(count)
            ]
            seconds = perf_counter() - start
        clocked = [c for c in cycles if c is not None]
        rows.append(
            {
                "data": dataset.name,
                "device": name,
                "samples_per_second": count / seconds,
                "cycles_per_sample": sum(clocked) / count if clocked else None,
                "cycles_per_second": sum(clocked) / seconds if clocked else None,
            }
        )
    plain = next((row["samples_per_second"] for row in rows if row["device"] == "golden:plain"), None)
    return [row | {"against_plain": row["samples_per_second"] / plain if plain else None} for row in rows]

"""The bench: every learner on a data set, with its controls, several sizes and seeds, as tables and pictures."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ranvier.bench.cluster import execute_on_cluster, reach
from ranvier.bench.devices import PAIRS, Agreement, simulated_cycles, speed
from ranvier.bench.executor import ExecutorError, Experiment, execute
from ranvier.bench.report import Report
from ranvier.bench.selection import SUITE_LEARNERS, Selection
from ranvier.bench.store import Store
from ranvier.bench.suite import STRUCTURES, SUITES, WIRINGS, ExperimentResult, Material, Run, Setting, Values
from ranvier.extras import extra

__all__ = [
    "STRUCTURES",
    "SUITES",
    "SUITE_LEARNERS",
    "WIRINGS",
    "ExecutorError",
    "Material",
    "Report",
    "Run",
    "Selection",
    "Stopped",
    "run_suite",
]


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with a message that says how to continue."""


def run_suite(
    suite: str,
    data: str,
    selection: Selection = Selection(),
    *,
    seeds: int = 5,
    epochs: int | None = None,
    samples: int | None = None,
    devices: Sequence[str] = (),
    jobs: int = 2,
    scheduler: str | None = None,
    out: str | Path = "",
    progress: bool = False,
) -> Report:
    """Train a suite and write its report.

    Parameters
    ----------
    suite : str
        One of `SUITES`.
    data : str
        Its data set, as `ranvier.data.open_dataset` takes it.
    selection : Selection
        Only rows with these values. Learners that cannot be used are omitted unless they are named.
    seeds : int
        Trainings per row, seeds 0, 1, 2 and so on.
    epochs : int, optional
        Replaces that of the recipes.
    samples : int, optional
        Limits the training and test samples, for a quick look.
    devices : sequence of str
        Devices whose agreement and speed to measure; with "sim", also the clock cycles of a trained network of every row.
    jobs : int
        Worker processes; speed is measured after them, without load.
    scheduler : str, optional
        Address of a Dask scheduler, on whose workers to train instead.
    out : path
        Folder for report, networks and finished runs, which are not repeated; by default ``bench-SUITE``.
    progress : bool
        Show progress bars if stderr is a terminal.

    Raises
    ------
    ConfigError
        If nothing is selected, or a learner that was named cannot be used.
    DataError
        If the data set cannot be used.
    ExecutorError
        If workers are not available.
    ExtraError
        If SciPy is missing, or Dask where a scheduler is given.
    OutputError
        If the folder is not writable or holds damaged results.
    Stopped
        After Ctrl-C. Finished runs are kept.
    """
    extra("scipy.stats", "bench")  # before hours of training, not after them
    if scheduler:
        reach(scheduler)
    material = Material.open(data, samples)
    usable, notes = selection.usable(material.dataset.name)
    runs = usable.runs(suite, seeds=seeds, epochs=epochs)
    pairs = [Agreement(*pair) for pair in PAIRS if set(pair) <= set(devices)]
    keys: dict[Experiment, str] = {
        experiment: experiment.key(material) for experiment in _bar([*pairs, *runs], "settings", progress)
    }
    store = Store(out or f"bench-{suite}")
    found = {key: store.finished(key, experiment, material) for experiment, key in keys.items()}
    todo = {key: experiment for experiment, key in keys.items() if found[key] is None}
    spread = execute_on_cluster(todo, material, scheduler) if scheduler else execute(todo, material, jobs=jobs)
    with closing(spread) as results:
        failed = _keep(results, todo, store, len(keys), progress, material)
    found |= {key: store.finished(key, experiment, material) for key, experiment in todo.items() if key not in failed}
    finished = [(run, values) for run in runs if (values := found[keys[run]]) is not None]
    report = Report(
        dataset=material.dataset,
        suite=suite,
        folder=store.folder,
        finished=finished,
        agreement=[values for pair in pairs if (values := found[keys[pair]]) is not None],
        speed=speed(material.dataset, devices) if devices else [],
        simulated=_simulated(finished, material, store) if "sim" in devices else {},
        notes=[*notes, *(f"{todo[key]} failed: {reason}" for key, reason in failed.items())],
        failures=len(failed),
        repeated=len(todo),
    )
    report.write()
    return report


def _bar(items: Iterable[Any], text: str, progress: bool, **options: Any) -> "tqdm[Any]":
    """A progress bar on stderr, only if requested and only on a terminal."""
    return tqdm(items, desc=text, leave=False, disable=None if progress else True, **options)


def _keep(
    results: Iterable[tuple[str, ExperimentResult]],
    todo: Mapping[str, Experiment],
    store: Store,
    total: int,
    progress: bool,
    material: Material,
) -> dict[str, str]:
    """Store results as they arrive; key -> reason of each failure."""
    failed: dict[str, str] = {}
    known = total - len(todo)
    bar = _bar(results, "runs", progress, total=total, initial=known)
    count = known
    try:
        for key, result in bar:
            if reason := result.failed or todo[key].problem(result.values, material):
                failed[key] = reason
            else:
                store.keep(key, result)
                count += 1
            bar.set_postfix_str(str(todo[key]))
    except KeyboardInterrupt:
        raise Stopped(
            f"interrupted: {count} of {total} runs are finished and kept in {store.folder}: "
            "repeat the same command to continue"
        ) from None
    return failed


def _simulated(finished: Sequence[tuple[Run, Values]], material: Material, store: Store) -> dict[Setting, float]:
    """Clock cycles per sample on the simulated RTL, of the first network of every row."""
    first: dict[Setting, Values] = {}
    for run, values in finished:
        first.setdefault(run.setting(), values)
    return {
        setting: simulated_cycles(store.folder / values["network"], material.dataset)
        for setting, values in first.items()
    }

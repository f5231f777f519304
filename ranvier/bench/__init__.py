"""The bench: every learner on a data set, with its controls, several sizes and seeds, as tables and pictures."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ranvier.bench.devices import PAIRS, Agreement, simulated_cycles, speed
from ranvier.bench.executor import ExecutorError, Task, execute, reach
from ranvier.bench.report import Report
from ranvier.bench.store import Store
from ranvier.bench.suite import STRUCTURES, SUITES, WIRINGS, Material, Outcome, Place, Row, Run, runs
from ranvier.learners import LEARNERS
from ranvier.parameters.config import ConfigError

__all__ = [
    "STRUCTURES",
    "SUITES",
    "SUITE_LEARNERS",
    "WIRINGS",
    "ExecutorError",
    "Material",
    "Report",
    "Run",
    "Stopped",
    "bench",
]

#: Learners of every suite, unless others are named.
SUITE_LEARNERS = ("online", "eventprop", "bptt")


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with a message that says how to go on."""


def bench(
    suite: str,
    data: str,
    *,
    seeds: int = 5,
    learners: Sequence[str] = (),
    delays: Sequence[str] = (),
    wirings: Sequence[str] = (),
    neurons: Sequence[int] = (),
    connectivity: Sequence[float] = (),
    structures: Sequence[str] = (),
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
        Which, out of `SUITES`.
    data : str
        Its data set, as `ranvier.data.open_dataset` takes it.
    seeds : int
        Trainings per row, seeds 0, 1, 2 and so on.
    learners, delays, wirings, neurons : sequences
        Only rows with these; empty for all. Learners that cannot be used here are left out unless they are named.
    connectivity : sequence of float
        Shares of the synapses that are active; empty for networks with all of them.
    structures : sequence of str
        Of sparse networks only these, out of `STRUCTURES`; empty for all.
    epochs : int, optional
        Instead of the recipes'.
    samples : int, optional
        Cut the data set, for a quick look.
    devices : sequence of str
        Whose agreement and speed to measure; with "sim", also the clocks of a trained network of every row.
    jobs : int
        Worker processes; speed is measured afterwards, by itself.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers train instead.
    out : path
        Folder for report, networks and finished runs, which are not repeated; ``bench-SUITE`` if empty.
    progress : bool
        Show progress bars if stderr is a terminal.

    Raises
    ------
    ConfigError
        If nothing passes the filters, or a learner that was named cannot be used.
    DataError
        If the data set cannot be used.
    ExecutorError
        If workers cannot be had.
    OutputError
        If the folder cannot be used.
    Stopped
        After Ctrl-C. Finished runs are kept.
    """
    if scheduler:
        reach(scheduler)
    material = Material.open(data, samples)
    usable, notes = _usable(learners, material.dataset.name)
    filtered = runs(
        suite,
        learners=usable,
        delays=delays,
        wirings=wirings,
        neurons=neurons,
        connectivity=connectivity,
        structures=structures,
        seeds=seeds,
        epochs=epochs,
    )
    wanted = list(dict.fromkeys(filtered))  # a row asked for twice, as 1 and as 1.0 perhaps, is one row
    if not wanted:
        raise ConfigError(f"the suite {suite} has no such row: {SUITES[suite].text()}")
    pairs = [Agreement(*pair) for pair in PAIRS if set(pair) <= set(devices)]
    tasks: dict[Task, str] = {task: task.key(material) for task in _bar([*pairs, *wanted], "settings", progress)}
    store = Store(out or f"bench-{suite}")
    rows = {key: store.finished(key, task, material) for task, key in tasks.items()}
    todo = {key: task for task, key in tasks.items() if rows[key] is None}
    with closing(execute(todo, material, jobs=jobs, scheduler=scheduler)) as outcomes:
        failed = _keep(outcomes, todo, store, len(tasks), progress, material)
    rows |= {key: store.finished(key, task, material) for key, task in todo.items() if key not in failed}
    finished = [(run, row) for run in wanted if (row := rows[tasks[run]]) is not None]
    report = Report(
        dataset=material.dataset,
        suite=suite,
        folder=store.folder,
        finished=finished,
        agreement=[row for pair in pairs if (row := rows[tasks[pair]]) is not None],
        speed=speed(material.dataset, devices) if devices else [],
        simulated=_simulated(finished, material, store) if "sim" in devices else {},
        notes=[*notes, *(f"{todo[key]} failed: {reason}" for key, reason in failed.items())],
        failures=len(failed),
        repeated=len(todo),
    )
    report.write()
    return report


def _bar(items: Iterable[Any], text: str, progress: bool, **options: Any) -> "tqdm[Any]":
    """A progress bar on stderr, only if asked for and only on a terminal."""
    return tqdm(items, desc=text, leave=False, disable=None if progress else True, **options)


def _usable(named: Sequence[str], data: str) -> tuple[list[str], list[str]]:
    """Learners, and why others are left out; `ConfigError` if one of those was named or none is left."""
    usable, reasons = [], []
    for name in named or SUITE_LEARNERS:
        if reason := LEARNERS[name].refusal(data):
            reasons.append(f"{name} was left out: {reason}")
        else:
            usable.append(name)
    if reasons and (named or not usable):
        raise ConfigError(reasons[0])
    return usable, reasons


def _keep(
    outcomes: Iterable[tuple[str, Outcome]],
    todo: Mapping[str, Task],
    store: Store,
    total: int,
    progress: bool,
    material: Material,
) -> dict[str, str]:
    """Store what comes; key -> reason of what failed."""
    failed: dict[str, str] = {}
    known = total - len(todo)
    bar = _bar(outcomes, "runs", progress, total=total, initial=known)
    count = known
    try:
        for key, outcome in bar:
            if reason := outcome.failed or todo[key].problem(outcome.row, material):
                failed[key] = reason
            else:
                store.keep(key, outcome)
                count += 1
            bar.set_postfix_str(str(todo[key]))
    except KeyboardInterrupt:
        raise Stopped(
            f"interrupted: {count} of {total} runs are finished and kept in {store.folder}: the same command goes on"
        ) from None
    return failed


def _simulated(finished: Sequence[tuple[Run, Row]], material: Material, store: Store) -> dict[Place, float]:
    """Clocks per sample on the simulated RTL, of the first network of every row."""
    first: dict[Place, Row] = {}
    for run, row in finished:
        first.setdefault(run.place(), row)
    return {place: simulated_cycles(store.folder / row["network"], material.dataset) for place, row in first.items()}

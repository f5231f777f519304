"""Experiments in this process or in several of this machine; the death of a worker loses no result."""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import ClassVar, Protocol

from tqdm import tqdm

from ranvier.bench.suite import ExperimentResult, Material, Values
from ranvier.errors import RanvierError

__all__ = ["ExecutorError", "Experiment", "Results", "execute", "given_up", "own_bar_lock", "perform"]

#: Deaths of workers after which their experiment is given up.
DEATHS = 4

#: Keys and results as they arrive.
Results = Generator[tuple[str, ExperimentResult], None, None]


class ExecutorError(RanvierError, ValueError):
    """Experiments cannot be run; the message says why and what to do."""


class Experiment(Protocol):
    """A computation whose result is stored under a key; `leaves` are the names of the values that name files."""

    leaves: ClassVar[tuple[str, ...]]

    def key(self, material: Material) -> str:
        """Digest of everything that determines the result."""

    def result(self, material: Material) -> ExperimentResult:
        """Run it."""

    def problem(self, values: Values, material: Material) -> str | None:
        """Problem with the values of a result, or None."""


def execute(experiments: Mapping[str, Experiment], material: Material, *, jobs: int = 1) -> Results:
    """Run all experiments, in any order.

    Parameters
    ----------
    experiments : mapping
        Key -> experiment.
    material : Material
        Shared by all of them; sent once to every process.
    jobs : int
        Processes on this machine, which open no port; with 1, no other process is started.

    Yields
    ------
    key, ExperimentResult
        As soon as it is available. An experiment that fails, or whose worker died `DEATHS` times, yields a result with the
        reason.
    """
    return _pool(experiments, material, jobs) if jobs > 1 and experiments else _serial(experiments, material)


def perform(key: str, experiment: Experiment, material: Material) -> ExperimentResult:
    """Run one experiment, if this code computes the expected key."""
    if experiment.key(material) != key:
        raise ExecutorError("a worker runs another version of Ranvier or its libraries: install the same everywhere")
    try:
        return experiment.result(material)
    except ValueError as error:  # settings or data that make it impossible
        return ExperimentResult({}, failed=str(error))


def _serial(experiments: Mapping[str, Experiment], material: Material) -> Results:
    for key, experiment in experiments.items():
        yield key, perform(key, experiment, material)


# -------------------------------------------------------------------- processes of this machine


_material: Material


@contextmanager
def _ctrl_c_deferred() -> Iterator[None]:
    """Defer Ctrl-C to the end; processes started meanwhile ignore it, as it is meant for this one."""
    resource_tracker.ensure_running()  # or it unblocks the signal when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def own_bar_lock() -> None:
    """Give the bars of this process a lock of their own: one shared between processes leaks when this one is terminated."""
    tqdm.set_lock(threading.RLock())


def _begin(material: Material) -> None:
    """Initialise a process: one thread each, set before any library counts the cores."""
    global _material
    own_bar_lock()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    _material = material


def _perform(key: str, experiment: Experiment) -> ExperimentResult:
    return perform(key, experiment, _material)


def _pool(experiments: Mapping[str, Experiment], material: Material, jobs: int) -> Results:
    """Each process is a pool of its own: one that dies loses only its own experiment, which another repeats."""
    others, context = set(multiprocessing.active_children()), multiprocessing.get_context("spawn")
    waiting, deaths = deque(experiments), Counter[str]()
    pools: list[ProcessPoolExecutor] = []
    running: dict[Future[ExperimentResult], tuple[str, ProcessPoolExecutor]] = {}

    def fresh() -> ProcessPoolExecutor:
        pools.append(ProcessPoolExecutor(1, context, _begin, (material,)))
        return pools[-1]

    def start(pool: ProcessPoolExecutor) -> None:
        """Give the next experiment to a process."""
        if waiting:
            with _ctrl_c_deferred():
                try:
                    future = pool.submit(_perform, waiting[0], experiments[waiting[0]])
                except BrokenProcessPool:  # it died while idle
                    pool = fresh()
                    future = pool.submit(_perform, waiting[0], experiments[waiting[0]])
            running[future] = waiting.popleft(), pool

    try:
        for _ in range(min(jobs, len(experiments))):
            start(fresh())
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                key, pool = running.pop(future)
                try:
                    result: ExperimentResult | None = future.result()
                except BrokenProcessPool:
                    pool, deaths[key] = fresh(), deaths[key] + 1
                    result = given_up() if deaths[key] == DEATHS else None
                if result is None:
                    waiting.appendleft(key)
                start(pool)
                if result is not None:
                    yield key, result
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def given_up() -> ExperimentResult:
    """Result of an experiment whose workers died."""
    return ExperimentResult({}, failed=f"its worker died {DEATHS} times, perhaps for lack of memory")

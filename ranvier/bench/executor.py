"""Spreading experiments over processes here, or over machines through Dask; a worker that dies costs no result."""

import asyncio
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, ClassVar, Protocol

from tqdm import tqdm

from ranvier.bench.suite import ExperimentResult, Material, Values
from ranvier.extras import extra

__all__ = ["ExecutorError", "Experiment", "execute", "reach"]

#: Seconds to wait for a scheduler to answer, and for a worker when there is none.
CONNECT, WORKERLESS = 5, 60
#: How often an experiment may be running when its worker dies before it is given up.
DEATHS = 4
#: Seconds between two looks at whether there still is a worker.
LOOK = 2


#: Keys and results as they come.
Results = Generator[tuple[str, ExperimentResult], None, None]


class ExecutorError(ValueError):
    """Experiments cannot be run; the message says why and what to do."""


class Experiment(Protocol):
    """Something whose result is kept under a key; `leaves` are the names of the values that name files."""

    leaves: ClassVar[tuple[str, ...]]

    def key(self, material: Material) -> str:
        """Digest of what decides the result."""

    def result(self, material: Material) -> ExperimentResult:
        """Do it."""

    def problem(self, values: Values, material: Material) -> str | None:
        """What is wrong with the values of a result; None if nothing is."""


def execute(
    experiments: Mapping[str, Experiment], material: Material, *, jobs: int = 1, scheduler: str | None = None
) -> Results:
    """Do all experiments, in any order.

    Parameters
    ----------
    experiments : mapping
        Key -> experiment.
    material : Material
        What all of them need; every process gets it once.
    jobs : int
        Processes on this machine, which open no port; with one, this process does everything.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers do it instead. Experiments, material and results travel as
        pickles, so whoever reaches the scheduler can run code here and on its workers.

    Yields
    ------
    key, ExperimentResult
        As soon as it is there. An experiment that cannot be done, or whose worker died `DEATHS` times, yields one that says
        why.

    Raises
    ------
    ExecutorError
        If the scheduler does not answer, has no workers or is lost, or workers run other code.
    ExtraError
        If a scheduler is given and Dask is not installed.
    """
    if scheduler:
        return _dask(experiments, material, scheduler)
    return _pool(experiments, material, jobs) if jobs > 1 and experiments else _serial(experiments, material)


def perform(key: str, experiment: Experiment, material: Material) -> ExperimentResult:
    """One experiment, done where the code gives the key that was asked for."""
    if experiment.key(material) != key:
        raise ExecutorError("a worker runs another version of Ranvier or its libraries: install the same everywhere")
    try:
        return experiment.result(material)
    except ValueError as error:  # what a setting or the data can make impossible
        return ExperimentResult({}, failed=str(error))


def _serial(experiments: Mapping[str, Experiment], material: Material) -> Results:
    for key, experiment in experiments.items():
        yield key, perform(key, experiment, material)


# -------------------------------------------------------------------- processes of this machine


_material: Material


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, which is for this one; it hears of it at the end."""
    resource_tracker.ensure_running()  # or it unblocks the signal when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lock() -> None:
    """Bars of this process get a lock of its own, not one between processes, which is left behind when this one is ended."""
    tqdm.set_lock(threading.RLock())


def _begin(material: Material) -> None:
    """Start of a process: one thread each, before any library counts the cores."""
    global _material
    _lock()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    _material = material


def _perform(key: str, experiment: Experiment) -> ExperimentResult:
    return perform(key, experiment, _material)


def _pool(experiments: Mapping[str, Experiment], material: Material, jobs: int) -> Results:
    """Each process is a pool of its own: one that dies takes only its own experiment along, which another does again."""
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
            with _deaf():
                try:
                    future = pool.submit(_perform, waiting[0], experiments[waiting[0]])
                except BrokenProcessPool:  # it died with nothing to do
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
                    result = _given_up() if deaths[key] == DEATHS else None
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


def _given_up() -> ExperimentResult:
    return ExperimentResult({}, failed=f"its worker died {DEATHS} times, perhaps for lack of memory")


# -------------------------------------------------------------------- Dask


def _dask(experiments: Mapping[str, Experiment], material: Material, scheduler: str) -> Results:
    with _client(scheduler) as client, client.as_current():
        name = f"ranvier-data-{material.digest[:16]}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the data is large
            # a task and not scattered, so that it can be had again if the only worker that holds it dies
            data = client.submit(pickle.loads, pickle.dumps(material), key=name)
        futures = {
            client.submit(_perform_there, key, experiment, data, key=f"ranvier-{key}"): key
            for key, experiment in experiments.items()
        }
        yield from _collect(client, futures, scheduler)


def _perform_there(key: str, experiment: Experiment, material: Material) -> ExperimentResult:
    """`perform` in a worker of Dask."""
    _lock()
    return perform(key, experiment, material)


def _collect(client: Any, futures: dict[Any, str], address: str) -> Results:
    from distributed import wait as some
    from distributed.client import FuturesCancelledError
    from distributed.scheduler import KilledWorker

    lost = ExecutorError(f"lost the scheduler at {address}: finished runs are kept, the same command goes on")
    seen = time.monotonic()
    while futures:
        try:
            done = some(list(futures), timeout=LOOK, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            seen = time.monotonic() if client.scheduler_info()["workers"] else seen
            if time.monotonic() - seen > WORKERLESS:
                raise ExecutorError(f"no workers at {address}: start one with `dask worker {address}`") from None
            continue
        except FuturesCancelledError:
            raise lost from None
        seen = time.monotonic()
        for future in done:
            key = futures.pop(future)
            if future.status not in ("finished", "error"):
                raise lost
            try:
                yield key, future.result()
            except KilledWorker:
                yield key, _given_up()
            future.release()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at an address."""
    reach(scheduler)
    from distributed import Client

    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):  # each has a level of its own; what matters is reported here
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with Client(scheduler, timeout=CONNECT, set_as_default=False) as client:
        yield client


def reach(scheduler: str) -> None:
    """`ExecutorError` unless a Dask scheduler answers at this address; `ExtraError` if Dask is not installed."""
    connect = extra("distributed.comm", "cluster").connect

    async def answers() -> None:
        await (await connect(scheduler, timeout=CONNECT)).close()

    try:
        with ThreadPoolExecutor(1) as thread:  # which has no event loop yet, whoever calls
            thread.submit(asyncio.run, answers()).result()
    except Exception as error:  # something else that answers can cause anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ExecutorError(
            f"no Dask scheduler at {scheduler} ({reason}): start one with `dask scheduler` and give its tcp://HOST:PORT"
        ) from None

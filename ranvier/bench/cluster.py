"""Experiments done by the workers of a Dask scheduler, on this machine or on others; one that dies costs no result."""

import asyncio
import logging
import pickle
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ranvier.bench.executor import ExecutorError, Experiment, Results, given_up, own_bar_lock, perform
from ranvier.bench.suite import ExperimentResult, Material
from ranvier.extras import extra

__all__ = ["execute_on_cluster", "reach"]

#: Seconds to wait for a scheduler to answer, and for a worker when there is none.
CONNECT, WORKERLESS = 5, 60
#: Seconds between two looks at whether there still is a worker.
LOOK = 2


def execute_on_cluster(experiments: Mapping[str, Experiment], material: Material, scheduler: str) -> Results:
    """Do all experiments, in any order.

    Parameters
    ----------
    experiments : mapping
        Key -> experiment.
    material : Material
        What all of them need; every worker gets it once.
    scheduler : str
        Address of a running Dask scheduler. Experiments, material and results travel as pickles, so whoever reaches the
        scheduler can run code here and on its workers.

    Yields
    ------
    key, ExperimentResult
        See `ranvier.bench.executor.execute`.

    Raises
    ------
    ExecutorError
        If the scheduler does not answer, has no workers or is lost, or workers run other code.
    ExtraError
        If Dask is not installed.
    """
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
    own_bar_lock()
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
                yield key, given_up()
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
        with ThreadPoolExecutor(1) as thread:  # which has no event loop yet, for any caller
            thread.submit(asyncio.run, answers()).result()
    except Exception as error:  # something else that answers can cause anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ExecutorError(
            f"no Dask scheduler at {scheduler} ({reason}): start one with `dask scheduler` and give its tcp://HOST:PORT"
        ) from None

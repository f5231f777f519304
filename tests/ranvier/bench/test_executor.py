"""Tasks spread over processes give what one process gives, and a worker that is killed costs nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client

from ranvier.bench import executor
from ranvier.bench.executor import ExecutorError, execute
from ranvier.bench.suite import Material, Outcome, runs
from ranvier.cli import main
from ranvier.data import yin_yang
from ranvier.extras import ExtraError
from ranvier.learners import Online
from ranvier.parameters.network import NetworkError

MATERIAL = Material.of(yin_yang(train=30, test=30))
TASKS = {
    run.key(MATERIAL): run
    for run in runs("yinyang", learners=["online"], wirings=["feedforward"], neurons=[10], seeds=3, epochs=1)
}


def values(outcome: Outcome) -> dict[str, Any]:
    """Everything but the time that it took."""
    return {name: value for name, value in outcome.row.items() if name != "cpu_seconds"} | outcome.files


@pytest.fixture(scope="module")
def serial() -> dict[str, dict[str, Any]]:
    """What this process makes of the tasks."""
    made = {key: values(outcome) for key, outcome in execute(TASKS, MATERIAL)}
    assert made.keys() == TASKS.keys()
    return made


@dataclass
class Cluster:
    """A scheduler and two workers, each a process of its own, and the scheduler's address."""

    scheduler: "subprocess.Popen[bytes]"
    workers: "list[subprocess.Popen[bytes]]"
    address: str


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    file = tmp_path / "scheduler.json"

    def start(kind: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{kind}",
            "--scheduler-file",
            str(file),
            "--no-dashboard",
        ]
        return subprocess.Popen([*command, *options], cwd=tmp_path, stderr=subprocess.DEVNULL)

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        processes += [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        until = time.monotonic() + 30
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < until, "no scheduler"
            time.sleep(0.05)
        yield Cluster(processes[0], processes[1:], json.loads(file.read_text())["address"])
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_killed_worker_of_a_real_scheduler_costs_nothing(cluster, serial, record_property):
    found, lost = {}, ()
    with Client(cluster.address, set_as_default=False) as watcher:
        watcher.wait_for_workers(2, timeout=30)
        for key, outcome in execute(TASKS, MATERIAL, scheduler=cluster.address):
            assert not outcome.failed
            assert key not in found
            found[key] = values(outcome)
            if len(found) == 1:
                pids = {pid: name for name, pid in watcher.run(os.getpid).items()}
                lost = watcher.processing()[pids[cluster.workers[0].pid]]
                cluster.workers[0].kill()
    assert [worker.wait(0) if n == 0 else worker.poll() for n, worker in enumerate(cluster.workers)] == [-9, None]
    assert found == serial
    assert lost, "the killed worker had nothing to do"
    record_property(
        "evidence",
        f"Dask scheduler with two workers, one killed amid {len(lost)} runs: {len(found)} of {len(TASKS)} results, "
        "all equal to those of one process",
    )


def test_killed_process_of_the_pool_costs_nothing(serial):
    before, found = set(active_children()), {}
    some = dict(list(TASKS.items())[:4])
    for key, outcome in execute(some, MATERIAL, jobs=2):
        found[key] = values(outcome)
        if len(found) == 1:
            first = set(active_children()) - before
            assert first
            min(first, key=lambda process: process.pid).kill()
    assert found == {key: serial[key] for key in some}
    assert set(active_children()) == before, "a process was left behind"


class Deadly:
    """A task that ends its process."""

    def key(self, material: Material) -> str:
        return "deadly"

    def result(self, material: Material) -> Outcome:
        os._exit(1)


def test_a_task_that_ends_every_process_is_given_up_and_harms_no_other(serial, monkeypatch):
    monkeypatch.setattr(executor, "DEATHS", 2)
    key, task = next(iter(TASKS.items()))
    found = dict(execute({"deadly": Deadly(), key: task}, MATERIAL, jobs=2))
    assert found.keys() == {"deadly", key}
    assert values(found[key]) == serial[key]
    assert "died 2 times" in found["deadly"].failed


@dataclass(frozen=True)
class Ports:
    """A task that lists the ports on which its process and the one that started it listen."""

    def key(self, material: Material) -> str:
        return "ports"

    def result(self, material: Material) -> Outcome:
        processes = [psutil.Process(), *psutil.Process().parents()[:1]]
        return Outcome({"ports": [listening(process) for process in processes]})


def listening(process: psutil.Process) -> list[int]:
    connections = process.net_connections(kind="inet")
    return [connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN]


def test_processes_of_this_machine_open_no_port():
    before = listening(psutil.Process())
    with closing(execute({"ports": Ports()}, MATERIAL, jobs=2)) as outcomes:
        assert [outcome.row["ports"] for _, outcome in outcomes] == [[[], before]]
    with socket.create_server(("127.0.0.1", 0)) as server:  # a port that is open is seen
        assert listening(psutil.Process()) == [*before, server.getsockname()[1]]


def test_worker_with_other_code_is_refused():
    (run,) = list(TASKS.values())[:1]
    with pytest.raises(ExecutorError, match="another version"):
        list(execute({"0123456789abcdef": run}, MATERIAL))


def test_what_a_setting_makes_impossible_is_an_outcome():
    run = replace(next(iter(TASKS.values())), delays="axonal")
    key = run.key(MATERIAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Online, "train", lambda *_, **__: (_ for _ in ()).throw(NetworkError("values ran away")))
        assert [outcome.failed for _, outcome in execute({key: run}, MATERIAL)] == ["values ran away"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [("tcp://127.0.0.1:9", "no Dask scheduler at tcp://127.0.0.1:9"), ("nonsense", "tcp://HOST:PORT")],
)
def test_no_scheduler_is_one_line_within_ten_seconds(address, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(executor, "CONNECT", 1)
    line = "bench --suite yinyang --learner online --neurons 10 --delays none --seeds 1 --samples 30 --epochs 1"
    start = time.monotonic()
    assert main([*line.split(), "--out", str(tmp_path / "out"), "--scheduler", address]) == 2
    assert time.monotonic() - start < 10
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ranvier: ")
    assert err.count("\n") == 1
    assert reason in err


def test_missing_dask_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed.comm", None)
    with pytest.raises(ExtraError, match=r"install ranvier\[bench\]"):
        list(execute(TASKS, MATERIAL, scheduler="tcp://127.0.0.1:9"))


@pytest.mark.prove
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_bench_that_is_stopped_says_one_line(number, tmp_path):
    """With workers, which are gone afterwards and leave nothing behind."""
    line = "bench --suite yinyang --learner online --neurons 10 --samples 2000 --epochs 20 --seeds 3 --jobs 2 --out out"
    command = [sys.executable, "-m", "ranvier", *line.split()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 120
        while not list(tmp_path.glob("out/runs/*.json")):
            assert time.monotonic() < until, "no run was finished"
            time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("ranvier: interrupted: ")
    assert err.endswith("kept in out: the same command goes on\n")
    assert err.count("\n") == 1

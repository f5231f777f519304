"""Experiments on a real Dask scheduler give what one process gives, and a worker that is killed costs nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed import Client
from refusal import refused

import ranvier.bench.cluster
from ranvier.bench.cluster import execute_on_cluster
from ranvier.cli import main
from ranvier.extras import ExtraError

LINE = "bench --suite yinyang --learner online --neurons 10 --delays none --seeds 1 --samples 30 --epochs 1 --jobs 1"


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


def test_killed_worker_of_a_real_scheduler_costs_nothing(cluster, known, record_property):
    found, lost = {}, ()
    with Client(cluster.address, set_as_default=False) as watcher:
        watcher.wait_for_workers(2, timeout=30)
        for key, result in execute_on_cluster(known.experiments, known.material, cluster.address):
            assert not result.failed
            assert key not in found
            found[key] = known.values(result)
            if len(found) == 1:
                pids = {pid: name for name, pid in watcher.run(os.getpid).items()}
                lost = watcher.processing()[pids[cluster.workers[0].pid]]
                cluster.workers[0].kill()
    assert [worker.wait(0) if n == 0 else worker.poll() for n, worker in enumerate(cluster.workers)] == [-9, None]
    assert found == known.results
    assert lost, "the killed worker had nothing to do"
    record_property(
        "evidence",
        f"Dask scheduler with two workers, one killed amid {len(lost)} runs: {len(found)} of {len(known.results)} results, "
        "all equal to those of one process",
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [("tcp://127.0.0.1:9", "no Dask scheduler at tcp://127.0.0.1:9"), ("nonsense", "tcp://HOST:PORT")],
)
def test_no_scheduler_is_one_line_within_ten_seconds(address, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ranvier.bench.cluster, "CONNECT", 1)
    start = time.monotonic()
    assert reason in refused(capsys, *LINE.split(), "--out", str(tmp_path / "out"), "--scheduler", address)
    assert time.monotonic() - start < 10


def test_missing_dask_is_one_line(known, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed.comm", None)
    with pytest.raises(ExtraError, match=r"install ranvier\[cluster\]"):
        list(execute_on_cluster(known.experiments, known.material, "tcp://127.0.0.1:9"))


def test_without_a_scheduler_nobody_asks_for_dask(tmp_path, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("dask", "distributed")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("dask", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main([*LINE.split(), "--out", str(tmp_path / "out")]) == 0
    assert "# Ranvier bench: yinyang" in capsys.readouterr().out

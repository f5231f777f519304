"""Experiments spread over processes give what one process gives, and a worker that is killed costs nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import active_children

import psutil
import pytest

from ranvier.bench import executor
from ranvier.bench.executor import ExecutorError, execute
from ranvier.bench.suite import ExperimentResult, Material
from ranvier.learners import OnlineLearner
from ranvier.parameters.network import NetworkError


def test_killed_process_of_the_pool_costs_nothing(known):
    before, found = set(active_children()), {}
    some = dict(list(known.experiments.items())[:4])
    for key, result in execute(some, known.material, jobs=2):
        found[key] = known.values(result)
        if len(found) == 1:
            first = set(active_children()) - before
            assert first
            min(first, key=lambda process: process.pid).kill()
    assert found == {key: known.results[key] for key in some}
    assert set(active_children()) == before, "a process was left behind"


class Deadly:
    """An experiment that ends its process."""

    def key(self, material: Material) -> str:
        return "deadly"

    def result(self, material: Material) -> ExperimentResult:
        os._exit(1)


def test_an_experiment_that_ends_every_process_is_given_up_and_harms_no_other(known, monkeypatch):
    monkeypatch.setattr(executor, "DEATHS", 2)
    key, run = next(iter(known.experiments.items()))
    found = dict(execute({"deadly": Deadly(), key: run}, known.material, jobs=2))
    assert found.keys() == {"deadly", key}
    assert known.values(found[key]) == known.results[key]
    assert "died 2 times" in found["deadly"].failed


@dataclass(frozen=True)
class Ports:
    """An experiment that lists the ports on which its process and the one that started it listen."""

    def key(self, material: Material) -> str:
        return "ports"

    def result(self, material: Material) -> ExperimentResult:
        processes = [psutil.Process(), *psutil.Process().parents()[:1]]
        return ExperimentResult({"ports": [listening(process) for process in processes]})


def listening(process: psutil.Process) -> list[int]:
    connections = process.net_connections(kind="inet")
    return [connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN]


def test_processes_of_this_machine_open_no_port(known):
    before = listening(psutil.Process())
    with closing(execute({"ports": Ports()}, known.material, jobs=2)) as results:
        assert [result.values["ports"] for _, result in results] == [[[], before]]
    with socket.create_server(("127.0.0.1", 0)) as server:  # a port that is open is seen
        assert listening(psutil.Process()) == [*before, server.getsockname()[1]]


def test_worker_with_other_code_is_refused(known):
    (run,) = list(known.experiments.values())[:1]
    with pytest.raises(ExecutorError, match="another version"):
        list(execute({"0123456789abcdef": run}, known.material))


def test_what_a_setting_makes_impossible_is_a_result(known):
    run = replace(next(iter(known.experiments.values())), delays="axonal")
    key = run.key(known.material)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OnlineLearner, "train", lambda *_, **__: (_ for _ in ()).throw(NetworkError("values ran away")))
        assert [result.failed for _, result in execute({key: run}, known.material)] == ["values ran away"]


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
    assert err.endswith("kept in out: repeat the same command to continue\n")
    assert err.count("\n") == 1

"""The bus faces under cocotb on Verilator, behind bus models that others wrote: every access answered as it must be, samples
learned over the bus and over the streams equal to the golden model's."""

import subprocess
from concurrent.futures import Future
from importlib import import_module
from unittest.mock import Mock

import pytest

from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.golden.core import GoldenCore
from ranvier.hw.registers import Register, Space, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.sim.cocotb.interface_link import FaceLink
from ranvier.sim.cocotb.scoreboard import Tally
from ranvier.sim.cocotb.session import SessionError, run_scenarios
from ranvier.verification.verify import verify

SEED = 20251122

#: A core for each face, with everything that can be written between them.
CORES = {
    "axi": CoreConfig(inputs=4, neurons=5, outputs=3, recurrent=True, max_delay=5, lanes=2, feedback="random"),
    "wishbone": CoreConfig(inputs=6, neurons=9, outputs=4, recurrent=True, max_delay=6, lanes=4, delays="axonal"),
}
#: Least values compared and accesses refused, whatever the seed.
VALUES, REFUSED = 10_000, 1_000


@pytest.mark.parametrize("face", CORES)
def test_scenarios(face, tmp_path, record_property):
    modules = [import_module(f"ranvier.sim.cocotb.{name}_scenarios") for name in ("interface", face)]
    tallies = run_scenarios(CORES[face], tmp_path, SEED, face)
    for name, tally in tallies.items():
        print(f"{name:<28} {tally}")
    total = sum(tallies.values(), Tally())
    record_property("evidence", f"{face}, {len(tallies)} scenarios, seed {SEED}: {total}")
    assert set(tallies) == {name for module in modules for name in module.NAMES}
    assert total.values > VALUES
    assert total.errors > REFUSED
    if face == "axi":
        assert min(total.counters["spikes"], total.weights_moved, total.delays_moved) > 20
    else:
        assert total.given_up > 100


@pytest.mark.parametrize("face", CORES)
def test_samples_learned_over_the_bus_equal_the_golden_model(face, record_property):
    config = CORES[face]
    with RemoteCore(config, FaceLink(config, face, seed=SEED)) as core:
        found = verify(GoldenCore(config), core, seed=1, samples=8)
    record_property("evidence", f"{face}: {found.mismatches} mismatches / {found.compared:,} values, {found.summary()}")
    assert found.mismatches == 0
    assert found.compared > 2_000
    assert min(found.spikes, found.weights_moved, found.delays_moved) > 0


@pytest.mark.parametrize("face", CORES)
def test_a_refused_access_is_an_error_that_names_it(face):
    with RemoteCore(CORES[face], FaceLink(CORES[face], face)) as core:
        with pytest.raises(
            LinkError, match=rf"simulated {face}: the core refused a read from {Register.EVENT.address:#x}"
        ):
            core.link.read(Register.EVENT.address)
        beyond = word_address(Space.WEIGHT, CORES[face].neurons) << 2
        with pytest.raises(LinkError, match=rf"refused a write to {beyond:#x}"):
            core.link.write(beyond - 4, [1, 2])
        assert core.read(Register.DIGEST) == CORES[face].digest


def test_an_interrupted_access_comes_to_its_end_before_the_next(monkeypatch):
    """The answer to one is never taken for that to another."""
    config = CORES["axi"]
    with RemoteCore(config, FaceLink(config, "axi")) as core:
        wait = Future.result

        def interrupted(future, timeout=None):
            raise KeyboardInterrupt

        for register in (Register.ID, Register.SHAPE, Register.DIGEST) * 3:
            monkeypatch.setattr(Future, "result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                core.read(register)
            monkeypatch.setattr(Future, "result", wait)
            assert core.read(Register.DIGEST) == config.digest
    with pytest.raises(LinkError, match="it was closed"):
        core.read(Register.DIGEST)


def test_an_interrupt_while_a_simulator_starts_ends_it(monkeypatch):
    started = []
    monkeypatch.setattr(FaceLink, "_accept", Mock(side_effect=KeyboardInterrupt))
    popen = subprocess.Popen

    def start(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        FaceLink(CORES["axi"], "axi")
    assert started[0].poll() is not None


def test_a_simulation_that_ends_is_an_error_with_its_log():
    link = FaceLink(CORES["axi"], "axi")
    with pytest.raises(SessionError, match=r"simulated axi: the simulation ended:[^$]*Address out of range"):
        link.read(1 << 20)
    with pytest.raises(SessionError, match=r"simulated axi: the simulation ended:\nopen it again"):
        link.read(0)
    link.close()

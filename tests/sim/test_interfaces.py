"""The bus interfaces under cocotb on Verilator, behind bus models that others wrote: the result of every access, and samples
learned over the bus and over the streams, equal to the golden model's."""

import subprocess
from concurrent.futures import Future
from importlib import import_module
from unittest.mock import Mock

import pytest

from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.golden.core import GoldenCore
from ranvier.hw.registers import AddressSpace, Register, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.sim.cocotb.interface_link import InterfaceLink
from ranvier.sim.cocotb.scoreboard import Scoreboard
from ranvier.sim.cocotb.session import SessionError, run_scenarios
from ranvier.verification.verify import verify

SEED = 20251122

#: A core for each interface, with everything that can be written between them.
CORES = {
    "axi": CoreConfig(inputs=4, neurons=5, outputs=3, recurrent=True, max_delay=5, lanes=2, feedback="random"),
    "wishbone": CoreConfig(inputs=6, neurons=9, outputs=4, recurrent=True, max_delay=6, lanes=4, delays="axonal"),
}
#: Least values compared and accesses refused, whatever the seed.
VALUES, REFUSED = 10_000, 1_000


@pytest.mark.parametrize("interface", CORES)
def test_scenarios(interface, tmp_path, record_property):
    modules = [import_module(f"ranvier.sim.cocotb.{name}_scenarios") for name in ("interface", interface)]
    scoreboards = run_scenarios(CORES[interface], tmp_path, SEED, interface)
    for name, scoreboard in scoreboards.items():
        print(f"{name:<28} {scoreboard}")
    total = sum(scoreboards.values(), Scoreboard())
    record_property("evidence", f"{interface}, {len(scoreboards)} scenarios, seed {SEED}: {total}")
    assert set(scoreboards) == {name for module in modules for name in module.NAMES}
    assert total.values > VALUES
    assert total.errors > REFUSED
    if interface == "axi":
        assert min(total.counters["spikes"], total.weights_moved, total.delays_moved) > 20
    else:
        assert total.given_up > 100


@pytest.mark.parametrize("interface", CORES)
def test_samples_learned_over_the_bus_equal_the_golden_model(interface, record_property):
    config = CORES[interface]
    with RemoteCore(config, InterfaceLink(config, interface, seed=SEED)) as core:
        found = verify(GoldenCore(config), core, seed=1, samples=8)
    record_property(
        "evidence", f"{interface}: {found.mismatches} mismatches / {found.compared:,} values, {found.summary()}"
    )
    assert found.mismatches == 0
    assert found.compared > 2_000
    assert min(found.spikes, found.weights_moved, found.delays_moved) > 0


@pytest.mark.parametrize("interface", CORES)
def test_a_refused_access_is_an_error_that_names_it(interface):
    with RemoteCore(CORES[interface], InterfaceLink(CORES[interface], interface)) as core:
        with pytest.raises(
            LinkError, match=rf"simulated {interface}: the core refused a read from {Register.EVENT.address:#x}"
        ):
            core.link.read(Register.EVENT.address)
        beyond = word_address(AddressSpace.WEIGHT, CORES[interface].neurons) << 2
        with pytest.raises(LinkError, match=rf"refused a write to {beyond:#x}"):
            core.link.write(beyond - 4, [1, 2])
        assert core.read(Register.DIGEST) == CORES[interface].digest


def test_an_interrupted_access_comes_to_its_end_before_the_next(monkeypatch):
    """The answer to one is never taken for that to another."""
    config = CORES["axi"]
    with RemoteCore(config, InterfaceLink(config, "axi")) as core:
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
    monkeypatch.setattr(InterfaceLink, "_accept", Mock(side_effect=KeyboardInterrupt))
    popen = subprocess.Popen

    def start(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        InterfaceLink(CORES["axi"], "axi")
    assert started[0].poll() is not None


def test_a_simulation_that_ends_is_an_error_with_its_log():
    link = InterfaceLink(CORES["axi"], "axi")
    with pytest.raises(SessionError, match=r"simulated axi: the simulation ended:[^$]*Address out of range"):
        link.read(1 << 20)
    with pytest.raises(SessionError, match=r"simulated axi: the simulation ended:\nopen it again"):
        link.read(0)
    link.close()

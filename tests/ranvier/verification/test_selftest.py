"""The scenarios themselves: each must fail on a device with a fault of its kind, and name what it expected and received."""

import numpy as np
import pytest

from ranvier.device import open_device
from ranvier.drivers.remote import RemoteCore
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.registers import Register, constants
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import SampleError
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.sim.port import SimulatedLink, SimulatedPort
from ranvier.verification.selftest import RATES, SCENARIOS, Rate, run_scenario, selftest, sweep

CONFIG = preset("test")
OF_REGISTERS = [name for name, scenario in SCENARIOS.items() if scenario.registers]


class Wrong(CompiledCore):
    """Golden, but for the fault that the scenario of the same name is there for."""

    def __init__(self, fault):
        self.fault, self.runs, self.half = fault, 0, False
        super().__init__(CONFIG)

    def load(self, network):
        try:
            super().load(network)
        except NetworkError:
            if self.fault not in ("wrong_network", "wrong_types"):
                raise
        self.half = False

    def step_sizes(self, *sizes):
        if self.fault != "step_sizes":
            super().step_sizes(*sizes)

    def network(self):
        network = super().network()
        if self.fault == "load":
            network.weight[1, 2] += 1
        return network

    def counters(self):
        counts = super().counters()
        return counts | {"spikes": counts["spikes"] - (self.fault == "counters" and self.runs > 1)}

    def run(self, sample, *, target=None, learn=False, record=()):
        self.runs += 1
        carried, self.half = self.half, True
        try:
            result = super().run(sample, target=target, learn=learn and self.fault != "learn", record=record)
        except SampleError:
            if self.fault == "bad_sample":
                return None
            raise
        self.half = False
        if self.fault == "interrupts" and carried:
            result.scores[1] += 1
        if self.fault in ("run", "reset"):
            result.scores[1] += self.runs if self.fault == "reset" else 1
        if self.fault == "recorded_steps" and record:
            result.steps["potential"][-1, 0] ^= 1
        return result


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in OF_REGISTERS])
def test_a_wrong_device_fails_its_scenario(name):
    reference = CompiledCore(CONFIG)
    assert run_scenario(name, CompiledCore(CONFIG), reference).failure is None
    outcome = run_scenario(name, Wrong(name), reference)
    assert "expected" in outcome.failure
    assert "received" in outcome.failure


class Liar:
    """A link that answers reads of one register by a function of the truth."""

    def __init__(self, link):
        self.link, self.name, self.register, self.lie = link, "liar", None, None

    def read(self, address, count=1, *, increment=True):
        words = self.link.read(address, count, increment=increment)
        if self.register and address == self.register.address:
            words = self.lie(words.astype(np.int64)).astype(np.uint32)
        return words

    def write(self, address, words, *, increment=True):
        self.link.write(address, words, increment=increment)

    def close(self):
        self.link.close()


OTHER = constants(CONFIG.replace(reset="zero"))[Register.DIGEST]
#: Scenario -> register that lies, and how.
LIES = {
    "identify": (Register.SHAPE, lambda words: words + 1),
    "wrong_configuration": (Register.DIGEST, lambda words: 0 * words + OTHER),
    "out_of_range": (Register.ERROR, lambda words: 0 * words),
    "refused_events": (Register.ERROR, lambda words: words & 1),
    "reported_spikes": (Register.OUTPUT, lambda words: words ^ (words >> 31)),
    "overflow": (Register.OVERFLOWS, lambda words: 0 * words),
    "left_behind": (Register.CONTROL, lambda words: words | 2),
}


@pytest.fixture(scope="module")
def remote():
    link = Liar(SimulatedBus(CONFIG, library(CONFIG, PERIPHERAL, optimise=False)))
    with RemoteCore(CONFIG, link) as device:
        yield device


@pytest.mark.parametrize("name", OF_REGISTERS)
def test_a_wrong_register_fails_its_scenario(name, remote):
    reference = CompiledCore(CONFIG)
    remote.link.register = None
    assert run_scenario(name, remote, reference).failure is None
    remote.link.register, remote.link.lie = LIES[name]
    assert "expected" in run_scenario(name, remote, reference).failure


@pytest.mark.parametrize(
    "changes",
    [{"learning": False}, {"delays": "none"}, {"delays": "axonal", "recurrent": False}, {"feedback": "random"}],
    ids=str,
)
def test_every_kind_of_core_can_pass(changes):
    config: CoreConfig = CONFIG.replace(**changes)
    result = selftest("golden", config)
    assert result.failures == 0, result.text()
    assert sum(outcome.compared for outcome in result.outcomes) > 300
    assert result.skipped == OF_REGISTERS
    assert result.rates == []


@pytest.mark.slow
def test_baud_rates_near_that_of_the_core_work_and_those_far_off_do_not(record_property):
    port = SimulatedPort(CONFIG)
    with RemoteCore(CONFIG, SimulatedLink(port)) as device:
        rates = sweep(device, device.link)
        assert device.link.baud == port.baud
        assert device.read(Register.DIGEST) == CONFIG.digest
    works = {relative: rate.failure is None for relative, rate in zip(RATES, rates, strict=True)}
    record_property("evidence", f"baud sweep over the simulated pins: {works}")
    assert [works[relative] for relative in (0.97, 1.0, 1.03)] == [True] * 3
    assert not works[0.92]
    assert not works[1.08]
    assert all(isinstance(rate, Rate) for rate in rates)


def test_the_text_has_a_line_for_each(capsys):
    result = selftest("golden", CONFIG)
    assert len(result.text()) == len(SCENARIOS) + 1
    assert result.text()[-1].startswith(f"0 of {len(result.outcomes)} scenarios failed")
    assert result.summary()["failures"] == 0
    with open_device("golden", CONFIG) as reference:
        result.outcomes[0] = run_scenario("load", Wrong("load"), reference)
    assert result.failures == 1
    assert result.text()[0].startswith("failed  load: what was loaded: weight[1, 2]: expected ")

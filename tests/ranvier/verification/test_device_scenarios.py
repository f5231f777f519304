"""Each scenario must fail on a device with a fault of its kind, and name what it expected and received."""

import pytest

from ranvier.golden.compiled import CompiledCore
from ranvier.parameters.network import NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import SampleError
from ranvier.verification.device_scenarios import SCENARIOS

CONFIG = preset("test")


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


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_wrong_device_fails_its_scenario(name):
    reference = CompiledCore(CONFIG)
    assert SCENARIOS[name].run(CompiledCore(CONFIG), reference).failure is None
    failure = SCENARIOS[name].run(Wrong(name), reference).failure
    assert "expected" in failure
    assert "received" in failure

"""Each scenario must fail on a device of which one register is read wrong, and name what it expected."""

import numpy as np
import pytest

from ranvier.drivers.remote import RemoteCore
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.registers import Register, constants
from ranvier.parameters.presets import preset
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.verification.register_scenarios import SCENARIOS

CONFIG = preset("test")


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

    def resynchronise(self):
        self.link.resynchronise()

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


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_wrong_register_fails_its_scenario(name, remote):
    reference = CompiledCore(CONFIG)
    remote.link.register = None
    assert SCENARIOS[name].run(remote, reference).failure is None
    remote.link.register, remote.link.lie = LIES[name]
    assert "expected" in SCENARIOS[name].run(remote, reference).failure

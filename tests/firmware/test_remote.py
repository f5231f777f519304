"""The host driver over a simulated bus against the golden model, and over links that lose or change words."""

import numpy as np
import pytest

from ranvier.firmware.link import LinkError
from ranvier.firmware.remote import RemoteCore
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.config import CoreConfig
from ranvier.golden.network import Network, NetworkError
from ranvier.golden.spikes import Sample, SampleError
from ranvier.hw.registers import Register
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.stimulus import random_network
from ranvier.verify import verify

CONFIGS = {
    "recurrent, synaptic": CoreConfig(inputs=5, neurons=7, outputs=3, recurrent=True, max_delay=6, lanes=2),
    "axonal, lagging, random feedback": CoreConfig(
        inputs=6, neurons=5, outputs=4, max_delay=6, delays="axonal", kernel_radius=3, feedback="random", lanes=4
    ),
    "single-ported": CoreConfig(
        inputs=5, neurons=6, outputs=3, max_delay=6, lanes=2, memory="single", synapse="exponential"
    ),
    "no delays, no learning": CoreConfig(inputs=3, neurons=4, outputs=2, delays="none", learning=False, lanes=1),
}
CONFIG = CONFIGS["recurrent, synaptic"]


def simulated(config):
    return SimulatedBus(config, library(config, PERIPHERAL, optimise=False))


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_the_golden_model_to_the_bit(name, record_property):
    config = CONFIGS[name]
    with CompiledCore(config) as golden, RemoteCore(config, simulated(config)) as device:
        result = verify(golden, device, samples=24, seed=1)
    record_property("evidence", f"driver over the simulated bus, {name}: {'; '.join(result.text())}")
    assert result.mismatches == 0
    assert result.compared > 2000
    assert result.spikes > 80


def test_samples_grow_by_the_lag_of_the_network():
    rng = np.random.default_rng(5)
    network = random_network(CONFIG, rng).replace(lag=3)
    sample = Sample.from_raster(rng.random((20, CONFIG.inputs)) < 0.6, np.arange(20) > 5)
    later = Sample(sample.times, sample.units, np.arange(23) > 8)
    with CompiledCore(CONFIG) as golden, RemoteCore(CONFIG, simulated(CONFIG)) as device:
        golden.load(network.replace(lag=0))
        device.load(network)
        expected, actual = golden.run(later, record=["spikes"]), device.run(sample, record=["spikes"])
        assert device.network().lag == 3
    np.testing.assert_array_equal(actual.steps["spikes"], expected.steps["spikes"])
    np.testing.assert_array_equal(actual.scores, expected.scores)
    assert actual.steps["spikes"][-3:].shape == (3, CONFIG.neurons)
    assert actual.spikes > 10


class Lossy:
    """A link on which one written word is lost or changed, once."""

    def __init__(self, link):
        self.link, self.name, self.harm, self.countdown = link, "lossy link", None, 0

    def read(self, address, count=1, *, increment=True):
        return self.link.read(address, count, increment=increment)

    def write(self, address, words, *, increment=True):
        words = np.array(words, np.uint32)
        self.countdown -= 1
        if self.harm and self.countdown < 0:
            harm, self.harm = self.harm, None
            if harm == "lost":
                return
            if harm == "moved":
                address += 4
            if harm == "changed":
                words[-1] ^= 1
            if harm == "unplugged":
                self.harm, self.countdown = harm, 0
                raise LinkError("lossy link: unplugged")
        self.link.write(address, words, increment=increment)

    def close(self):
        self.link.close()


def lively(seed=0):
    return random_network(CONFIG, np.random.default_rng(seed))


@pytest.mark.parametrize("harm", ["lost", "moved", "changed"])
@pytest.mark.parametrize("nth", [5, 9, 20, 33])
def test_a_word_that_does_not_arrive_is_noticed_and_loading_again_mends_it(harm, nth):
    link = Lossy(simulated(CONFIG))
    with RemoteCore(CONFIG, link) as device:
        link.harm, link.countdown = harm, nth
        with pytest.raises(
            LinkError, match=r"the network did not arrive whole: expected .*, received 0x|refused a write"
        ):
            device.load(lively())
        assert link.harm is None
        assert Register.STATUS.unpack(device.read(Register.STATUS))["loading"]
        device.load(lively())
        for name in Network.layout(CONFIG):
            np.testing.assert_array_equal(getattr(device.network(), name), getattr(lively(), name))


def test_after_unplugging_in_mid_transfer_the_core_refuses_to_run_until_it_was_loaded():
    link, sample = Lossy(simulated(CONFIG)), Sample.from_raster(np.ones((4, CONFIG.inputs)))
    device = RemoteCore(CONFIG, link)
    link.harm, link.countdown = "unplugged", 12
    with pytest.raises(LinkError, match="unplugged"):
        device.load(lively())
    link.harm = None
    with pytest.raises(LinkError, match="refused a write to 0x2c"):
        device.run(sample)
    with RemoteCore(CONFIG, link) as again, CompiledCore(CONFIG) as golden:  # opening loads
        for core in (again, golden):
            core.load(lively())
        assert again.run(sample).scores.tolist() == golden.run(sample).scores.tolist()


def test_a_spike_lost_on_the_way_is_noticed_before_its_result_is_believed():
    link, sample = Lossy(simulated(CONFIG)), Sample.from_raster(np.ones((4, CONFIG.inputs)))
    with RemoteCore(CONFIG, link) as device:
        device.load(lively())
        link.harm, link.countdown = "changed", 3
        with pytest.raises(LinkError):
            device.run(sample)
        assert link.harm is None


def test_another_core_is_refused_with_both_sides():
    other = CONFIG.replace(kernel_sigma=2.0)
    with pytest.raises(LinkError, match=rf"DIGEST {other.digest:#010x}, received {CONFIG.digest:#010x}"):
        RemoteCore(other, simulated(CONFIG))


class Silence:
    """A link behind which something else answers."""

    name, closed = "silence", False

    def read(self, address, count=1, *, increment=True):
        return np.full(count, 0xFFFFFFFF, np.uint32)

    def close(self):
        self.closed = True


def test_something_that_is_no_core_is_refused_and_the_link_closed():
    link = Silence()
    with pytest.raises(LinkError, match=r"no Ranvier core .*expected ID 0x524e5602, received 0xffffffff"):
        RemoteCore(CONFIG, link)
    assert link.closed


def test_what_does_not_fit_is_refused_before_anything_is_sent():
    with RemoteCore(CONFIG, simulated(CONFIG)) as device:
        with pytest.raises(NetworkError, match="another configuration"):
            device.load(Network.zeros(CONFIG.replace(neurons=8)))
        with pytest.raises(SampleError, match="input 5"):
            device.run(Sample(np.array([0]), np.array([5]), np.ones(2, bool)))

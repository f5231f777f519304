"""The host driver over a simulated bus against the golden model, and over links that lose or change words."""

from time import monotonic

import numpy as np
import pytest

from ranvier.device_base import DeviceError
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.events import EventKind
from ranvier.hw.registers import Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.verification.stimulus import random_network
from ranvier.verification.verify import verify

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
    record_property("evidence", f"driver over the simulated bus, {name}: {'; '.join(result.lines())}")
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

    def resynchronise(self):
        self.link.resynchronise()

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
    for use in (lambda: device.run(sample), device.network, device.counters):
        with pytest.raises(DeviceError, match="load one"):
            use()
    with RemoteCore(CONFIG, link) as again, CompiledCore(CONFIG) as golden:
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


class Interrupting:
    """A link that is interrupted at its `countdown`-th access, before that is carried out or after."""

    def __init__(self, link):
        self.link, self.name, self.countdown, self.after = link, "interrupting link", -1, False

    def _pass(self, access):
        self.countdown -= 1
        if self.countdown == 0 and not self.after:
            raise KeyboardInterrupt
        words = access()
        if self.countdown == 0:
            raise KeyboardInterrupt
        return words

    def read(self, address, count=1, *, increment=True):
        return self._pass(lambda: self.link.read(address, count, increment=increment))

    def write(self, address, words, *, increment=True):
        self._pass(lambda: self.link.write(address, words, increment=increment))

    def resynchronise(self):
        self.link.resynchronise()

    def close(self):
        self.link.close()


SAMPLE = Sample.from_raster(np.ones((6, CONFIG.inputs)))
INTERRUPTED = {
    "a sample": lambda device: device.run(SAMPLE, target=1),
    "a recorded sample": lambda device: device.run(SAMPLE, record=["potential"]),
    "step sizes": lambda device: device.step_sizes(*[StepSize.of(0.25)] * 3),
    "reading back": lambda device: device.network(),
    "loading": lambda device: device.load(lively(1)),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", INTERRUPTED)
def test_interrupted_before_or_after_any_access_the_next_sample_is_right(name, after, request, record_property):
    """Or, if a network was being loaded, refused. One access in four, or with ``--prove`` each."""
    stride = 1 if request.config.getoption("prove") or name == "step sizes" else 4
    network, link = lively().replace(alpha=4000, kappa=4000), Interrupting(simulated(CONFIG))
    with CompiledCore(CONFIG) as golden, RemoteCore(CONFIG, link) as device:
        golden.load(network)
        expected = golden.run(SAMPLE, target=1)
        assert expected.spikes > 0
        device.load(network)
        first = 1 + stride * after // 2
        for n in range(first, 1000, stride):
            link.countdown, link.after = n, after
            try:
                INTERRUPTED[name](device)
                break
            except KeyboardInterrupt:
                pass
            if name == "loading":
                for use in (lambda: device.run(SAMPLE), device.network, device.counters):
                    with pytest.raises(DeviceError, match="load one"):
                        use()
                device.load(network)
            actual = device.run(SAMPLE, target=1)
            assert (actual.scores.tolist(), actual.spikes) == (expected.scores.tolist(), expected.spikes), n
            if name == "step sizes":  # are as they were
                for core in (golden, device):
                    core.run(SAMPLE, target=2, learn=True)
                learned = golden.network()
                for array in Network.layout(CONFIG):
                    np.testing.assert_array_equal(getattr(device.network(), array), getattr(learned, array))
                assert (learned.weight != network.weight).any()
                for core in (golden, device):
                    core.load(network)
        link.countdown = -1
    counted = f"{name} interrupted {'after' if after else 'before'} {len(range(first, n, stride))} of {n - 1} accesses"
    record_property("evidence", counted)
    assert n > 5


def test_every_sample_starts_from_cleared_state_whoever_left_what():
    bus = simulated(CONFIG)
    with CompiledCore(CONFIG) as golden, RemoteCore(CONFIG, bus) as device:
        for core in (golden, device):
            core.load(lively().replace(alpha=4000, kappa=4000))
        expected, pack = golden.run(SAMPLE).scores.tolist(), Register.EVENT.pack
        for _ in range(3):
            for n in range(400):  # somebody else's sample, never ended, in the queue
                bus.write(Register.EVENT.address, [pack(kind=EventKind.SPIKE.value, index=n % CONFIG.inputs)])
            bus.write(Register.EVENT.address, [pack(kind=EventKind.STEP.value, scored=1)])
            assert device.run(SAMPLE).scores.tolist() == expected


def test_outputs_that_nobody_takes_end_a_sample_in_time_and_loading_mends_it():
    bus = simulated(CONFIG)
    with CompiledCore(CONFIG) as golden, RemoteCore(CONFIG, bus) as device:
        for core in (golden, device):
            core.load(lively())
        bus.take_outputs(False)
        device.write(Register.CONTROL, Register.CONTROL.pack(stream=1))
        device.PATIENCE = 0.2
        long = Sample.from_raster(np.ones((400, CONFIG.inputs)))
        for sample, record in ((long, ()), (long, ("potential",)), (SAMPLE, ())):
            start = monotonic()
            with pytest.raises(LinkError, match=r"busy after 0\.2 s: .*nobody takes them: .*load a network"):
                device.run(sample, target=0, record=record)
            assert monotonic() - start < 20
        for use in (device.network, device.counters):
            with pytest.raises(LinkError, match="nobody takes them"):
                use()
        device.load(lively())
        assert device.run(SAMPLE).scores.tolist() == golden.run(SAMPLE).scores.tolist()


class Wrapping:
    """A link on which the counters of the core are about to wrap."""

    OFFSET = (1 << 32) - 3
    MOVED = (Register.COUNTER.address, Register.CYCLES.address, Register.SAMPLES.address)

    def __init__(self, link):
        self.link, self.name, self.write, self.close = link, link.name, link.write, link.close
        self.resynchronise = link.resynchronise

    def read(self, address, count=1, *, increment=True):
        words = self.link.read(address, count, increment=increment)
        return words + np.uint32(self.OFFSET) if address in self.MOVED else words


def test_counts_of_a_sample_are_right_when_counters_wrap():
    records, counts = [], []
    for link in (simulated(CONFIG), Wrapping(simulated(CONFIG))):
        with RemoteCore(CONFIG, link) as device:
            device.load(lively())
            records += [device.run(SAMPLE)]
            counts += [device.counters()["spikes"]]
    assert counts[1] == (counts[0] + Wrapping.OFFSET) % (1 << 32) < counts[0]
    assert records[0].spikes == records[1].spikes > 3
    assert records[0].cycles == records[1].cycles > 3


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
    with pytest.raises(LinkError, match=r"no Ranvier core .*expected ID 0x524e5603, received 0xffffffff"):
        RemoteCore(CONFIG, link)
    assert link.closed


def test_what_does_not_fit_is_refused_before_anything_is_sent():
    with RemoteCore(CONFIG, simulated(CONFIG)) as device:
        with pytest.raises(NetworkError, match="another configuration"):
            device.load(Network.zeros(CONFIG.replace(neurons=8)))
        with pytest.raises(SampleError, match="input 5"):
            device.run(Sample(np.array([0]), np.array([5]), np.ones(2, bool)))

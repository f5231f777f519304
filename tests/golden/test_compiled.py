"""The compiled golden model against the plain one: every recorded value of every step, over random cores and inputs."""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pytest

from ranvier.golden.compiled import CompiledCore, play
from ranvier.golden.core import GoldenCore
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.record import COUNTERS, TRACED
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_config, random_network, random_sample

ETA = StepSize.of(0.01)


@dataclass
class Tally:
    """What comparisons saw; printed, and asserted to be something."""

    values: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def compare(self, network: Network, samples: list[Sample], rng: np.random.Generator) -> None:
        """Run `samples` on both models without reload, learning on most; compare everything after each."""
        config, before = network.config, network.replace()
        plain, compiled = GoldenCore(config), CompiledCore(config)
        for device in (plain, compiled):
            device.load(network)
        for sample in samples:
            target = int(rng.integers(config.outputs))
            learn = config.learning and bool(rng.random() < 0.8)
            if rng.random() < 0.2:
                etas = [StepSize(int(rng.integers(256)), int(rng.integers(12))) for _ in range(3)]
                for device in (plain, compiled):
                    device.step_sizes(*etas)
            want, got = (d.run(sample, target=target, learn=learn, record=TRACED) for d in (plain, compiled))
            for name in TRACED:
                self.equal(want.steps[name], got.steps[name], name)
            self.equal(want.scores, got.scores, "scores")
            assert (want.prediction, want.spikes, want.cycles) == (got.prediction, got.spikes, got.cycles)
            assert plain.counters() == compiled.counters()
            for name in Network.layout(config):
                self.equal(getattr(plain.network(), name), getattr(compiled.network(), name), name)
        after = compiled.network()
        self.weights_moved += np.count_nonzero(after.weight != before.weight)
        self.weights_moved += np.count_nonzero(after.readout != before.readout)
        self.delays_moved += np.count_nonzero(after.delay != before.delay)
        for name, count in compiled.counters().items():
            self.counters[name] += count

    def equal(self, want: np.ndarray, got: np.ndarray, name: str) -> None:
        np.testing.assert_array_equal(want, got, err_msg=name)
        self.values += want.size

    def finish(self) -> None:
        print(self)
        assert min(self.values, self.weights_moved, self.delays_moved, self.counters["spikes"]) > 0


def test_random_cores(record_property):
    tally = Tally()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        config = random_config(rng)
        print("seed", seed, config.to_dict())
        tally.compare(random_network(config, rng), [random_sample(config, rng) for _ in range(3)], rng)
    tally.finish()
    record_property("compared", tally.values)
    assert all(tally.counters.values()), tally.counters


EXTREMES = {
    "weights at their most": lambda c: {"weight": c.weight.max, "readout": c.weight.max},
    "weights at their least": lambda c: {"weight": c.weight.min, "readout": c.weight.min},
    "no delay": lambda c: {"delay": 0},
    "largest delay": lambda c: {"delay": c.delay_limit},
    "delay about to round": lambda c: {"delay": c.delay_limit - (1 << c.delay_fraction) // 2},
    "no decay": lambda c: {"alpha": 0, "kappa": 0},
    "slowest decay": lambda c: {"alpha": c.decay.max, "kappa": c.decay.max},
    "largest steps": lambda c: dict.fromkeys(["eta_weight", "eta_delay", "eta_readout"], StepSize(255, 0)),
    "stuck seed": lambda c: {"seed": 0x9E3779B9},
}


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_extremes(radius):
    config, rng, tally = preset("test").replace(kernel_radius=radius), np.random.default_rng(0), Tally()
    network = random_network(config, rng).replace(eta_weight=ETA, eta_delay=StepSize.of(2), eta_readout=ETA)
    counts, every_ninth = np.zeros((100, config.inputs), int), (np.arange(100) % 9 == 0)[:, None]
    samples = [
        Sample.from_raster(counts + 1),
        Sample.from_raster(counts),
        Sample.from_raster(counts + 4 * every_ninth, np.arange(100) % 2),
        Sample(np.zeros(40), np.arange(40) % 2 * 4, np.ones(1)),
    ]
    for extreme, changed in EXTREMES.items():
        print(extreme)
        change = changed(config)
        for name in change.keys() & Network.layout(config).keys():
            change[name] = np.full_like(getattr(network, name), change[name])
        tally.compare(network.replace(**change), samples, rng)
    tally.finish()


@pytest.mark.parametrize("name", ["yinyang", "braille", "shd"])
def test_presets(name):
    config, rng, tally = preset(name), np.random.default_rng(1), Tally()
    network = random_network(config, rng).replace(eta_weight=ETA, eta_delay=StepSize.of(1), eta_readout=ETA)
    samples = [Sample.from_raster(rng.random((12, config.inputs)) < 0.1) for _ in range(2)]
    tally.compare(network, samples, rng)
    tally.finish()


def test_refuses_what_the_plain_model_refuses():
    core = CompiledCore(preset("test"))
    with pytest.raises(NetworkError, match="made for another configuration"):
        core.load(Network.zeros(preset("braille")))
    with pytest.raises(SampleError, match="the sample has input 5 but"):
        core.run(Sample([0], [5], [True]))
    with pytest.raises(SampleError, match="learning needs a target"):
        core.run(Sample([], [], [True]), learn=True)


def test_one_compilation_serves_every_core():
    for config in (preset("test"), preset("braille")):
        network = random_network(config, np.random.default_rng(0))
        core = CompiledCore(config)
        core.load(network.replace(weight=np.asfortranarray(network.weight)))
        raster = np.asfortranarray(np.ones((4, config.inputs)))
        core.run(Sample.from_raster(raster, np.ones(8)[::2]), target=np.int64(1), learn=np.True_, record=["spikes"])
    assert len(play.signatures) == 1


def test_fifty_times_the_speed_on_braille():
    config, rng = preset("braille"), np.random.default_rng(0)
    network = random_network(config, rng).replace(eta_weight=ETA, eta_delay=ETA, eta_readout=ETA)
    sample = Sample.from_raster(rng.random((30, config.inputs)) < 0.1)

    def seconds(device, runs):
        device.load(network)
        device.run(Sample.from_raster(np.ones((1, config.inputs))), target=0, learn=True)
        start = perf_counter()
        for _ in range(runs):
            device.run(sample, target=0, learn=True)
        return (perf_counter() - start) / runs

    plain, compiled = seconds(GoldenCore(config), 1), min(seconds(CompiledCore(config), 10) for _ in range(3))
    print(f"plain {plain * 1e3:.1f} ms, compiled {compiled * 1e3:.3f} ms, ratio {plain / compiled:.0f}")
    assert plain > 50 * compiled

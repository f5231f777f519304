"""The compiled golden model against the plain one: every recorded value of every step, over random cores and inputs."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.core import GoldenCore
from ranvier.golden.network import Network
from ranvier.golden.presets import preset
from ranvier.golden.qformat import QFormat
from ranvier.golden.record import COUNTERS, TRACED
from ranvier.golden.spikes import Sample
from ranvier.golden.step_size import StepSize
from ranvier.stimulus import random_network, random_sample


def random_config(rng: np.random.Generator) -> CoreConfig:
    """A small valid core with any options and, every other time, any number formats."""

    def form(signed: bool, integer: tuple[int, int], fraction: tuple[int, int]) -> QFormat:
        return QFormat(signed, int(rng.integers(*integer)), int(rng.integers(*fraction)))

    while True:
        formats = {
            "weight": form(True, (0, 4), (3, 15)),
            "potential": form(True, (1, 7), (4, 16)),
            "decay": form(False, (0, 1), (3, 16)),
            "trace": form(False, (1, 6), (8, 12)),
            "surrogate": form(False, (0, 1), (1, 11)),
            "error": form(True, (1, 3), (0, 15)),
            "signal": form(True, (0, 8), (4, 16)),
            **{f"step_{name}": form(True, (0, 4), (4, 20)) for name in ("weight", "delay", "readout")},
        }
        try:
            return CoreConfig(
                inputs=int(rng.integers(1, 7)),
                neurons=int(rng.integers(1, 20)),
                outputs=int(rng.integers(2, 8)),
                recurrent=bool(rng.integers(2)),
                max_delay=int(rng.choice([1, 2, 5, 6, 14])),
                delays=str(rng.choice(["none", "axonal", "synaptic", "synaptic"])),
                lanes=int(rng.choice([1, 2, 4, 8, 16])),
                learning=bool(rng.random() < 0.9),
                feedback=str(rng.choice(["symmetric", "random"])),
                reset=str(rng.choice(["soft", "zero"])),
                prediction=str(rng.choice(["softmax", "readout"])),
                threshold=float(rng.choice([0.5, 1.0, 2.0])),
                surrogate_width=float(rng.choice([0.5, 1.0, 2.0])),
                kernel_radius=int(rng.integers(1, 4)),
                kernel_sigma=float(rng.choice([0.5, 1.0, 2.0])),
                delay_fraction=int(rng.integers(1, 13)),
                **(formats if rng.integers(2) else {}),
            )
        except ConfigError:
            continue


@dataclass
class Tally:
    """What a comparison saw; printed, and asserted to be something."""

    values: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def compare(self, config: CoreConfig, rng: np.random.Generator, samples: int) -> None:
        """Load one random network into both models and run `samples` without reload, learning on most."""
        plain, compiled = GoldenCore(config), CompiledCore(config)
        network = random_network(config, rng)
        for device in (plain, compiled):
            device.load(network)
        for _ in range(samples):
            sample, target = random_sample(config, rng), int(rng.integers(config.outputs))
            learn = config.learning and bool(rng.random() < 0.8)
            want, got = (d.run(sample, target=target, learn=learn, record=TRACED) for d in (plain, compiled))
            for name in TRACED:
                self.equal(want.steps[name], got.steps[name], name)
            self.equal(want.scores, got.scores, "scores")
            assert (want.prediction, want.spikes) == (got.prediction, got.spikes)
            assert plain.counters() == compiled.counters()
            self.networks(plain.network(), compiled.network())
        final = compiled.network()
        self.weights_moved += np.count_nonzero(final.weight != network.weight)
        self.weights_moved += np.count_nonzero(final.readout != network.readout)
        self.delays_moved += np.count_nonzero(final.delay != network.delay)
        for name, count in compiled.counters().items():
            self.counters[name] += count

    def equal(self, want: np.ndarray, got: np.ndarray, name: str) -> None:
        np.testing.assert_array_equal(want, got, err_msg=name)
        self.values += want.size

    def networks(self, want: Network, got: Network) -> None:
        for name in Network.layout(want.config):
            self.equal(getattr(want, name), getattr(got, name), name)

    def finish(self) -> None:
        print(self)
        assert self.values > 0 and self.weights_moved > 0 and self.delays_moved > 0
        assert all(self.counters.values()), self.counters


def test_random_cores():
    tally = Tally()
    for seed in range(60):
        print("seed", seed)
        rng = np.random.default_rng(seed)
        tally.compare(random_config(rng), rng, samples=3)
    tally.finish()

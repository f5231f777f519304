"""Random cores, any options and number formats: plain golden = compiled golden = simulated RTL, value by value."""

import numpy as np
import pytest

from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.hw.events import EventKind
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.record import TRACED
from ranvier.parameters.sample import Sample
from ranvier.sim.build import library
from ranvier.sim.device import SimulatedCore
from ranvier.verification.stimulus import random_config, random_extremes, random_network, random_sample
from ranvier.verification.verify import Twin

#: Together about 12 million values, most of them in the compiled model; the simulators take their time to build.
COMPILED, SIMULATED, CHUNK = 2400, 16, 100
NETWORKS, SAMPLES = 3, 4


def long_sample(config, rng):
    """Many turns of the delay line, spikes of one unit repeated within a step and in no order."""
    counts = rng.poisson(rng.choice([0.05, 0.5, 3.0]), (min(260, 6 * config.slots + 20), config.inputs))
    times, units = np.nonzero(counts)
    times, units = (np.repeat(values, counts[counts > 0]) for values in (times, units))
    order = np.lexsort((rng.random(len(times)), times))
    return Sample(times[order], units[order], rng.random(len(counts)) < 0.5)


def compare(twin, rng, networks):
    """Network after network and sample after sample on both; returns the number of spikes."""
    spikes = 0
    for _ in range(networks):
        network = random_network(twin.config, rng)
        twin.load(random_extremes(network, rng) if rng.random() < 0.5 else network)
        for n in range(SAMPLES):
            sample = (long_sample if n == SAMPLES - 1 else random_sample)(twin.config, rng)
            learn = twin.config.learning and bool(rng.random() < 0.8)
            spikes += twin.run(sample, target=int(rng.integers(twin.config.outputs)), learn=learn).spikes
        twin.network()
    return spikes


@pytest.mark.prove
@pytest.mark.parametrize("first", range(0, COMPILED, CHUNK))
def test_plain_and_compiled(first, record_property):
    compared = spikes = 0
    for seed in range(first, first + CHUNK):
        print("configuration seed", seed)
        rng = np.random.default_rng(seed)
        config = random_config(rng)
        twin = Twin(GoldenCore(config), CompiledCore(config), trace=TRACED, names=("plain", "compiled"))
        spikes += compare(twin, rng, 1)
        compared += twin.compared
    record_property("compared", compared)
    assert compared > 1000 * CHUNK
    assert spikes > 10 * CHUNK


class Interrupted(SimulatedCore):
    """A simulated core on which, after every `load`, a sample begins that is cut short by a reset."""

    def load(self, network):
        super().load(network)
        rng = np.random.default_rng(network.seed & 0xFFFF)
        pieces = [(EventKind.SPIKE.value, int(unit), 0, 0) for unit in rng.integers(self.config.inputs, size=30)]
        pieces += [(EventKind.STEP.value, 0, int(scored), 0) for scored in rng.integers(2, size=20)]
        rng.shuffle(pieces)
        self.write(AddressSpace.REGISTER, 0, Register.MODE.value, Register.MODE.pack(learn=0, report=0))
        assert len(self._run_events([*pieces, (EventKind.RESET.value, 0, 0, 0)], 0)) == 0
        self.write(AddressSpace.REGISTER, 0, Register.CLEAR.value, 1)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SIMULATED))
def test_simulated(seed, record_property):
    rng = np.random.default_rng([1, seed])
    config = next(c for c in iter(lambda: random_config(rng), None) if c.learning or seed % 8 == 0)
    print("configuration seed", seed, config.to_toml())
    with Interrupted(config, library(config, optimise=False)) as device:
        twin = Twin(CompiledCore(config), device, trace=TRACED)
        spikes = compare(twin, rng, NETWORKS)
    record_property("compared", twin.compared)
    record_property(
        "evidence", f"random core {seed}: 0 mismatches / {twin.compared:,} values compared, {spikes:,} spikes"
    )
    assert twin.compared > 1000

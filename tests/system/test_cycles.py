"""Clocks of the simulated core against the formulas of `ranvier.hw.budget`, and its memories against the Verilog."""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ranvier.hw.budget import Activity, constants, cycles, formulas, memories
from ranvier.hw.core import Phase
from ranvier.hw.flow.verilog import write_verilog
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import PRESETS
from ranvier.parameters.record import Record
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.sim.build import library
from ranvier.sim.device import SimulatedCore
from ranvier.verification.activity import ObservedCore
from ranvier.verification.stimulus import random_network

#: Neither number is a multiple of the lanes, and the neurons make from 21 words down to 2.
CONFIG = CoreConfig(inputs=6, neurons=21, outputs=5, recurrent=True, max_delay=6)
CONFIGS = {
    **{f"{lanes} lanes": CONFIG.replace(lanes=lanes) for lanes in (1, 2, 4, 8, 16)},
    "single port": CONFIG.replace(memory="single", lanes=1, dormant=True),
    "single port, axonal, lagging": CONFIG.replace(
        memory="single", lanes=2, delays="axonal", kernel_radius=2, feedback="random", synapse="exponential"
    ),
    "axonal, lagging": CONFIG.replace(delays="axonal", kernel_radius=3, feedback="random", synapse="exponential"),
    "wide readout": CoreConfig(inputs=2, neurons=3, outputs=40, lanes=2, max_delay=2, kernel_radius=2),
    "no delays, no learning": CONFIG.replace(delays="none", recurrent=False, learning=False),
}

#: Phases whose formula is a bound, missed by at most so many words of the sweep and so many clocks per step with spikes.
BOUNDS = {Phase.READOUT: (1, 1), Phase.DELIVER: (1, 2)}

STEPS = 40


@cache
def simulator(name: str) -> Path:
    return library(CONFIGS[name], optimise=False)


def lively_network(config: CoreConfig, rng: np.random.Generator) -> Network:
    """Weights so small that many potentials are near the threshold, where neurons earn credit."""
    network, step = random_network(config, rng), StepSize.of(0.1)
    weight, readout = rng.uniform(-0.2, 0.5, network.weight.shape), rng.uniform(-1, 1, network.readout.shape)
    return network.replace(
        weight=config.weight.quantise(weight),
        readout=config.weight.quantise(readout),
        eta_weight=step,
        eta_delay=step,
        eta_readout=step,
    )


def measured(device: SimulatedCore, sample: Sample, learn: bool) -> tuple[Record, dict[Phase, int]]:
    """Clocks of one sample in each phase; while the host reads, the core is idle but not busy."""
    before = device.phases()
    record = device.run(sample, target=0, learn=learn)
    clocks = dict(zip(Phase, (int(n) for n in device.phases() - before), strict=True))
    clocks[Phase.IDLE] = record.cycles - sum(n for phase, n in clocks.items() if phase is not Phase.IDLE)
    return record, clocks


def compare(name: str, check: Callable[[CoreConfig, Activity, dict[Phase, int]], None]) -> tuple[int, Counter, Counter]:
    """Hold the simulated clocks of a core to the formulas: how many counts were equal, clocks per phase, and work done.

    `check` sees every sample's activity and clocks.
    """
    config, rng = CONFIGS[name], np.random.default_rng(5)
    compared, busy, work = 0, Counter(), Counter()
    with ObservedCore(config) as golden, SimulatedCore(config, simulator(name)) as device:
        for rate in (0.02, 0.1, 0.2, 0.5):
            network = lively_network(config, rng)
            for core in (golden, device):
                core.load(network)
            for learn in (False, config.learning, config.learning):
                sample = Sample.from_raster(rng.random((STEPS, config.inputs)) < rate, rng.random(STEPS) < 0.5)
                activity = golden.observe(sample, 0, learn=learn)
                record, clocks = measured(device, sample, learn)
                assert record.spikes == activity.spikes.sum()
                work.update({name: int(counts.sum()) for name, counts in vars(activity).items()})
                for phase, expected in cycles(config, activity).items():
                    each, extra = BOUNDS.get(phase, (0, 0))
                    slack = (each * config.words + extra) * int((activity.spikes > 0).sum())
                    assert 0 <= expected - clocks[phase] <= slack, (phase.name, expected, clocks[phase])
                    busy[phase] += clocks[phase]
                    compared += 1
                check(config, activity, clocks)
    return compared, busy, work


@pytest.mark.parametrize("name", CONFIGS)
def test_clocks_of_every_phase_equal_the_formulas(name):
    compared, busy, work = compare(name, design)
    print(f"\n{name}: {compared} clock counts compared; clocks {[f'{p.name} {n}' for p, n in busy.items()]}")
    assert compared == 12 * len(Phase)
    assert min(work["spikes"], work["input_spikes"]) > 50
    assert not CONFIGS[name].learning or min(work["credited"], work["awake"], work["credit_words"]) > 50


def design(config: CoreConfig, activity: Activity, clocks: dict[Phase, int]) -> None:
    """The throughputs of docs/architecture.md with constants: 9 and 11 to deliver, 9 to sweep, 10 to read out, up to 21 for
    the learning signal (two to round products with a step size by a dither), and up to 28 to learn (23 unless axonal).

    Sweep and learning take 2 clocks more with exponential synapses.
    """
    c, a, steps = config, activity, len(activity.spikes)
    filtering = 2 * (config.synapse == "exponential")
    row, with_input, with_spikes = c.words + 2, (a.input_spikes > 0).sum(), (a.spikes > 0).sum()
    learned = (a.credited > 0).sum()
    assert clocks[Phase.IDLE] <= a.input_spikes.sum() * row + 9 * with_input + steps + 2
    assert clocks[Phase.SWEEP] <= steps * max(c.words + 9 + filtering, c.readout_words + 5)
    assert clocks[Phase.READOUT] <= a.spikes.sum() * c.readout_words + 10 * with_spikes + steps
    turns = 2 if c.memory == "single" else 1  # a single-ported word is read on one clock and written on another
    assert clocks[Phase.SIGNAL] <= turns * a.credited.sum() * c.readout_words + 21 * learned + steps
    assert clocks[Phase.DELIVER] <= a.spikes.sum() * row + 11 * with_spikes + steps
    assert clocks[Phase.LEARN] <= a.awake.sum() * (turns * c.words + 3) + (28 + filtering) * len(a.awake) + c.lag + 1


def test_the_constants_are_these():
    """So that a change shows; documented in `ranvier info` and docs."""
    stated = {
        Phase.IDLE: 9,
        Phase.SWEEP: 9,
        Phase.READOUT: 10,
        Phase.SCORE: 2 + 2 + 2 * 5 + 35,
        Phase.SIGNAL: 17 + 2,
        Phase.DELIVER: 11,
        Phase.LEARN: 23,
        Phase.FINISH: 3 * 5 + 3,
        Phase.CLEAR: 8 * 6,
    }
    assert constants(CONFIG) == constants(CONFIG.replace(dormant=True)) == stated
    filtered = stated | {Phase.SWEEP: 9 + 2, Phase.LEARN: 23 + 2}
    assert constants(CONFIG.replace(synapse="exponential")) == filtered
    assert constants(CONFIG.replace(delays="axonal"))[Phase.LEARN] == 23 + 3


@pytest.mark.parametrize("name", [*list(CONFIGS)[:3], *list(CONFIGS)[5:], "test", "yinyang"])
def test_memories_are_those_of_the_verilog(name):
    config = CONFIGS[name] if name in CONFIGS else PRESETS[name][1]
    declared = re.findall(r"^  reg (?:\[(\d+):0\] )?\S+ +\[(\d+):0\];", write_verilog(config), re.M)
    assert len(declared) > 10
    assert sum((int(width or 0) + 1) * (int(last) + 1) for width, last in declared) == sum(memories(config).values())


def test_formulas_and_memories_cover_what_there_is():
    config = CONFIG.replace(feedback="random")
    plain = config.replace(learning=False, feedback="symmetric", recurrent=False, delays="none")
    optional = {"neuron spikes", "eligibility", "learning signal"}
    assert optional <= formulas(config).keys()
    assert not optional & formulas(plain).keys()
    optional = {"delays", "feedback weights", "trace histories"}
    assert optional <= memories(config).keys()
    assert not optional & memories(plain).keys()
    axonal = config.replace(delays="axonal")
    assert memories(axonal)["trace histories"] * config.lanes == memories(config)["trace histories"]

"""A processor beside the core learns on its own: what it prints is what the golden model says, character by character."""

import re

import numpy as np
import pytest
from native import tool

from ranvier.device_base import DeviceError
from ranvier.firmware.program import ProgramError, compile_program
from ranvier.golden.compiled import CompiledCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.record import COUNTERS
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.sim.soc import RAM_BYTES, SimulatedSoc

CONFIG = CoreConfig(inputs=2, neurons=12, outputs=3, max_delay=14, lanes=2)
BLOCKS, SAMPLES, TESTS, STEPS = 6, 40, 6, 24
CLOCKS = 25_000_000


class Random:
    """xorshift32, scaled."""

    def __init__(self):
        self.state = 1

    def below(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        x = self.state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.state = x
        return (x >> 16) * count >> 16

    def array(self, rows: int, columns: int, least: int, count: int) -> np.ndarray:
        return np.array([[least + self.below(count) for _ in range(columns)] for _ in range(rows)])


def which_input_was_first(random: Random) -> tuple[int, Sample]:
    """Class and sample: the second input spikes 5 steps before the first, with it, or 5 after it, give or take one."""
    label, first = random.below(3), 6 + random.below(4)
    second = first + 5 * (label - 1) + random.below(3) - 1
    raster = np.zeros((STEPS, 2), int)
    raster[first, 0] = raster[second, 1] = 1
    return label, Sample.from_raster(raster)


def line(name: str, values) -> str:
    return " ".join([name, *map(str, np.ravel(values))])


def expected() -> tuple[list[str], Network, Network]:
    """What `firmware/examples/learn.c` should print, and the network before and after, by the golden model."""
    random, lines, core = Random(), [], CompiledCore(CONFIG)
    before = Network(
        CONFIG,
        weight=random.array(2, 12, 3000, 2000),
        delay=random.array(2, 12, 0, 1),
        readout=random.array(12, 3, -1000, 2000),
        feedback=np.zeros((0, 0), int),
        alpha=3277,
        kappa=3686,
        eta_weight=StepSize(164, 14),
        eta_delay=StepSize(128, 7),
        eta_readout=StepSize(164, 12),
        seed=12345,
    )
    core.load(before)

    def run(learn: bool) -> bool:
        label, sample = which_input_was_first(random)
        record = core.run(sample, target=label, learn=learn, record=("spikes",))
        for step, spikes in enumerate(record.steps["spikes"]):
            if spikes.any() and not learn:
                lines.append(line(f"step {step}:", np.flatnonzero(spikes)))
        lines.append(line(f"class {label} prediction {record.prediction} scores", record.scores))
        return record.prediction == label

    for block in range(1, BLOCKS + 1):
        correct = sum(run(learn=True) for _ in range(SAMPLES))
        lines.append(f"block {block}: {correct} of {SAMPLES} correct")
    for _ in range(TESTS):
        run(learn=False)
    after = core.network()
    for name in ("weight", "delay", "readout"):
        lines += [line(f"{name} {row}:", values) for row, values in enumerate(getattr(after, name))]
    lines.append(line("counters", [core.counters()[name] for name in COUNTERS]))
    return lines, before, after


def test_a_program_on_the_chip_learns_what_the_golden_model_learns(record_property):
    tool("riscv64-unknown-elf-gcc")
    pytest.importorskip("pythondata_cpu_picorv32")
    with SimulatedSoc(CONFIG, compile_program("learn", RAM_BYTES)) as soc:
        printed = soc.run(CLOCKS).splitlines()
    for use in (soc.cycles, lambda: soc.run(CLOCKS)):
        with pytest.raises(DeviceError, match=r"^the simulated board was closed"):
            use()
    lines, before, after = expected()
    *results, clocks, done = printed
    assert done == "done"
    assert results == lines
    moved = {
        name: int((getattr(after, name) != getattr(before, name)).sum()) for name in ("weight", "delay", "readout")
    }
    correct = [int(found[1]) for found in re.finditer(r"block \d+: (\d+) of", "\n".join(printed))]
    spikes = int(results[-1].split()[1])
    assert min(moved.values()) > 20
    assert spikes > 1000
    assert correct[0] < 0.6 * SAMPLES < 0.85 * SAMPLES < correct[-1]
    numbers = sum(len(re.findall(r"-?\d+", text)) for text in results)
    record_property(
        "evidence",
        f"PicoRV32 program on simulated RTL: 0 mismatches / {numbers:,} numbers printed, {spikes:,} spikes, "
        f"{moved['weight']} weights and {moved['delay']} delays moved, "
        f"{correct[0]} to {correct[-1]} of {SAMPLES} right; {clocks}",
    )


def test_a_program_that_does_not_fit_is_refused():
    tool("riscv64-unknown-elf-gcc")
    with pytest.raises(ProgramError, match="do not fit into the RAM"):
        compile_program("learn", 4096)

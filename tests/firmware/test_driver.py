"""The C driver on simulated RTL against the golden model: every spike, score, weight, delay and state, bit for bit."""

import re
from pathlib import Path

import numpy as np
import pytest
from native import FIRMWARE, HERE, STRICT, compile_program, run, tool

from ranvier.golden.compiled import CompiledCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.record import COUNTERS, Traced
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.sim.build import PERIPHERAL, library
from ranvier.verification.stimulus import random_network, random_sample

TEST = preset("test")
CONFIGS = {
    "synaptic": TEST,
    "axonal": TEST.replace(delays="axonal", feedback="random", recurrent=False, synapse="exponential", dormant=True),
    "inference": TEST.replace(delays="none", learning=False),
}
STATE: tuple[Traced, ...] = ("potential", "spikes", "readout", "trace", "surrogate", "readout_trace")
LEARNING = {"trace", "surrogate", "readout_trace"}


def peripheral(config: CoreConfig) -> Path:
    """Simulated peripheral to link with."""
    return library(config, PERIPHERAL, optimise=False)


def words(*parts) -> str:
    """Numbers as text."""
    return " ".join(str(int(n)) for part in parts for n in np.ravel(part))


def step_sizes(*etas: StepSize) -> str:
    return words(*((eta.mantissa, eta.shift) for eta in etas))


def load(network: Network) -> str:
    arrays = [getattr(network, name) for name in ("weight", "delay", "readout", "feedback")]
    etas = step_sizes(network.eta_weight, network.eta_delay, network.eta_readout)
    return f"l {words(*arrays, network.alpha, network.beta, network.kappa)} {etas} {network.seed}"


def run_sample(sample: Sample, target: int, learn: bool, report: bool, state: bool) -> str:
    steps = [words(sample.scored[t], len(units), units) for t, units in enumerate(sample.arriving())]
    return " ".join([f"s {words(learn, report, state, target, sample.steps)}", *steps])


class Expectation:
    """What the program should print, gathered from the golden model."""

    def __init__(self):
        self.lines: list[tuple[str, list[int]]] = []

    def add(self, name: str, values) -> None:
        self.lines.append((name, [int(n) for n in np.ravel(values)]))

    def check(self, printed: str) -> int:
        """How many values were compared, all of them equal."""
        actual = printed.splitlines()
        assert len(actual) == len(self.lines)
        for line, (name, values) in zip(actual, self.lines, strict=True):
            given = line.split()
            assert given[0] == name
            np.testing.assert_array_equal(np.array(given[1:], np.int64), np.array(values, np.int64), err_msg=name)
        return sum(len(values) for _, values in self.lines)


@pytest.mark.parametrize("name", CONFIGS)
def test_driver_equals_golden_model(name, tmp_path, record_property):
    config = CONFIGS[name]
    program = compile_program(tmp_path / "job", HERE / "job.c", libraries=(peripheral(config),))
    rng, golden, expected = np.random.default_rng(1), CompiledCore(config), Expectation()
    commands, moved, spikes = [str(config.digest)], {"weight": 0, "delay": 0, "readout": 0}, 0
    for n in range(80):
        if n % 4 == 0:
            network = random_network(config, rng)
            golden.load(network)
            commands.append(load(network))
        if n % 4 == 2:
            etas = [StepSize(int(rng.integers(256)), int(rng.integers(4, 14))) for _ in range(3)]
            golden.step_sizes(*etas)
            commands.append(f"e {step_sizes(*etas)}")
        learn, report, state = config.learning and n % 4 < 3, n % 2 == 0, n % 3 == 0
        sample, target = random_sample(config, rng), int(rng.integers(config.outputs))
        commands.append(run_sample(sample, target, learn, report, state))
        before = golden.network()
        record = golden.run(sample, target=target, learn=learn, record=STATE)
        spikes += record.spikes
        for t in range(sample.steps):
            for quantity in STATE if state else ():
                absent = quantity in LEARNING and not config.learning
                expected.add(quantity, [] if absent else record.steps[quantity][t])
            if report:
                expected.add("fired", np.flatnonzero(record.steps["spikes"][t]))
        expected.add("prediction", record.prediction)
        expected.add("scores", record.scores)
        expected.add("counters", [golden.counters()[counter] for counter in COUNTERS])
        commands.append("d")
        after = golden.network()
        for array in ("weight", "delay", "readout", "feedback"):
            expected.add(array, getattr(after, array))
            if array in moved:
                moved[array] += int((getattr(after, array) != getattr(before, array)).sum())
    compared = expected.check(run([str(program)], input="\n".join(commands)))
    assert spikes > 300
    assert (min(moved["weight"], moved["readout"]) > 100 and moved["delay"] > 10) or not config.learning
    record_property(
        "evidence",
        f"C driver, {name}: 0 mismatches / {compared:,} values, {spikes:,} spikes, {moved['weight']:,} weights and "
        f"{moved['delay']:,} delays moved",
    )


def test_errors(tmp_path, record_property):
    program = compile_program(tmp_path / "errors", HERE / "errors.c", libraries=(peripheral(TEST),))
    checks = int(run([str(program), str(TEST.digest)]))
    assert checks > 1000
    record_property("evidence", f"C driver, errors: {checks} checks")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_driver_compiles_without_a_warning(compiler, tmp_path):
    for level in ("-O0", "-O2", "-Os"):
        run(
            [
                tool(compiler),
                *STRICT,
                level,
                "-ffreestanding",
                "-c",
                str(FIRMWARE / "ranvier.c"),
                "-o",
                str(tmp_path / "ranvier.o"),
            ]
        )


#: Of the sample that the example learns.
STEPS = 100
CROSS = {
    "Cortex-M0+": ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"],
    "Cortex-M4": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"],
    "RV32": ["riscv64-unknown-elf-gcc", "-march=rv32i", "-mabi=ilp32"],
}


@pytest.mark.parametrize("processor", CROSS)
def test_driver_compiles_for_small_processors(processor, tmp_path, record_property):
    compiler, *flags = CROSS[processor]
    unit = tmp_path / "ranvier.o"
    source = str(FIRMWARE / "ranvier.c")
    run([tool(compiler), *flags, *STRICT, "-Os", "-ffreestanding", "-c", source, "-o", str(unit)])
    text, data, bss = map(int, run([tool(compiler.replace("gcc", "size")), str(unit)]).splitlines()[1].split()[:3])
    assert 1000 < text < 10000
    assert data == bss == 0  # no global state
    assert defined_elsewhere(tool(compiler.replace("gcc", "nm")), unit) <= {"memset", "memcpy"}
    record_property("evidence", f"C driver, {processor}: {text:,} bytes of code, none of data")


def defined_elsewhere(nm: str, unit: Path) -> set[str]:
    """Functions that are called but not of this unit, nor arithmetic of the compiler's own library."""
    names = {line.split()[-1] for line in run([nm, "--undefined-only", str(unit)]).splitlines()}
    return {name for name in names if not name.startswith("__")}


def test_the_example_of_the_readme_learns_as_the_golden_model(tmp_path):
    example = re.search(r"```c\n(.*?)```", (FIRMWARE / "README.md").read_text(), re.DOTALL)[1]
    assert 30 <= example.count("\n") <= 50
    declared = (HERE / "example.c").read_text()
    prototypes = re.search(r"ranvier_error_t start.*?;\nranvier_error_t learn.*?;", declared, re.DOTALL)[0]
    source = tmp_path / "readme.c"
    source.write_text(example.replace('#include "ranvier.h"\n', f'#include "ranvier.h"\n{prototypes}\n', 1))
    program = compile_program(tmp_path / "example", source, HERE / "example.c", libraries=(peripheral(TEST),))
    rng = np.random.default_rng(3)
    etas = {"eta_weight": StepSize(200, 10), "eta_delay": StepSize(200, 4), "eta_readout": StepSize(200, 10)}
    network = random_network(TEST, rng).replace(alpha=3700, kappa=3600, seed=99, **etas)
    units = rng.integers(TEST.inputs, size=STEPS)
    parts = [
        part for values in (network.weight, network.delay, network.readout, units) for part in (values.size, values)
    ]
    golden = CompiledCore(TEST)
    golden.load(network)
    record = golden.run(Sample(np.arange(STEPS), units, np.ones(STEPS, bool)), target=1, learn=True)
    assert run([str(program)], input=words(*parts)) == words(record.prediction, golden.network().delay)
    assert (golden.network().delay != network.delay).sum() > 10


def test_headers_serve_cpp(tmp_path):
    source = tmp_path / "use.cpp"
    source.write_text(
        '#include "ranvier.h"\n#include "ranvier_mmio.h"\nint main() { ranvier_t core; (void)core; return RANVIER_OK; }\n'
    )
    run(
        [
            tool("g++"),
            "-std=c++11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            f"-I{FIRMWARE}",
            "-fsyntax-only",
            str(source),
        ]
    )

"""A model written from the documents alone against the golden model: every value, counter and learned parameter.

And against copies of that model that get one fact wrong: each must differ, or the comparison does not reach that fact.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import independent
import numpy as np
import pytest

from ranvier.golden.base import CoreBase
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.golden.softmax import softmax
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS, TRACED
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_config, random_network, random_sample

Model = Callable[[dict[str, Any]], Any]

ETAS = ("eta_weight", "eta_delay", "eta_readout")


def plain(network: Network) -> dict[str, Any]:
    """What a network's file holds, in Python's own numbers."""
    arrays = {name: getattr(network, name).tolist() for name in Network.layout(network.config)}
    etas = {name: (getattr(network, name).mantissa, getattr(network, name).shift) for name in ETAS}
    return arrays | etas | {name: getattr(network, name) for name in ("alpha", "kappa", "beta", "seed", "lag")}


@dataclass
class Tally:
    """What comparisons saw; printed, and asserted to be something."""

    values: int = 0
    weights_moved: int = 0
    delays_moved: int = 0
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def equal(self, want: Any, got: Any, name: str) -> None:
        want = np.asarray(want)
        np.testing.assert_array_equal(want, np.asarray(got).reshape(want.shape), err_msg=name)
        self.values += want.size

    def compare(self, golden: CoreBase, model: Any, rng: np.random.Generator, samples: list[Sample], lag: int) -> None:
        """A random network and `samples` on both, learning on most, step sizes changed on some; everything after each."""
        config = golden.config
        network = random_network(config, rng).replace(lag=lag)
        self.equal(config.max_scored, model.max_scored, "max_scored")
        golden.load(network)
        model.load(plain(network))
        for sample in samples:
            if rng.random() < 0.3:
                etas = [StepSize(int(rng.integers(256)), int(rng.choice([*range(12), *range(22, 32)]))) for _ in ETAS]
                golden.step_sizes(*etas)
                model.step_sizes(*((eta.mantissa, eta.shift) for eta in etas))
            target = int(rng.integers(config.outputs))
            learn = config.learning and bool(rng.random() < 0.8)
            want = golden.run(sample, target=target, learn=learn, record=TRACED)
            got = model.run([units.tolist() for units in sample.arriving()], sample.scored.tolist(), target, learn)
            for name in TRACED:
                self.equal(want.steps[name], got.steps[name], name)
            self.equal(want.scores, got.scores, "scores")
            self.equal(want.prediction, got.prediction, "prediction")
            after = golden.network()
            for name, values in {"weight": model.W, "delay": model.D, "readout": model.Wout}.items():
                self.equal(getattr(after, name), values, name)
            self.equal(list(golden.counters().items()), list(model.counters().items()), "counters")
        self.weights_moved += np.count_nonzero(after.weight != network.weight)
        self.weights_moved += np.count_nonzero(after.readout != network.readout)
        self.delays_moved += np.count_nonzero(after.delay != network.delay)
        for name, count in golden.counters().items():
            self.counters[name] += count

    def report(self, record_property: Callable[[str, Any], None]) -> None:
        """Evidence; that everything was reached."""
        assert min(self.values, self.weights_moved, self.delays_moved, *self.counters.values()) > 0, self
        record_property("compared", self.values)
        record_property(
            "evidence", f"model written from the documents = golden: 0 mismatches / {self.values:,} values compared"
        )


def sleepy(rng: np.random.Generator) -> CoreConfig:
    """A core that has credit on every step, so that the draws tell which rows are awake.

    Every other time its formats let a step size drop more bits than a draw has.
    """
    formats = {"signal": QFormat(True, 4, 19), "step_weight": QFormat(True, 3, 5)}
    return CoreConfig(
        inputs=4,
        neurons=3,
        outputs=2,
        lanes=2,
        surrogate_width=2.0,
        recurrent=bool(rng.integers(2)),
        max_delay=int(rng.integers(1, 4)),
        delays=str(rng.choice(["none", "axonal", "synaptic"])),
        synapse=str(rng.choice(["delta", "exponential"])),
        kernel_radius=int(rng.integers(1, 4)),
        **(formats if rng.integers(2) else {}),
    )


def compare(kind: type[CoreBase], seeds: range, samples: int, model: Model = independent.IndependentCore) -> Tally:
    """Random cores with as many random samples each, and between them others with samples that let rows sleep.

    Every fifth network answers late.
    """
    tally = Tally()
    for seed in seeds:
        rng = np.random.default_rng([9, seed])
        config = random_config(rng)
        given = [random_sample(config, rng) for _ in range(samples)]
        if seed % 4 == 3:
            config = sleepy(rng)
            given = [Sample.from_raster(rng.random((80, config.inputs)) < 0.02) for _ in range(4)]
        print("seed", seed, config.to_dict())
        tally.compare(kind(config), model(config.to_dict()), rng, given, lag=1 + seed % 3 if seed % 5 == 4 else 0)
    return tally


def compare_softmax(model: Model = independent.IndependentCore) -> int:
    """Softmax of readouts from equal to as far apart as they can be; how many values were compared."""
    tally, rng = Tally(), np.random.default_rng(9)
    config = CoreConfig(inputs=1, neurons=1, outputs=2, error=QFormat(True, 1, 14))
    for outputs in (2, 2, 3, 10):
        config = config.replace(outputs=outputs)
        core = model(config.to_dict())
        for _ in range(2000):
            value = rng.integers(config.potential.min, config.potential.max + 1, outputs) >> int(rng.integers(16))
            core.y = value.tolist()
            tally.equal(softmax(value, config), core.softmax(), "softmax")
    return tally.values


def test_a_model_written_from_the_documents_is_the_golden_model(record_property):
    compare(GoldenCore, range(80), samples=2).report(record_property)


def test_its_softmax_is_that_of_the_golden_model(record_property):
    record_property("evidence", f"softmax written from the documents = golden: {compare_softmax():,} values compared")


@pytest.mark.prove
def test_it_is_the_compiled_one_at_length(record_property):
    compare(CompiledCore, range(1000, 4000), samples=4).report(record_property)


def test_it_imports_nothing_of_ranvier():
    nodes = list(ast.walk(ast.parse(SOURCE)))
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert imported == {"collections", "dataclasses", "math"}


# -------------------------------------------------------------------- facts, each of them wrong once

SOURCE = Path(independent.__file__).read_text()

#: Fact -> a line of the model, and the same with the fact wrong.
MISTAKES = {
    "order of the shifts": (
        "s ^= (s << 13) % 2**32\n            s ^= s >> 17",
        "s ^= s >> 17\n            s ^= (s << 13) % 2**32",
    ),
    "shifts": ("s ^= s >> 17", "s ^= s >> 18"),
    "seed of the first lane": ("(p + 1) * 0x9E3779B9", "p * 0x9E3779B9"),
    "rounding of log2 e": ("LOG2_E = round(", "LOG2_E = 1 + round("),
    "rounding of the table": ("TABLE = [round(", "TABLE = [int("),
    "smallest power": ("min(x >> point, 16)", "min(x >> point, 15)"),
    "first tap": (
        "2 ** (self.trace.f - 1) - sum(u * k for u, k in enumerate(others, 2))",
        "round(e[0] / norm * 2**self.trace.f)",
    ),
    "sign of the slope": ("row.xbar[s - u] - row.xbar[s + u]", "row.xbar[s + u] - row.xbar[s - u]"),
    "rounding of the slope": ("half_up(total, self.trace.f)", "total >> self.trace.f"),
    "when a row sleeps: quiet": ("row.quiet > self.reach", "row.quiet >= self.reach"),
    "when a row sleeps: window": ("range(t - 2 * self.radius, t + 1)", "range(t, t + 1)"),
    "order of waking": ("list(self.awake.items())", "sorted(self.awake.items(), key=lambda item: item[0])"),
    "axonal sum narrowed once": (
        "sum(weighted_credits), slope",
        "sum(b >> self.weight.f << self.weight.f for b in weighted_credits), slope",
    ),
    "axonal draw: lane 0": ("slope, draws[0], dither", "slope, draws[self.lanes - 1], dither"),
    "axonal draw: last word": (
        "draws = dict(enumerate(self.draw()))",
        "draws = draws if draws else dict(enumerate(self.draw()))",
    ),
    "low bits for W": ("draw % 2**self.bits_w", "(draw >> (32 - self.bits_w))"),
    "high bits for D": ("(draw >> (32 - self.bits_d))", "draw % 2**self.bits_d"),
    "draw of a unit without delays": ('words and self.delays != "none"', "words"),
    "dither of the unit: its high bits": ("dither >> (32 - f)", "dither % 2**f"),
    "dither twice": ("(dither + (dither << 32)) % 2**n", "dither % 2**n"),
    "words without credit": ("if credit[0][j] or credit[1][j]", "if credit[0][j]"),
    "lag": ("credit = self.credits.pop(0)", "credit = self.credits.pop()"),
    "late: silent steps": ("*sample, *[[]] * self.late", "*[[]] * self.late, *sample"),
    "late: scored steps": ("[False] * self.late + scored", "scored + [False] * self.late"),
    "catching up": ("len(sample) + self.lag", "len(sample)"),
    "leak toward zero": ("return kept if x >= 0 else -kept", "return kept if x >= 0 else x * decay >> self.decay.f"),
    "ties of the signal": ("rounded = half_up(total, ", "rounded = (lambda x, n: -half_up(-x, n))(total, "),
    "credit without psi": ("if self.psi[j]:", "if True:"),
    "who learns its readout": ("if not (self.psi[j] or self.zbar[j])", "if not self.zbar[j]"),
    "counter of the delay line": ('"delay_line_saturated")', '"potential_saturated")'),
    "clipping of err": ("self.softmax()\n", "[min(x, (1 << self.error.f) - 1) for x in self.softmax()]\n"),
    "1.0 of psi": ("min(self.surrogate.most, ", "min(2**self.surrogate.f, "),
    "onto itself": ("if row != self.inputs + j:", "if True:"),
    "onto itself, learning": ("or i == self.inputs + j or", "or"),
    "dormant": ("(self.dormant and self.W[i][j] == 0)", "False"),
    "rounding of Dh": ("d + (1 << (self.delay_fraction - 1))", "d"),
    "underflow of narrow": ("self.underflow(b, narrow)", ""),
    "underflow of eta": ("self.underflow(product, rounded)", ""),
    "underflow of L": ("self.underflow(total, rounded)", ""),
    "underflow of m": ("self.underflow(product, m)", ""),
    "longest sample": ("self.potential.most.bit_length()", "self.potential.most.bit_length() + 1"),
}


def wrong(mistake: str) -> ModuleType:
    old, new = MISTAKES[mistake]
    assert SOURCE.count(old) == 1, mistake
    module = ModuleType("wrong")
    exec(compile(SOURCE.replace(old, new), "wrong", "exec", dont_inherit=True), module.__dict__)
    return module


def compare_all(model: Model) -> None:
    compare_softmax(model)
    compare(CompiledCore, range(800), samples=2, model=model)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_fact_that_is_wrong_is_seen(mistake):
    module = wrong(mistake)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        compare_all(module.IndependentCore)

"""Comparing devices: equal ones over many configurations, and wrong ones, whose first wrong value must be named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vcd.reader

from ranvier.data import yin_yang
from ranvier.device import open_device
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.record import COUNTERS, Record
from ranvier.verification.stimulus import random_network, random_sample
from ranvier.verification.verify import Mismatch, Twin, verify

TINY = preset("test")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recurrent": False, "lanes": 4},
        {"delays": "axonal", "lanes": 1, "prediction": "readout"},
        {"delays": "none", "reset": "zero"},
        {"reset": "soft now"},
        {"feedback": "random", "kernel_radius": 3},
        {"learning": False},
    ],
    ids=str,
)
def test_plain_and_compiled_agree(changes: dict[str, object]) -> None:
    config = TINY.replace(**changes)
    result = verify(GoldenCore(config), CompiledCore(config), seed=1, samples=24)
    print(result.text())
    assert (result.mismatches, result.first, result.waveform) == (0, None, None)
    assert result.samples == 24
    assert result.compared > 5000
    assert result.spikes > 100
    assert (result.weights_moved > 100) == config.learning
    assert (result.delays_moved > 10) == (config.learning and config.delays != "none")


def test_real_samples_are_mixed_in() -> None:
    config = preset("yinyang").replace(neurons=8)
    data = yin_yang(train=20, test=1)
    result = verify(CompiledCore(config), CompiledCore(config), samples=8, dataset=data)
    assert result.mismatches == 0
    assert result.compared > 4 * data.train[0].steps * 8


# -------------------------------------------------------------------- wrong devices


class Wrong(CompiledCore):
    """Golden, but for one value of sample 2."""

    fault: Callable[["Wrong", Record], None]

    def __init__(self, config: CoreConfig, fault: Callable[["Wrong", Record], None]) -> None:
        super().__init__(config)
        self.fault, self.runs = fault, 0

    def run(self, *arguments, **named):  # type: ignore[no-untyped-def]
        record = super().run(*arguments, **named)
        if self.runs == 2:
            self.fault(record)  # type: ignore[call-arg, arg-type]
        self.runs += 1
        return record


def wrong_step(quantity: str) -> Callable[[Record], None]:
    def fault(record: Record) -> None:
        record.steps[quantity][3, 1] += 1  # type: ignore[index]
        record.steps["potential"][4:] += 1  # later differences must not be the ones reported

    return fault


@pytest.mark.parametrize("quantity", ["spikes", "potential", "readout", "surrogate", "readout_trace", "trace"])
def test_first_wrong_step_is_named_and_drawn(quantity: str, tmp_path: Path) -> None:
    path = tmp_path / "mismatch.vcd"
    result = verify(GoldenCore(TINY), Wrong(TINY, wrong_step(quantity)), seed=2, samples=8, waveform=path)
    assert result.first
    assert (result.first.sample, result.first.step, result.first.quantity, result.first.unit) == (2, 3, quantity, (1,))
    assert result.first.actual == result.first.expected + 1
    assert result.samples == 3
    assert result.mismatches > 1
    assert (
        f"sample 2, step 3: {quantity}[1]: golden {result.first.expected}, RTL {result.first.actual}"
        in result.text()[2]
    )
    assert waveform(path)["golden", quantity, 1, 3] == result.first.expected
    assert waveform(path)["RTL", quantity, 1, 3] == result.first.actual


def waveform(path: Path) -> dict[tuple[str, str, int, int], int]:
    """Value by device, quantity, unit and step."""
    scope: list[str] = []
    signals: dict[str, tuple[str, str, int]] = {}
    values: dict[tuple[str, str, int, int], int] = {}
    now, state = 0, {}
    for token in vcd.reader.tokenize(path.open("rb")):
        match token.kind.name:
            case "SCOPE":
                scope.append(token.scope.ident)
            case "UPSCOPE":
                scope.pop()
            case "VAR":
                signals[token.var.id_code] = (scope[0], scope[1], int(token.var.reference.rsplit("_", 1)[1]))
            case "CHANGE_TIME":
                values |= {(*signals[code], now): value for code, value in state.items()}
                now = token.time_change
            case "CHANGE_VECTOR":
                raw = int(token.vector_change.value)
                state[token.vector_change.id_code] = raw - (1 << 32) * (raw >> 31)
    return values


def wrong_scores(record: Record) -> None:
    record.scores[1] -= 1


def test_wrong_score() -> None:
    first = verify(GoldenCore(TINY), Wrong(TINY, wrong_scores), samples=8).first
    assert first
    assert (first.step, first.quantity, first.unit) == (None, "scores", (1,))
    assert "after its end" in str(first)


class WrongReadBack(CompiledCore):
    """A weight that is one off when read back."""

    def network(self) -> Network:
        network = super().network()
        network.weight[1, 2] ^= 1
        return network


class WrongCounter(CompiledCore):
    def counters(self) -> dict[str, int]:
        return super().counters() | {"trace_saturated": 77}


@pytest.mark.parametrize(
    ("device", "quantity", "unit"), [(WrongReadBack, "weight", (1, 2)), (WrongCounter, "counter trace_saturated", ())]
)
def test_wrong_parameter_or_counter(device: type[CompiledCore], quantity: str, unit: tuple[int, ...]) -> None:
    result = verify(GoldenCore(TINY), device(TINY), samples=4)
    assert result.first
    assert (result.first.sample, result.first.quantity, result.first.unit, result.mismatches) == (0, quantity, unit, 1)


def test_twin_is_a_device_that_returns_the_record_asked_for() -> None:
    rng = np.random.default_rng(0)
    network, sample = random_network(TINY, rng), random_sample(TINY, rng)
    with Twin(GoldenCore(TINY), open_device("golden", TINY), trace=()) as twin, GoldenCore(TINY) as alone:
        twin.load(network)
        alone.load(network)
        record = twin.run(sample, target=1, learn=True, record=("spikes",))
        expected = alone.run(sample, target=1, learn=True, record=("spikes",))
        assert list(record.steps) == ["spikes"]
        np.testing.assert_array_equal(record.scores, expected.scores)
        np.testing.assert_array_equal(twin.network().weight, alone.network().weight)
        assert twin.counters() == alone.counters()


def test_twin_compares_steps_and_parameters_at_intervals() -> None:
    rng = np.random.default_rng(0)
    twin = Twin(GoldenCore(TINY), WrongReadBack(TINY), every=3)
    twin.load(random_network(TINY, rng))
    twin.samples = 1
    for _ in range(2):
        twin.run(random_sample(TINY, rng), target=0, learn=True)
    assert twin.compared == 2 * (TINY.outputs + 2 + len(COUNTERS))
    with pytest.raises(Mismatch, match="weight"):
        twin.run(random_sample(TINY, rng), target=0, learn=True)
    assert twin.compared > 500


def test_twin_needs_one_configuration() -> None:
    with pytest.raises(ValueError, match="different configurations"):
        Twin(GoldenCore(TINY), GoldenCore(TINY.replace(lanes=1)))


# -------------------------------------------------------------------- stimulus


def test_stimulus_reaches_the_corners() -> None:
    rng = np.random.default_rng(0)
    networks = [random_network(TINY, rng) for _ in range(30)]
    for name, (_, least, most) in Network.layout(TINY).items():
        if getattr(networks[0], name).size:
            values = np.stack([getattr(network, name) for network in networks])
            assert {least, most} <= set(values.ravel().tolist()), name
    samples = [random_sample(TINY, rng) for _ in range(200)]
    spikes = [len(sample.units) for sample in samples]
    assert min(spikes) == 0
    assert max(spikes) > 50
    assert max(sample.steps for sample in samples) > 3 * TINY.slots
    assert any(len(set(sample.times.tolist())) == 1 and len(sample.units) == TINY.inputs for sample in samples)
    assert any((np.diff(sample.times) + np.diff(sample.units) == 0).any() for sample in samples), "repeated spikes"
    assert {"none", "some", "all"} == {
        "all" if sample.scored.all() else "some" if sample.scored.any() else "none" for sample in samples
    }

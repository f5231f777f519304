"""The core against the golden model under cocotb on Verilator, over configurations that cover every option."""

from dataclasses import fields
from pathlib import Path

import pytest

from ranvier.parameters.config import CHOICES, CoreConfig
from ranvier.parameters.qformat import QFormat
from ranvier.sim.cocotb.scenarios import SCENARIOS
from ranvier.sim.cocotb.scoreboard import Tally
from ranvier.sim.cocotb.session import run_scenarios

SEED = 20251122

#: Small cores: every option at least once, in combinations that matter.
CONFIGS = {
    "one-lane": CoreConfig(inputs=4, neurons=5, outputs=3, recurrent=True, max_delay=5, lanes=1),
    "two-lanes": CoreConfig(
        inputs=5,
        neurons=7,
        outputs=3,
        recurrent=True,
        max_delay=6,
        lanes=2,
        kernel_radius=2,
        feedback="random",
        reset="zero",
        synapse="exponential",
        prediction="readout",
    ),
    "four-lanes": CoreConfig(inputs=6, neurons=10, outputs=5, max_delay=6, lanes=4, delays="axonal", dormant=True),
    "eight-lanes": CoreConfig(
        inputs=3,
        neurons=13,
        outputs=3,
        recurrent=True,
        max_delay=2,
        lanes=8,
        delays="axonal",
        kernel_radius=3,
        feedback="random",
    ),
    "one-lane-single-port": CoreConfig(
        inputs=4, neurons=5, outputs=3, recurrent=True, max_delay=5, lanes=1, memory="single", feedback="random"
    ),
    "four-lanes-single-port": CoreConfig(
        inputs=6,
        neurons=10,
        outputs=5,
        max_delay=6,
        lanes=4,
        memory="single",
        delays="axonal",
        kernel_radius=2,
        reset="soft now",
        synapse="exponential",
    ),
    "sixteen-lanes": CoreConfig(inputs=4, neurons=19, outputs=5, max_delay=3, lanes=16, kernel_radius=2, dormant=True),
    "no-delays": CoreConfig(
        inputs=4, neurons=6, outputs=4, recurrent=True, lanes=4, delays="none", reset="zero", prediction="readout"
    ),
    "no-delays-wide-kernel": CoreConfig(inputs=3, neurons=5, outputs=2, lanes=8, delays="none", kernel_radius=3),
    "other-formats": CoreConfig(
        inputs=1,
        neurons=9,
        outputs=3,
        recurrent=True,
        max_delay=14,
        lanes=2,
        kernel_radius=3,
        kernel_sigma=2.0,
        threshold=0.5,
        surrogate_width=2.0,
        weight=QFormat(True, 2, 9),
        potential=QFormat(True, 3, 11),
        decay=QFormat(False, 0, 10),
        trace=QFormat(False, 3, 9),
        surrogate=QFormat(False, 0, 6),
        error=QFormat(True, 1, 8),
        signal=QFormat(True, 3, 10),
        step_weight=QFormat(True, 1, 14),
        step_delay=QFormat(True, 2, 12),
        step_readout=QFormat(True, 1, 14),
        delay_fraction=8,
    ),
    "inference": CoreConfig(
        inputs=5,
        neurons=9,
        outputs=3,
        recurrent=True,
        max_delay=6,
        lanes=4,
        learning=False,
        weight=QFormat(True, 2, 5),
        signal=QFormat(True, 4, 13),
    ),
    "inference-sixteen-lanes": CoreConfig(
        inputs=4,
        neurons=16,
        outputs=3,
        max_delay=6,
        lanes=16,
        delays="axonal",
        learning=False,
        reset="zero",
        synapse="exponential",
    ),
}


#: Left to `make prove`: others have their options. Sixteen lanes that learn are in `tests/system/test_cycles.py` as well.
SPARED = {"one-lane", "four-lanes", "sixteen-lanes", "no-delays-wide-kernel", "inference"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.prove if name in SPARED else ()) for name in CONFIGS]
)
def test_every_architectural_value_of_every_step(name: str, tmp_path: Path, record_property) -> None:
    config = CONFIGS[name]
    tallies = run_scenarios(config, tmp_path, SEED)
    total = sum(tallies.values(), Tally())
    record_property("compared", total.values)
    for scenario, tally in tallies.items():
        print(f"{scenario:<20} {tally}")
    print(f"{name}, seed {SEED}: {total}\n{total.counters}")
    assert set(tallies) == set(SCENARIOS)
    assert min(total.values, total.counters["spikes"], total.busy_requests, total.errors) > 100
    if config.learning:
        assert total.weights_moved > 100
    assert (total.delays_moved > 20) == (config.learning and config.delays != "none")


def test_the_configurations_cover_every_option() -> None:
    covered = {f.name: {getattr(config, f.name) for config in CONFIGS.values()} for f in fields(CoreConfig)}
    for name, choices in CHOICES.items():
        assert covered[name] == set(choices)
    for name in ("recurrent", "learning", "dormant"):
        assert covered[name] == {False, True}
    assert covered["lanes"] == {1, 2, 4, 8, 16}
    assert covered["kernel_radius"] == {1, 2, 3}
    single = [config for config in CONFIGS.values() if config.memory == "single"]
    assert {config.neurons % config.lanes == 0 for config in single} == {False, True}
    assert {config.neurons % config.lanes == 0 for config in CONFIGS.values()} == {False, True}
    assert {config.outputs % config.lanes == 0 for config in CONFIGS.values()} == {False, True}
    assert min(config.words for config in CONFIGS.values()) == 1
    learning = {(config.recurrent, config.delays) for config in CONFIGS.values() if config.learning}
    assert learning == {(recurrent, delays) for recurrent in (False, True) for delays in CHOICES["delays"]}

"""A register more in a pipeline: results stay, latencies follow, and clocks still equal the formulas, with no other edit.

Each copy of the hardware is imported as `ranvier.hw` by a process of its own (this file run as a script).
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults import Fault, check_places, result_of, use_hardware

SEED, SAMPLES = 1, 20


@dataclass(frozen=True)
class More(Fault):
    """Registers that a core of `test_cycles.CONFIGS` is to take, and the phase whose constant grows by them, by how much."""

    core: str = "2 lanes"
    phase: str = ""
    clocks: int = 1


PLACES = [
    More(
        "v is registered twice",
        "neuron.py",
        "return v.registered(), clipped",
        "return v.registered(2), clipped",
        phase="SWEEP",
    ),
    More(
        "I is registered four times",
        "neuron.py",
        "return current.registered(), clipped",
        "return current.registered(4), clipped",
        core="single port, axonal, lagging",
        phase="SWEEP",
        clocks=3,
    ),
    More(
        "the table of powers answers late",
        "softmax.py",
        "(below * Const(LOG2_E)).registered()",
        "(below * Const(LOG2_E)).registered(2)",
        phase="SCORE",
    ),
    More(
        "products with a step size are rounded late",
        "step_size.py",
        "(product + noise).registered()",
        "(product + noise).registered(2)",
        core="single port",
        phase="SIGNAL",
        clocks=1,  # one for the error and one for the credit, but the walk then waits for no turn
    ),
    More(
        "a slope takes two more clocks",
        "presynaptic_trace.py",
        "sum(differences).registered()",
        "sum(differences).registered(3)",
        phase="LEARN",
        clocks=2,
    ),
    More(
        "draws are used late",
        "eligibility.py",
        "(credit.weight[lane] * traces[lane]).registered()",
        "(credit.weight[lane] * traces[lane]).registered(2)",
        core="single port",
        phase="LEARN",
        clocks=2,  # one for the product, one for the turn to write
    ),
    More(
        "W etaD m is rounded late",
        "eligibility.py",
        "(round_stochastic, exact, c.weight.fraction, dither).registered()",
        "(round_stochastic, exact, c.weight.fraction, dither).registered(3)",
        core="axonal, lagging",
        phase="LEARN",
        clocks=2,
    ),
]


def test_every_register_is_in_exactly_one_place():
    check_places(PLACES)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_a_register_more_changes_clocks_only(place, hardware_copy, record_property):
    from test_cycles import CONFIGS

    from ranvier.hw.budget import constants

    found = result_of(__file__, hardware_copy(place), place.core, timeout=600)
    record_property("compared", found["compared"] + found["clocks"])
    assert found["mismatches"] == 0
    assert min(found["weights_moved"], found["delays_moved"]) > 20
    now = {phase.name: clocks for phase, clocks in constants(CONFIGS[place.core]).items()}
    assert found["constants"][place.phase] == now[place.phase] + place.clocks
    changed = {phase for phase, clocks in found["constants"].items() if clocks != now[phase]}
    assert changed <= {place.phase, "CLEAR"}  # which takes a sweep, if that is longest


def main(hardware: Path, core: str) -> None:
    """Hold results and clocks of a core built from the folder `hardware` to golden model and formulas."""
    use_hardware(hardware)

    from test_cycles import CONFIGS, compare, simulator

    from ranvier.golden.core import GoldenCore
    from ranvier.hw.budget import constants
    from ranvier.sim.device import SimulatedCore
    from ranvier.verification.verify import verify

    config = CONFIGS[core]
    clocks, _, _ = compare(core, lambda *_: None)
    result = verify(GoldenCore(config), SimulatedCore(config, simulator(core)), seed=SEED, samples=SAMPLES)
    claimed = {phase.name: clocks for phase, clocks in constants(config).items()}
    print(json.dumps(result.summary() | {"clocks": clocks, "constants": claimed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""Clocks of the simulated core against the formulas of `ranvier.hw.budget`."""

import numpy as np
import pytest

from ranvier.golden.config import CoreConfig
from ranvier.golden.core import GoldenCore
from ranvier.golden.spikes import Sample
from ranvier.hw.budget import Activity, cycles, formulas, memories
from ranvier.hw.core import Phase
from ranvier.sim.device import SimulatedCore
from ranvier.stimulus import random_network

#: Phases whose clocks are known exactly, and those known to a few clocks per step. Spikes are added to the readout and
#: delivered while other phases run, so for those two the formula is only a bound.
EXACT = (Phase.SWEEP, Phase.SCORE, Phase.FINISH, Phase.CLEAR)
NEAR = (Phase.SIGNAL, Phase.LEARN)


class Observed(GoldenCore):
    """Golden model that notes how much work each sample makes."""

    def observe(self, sample: Sample, learn: bool) -> Activity:
        """Run `sample` and sum up."""
        self.work = {"credited": 0, "learning_steps": 0, "visits": 0, "visit_clocks": 0}
        eligibility, signal, random = self.eligibility, self.signal, self.random
        step, credit_step = eligibility.step, signal.step

        def counted_step(t, credit, network, random):
            words = len([*eligibility.credits, credit][0].words(self.config.lanes))
            self.work["learning_steps"] += 1
            self.work["visits"] += len(eligibility.lines)
            self.work["visit_clocks"] += len(eligibility.lines) * max(3, words + 1)
            step(t, credit, network, random)

        def counted_signal(error, surrogate, trace, network, random):
            self.work["credited"] += int(((surrogate > 0) | (trace > 0)).sum())
            return credit_step(error, surrogate, trace, network, random)

        eligibility.step, signal.step = counted_step, counted_signal
        record = self.run(sample, target=0, learn=learn)
        eligibility.step, signal.step = step, credit_step
        assert self.random is random
        return Activity(sample.steps, int(sample.scored.sum()), len(sample.units), record.spikes, **self.work)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_clocks_stay_within_the_formulas_and_near_them(lanes):
    config = CoreConfig(inputs=6, neurons=21, outputs=5, recurrent=True, max_delay=6, lanes=lanes)
    rng = np.random.default_rng(lanes)
    compared = 0
    with Observed(config) as golden, SimulatedCore(config) as device:
        network = random_network(config, rng)
        for core in (golden, device):
            core.load(network)
        for learn in (False, True, True, True):
            sample = Sample.from_raster(rng.random((40, config.inputs)) < 0.2, rng.random(40) < 0.5)
            activity = golden.observe(sample, learn)
            before = device.phases()
            record = device.run(sample, target=0, learn=learn)
            measured = dict(zip(Phase, device.phases() - before, strict=True))
            bounds = cycles(config, activity)
            assert record.spikes == activity.spikes > 0
            assert not learn or min(activity.credited, activity.visits) > 0
            for phase, bound in bounds.items():
                if phase is Phase.IDLE:  # the host reads registers while the core is idle
                    continue
                if phase in EXACT:
                    assert measured[phase] == bound, (phase.name, activity)
                assert measured[phase] <= bound, (phase.name, measured[phase], bound, activity)
                if phase in NEAR:
                    assert bound - measured[phase] <= 4 * activity.steps, (phase.name, measured[phase], bound, activity)
                compared += 1
            design(config, activity, measured)
    print(f"\nlanes {lanes}: {compared} clock counts compared")
    assert compared == 4 * 8


def design(config: CoreConfig, activity: Activity, measured: dict[Phase, int]) -> None:
    """The budgets of DESIGN section 6 hold, with constants of at most 32 clocks per step."""
    words, readout_words, per_step = config.words, config.readout_words, 32
    learning_steps = activity.learning_steps
    assert measured[Phase.SWEEP] <= activity.steps * (words + per_step)
    assert measured[Phase.READOUT] <= activity.spikes * readout_words + activity.steps * per_step
    assert measured[Phase.DELIVER] <= activity.spikes * (words + 2) + activity.steps * per_step
    assert measured[Phase.SIGNAL] <= activity.credited * readout_words + activity.scored * per_step
    assert measured[Phase.LEARN] <= activity.visits * (words + 3) + (learning_steps + 1) * per_step


def test_formulas_and_memories_cover_what_there_is():
    config = CoreConfig(inputs=6, neurons=21, outputs=5, recurrent=True, feedback="random")
    plain = config.replace(learning=False, feedback="symmetric", recurrent=False, delays="none")
    assert {"deliver neuron spikes", "eligibility", "learning signal"} <= formulas(config).keys()
    assert not {"deliver neuron spikes", "eligibility", "learning signal"} & formulas(plain).keys()
    assert {"delays", "feedback weights", "trace lines"} <= memories(config).keys()
    assert not {"delays", "feedback weights", "trace lines"} & memories(plain).keys()
    axonal = config.replace(delays="axonal")
    assert memories(axonal)["trace lines"] * config.lanes == memories(config)["trace lines"]

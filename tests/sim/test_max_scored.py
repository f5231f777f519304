"""Scores of the simulated core at the most scored steps that there may be, and what a host without a driver sees beyond."""

import numpy as np
import pytest
from full_scores import CORE, sample, saturated

from ranvier.drivers.remote import RemoteCore
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.events import EventKind
from ranvier.hw.registers import Register
from ranvier.parameters.sample import SampleError
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus


def give(core, scored):
    """The events of a sample, past the driver's check; the error bits that it leaves, which are cleared."""
    spike, step = (Register.EVENT.pack(kind=kind.value, scored=0) for kind in (EventKind.SPIKE, EventKind.STEP))
    for on in sample(scored).scored:
        core.write(Register.EVENT, spike)
        core.write(Register.EVENT, step | Register.EVENT.pack(scored=int(on)))
    core.write(Register.EVENT, Register.EVENT.pack(kind=EventKind.END.value))
    while Register.STATUS.unpack(core.read(Register.STATUS))["busy"]:
        pass
    errors = core.read(Register.ERROR)
    core.write(Register.ERROR, 0xFFFFFFFF)
    return Register.ERROR.unpack(errors)


@pytest.mark.slow
def test_scores_at_the_limit_and_beyond(record_property):
    compared = 0
    with RemoteCore(CORE, SimulatedBus(CORE, library(CORE, PERIPHERAL, optimise=False))) as core:
        assert core.read(Register.LIMITS) == CORE.max_scored == 255
        golden = CompiledCore(CORE)
        for weight in (CORE.weight.max, CORE.weight.min):
            net = saturated(weight)
            core.load(net)
            golden.load(net)
            expected, record = (device.run(sample(CORE.max_scored)) for device in (golden, core))
            np.testing.assert_array_equal(record.scores, expected.scores)
            assert record.prediction == expected.prediction
            assert abs(record.scores[0]) > (1 << 31) - (1 << 24)
            compared += record.scores.size + 1
            for device in (golden, core):
                with pytest.raises(SampleError, match="has 256 scored steps but the scores of this core hold 255"):
                    device.run(sample(CORE.max_scored + 1))
            assert not give(core, CORE.max_scored)["score"]
            assert give(core, CORE.max_scored + 2)["score"]
    record_property(
        "evidence", f"scores at the limit of 255 scored steps: 0 mismatches / {compared} values, reported beyond"
    )
    assert compared == 6

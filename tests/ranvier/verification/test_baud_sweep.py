"""A sweep over the simulated pins of a serial port."""

import pytest

from ranvier.drivers.remote import RemoteCore
from ranvier.hw.registers import Register
from ranvier.parameters.presets import preset
from ranvier.sim.port import SimulatedLink, SimulatedPort
from ranvier.verification.baud_sweep import RATES, Rate, sweep

CONFIG = preset("test")


@pytest.mark.slow
def test_baud_rates_near_that_of_the_core_work_and_those_far_off_do_not(record_property):
    port = SimulatedPort(CONFIG)
    with RemoteCore(CONFIG, SimulatedLink(port)) as device:
        rates = sweep(device, device.link)
        assert device.link.baud == port.baud
        assert device.read(Register.DIGEST) == CONFIG.digest
    works = {relative: rate.failure is None for relative, rate in zip(RATES, rates, strict=True)}
    record_property("evidence", f"baud sweep over the simulated pins: {works}")
    assert [works[relative] for relative in (0.97, 1.0, 1.03)] == [True] * 3
    assert not works[0.92]
    assert not works[1.08]
    assert all(isinstance(rate, Rate) for rate in rates)

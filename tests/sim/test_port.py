"""The whole top, UART pins to core, behind a pseudo-terminal: the driver of a board against the golden model."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ranvier.data import open_dataset
from ranvier.device import open_device
from ranvier.device_base import DeviceError
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.hw.events import EventKind
from ranvier.hw.registers import Register
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, initial_network
from ranvier.sim.port import BAUD, CLOCKS_PER_BIT, SimulatedLink, SimulatedPort
from ranvier.verification.stimulus import random_network
from ranvier.verification.verify import verify

CONFIG = preset("test")
#: Seconds; a busy machine simulates slowly.
PATIENCE = 60.0


def same(first: Network, second: Network) -> int:
    """Compare all arrays of two networks; how many values."""
    compared = 0
    for name in Network.layout(first.config):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        compared += getattr(first, name).size
    return compared


@pytest.mark.slow
def test_every_step_is_that_of_the_golden_model(record_property):
    with open_device("golden", CONFIG) as golden, open_device("pty", CONFIG) as device:
        result = verify(golden, device, samples=2, seed=2)
    record_property("evidence", f"serial driver over a pseudo-terminal to the RTL's pins: {'; '.join(result.lines())}")
    assert result.mismatches == 0
    assert result.compared > 500
    assert result.spikes > 20


@pytest.mark.slow
def test_braille_samples_are_learned_to_the_bit(recordings, record_property):
    config, recipe, data = preset("braille"), RECIPES["braille"], open_dataset(recordings)
    network = initial_network(config, recipe, 0)
    compared = 0
    with open_device("golden", config) as golden, open_device("pty", config) as device:
        for core in (golden, device):
            core.load(network)
        for n in range(3):
            how = {"target": int(data.train_labels[n]), "learn": True}
            expected, actual = (core.run(data.train[n], **how) for core in (golden, device))
            np.testing.assert_array_equal(actual.scores, expected.scores)
            assert (actual.prediction, actual.spikes) == (expected.prediction, expected.spikes)
            compared += expected.scores.size + 2
        learned = golden.network()
        compared += same(device.network(), learned)
        assert device.counters() == golden.counters()
    moved = {name: int((getattr(learned, name) != getattr(network, name)).sum()) for name in ("weight", "delay")}
    record_property("evidence", f"3 Braille samples learned over the port: {compared} values equal, {moved} moved")
    assert min(moved.values()) > 50


def test_a_core_that_nobody_takes_outputs_from_says_so_and_goes_on():
    """The output stream leads nowhere here; and what comes in while an access waits for the core is kept."""
    port = SimulatedPort(CONFIG)
    with RemoteCore(CONFIG, SimulatedLink(port)) as device:
        network = random_network(CONFIG, np.random.default_rng(1))
        device.load(network)
        device.write(Register.MODE, Register.MODE.pack(report=1))
        device.write(Register.CONTROL, Register.CONTROL.pack(stream=1))
        device.write(Register.EVENT, Register.EVENT.pack(kind=EventKind.STEP.value))
        device.write(Register.MODE, 0)  # waits for the core, which waits forever
        assert Register.ERROR.unpack(device.read(Register.ERROR))["stalled"] == 1
        device.write(Register.CONTROL, 0)
        device.load(network)
        assert same(device.network(), network) > 100


def test_time_passes_as_on_a_board_while_the_wires_are_quiet():
    with SimulatedPort(CONFIG) as port:
        clocks, start = port.cycles(), time.monotonic()
        time.sleep(0.5)
        clocks, seconds = port.cycles() - clocks, time.monotonic() - start
    assert 0 < clocks < 1.2 * CLOCKS_PER_BIT * BAUD * seconds


def test_a_port_can_be_used_closed_and_used_again():
    with SimulatedPort(CONFIG, baud=250_000) as port:
        for seed in range(2):
            network = random_network(CONFIG, np.random.default_rng(seed))
            with RemoteCore(CONFIG, SerialLink(port.port, 250_000, PATIENCE)) as device:
                device.load(network)
                same(device.network(), network)
    assert not os.path.exists(port.port)


def test_a_closed_board_is_refused():
    with SimulatedPort(CONFIG) as port:
        assert port.cycles() >= 0
    port.close()
    with pytest.raises(DeviceError, match=r"^the simulated board was closed: open it again$"):
        port.cycles()


def test_the_command_simulates_until_it_is_interrupted():
    command = [sys.executable, "-m", "ranvier", "simulate", "--preset", "test"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("serial:///dev/")
        with open_device(f"{url}&timeout={PATIENCE}", CONFIG) as device:
            assert device.read(Register.DIGEST) == CONFIG.digest
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert out.endswith(" clocks simulated\n")

"""LiteX's own host tools, as they come from PyPI, on the port of a simulated board."""

import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from litex.tools.litex_client import RemoteClient

from ranvier.drivers.loading import arrays
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.hw.bus.uartbone import REFUSED
from ranvier.hw.flow.register_documents import litex_csv
from ranvier.hw.registers import AddressSpace, Register, constants, word_address
from ranvier.parameters.presets import preset
from ranvier.sim.port import SimulatedPort
from ranvier.verification.stimulus import random_network

CONFIG = preset("test")
PATIENCE = 60


@pytest.fixture(scope="module")
def board():
    with SimulatedPort(CONFIG) as port:
        network = random_network(CONFIG, np.random.default_rng(0))
        with RemoteCore(CONFIG, SerialLink(port.port, port.baud, PATIENCE)) as device:
            device.load(network)
        yield port, network


@pytest.fixture(scope="module")
def client(board, tmp_path_factory):
    """A `RemoteClient` of a `litex_server` that has the port open."""
    table = tmp_path_factory.mktemp("litex") / "csr.csv"
    table.write_text(litex_csv(CONFIG))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        tcp = free.getsockname()[1]
    command = [sys.executable, "-m", "litex.tools.litex_server", "--uart", "--uart-port", board[0].port]
    command += ["--uart-baudrate", str(board[0].baud), "--bind-port", str(tcp)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    remote = RemoteClient(port=tcp, csr_csv=str(table))
    try:
        for _ in range(PATIENCE * 10):
            try:
                remote.open()
                break
            except ConnectionRefusedError:
                assert server.poll() is None, server.stderr.read()
                time.sleep(0.1)
        remote.socket.settimeout(PATIENCE)
        yield remote
        remote.close()
    finally:
        server.terminate()
        server.wait()


def test_registers_read_and_write_by_name(client):
    for register, word in constants(CONFIG).items():
        assert getattr(client.regs, f"ranvier_{register.name.lower()}").read() == word
    for row in (3, 0):
        client.regs.ranvier_row.write(row)
        assert client.regs.ranvier_row.read() == row
    assert client.regs.ranvier_counter_spikes.read() == 0


def test_windows_read_and_write_in_bursts(client, board):
    _, network = board
    weights, compared = arrays(network)[AddressSpace.WEIGHT], 0
    window = client.mems.ranvier_weight
    assert (window.base, window.size) == (word_address(AddressSpace.WEIGHT, 0) << 2, 4 * CONFIG.neurons)
    for row, expected in enumerate(weights):
        client.regs.ranvier_row.write(row)
        words = client.read(window.base, CONFIG.neurons)
        np.testing.assert_array_equal(np.array(words, np.uint32).astype(np.int32), expected)
        compared += len(words)
    assert compared == weights.size
    client.write(window.base, list(range(CONFIG.neurons)))
    assert client.read(window.base, CONFIG.neurons) == list(range(CONFIG.neurons))
    assert client.read(window.base + 4, 5, burst="fixed") == [1] * 5


def test_a_refused_access_reads_as_ones_and_is_recorded(client):
    client.regs.ranvier_error.write(0xFFFFFFFF)
    nowhere = word_address(AddressSpace.REGISTER, AddressSpace.REGISTER.extent(CONFIG)[1]) << 2
    assert client.read(nowhere) == REFUSED
    assert Register.ERROR.unpack(client.regs.ranvier_error.read())["access"] == 1
    assert client.regs.ranvier_error_address.read() == nowhere
    client.regs.ranvier_error.write(0xFFFFFFFF)
    client.write(Register.ID.address, 1)
    assert client.regs.ranvier_error_address.read() == Register.ID.address
    assert client.regs.ranvier_id.read() == constants(CONFIG)[Register.ID]

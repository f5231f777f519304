"""The serial link to a simulated board: whole networks over good cables, clear errors and no half network over bad ones."""

import os
import re
import time
import tty
from contextlib import closing, suppress

import numpy as np
import pytest
import serial
from pipe import FROM_CORE, LATE, TO_CORE, Pipe

from ranvier.device_base import DeviceError
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.registers import AddressSpace, Register, word_address
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.sim.port import SimulatedPort
from ranvier.verification.stimulus import random_network, random_sample

CONFIG = preset("test")
#: Seconds without a byte where bytes are lost, and where none are: a busy machine simulates slowly.
TIMEOUT, PATIENCE = 2.0, 60.0


@pytest.fixture(scope="module")
def board():
    with SimulatedPort(CONFIG) as port:
        yield port


@pytest.fixture
def pipe(board):
    made = Pipe(board.port, board.baud)
    yield made
    made.close()


def lively(seed):
    return random_network(CONFIG, np.random.default_rng(seed))


def same(first: Network, second: Network) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in Network.layout(CONFIG))


@pytest.mark.parametrize("way", [TO_CORE, FROM_CORE])
@pytest.mark.parametrize("harm", ["lost", "garbled", "doubled"])
def test_a_byte_that_is_harmed_while_loading_is_noticed_and_loading_again_mends_it(pipe, board, harm, way):
    """Harm to the answer whether the core is busy may be of no consequence; then nobody notices."""
    old, new = lively(1), lively(2)

    def load():
        device.load(new)
        return device.network()

    with RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT)) as device:
        device.load(old)
        pipe.harm(harm, way, 300 if way == TO_CORE else 10)
        if way == FROM_CORE:
            with suppress(LinkError):
                assert same(load(), new)
        else:
            expected = rf"{pipe.port} at {board.baud} baud: .*expected .*received .*"
            with pytest.raises(LinkError, match=expected) as caught:
                load()
            assert "\n" not in str(caught.value)
        assert pipe.harmed == 1
        assert same(load(), new)
        with CompiledCore(CONFIG) as golden:
            golden.load(new)
            sample = random_sample(CONFIG, np.random.default_rng(3))
            expected, actual = golden.run(sample, target=1, learn=True), device.run(sample, target=1, learn=True)
            np.testing.assert_array_equal(actual.scores, expected.scores)
            assert same(device.network(), golden.network())


def test_answers_that_run_a_byte_behind_end_with_the_next_load(pipe, board):
    """A doubled byte whose surplus comes after the next frame was sent, and so on: only silence ends that."""
    old, new = lively(1), lively(2)
    with RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT)) as device:
        device.load(old)
        pipe.harm("behind", FROM_CORE, 10)
        with pytest.raises(LinkError):
            device.load(new)
        assert pipe.harmed == 1
        device.load(new)
        assert same(device.network(), new)


@pytest.mark.parametrize("harm", ["lost", "garbled", "doubled"])
def test_what_is_read_back_is_never_wrong_silently(pipe, board, harm):
    network = lively(4)
    with RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT)) as device:
        for after in (30, 150):
            device.load(network)
            pipe.harm(harm, FROM_CORE, after)
            with pytest.raises(LinkError, match=r"expected .* received"):
                device.network()
            assert same(device.network(), network)
    assert pipe.harmed == 2


def test_a_late_answer_to_who_are_you_is_not_taken_for_the_next_one(pipe, board):
    with closing(SerialLink(pipe.port, board.baud, PATIENCE)) as link:
        link.tune(board.baud)  # asks again
        pipe.harm("late", FROM_CORE, 0)
        assert link.read(Register.DIGEST.address)[0] == CONFIG.digest
        time.sleep(LATE)
        link.write(Register.ROW.address, [0])  # would be told of anything that nobody asked for
    assert pipe.harmed == 1


def test_a_register_that_moves_between_two_readings_is_no_error(board):
    """And what takes from a queue is read once."""
    with closing(SerialLink(board.port, board.baud, PATIENCE)) as link:
        asked, burst = [], link._burst

        def moving(command, count, address):
            asked.append(address)
            return burst(command, count, address) + np.uint32(len(asked) == 1)

        link._burst = moving
        assert link.read(Register.DIGEST.address)[0] == CONFIG.digest
        assert asked == [Register.DIGEST.address] * 3
        for register in (Register.STATUS, Register.OUTPUT):
            asked.clear()
            link.read(register.address)
            link.read(register.address, 2)
            assert asked == [register.address] * 2


def test_after_half_a_load_the_core_refuses_samples_until_it_was_loaded_whole(pipe, board):
    network, sample = lively(5), random_sample(CONFIG, np.random.default_rng(6))
    with RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT)) as device:
        pipe.harm("lost", TO_CORE, 300)
        with pytest.raises(LinkError):
            device.load(network)
        before = device.read(Register.SAMPLES)
        assert Register.STATUS.unpack(device.read(Register.STATUS))["loading"] == 1
        with pytest.raises(DeviceError, match="not all of it"):
            device.run(sample)
        assert device.read(Register.SAMPLES) == before
    with RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT)) as again:
        again.load(network)
        again.run(sample)
        assert again.read(Register.SAMPLES) == before + 1


def test_unplugged_in_mid_transfer(board):
    pipe = Pipe(board.port, board.baud)
    device = RemoteCore(CONFIG, SerialLink(pipe.port, board.baud, TIMEOUT))
    pipe.harm("unplugged", TO_CORE, 300)
    with pytest.raises(
        LinkError, match=rf"{pipe.port} at {board.baud} baud: expected .*received .*unplugged"
    ) as caught:
        device.load(lively(7))
    assert "\n" not in str(caught.value)
    for _ in range(2):
        with pytest.raises(LinkError, match="unplugged"):
            device.load(lively(7))
    device.close()
    pipe.close()
    with RemoteCore(CONFIG, SerialLink(board.port, board.baud, TIMEOUT)) as again:  # the board is plugged in again
        again.load(lively(7))
        assert same(again.network(), lively(7))


def test_unplugged_while_the_port_is_being_set(board, monkeypatch):
    """pyserial has another error for that."""

    def fail(port, *_, **__):
        raise ValueError("Failed to set custom baud rate: Input/output error")

    with closing(SerialLink(board.port, board.baud, TIMEOUT)) as link:
        monkeypatch.setattr(serial.Serial, "_reconfigure_port", fail)
        for access in (lambda: link.write(Register.ROW.address, [0] * 9), lambda: link.read(Register.ID.address)):
            with pytest.raises(LinkError, match=r"expected .*received .*unplugged"):
                access()


def test_an_interrupted_load_of_another_program_does_no_harm(board):
    """Somebody stopped in the middle of a frame; whoever opens the port next waits until the core has forgotten it."""
    handle = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    os.write(handle, bytes([1, 200, 0, 0, 0, Register.ROW.value, 0, 0]))
    os.close(handle)
    with RemoteCore(CONFIG, SerialLink(board.port, board.baud, TIMEOUT)) as device:
        device.load(lively(9))
        assert same(device.network(), lively(9))


def test_an_access_that_was_interrupted_leaves_nothing_on_the_line(board, monkeypatch):
    """Half a frame has gone out, or the answer is on its way: the next access gets its own."""
    whole, read = serial.Serial.write, serial.Serial.read
    interrupts = []

    def half(port, frame):
        whole(port, frame[: max(1, len(frame) // 2)])
        interrupts.append("write")
        raise KeyboardInterrupt

    def early(port, count=1):
        interrupts.append("read")
        if len(interrupts) % 2:
            read(port, count)
        raise KeyboardInterrupt

    golden = CompiledCore(CONFIG)
    network, sample = lively(11), random_sample(CONFIG, np.random.default_rng(12))
    golden.load(network)
    expected = golden.run(sample).scores.tolist()
    with RemoteCore(CONFIG, SerialLink(board.port, board.baud, PATIENCE)) as device:
        device.load(network)
        for name, harm in (("write", half), ("read", early), ("read", early)):
            for action in (lambda: device.run(sample), device.network, lambda: device.read(Register.DIGEST)):
                with monkeypatch.context() as patch:
                    patch.setattr(serial.Serial, name, harm)
                    with pytest.raises(KeyboardInterrupt):
                        action()
                assert device.read(Register.DIGEST) == CONFIG.digest
                assert device.run(sample).scores.tolist() == expected
        assert same(device.network(), network)
    assert interrupts == ["write"] * 3 + ["read"] * 6


@pytest.mark.parametrize("relative", [0.5, 0.85, 1.2, 2.0])
def test_a_wrong_baud_rate_is_named(board, relative):
    baud = round(board.baud * relative)
    expected = (
        rf"{board.port} at {baud} baud: .*expected ID 0x524e56\w\w, received (nothing|\d+ bytes .*): check .*baud"
    )
    with pytest.raises(LinkError, match=expected):
        SerialLink(board.port, baud, TIMEOUT)
    with closing(SerialLink(board.port, board.baud, TIMEOUT)) as link:
        assert link.read(Register.DIGEST.address)[0] == CONFIG.digest


def test_bursts_of_any_length_with_and_without_increment(board):
    rng = np.random.default_rng(10)
    with closing(SerialLink(board.port, board.baud, PATIENCE)) as link:
        window = word_address(AddressSpace.WEIGHT, 0) << 2
        link.write(Register.ROW.address, [2])
        words = rng.integers(-100, 100, CONFIG.neurons).astype(np.uint32)
        link.write(window, words)
        np.testing.assert_array_equal(link.read(window, CONFIG.neurons), words)
        assert (link.read(window, 600, increment=False) == words[0]).all()
        many = rng.integers(1 << 12, size=600)
        link.write(Register.ROW.address, many, increment=False)
        assert link.read(Register.ROW.address)[0] == many[-1]
        assert len(link.read(window, 0)) == 0


def test_a_refused_read_is_an_error_and_a_word_of_ones_is_not(board):
    with closing(SerialLink(board.port, board.baud, PATIENCE)) as link:
        window, last = word_address(AddressSpace.WEIGHT, 0) << 2, CONFIG.neurons
        link.write(Register.ROW.address, [0])
        link.write(window, [0xFFFFFFFF] * last)
        assert (link.read(window, last) == 0xFFFFFFFF).all()
        with pytest.raises(LinkError, match=rf"refused a read from {window + 4 * last:#x}"):
            link.read(window, last + 1)
        assert (link.read(window, last) == 0xFFFFFFFF).all()
        for address in (0x80000, 0xFFFFFFFC):
            with pytest.raises(LinkError, match="refused a read"):
                link.read(address)


def test_a_port_that_is_not_there_or_not_ours(tmp_path, monkeypatch):
    with pytest.raises(LinkError, match=r"/dev/ttyNONE at 1000000 baud: no such port: plugged in\? ports here: "):
        SerialLink("/dev/ttyNONE")
    file = tmp_path / "port"
    file.write_text("")
    with pytest.raises(LinkError, match=re.escape(f"{file} at 9600 baud: cannot open it")):
        SerialLink(str(file), 9600)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may open everything
    with pytest.raises(LinkError, match="permission denied: join the group that owns it"):
        SerialLink(str(file), 9600)


def test_a_port_on_which_nobody_answers():
    master, slave = os.openpty()
    tty.setraw(slave)
    with pytest.raises(
        LinkError, match=r"no Ranvier core answers: expected ID .* received nothing: check port, baud rate"
    ):
        SerialLink(os.ttyname(slave), 9600, 0.1)
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(
    "url",
    ["serial://", "serial:///dev/ttyX?baud=fast", "serial:///dev/ttyX?speed=1", "serial:///dev/ttyX?timeout=0", "ttyX"],
)
def test_a_url_that_makes_no_sense(url):
    with pytest.raises(DeviceError, match=r"is not a serial port: expected serial:///dev/ttyUSB0\?baud=1000000"):
        SerialLink.from_url(url)


@pytest.mark.parametrize("options", ["baud=1&baud=2", "timeout=1&baud=9600&timeout=1"])
def test_a_url_gives_an_option_once(options):
    with pytest.raises(DeviceError, match="gives an option twice: leave out one"):
        SerialLink.from_url(f"serial:///dev/ttyX?{options}")


def test_a_url_names_port_and_baud(board):
    with closing(SerialLink.from_url(f"serial://{board.port}?baud={board.baud}&timeout={PATIENCE}")) as link:
        assert link.name == f"{board.port} at {board.baud} baud"

"""The peripheral over its bus: what every address answers, and what goes wrong how."""

import numpy as np
import pytest

from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.golden.core import GoldenCore
from ranvier.hw.bus.results import Results
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import AccessRight, AddressSpace, Register, constants, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.sample import Sample
from ranvier.sim.build import PERIPHERAL, library
from ranvier.sim.bus import SimulatedBus
from ranvier.verification.stimulus import random_network

CONFIG = CoreConfig(inputs=5, neurons=7, outputs=3, max_delay=6, lanes=2)


@pytest.fixture
def bus():
    bus = SimulatedBus(CONFIG, library(CONFIG, PERIPHERAL, optimise=False))
    yield bus
    bus.close()


def read(bus, register):
    return int(bus.read(register.address)[0])


def write(bus, register, value):
    bus.write(register.address, [value])


def event(bus, kind, **fields):
    write(bus, Register.EVENT, Register.EVENT.pack(kind=kind.value, **fields))


def errors(bus):
    """The causes that are set, which this clears."""
    word = read(bus, Register.ERROR)
    write(bus, Register.ERROR, word)
    return {name for name, held in Register.ERROR.unpack(word).items() if held}


def accepted(bus, address, value=None):
    """Whether an access is carried out."""
    try:
        if value is None:
            bus.read(address)
        else:
            bus.write(address, [value])
    except LinkError:
        return False
    return True


def expected(space, column, write, row, value=1):
    """Whether the table says that an access is carried out."""
    if space is None:
        return False
    rows, columns = space.extent(CONFIG)
    if column >= columns or not rows:
        return False
    if space is AddressSpace.REGISTER:
        register = Register(min(column, Register.COUNTER.value))
        return register.access not in (AccessRight.RO, AccessRight.TAKE) if write else register.access != AccessRight.WO
    if space.has_rows and row >= rows:
        return False
    least, most = space.limits(CONFIG)
    return not write or (space.access == AccessRight.RW and least <= value <= most)


def test_every_register_answers_as_the_table_says(bus):
    for register, word in constants(CONFIG).items():
        assert read(bus, register) == word
    answered = dict.fromkeys((True, False), 0)
    for column in range(AddressSpace.REGISTER.extent(CONFIG)[1] + 3):
        for value in (None, 0):
            given = accepted(bus, 4 * column, value)
            assert given == expected(AddressSpace.REGISTER, column, value is not None, 0), (column, value)
            answered[given] += 1
    print(answered)
    assert min(answered.values()) > 15


@pytest.mark.parametrize("row", [0, 4, 5, 6, 7, 8190])
def test_edges_of_every_window(bus, row):
    write(bus, Register.ROW, row)
    answered = dict.fromkeys((True, False), 0)
    for number in range(1, 16):
        space = AddressSpace(number) if number < len(AddressSpace) else None
        columns = space.extent(CONFIG)[1] if space else 1
        for column in {0, max(0, columns - 1), columns, columns + 1, 15, 16, 4096, 8191}:
            address = (number << 13 | column) << 2
            for value in (
                None,
                1,
                CONFIG.delay_limit,
                CONFIG.delay_limit + 1,
                1 << 15,
                -(1 << 15) & 0xFFFFFFFF,
                1 << 31,
            ):
                signed = 0 if value is None else value - (value >> 31 << 32)
                given = accepted(bus, address, value)
                assert given == expected(space, column, value is not None, row, signed), (space, column, value)
                answered[given] += 1
                if not given:
                    assert read(bus, Register.ERROR_ADDRESS) == address
                    assert errors(bus) == {"access"}
    print(answered)
    assert min(answered.values()) > 8


def test_refused_writes_change_nothing(bus):
    rng = np.random.default_rng(0)
    network = random_network(CONFIG, rng)
    with RemoteCore(CONFIG, bus) as device:
        device.load(network)
        refused = 0
        for row in (0, 4, 5, 6, 8191):
            write(bus, Register.ROW, row)
            for number in range(1, 16):
                for column in (7, 8, 63, 64, 8191):
                    refused += not accepted(bus, (number << 13 | column) << 2, 1)
                if 1 <= number <= 4:
                    refused += not accepted(bus, number << 15, 1 << 15)
        held = device.network()
        for name in ("weight", "delay", "readout"):
            np.testing.assert_array_equal(getattr(held, name), getattr(network, name))
        assert refused > 300


def test_part_of_a_word_is_refused_and_no_byte_at_all_does_nothing(bus):
    address = Register.KAPPA.address
    write(bus, Register.KAPPA, 0x123456)
    for strobe in range(1, 15):
        assert not bus.write_bytes(address, 0xFFFFFFFF, strobe)
        assert errors(bus) == {"access"}
    assert bus.write_bytes(address, 0xFFFFFFFF, 0)
    assert read(bus, Register.KAPPA) == 0x123456
    assert bus.write_bytes(address, 0x654321, 15)
    assert read(bus, Register.KAPPA) == 0x654321


def test_events_of_units_and_classes_that_the_core_lacks_are_refused(bus):
    refused = 0
    for kind, limit in ((EventKind.SPIKE, CONFIG.inputs), (EventKind.STEP, CONFIG.outputs)):
        for index in (0, limit - 1, limit, limit + 1, 8, 65535):
            word = Register.EVENT.pack(kind=kind.value, index=index)
            given = accepted(bus, Register.EVENT.address, word)
            assert given == (index < limit)
            assert errors(bus) == (set() if given else {"event"})
            refused += not given
    assert refused == 8
    write(bus, Register.CLEAR, 0)
    event(bus, EventKind.STEP)
    assert read(bus, Register.COUNTER) == 0


def test_events_are_refused_while_loading(bus):
    write(bus, Register.CONTROL, Register.CONTROL.pack(loading=1))
    assert Register.STATUS.unpack(read(bus, Register.STATUS))["loading"] == 1
    assert not accepted(bus, Register.EVENT.address, Register.EVENT.pack(kind=EventKind.STEP.value))
    assert errors(bus) == {"event"}
    write(bus, Register.CONTROL, 0)
    event(bus, EventKind.STEP)
    assert errors(bus) == set()


def test_reads_come_after_the_events_before_them(bus):
    """Many events, then a read at once: it waits for all of them."""
    rng = np.random.default_rng(5)
    golden, compared, spikes = GoldenCore(CONFIG), 0, 0
    network = random_network(CONFIG, rng)
    golden.load(network)
    with RemoteCore(CONFIG, bus) as device:
        device.load(network)
        raster = rng.random((60, CONFIG.inputs)) < 0.4
        for t, row in enumerate(raster):
            for unit in np.nonzero(row)[0]:
                event(bus, EventKind.SPIKE, index=int(unit))
            event(bus, EventKind.STEP, scored=True)
            golden.step(np.nonzero(row)[0], scored=True, target=None, learn=False)
            if t % 7 == 0:
                given = bus.read(word_address(AddressSpace.POTENTIAL, 0) << 2, CONFIG.neurons).astype(np.int32)
                np.testing.assert_array_equal(given, golden.probe("potential"))
                compared += CONFIG.neurons
                spikes += int(golden.probe("spikes").sum())
    assert compared == 63
    assert spikes > 0


def test_spikes_come_out_in_order_and_those_that_nobody_takes_are_counted(bus):
    rng = np.random.default_rng(6)
    network = random_network(CONFIG, rng)
    raster = rng.random((40, CONFIG.inputs)) < 0.5
    with GoldenCore(CONFIG) as golden, RemoteCore(CONFIG, bus) as device:
        golden.load(network)
        device.load(network)
        spikes = golden.run(Sample.from_raster(raster), record=["spikes"]).steps["spikes"]
        words = [
            word
            for row in spikes
            for word in [*((OutputKind.SPIKE.value, int(j)) for j in np.nonzero(row)[0]), (OutputKind.STEP.value, 0)]
        ]
        write(bus, Register.MODE, Register.MODE.pack(report=1))
        for repeat in range(12):
            for row in raster:
                for unit in np.nonzero(row)[0]:
                    event(bus, EventKind.SPIKE, index=int(unit))
                event(bus, EventKind.STEP, scored=True)
            event(bus, EventKind.END)
            if repeat == 0:
                read(bus, Register.CYCLES)
                taken = [Register.OUTPUT.unpack(read(bus, Register.OUTPUT)) for _ in words]
                found = [(word["kind"], word["index"] if word["kind"] == 0 else 0) for word in taken]
                np.testing.assert_array_equal(found, words)
                assert all(word["valid"] for word in taken)
                assert read(bus, Register.OUTPUT) == 0
        read(bus, Register.CYCLES)
        status = Register.STATUS.unpack(read(bus, Register.STATUS))
        assert status["waiting"] == 512
        assert read(bus, Register.OVERFLOWS) == 11 * len(words) - 512 > 0
        assert errors(bus) == {"overflow"}
        assert read(bus, Register.SAMPLES) == 12
    assert sum(kind == OutputKind.SPIKE.value for kind, _ in words) > 20


def test_a_stream_that_nobody_takes_from_makes_accesses_fail_and_not_hang(bus):
    write(bus, Register.CONTROL, Register.CONTROL.pack(stream=1))
    write(bus, Register.MODE, Register.MODE.pack(report=1))
    bus.take_outputs(False)
    before = bus.cycles()
    event(bus, EventKind.STEP)
    assert not accepted(bus, word_address(AddressSpace.POTENTIAL, 0) << 2)
    assert Results.PATIENCE < bus.cycles() - before < 2 * Results.PATIENCE
    assert errors(bus) == {"stalled"}
    for _ in range(513):  # the queue and the register slice behind it fill ...
        event(bus, EventKind.STEP)
    assert Register.STATUS.unpack(read(bus, Register.STATUS))["room"] == 1
    event(bus, EventKind.STEP)
    assert not accepted(bus, Register.EVENT.address, Register.EVENT.pack(kind=EventKind.STEP.value))  # ... and is full
    assert errors(bus) == {"stalled"}
    assert read(bus, Register.ID) == constants(CONFIG)[Register.ID]
    bus.take_outputs(True)
    assert accepted(bus, word_address(AddressSpace.POTENTIAL, 0) << 2)
    assert errors(bus) == set()


@pytest.mark.parametrize(
    "use",
    [
        lambda bus: bus.read(Register.KAPPA.address),
        lambda bus: bus.write(Register.KAPPA.address, [0]),
        lambda bus: bus.write_bytes(Register.KAPPA.address, 0, 15),
        lambda bus: bus.wait(1),
        lambda bus: bus.interrupt(),
        lambda bus: bus.take_outputs(True),
        lambda bus: bus.cycles(),
    ],
)
def test_a_closed_bus_is_refused(bus, use):
    use(bus)
    bus.close()
    bus.close()
    with pytest.raises(LinkError, match=r"^simulated bus: it was closed$"):
        use(bus)


def test_the_interrupt_follows_what_is_enabled(bus):
    done, error = (Register.INTERRUPT_ENABLE.pack(**{name: 1}) for name in ("sample_done", "error"))
    event(bus, EventKind.END)
    read(bus, Register.CYCLES)
    assert read(bus, Register.INTERRUPT_PENDING) == done
    assert not bus.interrupt()
    write(bus, Register.INTERRUPT_ENABLE, done)
    assert bus.interrupt()
    write(bus, Register.INTERRUPT_PENDING, done)
    assert not bus.interrupt()
    assert not accepted(bus, Register.ID.address, 1)
    assert read(bus, Register.INTERRUPT_PENDING) == error
    assert not bus.interrupt()
    write(bus, Register.INTERRUPT_ENABLE, done | error)
    assert bus.interrupt()
    assert not accepted(bus, 1 << 19)  # beyond the map: a bus interface refuses it

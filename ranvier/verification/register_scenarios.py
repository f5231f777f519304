"""Scenarios of the registers: for the driver of a core behind a link, simulated or on a board."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ranvier.device import Device, DeviceError
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import COLUMN_BITS, AddressSpace, Register, constants, word_address
from ranvier.parameters.network import Network
from ranvier.parameters.sample import Sample
from ranvier.verification.scenario import (
    RASTER,
    ScenarioError,
    Scenarios,
    compare,
    compare_networks,
    compare_runs,
    lively_sample,
    load_both,
    require,
)

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios(registers=True)


class _Shared:
    """The link of another device, which stays open when it is closed."""

    def __init__(self, device: RemoteCore):
        self.name, self.read, self.write = device.link.name, device.link.read, device.link.write
        self.resynchronise = device.link.resynchronise

    def close(self) -> None:
        """The link belongs to the other device."""


def _fields(device: RemoteCore, register: Register) -> dict[str, int]:
    return register.unpack(device.read(register))


@contextmanager
def _errors_cleared(device: RemoteCore) -> Iterator[None]:
    device.write(Register.ERROR, 0xFFFFFFFF)
    yield
    device.write(Register.ERROR, 0xFFFFFFFF)


def _refused(device: RemoteCore, address: int, word: int | None, error: str = "access") -> int:
    """A read, or a write of `word`, that must end in a bit of ERROR; links that can tell so may."""
    verb = "read from" if word is None else f"write of {word:#x} to"
    with _errors_cleared(device):
        try:
            if word is None:
                device.link.read(address)
            else:
                device.link.write(address, [word])
        except LinkError:
            pass
        what = f"a {verb} {address:#x}"
        compared = compare(f"ERROR.{error} after {what}", _fields(device, Register.ERROR)[error], 1)
        compared += compare(f"STATUS.error after {what}", _fields(device, Register.STATUS)["error"], 1)
        compared += compare(f"ERROR_ADDRESS after {what}", device.read(Register.ERROR_ADDRESS), address)
    return compared + compare("ERROR after clearing it", device.read(Register.ERROR), 0)


@SCENARIOS.add
def identify(device: RemoteCore, reference: Device) -> int:
    """The core says what it is."""
    return sum(
        compare(register.name, device.read(register), word) for register, word in constants(device.config).items()
    )


@SCENARIOS.add
def wrong_configuration(device: RemoteCore, reference: Device) -> int:
    """A driver for another configuration refuses the core, names both sides, and leaves it as it was."""
    rng = load_both(device, reference, 90)
    other = device.config.replace(reset="zero" if device.config.reset == "soft" else "soft")
    try:
        RemoteCore(other, _Shared(device))
    except LinkError as error:
        for side in (other, device.config):
            require(f"{side.digest:#010x} in {str(error)!r}", f"{side.digest:#010x}" in str(error))
        return 2 + compare_runs(device, reference, "the sample after it", lively_sample(device.config, rng))
    raise ScenarioError("expected a driver for another configuration to refuse the core, received no error")


@SCENARIOS.add
def out_of_range(device: RemoteCore, reference: Device) -> int:
    """What does not exist, or is read- or write-only, is refused, and the network stays as it was."""
    config, compared = device.config, 0
    rng = load_both(device, reference, 100)
    last = AddressSpace.REGISTER.extent(config)[1]
    nowhere = [word_address(AddressSpace.REGISTER, last), word_address(AddressSpace.REGISTER, (1 << COLUMN_BITS) - 1)]
    nowhere += [space.value << COLUMN_BITS for space in AddressSpace if not space.exists(config)]
    nowhere += [word_address(space, space.extent(config)[1]) for space in AddressSpace if space.exists(config)]
    nowhere += [(max(space.value for space in AddressSpace) + 1) << COLUMN_BITS]
    for word in sorted(set(nowhere)):
        compared += _refused(device, word << 2, None) + _refused(device, word << 2, 1)
    for register in (Register.ID, Register.DIGEST, Register.STATUS, Register.CYCLES, Register.COUNTER):
        compared += _refused(device, register.address, 0xFFFFFFFF)
    for register in (Register.EVENT, Register.CLEAR):
        compared += _refused(device, register.address, None)
    device.write(Register.ROW, config.rows)
    compared += _refused(device, word_address(AddressSpace.WEIGHT, 0) << 2, 1)
    compared += _refused(device, word_address(AddressSpace.POTENTIAL, 0) << 2, 1)
    compared += compare_networks("after refused accesses", device.network(), reference.network())
    return compared + compare_runs(device, reference, "the sample after them", lively_sample(config, rng))


@SCENARIOS.add
def refused_events(device: RemoteCore, reference: Device) -> int:
    """Events of units and classes that the core lacks, and any while loading, are refused and do nothing."""
    config, compared, pack = device.config, 0, Register.EVENT.pack
    rng = load_both(device, reference, 110)
    samples = device.read(Register.SAMPLES)
    for word in (
        pack(kind=EventKind.SPIKE.value, index=config.inputs),
        pack(kind=EventKind.SPIKE.value, index=0xFFFF),
        pack(kind=EventKind.STEP.value, index=config.outputs, scored=1),
    ):
        compared += _refused(device, Register.EVENT.address, word, "event")
    device.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
    compared += _refused(device, Register.EVENT.address, pack(kind=EventKind.END.value), "event")
    compared += compare("STATUS.loading", _fields(device, Register.STATUS)["loading"], 1)
    device.write(Register.CONTROL, 0)
    compared += compare("SAMPLES", device.read(Register.SAMPLES), samples)
    return compared + compare_runs(device, reference, "the sample after them", lively_sample(config, rng))


def _report(device: RemoteCore, events: list[int]) -> None:
    """Give events one by one or in bursts, with spikes and steps reported; wait until they are done."""
    device.write(Register.MODE, Register.MODE.pack(report=1))
    while events:
        room = _fields(device, Register.STATUS)["room"]
        now, events = events[:room], events[room:]
        if now:
            device.link.write(Register.EVENT.address, now, increment=False)
    while _fields(device, Register.STATUS)["busy"]:
        pass


def _reported(device: RemoteCore) -> list[dict[str, int]]:
    """Everything that waits in OUTPUT."""
    waiting = _fields(device, Register.STATUS)["waiting"]
    words = device.link.read(Register.OUTPUT.address, waiting, increment=False)
    return [Register.OUTPUT.unpack(int(word)) for word in words]


def _expected_outputs(reference: Device, sample: Sample) -> list[dict[str, int]]:
    """Spikes in ascending order, then the step, for every step."""
    outputs, record = [], reference.run(sample, record=RASTER)
    for spikes in record.steps["spikes"]:
        neurons = np.nonzero(spikes)[0].tolist()
        outputs += [{"index": neuron, "kind": OutputKind.SPIKE.value, "valid": 1} for neuron in neurons]
        outputs.append({"index": 0, "kind": OutputKind.STEP.value, "valid": 1})
    return outputs


def _event_words(sample: Sample) -> list[int]:
    """The words of a sample without learning, its end included."""
    pack, words = Register.EVENT.pack, []
    for t, units in enumerate(sample.arriving()):
        words += [pack(kind=EventKind.SPIKE.value, index=int(unit)) for unit in units]
        words.append(pack(kind=EventKind.STEP.value, scored=bool(sample.scored[t])))
    return [*words, pack(kind=EventKind.END.value)]


@SCENARIOS.add
def reported_spikes(device: RemoteCore, reference: Device) -> int:
    """Spikes and steps come out in order, and the interrupt of the sample is pending until it is cleared."""
    compared = 0
    rng = load_both(device, reference, 120)
    sample = lively_sample(device.config, rng)
    device.write(Register.INTERRUPT_PENDING, 0xFFFFFFFF)
    samples = device.read(Register.SAMPLES)
    _report(device, _event_words(sample))
    expected = _expected_outputs(reference, sample)
    reported = _reported(device)
    compared += compare("outputs", len(reported), len(expected))
    for n, (got, want) in enumerate(zip(reported, expected, strict=True)):
        compared += sum(compare(f"output {n}: {name}", got[name], value) for name, value in want.items())
    compared += compare("OUTPUT when there is none", device.read(Register.OUTPUT), 0)
    compared += compare("SAMPLES", device.read(Register.SAMPLES), samples + 1)
    compared += compare("sample_done", _fields(device, Register.INTERRUPT_PENDING)["sample_done"], 1)
    device.write(Register.INTERRUPT_PENDING, 0xFFFFFFFF)
    compared += compare("INTERRUPT_PENDING when cleared", device.read(Register.INTERRUPT_PENDING), 0)
    device.load(Network.zeros(device.config))
    return compared


@SCENARIOS.add
def overflow(device: RemoteCore, reference: Device) -> int:
    """Outputs that are not read are dropped and counted, those before them stay, and the core continues."""
    rng = load_both(device, reference, 130)
    with _errors_cleared(device):
        before, steps = device.read(Register.OVERFLOWS), 0
        while not _fields(device, Register.ERROR)["overflow"]:
            if steps > 1 << 13:
                raise ScenarioError(f"expected OUTPUT to overflow, received nothing after {steps} steps")
            _report(device, [Register.EVENT.pack(kind=EventKind.STEP.value)] * 64)
            steps += 64
        compared = require("dropped outputs", device.read(Register.OVERFLOWS) != before)
        held = _fields(device, Register.STATUS)["waiting"]
        reported = _reported(device)
        compared += compare("outputs held and dropped", held + device.read(Register.OVERFLOWS) - before, steps)
        compared += compare("kinds of outputs", [word["kind"] for word in reported], [OutputKind.STEP.value] * held)
    device.load(reference.network())
    return compared + compare_runs(device, reference, "the sample after it", lively_sample(device.config, rng))


@SCENARIOS.add
def left_behind(device: RemoteCore, reference: Device) -> int:
    """Half a sample, reports, errors and a stream bit that another program left do not affect the next one."""
    rng = load_both(device, reference, 140)
    sample, network, compared = lively_sample(device.config, rng), reference.network(), 0
    half = _event_words(sample)[: len(sample.times) // 2]
    for n in range(2):
        _report(device, half)
        compared += compare_runs(device, reference, f"sample {n} after half of one", sample)
    with RemoteCore(device.config, _Shared(device)) as other:  # whose program died in the middle of a sample
        _report(device, half)
        for refused in (lambda: other.run(sample), other.network, other.counters):
            try:
                refused()
            except DeviceError:
                compared += 1
                continue
            raise ScenarioError("expected a core that was never loaded to be refused, received no error")
        other.load(network)
        compared += compare_runs(other, reference, "the sample of another program", sample)
    device.write(Register.MODE, Register.MODE.pack(report=1))
    device.write(Register.CONTROL, Register.CONTROL.pack(stream=1))
    for word in half:
        device.write(Register.EVENT, word)
    device.load(network)
    compared += compare("STATUS.waiting after loading", _fields(device, Register.STATUS)["waiting"], 0)
    compared += compare("CONTROL after loading", device.read(Register.CONTROL), 0)
    compared += compare("ERROR after loading", device.read(Register.ERROR), 0)
    return compared + compare_runs(device, reference, "the sample after a stream bit", sample)

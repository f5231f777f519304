"""What every device has to do, as scenarios: for the golden model, for simulations of every face, and for a board."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import cycle
from time import monotonic
from typing import Any

import numpy as np

from ranvier.device import Device, DeviceError, open_device
from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.hw.events import EventKind, OutputKind
from ranvier.hw.registers import COLUMN_BITS, Register, Space, constants, word_address
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.record import TRACED, Record, Traced
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_network, random_sample

__all__ = ["SCENARIOS", "Outcome", "Rate", "Scenario", "ScenarioError", "SelfTest", "run_scenario", "selftest", "sweep"]

#: Baud rates of a sweep, relative to the one that the core was built for.
RATES = (0.92, 0.95, 0.97, 1.0, 1.03, 1.05, 1.08)

RASTER: tuple[Traced, ...] = ("spikes",)


class ScenarioError(Exception):
    """A device did not do what it has to; the message says where it differed first."""


@dataclass(frozen=True)
class Scenario:
    """A function of the device and of a golden model beside it, which returns how many values it compared.

    It leaves the device in a state from which any other scenario can start: with some network loaded and no error pending.

    Parameters
    ----------
    function : callable
        Raises `ScenarioError` at the first difference.
    registers : bool
        Whether it needs the registers, which only a `RemoteCore` has.
    """

    function: Callable[..., int]
    registers: bool

    @property
    def name(self) -> str:
        """What it is called."""
        return self.function.__name__

    @property
    def text(self) -> str:
        """What it shows."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def fits(self, device: Device) -> bool:
        """Whether the device has what it needs."""
        return not self.registers or isinstance(device, RemoteCore)


@dataclass(frozen=True)
class Outcome:
    """What became of a scenario: values compared, and the failure if there was one."""

    name: str
    compared: int = 0
    failure: str | None = None


@dataclass(frozen=True)
class Rate:
    """Whether a core could be loaded and read back at a baud rate, and if not, why."""

    baud: int
    failure: str | None = None


@dataclass
class SelfTest:
    """Result of `selftest`.

    Parameters
    ----------
    device : str
        What was tested.
    outcomes : list of Outcome
        Of the scenarios that the device can do.
    skipped : list of str
        Scenarios that need registers, on a device that has none.
    rates : list of Rate
        The baud sweep, on a serial port; the rate in the middle is that of the device.
    """

    device: str
    outcomes: list[Outcome] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Scenarios that failed."""
        return sum(outcome.failure is not None for outcome in self.outcomes)

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"failures": self.failures}

    def text(self) -> list[str]:
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


#: All scenarios by name.
SCENARIOS: dict[str, Scenario] = {}


def selftest(name: str, config: CoreConfig) -> SelfTest:
    """Run all scenarios that a device can do beside the golden model, and on a serial port a sweep of baud rates.

    Parameters
    ----------
    name : str
        See `ranvier.device.open_device`.
    config : CoreConfig
        What it was built from.
    """
    result = SelfTest(name)
    with open_device("golden", config) as reference, open_device(name, config) as device:
        for scenario in SCENARIOS.values():
            if scenario.fits(device):
                result.outcomes.append(run_scenario(scenario.name, device, reference))
            else:
                result.skipped.append(scenario.name)
        if isinstance(device, RemoteCore) and isinstance(device.link, SerialLink):
            result.rates = sweep(device, device.link)
    return result


def sweep(device: RemoteCore, link: SerialLink) -> list[Rate]:
    """Load a network and read it back at rates around that of the link: how much the two ends may differ.

    A core has one rate. What is swept is that of the port, as it was asked for; an adapter may round it.
    """
    rates, nominal, network = [], link.baud, random_network(device.config, np.random.default_rng(0))
    for relative in RATES:
        baud, failure = round(nominal * relative), None
        try:
            link.tune(baud)
            device.load(network)
            _same_networks("the network", device.network(), network)
        except (ScenarioError, LinkError) as error:
            failure = str(error)
        rates.append(Rate(baud, failure))
    link.tune(nominal)
    device.load(Network.zeros(device.config))
    return rates


def run_scenario(name: str, device: Device, reference: Device) -> Outcome:
    """Run one; an error of the link, or a device that refuses what it must do, is a failure like a difference."""
    try:
        return Outcome(name, SCENARIOS[name].function(device, reference))
    except (ScenarioError, LinkError, DeviceError) as error:
        return Outcome(name, failure=str(error))


def _scenario(function: Callable[[Device, Device], int]) -> Callable[[Device, Device], int]:
    SCENARIOS[function.__name__] = Scenario(function, registers=False)
    return function


def _of_registers(function: Callable[[RemoteCore, Device], int]) -> Callable[[RemoteCore, Device], int]:
    SCENARIOS[function.__name__] = Scenario(function, registers=True)
    return function


# -------------------------------------------------------------------- comparing


def _same(what: str, actual: Any, expected: Any) -> int:
    """Compare numbers or arrays; how many."""
    got, want = np.asarray(actual), np.asarray(expected)
    if got.shape != want.shape:
        raise ScenarioError(f"{what}: expected shape {want.shape}, received {got.shape}")
    if (got != want).any():
        place = tuple(int(n) for n in np.argwhere(got != want)[0])
        raise ScenarioError(f"{what}{list(place) if place else ''}: expected {want[place]}, received {got[place]}")
    return got.size


def _holds(what: str, condition: bool) -> int:
    if not condition:
        raise ScenarioError(f"expected {what}")
    return 1


def _same_records(what: str, actual: Record, expected: Record) -> int:
    compared = _same(f"{what}: prediction", actual.prediction, expected.prediction)
    compared += _same(f"{what}: scores", actual.scores, expected.scores)
    compared += _same(f"{what}: spikes", actual.spikes, expected.spikes)
    return compared + sum(
        _same(f"{what}: {name} at [step, unit]", actual.steps[name], values) for name, values in expected.steps.items()
    )


def _same_networks(what: str, actual: Network, expected: Network) -> int:
    layout = Network.layout(expected.config)
    return sum(_same(f"{what}: {name}", getattr(actual, name), getattr(expected, name)) for name in layout)


def _both(device: Device, reference: Device, seed: int, **changes: Any) -> np.random.Generator:
    """Load a random network, with some changes, into both; where to draw samples from."""
    rng = np.random.default_rng(seed)
    network = random_network(device.config, rng).replace(**changes)
    device.load(network)
    reference.load(network)
    return rng


def _run_both(device: Device, reference: Device, what: str, sample: Sample, **how: Any) -> int:
    return _same_records(what, device.run(sample, **how), reference.run(sample, **how))


def _lively(config: CoreConfig, rng: np.random.Generator) -> Sample:
    """A sample with spikes."""
    while True:
        sample = random_sample(config, rng)
        if len(sample.times) > config.inputs:
            return sample


# -------------------------------------------------------------------- scenarios of the device API


@_scenario
def load(device: Device, reference: Device) -> int:
    """Networks that are loaded can be read back whole, and all counts start afresh."""
    compared = 0
    for seed in range(3):
        _both(device, reference, seed)
        compared += _same_networks("what was loaded", device.network(), reference.network())
        compared += _same("counters after loading", list(device.counters().values()), [0] * len(device.counters()))
    return compared


@_scenario
def run(device: Device, reference: Device) -> int:
    """Samples without learning: scores, predictions and spikes, and the network stays as it was."""
    compared = 0
    rng = _both(device, reference, 10)
    for n in range(4):
        compared += _run_both(device, reference, f"sample {n}", random_sample(device.config, rng))
    compared += _same_networks("after samples without learning", device.network(), reference.network())
    return compared + _holds("spikes", reference.counters()["spikes"] > 0)


@_scenario
def learn(device: Device, reference: Device) -> int:
    """Learning: records, weights and delays after every sample."""
    config = device.config
    if not config.learning:
        return 0
    compared, moved, decay = 0, 0, int(config.decay.quantise(0.9))
    sizes = {f"eta_{name}": StepSize.of(size) for name, size in (("weight", 0.05), ("delay", 5.0), ("readout", 0.05))}
    for seed in (20, 21):
        rng = _both(device, reference, seed, alpha=decay, kappa=decay, **sizes)
        for n in range(3):
            before, target = reference.network(), int(rng.integers(config.outputs))
            how = {"target": target, "learn": True}
            compared += _run_both(device, reference, f"sample {n}", _lively(config, rng), **how)
            after = reference.network()
            compared += _same_networks(f"after sample {n}", device.network(), after)
            names = ("weight", "delay", "readout")
            moved += sum(int((getattr(after, name) != getattr(before, name)).sum()) for name in names)
    return compared + _holds("parameters to move, received none that did", moved > 0)


@_scenario
def reset(device: Device, reference: Device) -> int:
    """No state is left: a sample gives the same after others, learning the same after loading again."""
    config, compared = device.config, 0
    rng = _both(device, reference, 30)
    first, other = _lively(config, rng), _lively(config, rng)
    before = device.run(first)
    device.run(other)
    compared += _same_records("a sample after another", device.run(first), before)
    if config.learning:
        learned = []
        for _ in range(2):
            _both(device, reference, 31)
            device.run(first, target=1, learn=True)
            learned.append(device.network())
        compared += _same_networks("learning after loading again", learned[1], learned[0])
    return compared


@_scenario
def recorded_steps(device: Device, reference: Device) -> int:
    """Every traced quantity after every step."""
    compared = 0
    rng = _both(device, reference, 40)
    for learn in {False, device.config.learning}:
        sample = _lively(device.config, rng)
        compared += _run_both(device, reference, "sample", sample, target=0, learn=learn, record=tuple(TRACED))
    return compared


@_scenario
def counters(device: Device, reference: Device) -> int:
    """Counts of spikes and saturations over several samples."""
    rng = _both(device, reference, 50)
    for _ in range(3):
        sample = _lively(device.config, rng)
        for core in (device, reference):
            core.run(sample, target=0, learn=device.config.learning)
    expected = reference.counters()
    compared = _same("counters", [device.counters()[name] for name in expected], list(expected.values()))
    return compared + _holds("spikes", expected["spikes"] > 0)


@_scenario
def step_sizes(device: Device, reference: Device) -> int:
    """Step sizes can change between samples, and 0 freezes what it belongs to."""
    config, compared = device.config, 0
    if not config.learning:
        return 0
    rng = _both(device, reference, 60)
    for sizes in ((0.0, 0.0, 0.0), (0.5, 0.0, 0.25), (0.0, 4.0, 0.0)):
        before = device.network()
        for core in (device, reference):
            core.step_sizes(*(StepSize.of(size) for size in sizes))
        compared += _run_both(device, reference, f"step sizes {sizes}", _lively(config, rng), target=1, learn=True)
        after = device.network()
        compared += _same_networks(f"step sizes {sizes}", after, reference.network())
        for name, size in zip(("weight", "delay", "readout"), sizes, strict=True):
            if not size:
                compared += _same(f"{name} frozen", getattr(after, name), getattr(before, name))
    return compared


@_scenario
def bad_sample(device: Device, reference: Device) -> int:
    """Samples and targets that do not fit are refused, and nothing has happened."""
    config = device.config
    rng = _both(device, reference, 70)
    steps = np.ones(3, bool)
    good = _lively(config, rng)
    bad: list[tuple[Sample, dict[str, Any]]] = [
        (Sample(np.array([0]), np.array([config.inputs]), steps), {}),
        (good, {"target": config.outputs, "learn": config.learning}),
        (good, {"learn": True}),
    ]
    for n, (sample, how) in enumerate(bad):
        try:
            device.run(sample, **how)
        except SampleError:
            continue
        raise ScenarioError(f"expected bad sample {n} to be refused, received a record")
    compared = len(bad) + _run_both(device, reference, "the sample after bad ones", good)
    return compared + _same_networks("after bad samples", device.network(), reference.network())


@_scenario
def wrong_network(device: Device, reference: Device) -> int:
    """A network of another configuration is refused, and the one that was loaded goes on."""
    rng = _both(device, reference, 80)
    try:
        device.load(Network.zeros(device.config.replace(outputs=device.config.outputs + 1)))
    except NetworkError:
        return 1 + _run_both(device, reference, "the sample after it", _lively(device.config, rng))
    raise ScenarioError("expected a network of another configuration to be refused, received no error")


@_scenario
def wrong_types(device: Device, reference: Device) -> int:
    """What is no network, sample, class, step size or list of quantities is refused in one line, and changes nothing."""
    rng = _both(device, reference, 85)
    good, small = _lively(device.config, rng), StepSize.of(0.1)
    call: Any = device  # whose types are of no concern here
    given: dict[str, tuple[Any, ...]] = {
        "network": ("model.npz", None, good, {}),
        "sample": (np.ones((3, 2)), None, "sample", []),
        "target": ("a", 1.0, [0], True),
        "record": ("spikes", ["spike"], [0], 1, None),
    }
    wrong: list[tuple[type[Exception], Callable[[], object]]] = [
        *((NetworkError, partial(call.load, network)) for network in given["network"]),
        *((NetworkError, partial(call.step_sizes, *[small] * n, 0.1, *[small] * (2 - n))) for n in range(3)),
        *((SampleError, partial(call.run, sample)) for sample in given["sample"]),
        *((SampleError, partial(call.run, good, target=target)) for target in given["target"]),
        (SampleError, partial(call.run, good, target=0, learn="no")),
        *((SampleError, partial(call.run, good, record=record)) for record in given["record"]),
    ]
    for n, (kind, refused) in enumerate(wrong):
        try:
            refused()
        except kind as error:
            _holds(f"one line, received {str(error)!r}", "\n" not in str(error))
            continue
        except Exception as error:
            raise ScenarioError(
                f"call {n}: expected {kind.__name__}, received {type(error).__name__}: {error}"
            ) from None
        raise ScenarioError(f"call {n}: expected {kind.__name__}, received no error")
    compared = len(wrong) + _run_both(device, reference, "the sample after wrong types", good)
    return compared + _same_networks("after wrong types", device.network(), reference.network())


class _Interrupt(KeyboardInterrupt):
    """Ctrl-C that nobody pressed."""


def _interrupted(seconds: float, action: Callable[[], object]) -> None:
    """Do something again and again, and be interrupted after some time, wherever it is then."""

    def interrupt(*_: object) -> None:
        raise _Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            while True:
                action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _Interrupt:
        return
    finally:
        signal.signal(signal.SIGALRM, before)


@_scenario
def interrupts(device: Device, reference: Device) -> int:
    """Interrupted at any time, a device starts the next sample from cleared state, or says that it must be loaded again."""
    config = device.config
    rng = _both(device, reference, 86)
    long, short, network = _lively(config, rng), _lively(config, rng), reference.network()
    etas = cycle(((network.eta_weight, network.eta_delay, network.eta_readout), (StepSize.of(0.1),) * 3))

    def check() -> int:
        compared = _run_both(device, reference, "the sample after an interrupt", short)
        return compared + _same_networks("after an interrupt", device.network(), reference.network())

    def check_load() -> int:
        try:
            device.run(short)
        except DeviceError:
            device.load(network)
        return check()

    def check_step_sizes() -> int:
        held = device.network()
        reference.step_sizes(held.eta_weight, held.eta_delay, held.eta_readout)
        return (
            check()
            + (config.learning and _run_both(device, reference, "learning", short, target=0, learn=True))
            + check()
        )

    def check_learning() -> int:
        for core in (device, reference):
            core.load(network)
        return check()

    actions: list[tuple[Callable[[], object], Callable[[], int]]] = [
        (lambda: device.run(long), check),
        (lambda: device.run(long, record=RASTER), check),
        (device.network, check),
        (lambda: device.load(network), check_load),
        (lambda: device.step_sizes(*next(etas)), check_step_sizes),
        (lambda: device.run(long, target=0, learn=config.learning), check_learning),
    ]
    compared = 0
    for action, after in actions:
        start = monotonic()
        action()
        longest = max(monotonic() - start, 1e-3)
        _interrupted(float(rng.random()) * longest, action)
        compared += after()
    return compared


# -------------------------------------------------------------------- scenarios of the registers


class _Shared:
    """The link of another device, which stays open when it is closed."""

    def __init__(self, device: RemoteCore):
        self.name, self.read, self.write = device.link.name, device.link.read, device.link.write

    def close(self) -> None:
        """The link belongs to somebody else."""


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
        compared = _same(f"ERROR.{error} after {what}", _fields(device, Register.ERROR)[error], 1)
        compared += _same(f"STATUS.error after {what}", _fields(device, Register.STATUS)["error"], 1)
        compared += _same(f"ERROR_ADDRESS after {what}", device.read(Register.ERROR_ADDRESS), address)
    return compared + _same("ERROR after clearing it", device.read(Register.ERROR), 0)


@_of_registers
def identify(device: RemoteCore, reference: Device) -> int:
    """The core says what it is."""
    return sum(_same(register.name, device.read(register), word) for register, word in constants(device.config).items())


@_of_registers
def wrong_configuration(device: RemoteCore, reference: Device) -> int:
    """A driver for another configuration refuses the core, names both sides, and leaves it as it was."""
    rng = _both(device, reference, 90)
    other = device.config.replace(reset="zero" if device.config.reset == "soft" else "soft")
    try:
        RemoteCore(other, _Shared(device))
    except LinkError as error:
        for side in (other, device.config):
            _holds(f"{side.digest:#010x} in {str(error)!r}", f"{side.digest:#010x}" in str(error))
        return 2 + _run_both(device, reference, "the sample after it", _lively(device.config, rng))
    raise ScenarioError("expected a driver for another configuration to refuse the core, received no error")


@_of_registers
def out_of_range(device: RemoteCore, reference: Device) -> int:
    """What does not exist, or is read- or write-only, is refused, and the network stays as it was."""
    config, compared = device.config, 0
    rng = _both(device, reference, 100)
    last = Space.REGISTER.extent(config)[1]
    nowhere = [word_address(Space.REGISTER, last), word_address(Space.REGISTER, (1 << COLUMN_BITS) - 1)]
    nowhere += [space.value << COLUMN_BITS for space in Space if not space.exists(config)]
    nowhere += [word_address(space, space.extent(config)[1]) for space in Space if space.exists(config)]
    nowhere += [(max(space.value for space in Space) + 1) << COLUMN_BITS]
    for word in sorted(set(nowhere)):
        compared += _refused(device, word << 2, None) + _refused(device, word << 2, 1)
    for register in (Register.ID, Register.DIGEST, Register.STATUS, Register.CYCLES, Register.COUNTER):
        compared += _refused(device, register.address, 0xFFFFFFFF)
    for register in (Register.EVENT, Register.CLEAR):
        compared += _refused(device, register.address, None)
    device.write(Register.ROW, config.rows)
    compared += _refused(device, word_address(Space.WEIGHT, 0) << 2, 1)
    compared += _refused(device, word_address(Space.POTENTIAL, 0) << 2, 1)
    compared += _same_networks("after refused accesses", device.network(), reference.network())
    return compared + _run_both(device, reference, "the sample after them", _lively(config, rng))


@_of_registers
def refused_events(device: RemoteCore, reference: Device) -> int:
    """Events of units and classes that the core lacks, and any while loading, are refused and do nothing."""
    config, compared, pack = device.config, 0, Register.EVENT.pack
    rng = _both(device, reference, 110)
    samples = device.read(Register.SAMPLES)
    for word in (
        pack(kind=EventKind.SPIKE.value, index=config.inputs),
        pack(kind=EventKind.SPIKE.value, index=0xFFFF),
        pack(kind=EventKind.STEP.value, index=config.outputs, scored=1),
    ):
        compared += _refused(device, Register.EVENT.address, word, "event")
    device.write(Register.CONTROL, Register.CONTROL.pack(loading=1))
    compared += _refused(device, Register.EVENT.address, pack(kind=EventKind.END.value), "event")
    compared += _same("STATUS.loading", _fields(device, Register.STATUS)["loading"], 1)
    device.write(Register.CONTROL, 0)
    compared += _same("SAMPLES", device.read(Register.SAMPLES), samples)
    return compared + _run_both(device, reference, "the sample after them", _lively(config, rng))


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


@_of_registers
def reported_spikes(device: RemoteCore, reference: Device) -> int:
    """Spikes and steps come out in order, and the interrupt of the sample is pending until it is cleared."""
    compared = 0
    rng = _both(device, reference, 120)
    sample = _lively(device.config, rng)
    device.write(Register.INTERRUPT_PENDING, 0xFFFFFFFF)
    samples = device.read(Register.SAMPLES)
    _report(device, _event_words(sample))
    expected = _expected_outputs(reference, sample)
    reported = _reported(device)
    compared += _same("outputs", len(reported), len(expected))
    for n, (got, want) in enumerate(zip(reported, expected, strict=True)):
        compared += sum(_same(f"output {n}: {name}", got[name], value) for name, value in want.items())
    compared += _same("OUTPUT when there is none", device.read(Register.OUTPUT), 0)
    compared += _same("SAMPLES", device.read(Register.SAMPLES), samples + 1)
    compared += _same("sample_done", _fields(device, Register.INTERRUPT_PENDING)["sample_done"], 1)
    device.write(Register.INTERRUPT_PENDING, 0xFFFFFFFF)
    compared += _same("INTERRUPT_PENDING when cleared", device.read(Register.INTERRUPT_PENDING), 0)
    device.load(Network.zeros(device.config))
    return compared


@_of_registers
def overflow(device: RemoteCore, reference: Device) -> int:
    """Outputs that nobody takes are dropped and counted, those before them stay, and the core goes on."""
    rng = _both(device, reference, 130)
    with _errors_cleared(device):
        before, steps = device.read(Register.OVERFLOWS), 0
        while not _fields(device, Register.ERROR)["overflow"]:
            if steps > 1 << 13:
                raise ScenarioError(f"expected OUTPUT to overflow, received nothing after {steps} steps")
            _report(device, [Register.EVENT.pack(kind=EventKind.STEP.value)] * 64)
            steps += 64
        compared = _holds("dropped outputs", device.read(Register.OVERFLOWS) != before)
        held = _fields(device, Register.STATUS)["waiting"]
        reported = _reported(device)
        compared += _same("outputs held and dropped", held + device.read(Register.OVERFLOWS) - before, steps)
        compared += _same("kinds of outputs", [word["kind"] for word in reported], [OutputKind.STEP.value] * held)
    device.load(reference.network())
    return compared + _run_both(device, reference, "the sample after it", _lively(device.config, rng))


@_of_registers
def left_behind(device: RemoteCore, reference: Device) -> int:
    """Half a sample, reports, errors and a stream bit that somebody left do no harm to whoever comes next."""
    rng = _both(device, reference, 140)
    sample, network, compared = _lively(device.config, rng), reference.network(), 0
    half = _event_words(sample)[: len(sample.times) // 2]
    for n in range(2):
        _report(device, half)
        compared += _run_both(device, reference, f"sample {n} after half of one", sample)
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
        compared += _run_both(other, reference, "the sample of another program", sample)
    device.write(Register.MODE, Register.MODE.pack(report=1))
    device.write(Register.CONTROL, Register.CONTROL.pack(stream=1))
    for word in half:
        device.write(Register.EVENT, word)
    device.load(network)
    compared += _same("STATUS.waiting after loading", _fields(device, Register.STATUS)["waiting"], 0)
    compared += _same("CONTROL after loading", device.read(Register.CONTROL), 0)
    compared += _same("ERROR after loading", device.read(Register.ERROR), 0)
    return compared + _run_both(device, reference, "the sample after a stream bit", sample)

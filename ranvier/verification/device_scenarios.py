"""Scenarios of the device API: for the golden model, simulations of the core and of every bus interface, and boards."""

import signal
from collections.abc import Callable
from functools import partial
from itertools import cycle
from time import monotonic
from typing import Any

import numpy as np

from ranvier.device import Device, DeviceError
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.record import TRACED
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.verification.scenario import (
    RASTER,
    ScenarioError,
    Scenarios,
    compare,
    compare_networks,
    compare_records,
    compare_runs,
    lively_sample,
    load_both,
    require,
)
from ranvier.verification.stimulus import random_sample

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios(registers=False)


@SCENARIOS.add
def load(device: Device, reference: Device) -> int:
    """Networks that are loaded can be read back whole, and all counts start afresh."""
    compared = 0
    for seed in range(3):
        load_both(device, reference, seed)
        compared += compare_networks("what was loaded", device.network(), reference.network())
        compared += compare("counters after loading", list(device.counters().values()), [0] * len(device.counters()))
    return compared


@SCENARIOS.add
def run(device: Device, reference: Device) -> int:
    """Samples without learning: scores, predictions and spikes, and the network stays as it was."""
    compared = 0
    rng = load_both(device, reference, 10)
    for n in range(4):
        compared += compare_runs(device, reference, f"sample {n}", random_sample(device.config, rng))
    compared += compare_networks("after samples without learning", device.network(), reference.network())
    return compared + require("spikes", reference.counters()["spikes"] > 0)


@SCENARIOS.add
def learn(device: Device, reference: Device) -> int:
    """Learning: records, weights and delays after every sample."""
    config = device.config
    if not config.learning:
        return 0
    compared, moved, decay = 0, 0, int(config.decay.quantise(0.9))
    sizes = {f"eta_{name}": StepSize.of(size) for name, size in (("weight", 0.05), ("delay", 5.0), ("readout", 0.05))}
    for seed in (20, 21):
        rng = load_both(device, reference, seed, alpha=decay, kappa=decay, **sizes)
        for n in range(3):
            before, target = reference.network(), int(rng.integers(config.outputs))
            how = {"target": target, "learn": True}
            compared += compare_runs(device, reference, f"sample {n}", lively_sample(config, rng), **how)
            after = reference.network()
            compared += compare_networks(f"after sample {n}", device.network(), after)
            names = ("weight", "delay", "readout")
            moved += sum(int((getattr(after, name) != getattr(before, name)).sum()) for name in names)
    return compared + require("parameters to move, received none that did", moved > 0)


@SCENARIOS.add
def reset(device: Device, reference: Device) -> int:
    """No state is left: a sample gives the same after others, learning the same after loading again."""
    config, compared = device.config, 0
    rng = load_both(device, reference, 30)
    first, other = lively_sample(config, rng), lively_sample(config, rng)
    before = device.run(first)
    device.run(other)
    compared += compare_records("a sample after another", device.run(first), before)
    if config.learning:
        learned = []
        for _ in range(2):
            load_both(device, reference, 31)
            device.run(first, target=1, learn=True)
            learned.append(device.network())
        compared += compare_networks("learning after loading again", learned[1], learned[0])
    return compared


@SCENARIOS.add
def recorded_steps(device: Device, reference: Device) -> int:
    """Every traced quantity after every step."""
    compared = 0
    rng = load_both(device, reference, 40)
    for learn in {False, device.config.learning}:
        sample = lively_sample(device.config, rng)
        compared += compare_runs(device, reference, "sample", sample, target=0, learn=learn, record=tuple(TRACED))
    return compared


@SCENARIOS.add
def counters(device: Device, reference: Device) -> int:
    """Counts of spikes and saturations over several samples."""
    rng = load_both(device, reference, 50)
    for _ in range(3):
        sample = lively_sample(device.config, rng)
        for core in (device, reference):
            core.run(sample, target=0, learn=device.config.learning)
    expected = reference.counters()
    compared = compare("counters", [device.counters()[name] for name in expected], list(expected.values()))
    return compared + require("spikes", expected["spikes"] > 0)


@SCENARIOS.add
def step_sizes(device: Device, reference: Device) -> int:
    """Step sizes can change between samples, and 0 freezes what it belongs to."""
    config, compared = device.config, 0
    if not config.learning:
        return 0
    rng = load_both(device, reference, 60)
    for sizes in ((0.0, 0.0, 0.0), (0.5, 0.0, 0.25), (0.0, 4.0, 0.0)):
        before = device.network()
        for core in (device, reference):
            core.step_sizes(*(StepSize.of(size) for size in sizes))
        compared += compare_runs(
            device, reference, f"step sizes {sizes}", lively_sample(config, rng), target=1, learn=True
        )
        after = device.network()
        compared += compare_networks(f"step sizes {sizes}", after, reference.network())
        for name, size in zip(("weight", "delay", "readout"), sizes, strict=True):
            if not size:
                compared += compare(f"{name} frozen", getattr(after, name), getattr(before, name))
    return compared


@SCENARIOS.add
def bad_sample(device: Device, reference: Device) -> int:
    """Samples and targets that do not fit are refused, and nothing has happened."""
    config = device.config
    rng = load_both(device, reference, 70)
    steps = np.ones(3, bool)
    good = lively_sample(config, rng)
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
    compared = len(bad) + compare_runs(device, reference, "the sample after bad ones", good)
    return compared + compare_networks("after bad samples", device.network(), reference.network())


@SCENARIOS.add
def wrong_network(device: Device, reference: Device) -> int:
    """A network of another configuration is refused, and the one that was loaded stays."""
    rng = load_both(device, reference, 80)
    try:
        device.load(Network.zeros(device.config.replace(outputs=device.config.outputs + 1)))
    except NetworkError:
        return 1 + compare_runs(device, reference, "the sample after it", lively_sample(device.config, rng))
    raise ScenarioError("expected a network of another configuration to be refused, received no error")


@SCENARIOS.add
def wrong_types(device: Device, reference: Device) -> int:
    """What is not a network, sample, class, step size or list of quantities is refused in one line, and changes nothing."""
    rng = load_both(device, reference, 85)
    good, small = lively_sample(device.config, rng), StepSize.of(0.1)
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
            require(f"one line, received {str(error)!r}", "\n" not in str(error))
            continue
        except Exception as error:
            raise ScenarioError(
                f"call {n}: expected {kind.__name__}, received {type(error).__name__}: {error}"
            ) from None
        raise ScenarioError(f"call {n}: expected {kind.__name__}, received no error")
    compared = len(wrong) + compare_runs(device, reference, "the sample after wrong types", good)
    return compared + compare_networks("after wrong types", device.network(), reference.network())


class _Interrupt(KeyboardInterrupt):
    """An interrupt as of Ctrl-C."""


def _interrupted(seconds: float, action: Callable[[], object]) -> None:
    """Repeat `action` until it is interrupted after some time, at whatever point it is then."""

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


@SCENARIOS.add
def interrupts(device: Device, reference: Device) -> int:
    """Interrupted at any time, a device starts the next sample from cleared state, or says that it must be loaded again."""
    config = device.config
    rng = load_both(device, reference, 86)
    long, short, network = lively_sample(config, rng), lively_sample(config, rng), reference.network()
    etas = cycle(((network.eta_weight, network.eta_delay, network.eta_readout), (StepSize.of(0.1),) * 3))

    def check() -> int:
        compared = compare_runs(device, reference, "the sample after an interrupt", short)
        return compared + compare_networks("after an interrupt", device.network(), reference.network())

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
            + (config.learning and compare_runs(device, reference, "learning", short, target=0, learn=True))
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

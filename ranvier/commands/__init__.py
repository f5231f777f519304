"""What every command of ``ranvier`` does; `ranvier.cli` reads the arguments and prints the answers."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from ranvier.checkout import version
from ranvier.data import open_dataset
from ranvier.data.named import YIN_YANG
from ranvier.data.published import PUBLISHED
from ranvier.device import DeviceError, open_device
from ranvier.files.output import check_output, output_folder, write_text
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset

__all__ = ["INTERRUPTED", "Answer", "UsageError"]

#: Exit code after Ctrl-C or SIGTERM.
INTERRUPTED = 130


class UsageError(ValueError):
    """Arguments that make no sense."""


@dataclass(frozen=True)
class Answer:
    """What a command has to say: plain values for ``--json``, lines for people, and the exit code."""

    values: dict[str, Any]
    lines: list[str]
    code: int = 0


def _core(options: argparse.Namespace, default: str = "") -> CoreConfig:
    return CoreConfig.read(options.config) if options.config else preset(options.preset or default)


def _announce(options: argparse.Namespace) -> None:
    """Say why nothing happens yet, to someone who watches."""
    if options.device in ("sim", "bus", "pty") and not options.json and sys.stderr.isatty():
        print("opening the simulated core; if it is new, it is compiled first", file=sys.stderr)


def demo(options: argparse.Namespace) -> Answer:
    from ranvier.demo import demo

    _announce(options)
    result = demo(
        options.out, device=options.device, samples=options.samples, seed=options.seed, progress=not options.json
    )
    return Answer(result.summary(), result.text(), 1 if result.mismatches else 0)


def download(options: argparse.Namespace) -> Answer:
    from ranvier.data.download import download

    try:
        paths = download(options.name, options.out, mirror=options.mirror, progress=not options.json)
    except KeyboardInterrupt:
        line = "interrupted: run the same command again to go on"
        return Answer({"dataset": options.name, "interrupted": True}, [line], INTERRUPTED)
    files, published = [str(path) for path in paths], PUBLISHED[options.name]
    return Answer(
        {"dataset": options.name, "files": files, "address": published.address, "licence": published.licence},
        [*files, f"from {published.address}, {published.licence}", f"use it: --data {options.name}:{options.out}"],
    )


def train(options: argparse.Namespace) -> Answer:
    from ranvier.learners import LEARNERS, Offline, Online, Sparse

    out = check_output(options.out)
    dataset = open_dataset(options.data).repeated(options.copies)
    dataset.learnable()
    way = Online(options.device) if options.learner == "online" else LEARNERS[options.learner]
    if reason := way.refusal(dataset.name):
        raise UsageError(f"--learner {options.learner}: {reason}")
    if isinstance(way, Offline) and options.device != "golden":
        raise UsageError(f"--learner {options.learner} trains in float: leave out --device, and eval on any afterwards")
    if options.float and not isinstance(way, Offline):
        raise UsageError("--float is for offline learners: add --learner eventprop or bptt")
    before = check_output(options.float) if options.float else None
    start = _start(options.start, isinstance(way, Offline)) if options.start else None
    if start:
        dataset = dataset.labelled(start.config, Network.read_classes(options.start))
    if start and not (options.config or options.preset):
        config = start.config.replace(learning=not isinstance(way, Offline))
    else:
        config = _core(options, dataset.name)
        config = config.replace(inputs=config.inputs * options.copies)
    changes = {"neurons": options.hidden, "max_delay": options.max_delay}
    config = config.replace(**{name: v for name, v in changes.items() if v is not None})
    mode, sparse = options.delays or config.delays, Sparse(options.connectivity) if options.connectivity else None
    config, recipe = way.parts(config, dataset.name, mode, options.epochs, sparse, start)
    dataset.check(config)
    _announce(options)
    trained = way.train(
        config,
        recipe,
        dataset,
        options.seed,
        sparse=sparse,
        start=start,
        validation=options.validation,
        checkpoint=options.checkpoint,
        report=None if options.json else EpochLines(dataset.notes),
        progress=not options.json,
    )
    if before and trained.real:
        trained.real.save(before, dataset.classes)
    trained.network.save(out, dataset.classes)
    for warning in [] if options.json else trained.learned.warnings:
        print(f"ranvier: warning: {warning}", file=sys.stderr)
    asked = {name: getattr(options, name) for name in ("data", "learner", "device", "seed", "validation", "checkpoint")}
    asked |= {"from": options.start, "delay_mode": mode}
    values = {"model": str(out), "config": trained.network.config.to_dict(), "notes": list(dataset.notes)}
    lines = [*trained.closing(), f"wrote {before} and {out}" if before else f"wrote {out}"]
    if trained.learned.interrupted and options.checkpoint:
        lines.append(f"the same command goes on from {options.checkpoint}")
    return Answer(asked | values | trained.summary(), lines, INTERRUPTED if trained.learned.interrupted else 0)


def _start(path: str, offline: bool) -> Network | FloatNetwork:
    """The network to start from: for the core, or for an offline learner in real numbers."""
    return _any_network(path) if offline else Network.read(path)


class EpochLines:
    """Prints the line of every epoch as soon as it is finished, before the first one `notes` and a heading.

    A standard output that is full or gone does not stop the training; what comes after it will say so.
    """

    def __init__(self, notes: Sequence[str]):
        self.lines, self.printed = list(notes), 0

    def __call__(self, learned: Any) -> None:
        if not self.printed:
            self.lines += learned.head()
        self.lines += [learned.row(number) for number in range(self.printed, len(learned.epochs))]
        self.printed = len(learned.epochs)
        with suppress(OSError, UnicodeError), tqdm.external_write_mode(sys.stdout):
            print("\n".join(self.lines), flush=True)
        self.lines = []


def test(options: argparse.Namespace) -> Answer:
    from ranvier.learners.online import evaluate

    network = Network.read(options.model)
    dataset = open_dataset(options.data).repeated(options.copies)
    dataset = dataset.evaluated(network.config, options.split, Network.read_classes(options.model))
    _announce(options)
    with open_device(options.device, network.config) as device:
        device.load(network)
        result = evaluate(device, dataset, progress=not options.json)
        counters = device.counters()
    notes = [*dataset.notes]
    if network.lag:
        notes.append(f"samples grow by {network.lag} steps: the network, which was imported, answers that late")
    asked = {name: getattr(options, name) for name in ("model", "data", "split", "device")}
    lines = [
        *notes,
        f"accuracy {result.accuracy:.2%} ({result.correct} of {result.samples})",
        f"{result.rate:.4f} spikes per neuron and step, {result.samples / result.seconds:.0f} samples per second",
    ]
    if result.cycles_per_sample:
        lines.append(f"{result.cycles_per_sample:,.0f} cycles per sample")
    return Answer({**asked, "notes": notes, **result.summary(), "counters": counters}, lines)


def quantise(options: argparse.Namespace) -> Answer:
    from ranvier.quantisation.quantise import quantise
    from ranvier.quantisation.widen import widened

    out = check_output(options.out)
    network, classes = FloatNetwork.read(options.network), FloatNetwork.read_classes(options.network)
    config = _core(options) if options.config or options.preset else network.config
    dataset = open_dataset(options.data) if options.data else None
    if options.widen:
        if not dataset:
            raise UsageError("--widen looks at training samples: add --data")
        dataset.require("train")
        config = widened(network.replace(config=config), dataset.train)
    result = quantise(network, config, dataset=dataset, classes=classes)
    result.network.save(out, classes)
    asked = {"network": options.network, "data": options.data, "model": str(out), "config": config.to_dict()}
    return Answer({**asked, **result.summary()}, [*result.text(), f"wrote {out}"])


def nir_import(options: argparse.Namespace) -> Answer:
    from ranvier.nir.graph import read_graph
    from ranvier.nir.importer import import_graph
    from ranvier.quantisation.quantise import quantise

    out = check_output(options.out)
    result = import_graph(
        read_graph(options.graph),
        dt=options.dt,
        integration=options.integration,
        reset=options.reset,
        spike=options.spike,
        dialect=options.dialect,
        max_delay=options.max_delay,
        approximate=options.approximate,
    )
    cost = quantise(result.network) if options.quantise else None
    (cost or result).network.save(out, result.classes)
    asked = {"graph": options.graph, "model": str(out), "config": result.network.config.to_dict()}
    values = {**asked, **result.summary(), "quantisation": cost.summary() if cost else None}
    return Answer(values, [*result.text(), *(cost.text() if cost else []), f"wrote {out}"])


def nir_export(options: argparse.Namespace) -> Answer:
    from ranvier.nir.exporter import export_graph
    from ranvier.nir.graph import write_graph

    out = check_output(options.out)
    network = _any_network(options.network)
    result = export_graph(
        network,
        dt=options.dt,
        integration=options.integration,
        fractions=options.fractions,
        readout=options.readout,
        classes=Network.read_classes(options.network),
    )
    write_graph(out, result.graph)
    return Answer({"network": options.network, "graph": str(out), **result.summary()}, [*result.text(), f"wrote {out}"])


def _any_network(path: str) -> FloatNetwork:
    """A network in real numbers or for the core."""
    with suppress(NetworkError):
        return FloatNetwork.read(path)
    return FloatNetwork.of(Network.read(path))


def verify(options: argparse.Namespace) -> Answer:
    from ranvier.verification.verify import verify

    config = _core(options)
    waveform = check_output(options.waveform)
    dataset = open_dataset(options.data) if options.data else None
    if dataset:
        dataset.require("train")
        dataset.check(config, spare=True)
    names = (options.reference, "RTL" if options.device == "sim" else options.device)
    _announce(options)
    with open_device(options.reference, config) as reference, open_device(options.device, config) as device:
        result = verify(
            reference,
            device,
            seed=options.seed,
            samples=options.samples,
            dataset=dataset,
            waveform=waveform,
            names=names,
            progress=not options.json,
        )
    return Answer(result.summary(), result.text(), 1 if result.mismatches else 0)


def simulate(options: argparse.Namespace) -> Answer:
    from ranvier.sim.port import BAUD, SimulatedPort
    from ranvier.sim.verilator import VerilatorError

    config = _core(options)
    try:
        port = SimulatedPort(config, options.baud or BAUD)
    except VerilatorError as error:
        raise DeviceError(f"cannot simulate: {error}") from None
    with port:
        values = {"port": port.port, "baud": port.baud}
        print(json.dumps(values) if options.json else f"serial://{port.port}?baud={port.baud}", flush=True)
        # A shell lets what it runs in the background ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        return Answer({"cycles": port.cycles()}, [f"{port.cycles():,} clocks simulated"])


def selftest(options: argparse.Namespace) -> Answer:
    from ranvier.verification.selftest import selftest

    config = _core(options)
    _announce(options)
    result = selftest(options.device, config)
    return Answer(result.summary(), result.text(), 1 if result.failures else 0)


def verilog(options: argparse.Namespace) -> Answer:
    config = _core(options)
    out = check_output(options.out)
    from ranvier.hw.flow.verilog import FACES, module_name, write_verilog

    if options.face not in FACES:
        raise UsageError(f"argument --face: there is no {options.face!r}: choose one of {', '.join(FACES)}")
    text = write_verilog(config, options.face)
    write_text(out, text)
    lines, module = text.count("\n"), module_name(options.face)
    return Answer(
        {"verilog": str(out), "module": module, "lines": lines}, [f"wrote module {module} to {out} ({lines:,} lines)"]
    )


def registers(options: argparse.Namespace) -> Answer:
    config = _core(options)
    out = check_output(options.out)
    from ranvier.hw.flow.register_documents import FORMATS

    if options.format not in FORMATS:
        raise UsageError(f"unknown format {options.format!r}: choose one of {', '.join(FORMATS)}")
    write_text(out, FORMATS[options.format](config))
    return Answer({"registers": str(out), "format": options.format}, [f"wrote {out}"])


def synth(options: argparse.Namespace) -> Answer:
    config = _core(options)
    from ranvier.hw.flow.place import DEVICES as PLACES
    from ranvier.hw.flow.place import placer
    from ranvier.hw.flow.synthesis import FAMILIES, ToolError, synthesiser

    for name, value, known in (("family", options.family, FAMILIES), ("place", options.place, PLACES)):
        if value is not None and value not in known:
            raise UsageError(f"unknown --{name} {value!r}: choose one of {', '.join(known)}")
    if options.place and PLACES[options.place] != options.family:
        raise UsageError(f"--place {options.place} is no {options.family}: add --family {PLACES[options.place]}")
    try:
        tools = [synthesiser()] + ([placer(options.family)] if options.place else [])
        return _synthesised(config, options, tools)
    except ToolError as error:
        raise UsageError(str(error)) from None


def _synthesised(config: CoreConfig, options: argparse.Namespace, tools: list[str]) -> Answer:
    from ranvier.hw.core import Core
    from ranvier.hw.flow.flat import Flat
    from ranvier.hw.flow.harness import Harness
    from ranvier.hw.flow.place import place_and_route
    from ranvier.hw.flow.synthesis import synthesise

    resources = synthesise(Flat(Core(config)), options.family)
    values = {"family": options.family, "tools": tools, "config": config.to_dict(), "resources": asdict(resources)}
    lines = [f"synthesised for {options.family} by {tools[0]}, before place and route", *resources.text()]
    if options.place:
        with TemporaryDirectory() as folder:
            netlist = Path(folder, "core.json")
            synthesise(Harness(Flat(Core(config))), options.family, netlist)
            runs = [
                place_and_route(netlist, options.place, speed=options.speed, target=options.target, seed=seed)
                for seed in range(1, options.seeds + 1)
            ]
        worst = min(runs, key=lambda run: run.fmax)
        values |= {"device": options.place, "speed": options.speed, "placements": [run.summary() for run in runs]}
        grade = f", speed grade {options.speed}" if options.family == "ecp5" else ""
        lines += ["", f"placed and routed on {options.family} {options.place}{grade}, by {tools[1]}"]
        lines += [f"  seed {run.seed}: {run.fmax:.1f} MHz" for run in runs]
        lines += worst.text()
    return Answer(values, lines)


def build(options: argparse.Namespace) -> Answer:
    config = _core(options)
    from ranvier.hw.flow.board import BAUD, BOARDS, build
    from ranvier.hw.flow.boards import GIVES
    from ranvier.hw.flow.synthesis import ToolError
    from ranvier.hw.flow.vivado import PARTS, package

    _check_board(options.board)
    folder = output_folder(options.out)
    if options.board in PARTS:
        files = {folder / name: text for name, text in package(config, PARTS[options.board], version()).items()}
        for path, text in files.items():
            write_text(path, text)
        paths = [str(path) for path in files]
        values = {"board": options.board, "gives": GIVES[options.board], "files": paths}
        return Answer(values, [f"wrote {path}" for path in paths])
    board, baud, name = BOARDS[options.board], options.baud or BAUD, f"ranvier-{options.board}"
    bitstream, described = check_output(folder / f"{name}.bit"), check_output(folder / f"{name}.toml")
    try:
        result = build(board, config, bitstream, baud=baud, seed=options.seed)
    except (ToolError, ValueError) as error:  # a value: a rate or clock that cannot be made
        raise UsageError(str(error)) from None
    write_text(described, config.to_toml())
    port = f"serial:///dev/ttyUSB0?baud={baud}"
    lines = [
        f"synthesised by {result.tools[0]}, placed and routed by {result.tools[1]}",
        *result.placement.text(),
        f"{result.placement.fmax:.1f} MHz after place and route, the board's clock is {board.clock / 1e6:g} MHz",
        f"wrote {bitstream} and {described}",
        f"program it: {board.program.format(bitstream)}",
        f"then: ranvier selftest --config {described} --device '{port}'",
    ]
    values = {
        "board": options.board,
        "gives": GIVES[options.board],
        "baud": baud,
        "clock": board.clock,
        "config": config.to_dict(),
    }
    return Answer(values | {"configuration": str(described)} | result.summary(), lines)


def _fit(name: str, config: CoreConfig) -> tuple[dict[str, Any], list[str]]:
    """Whether a core fits a board: values and lines."""
    from ranvier.hw.flow.board import BOARDS
    from ranvier.hw.flow.boards import GIVES
    from ranvier.hw.flow.fit import fit, fit_part
    from ranvier.hw.flow.synthesis import ToolError
    from ranvier.hw.flow.vivado import PARTS

    _check_board(name)
    try:
        result = fit(BOARDS[name], config) if name in BOARDS else fit_part(PARTS[name], config)
    except ToolError as error:
        raise UsageError(str(error)) from None
    lines = [
        "",
        f"on {name}, for which ranvier build gives {GIVES[name]}, before place and route",
        *result.text(config),
    ]
    return {"board": name, "gives": GIVES[name], "fit": result.summary()}, lines


def _check_board(name: str) -> None:
    from ranvier.hw.flow.boards import check_board

    try:
        check_board(name)
    except ValueError as error:
        raise UsageError(str(error)) from None


def info(options: argparse.Namespace) -> Answer:
    config = _core(options)
    from ranvier.hw.budget import formulas, memories

    bits, cycles = memories(config), formulas(config)
    values = {
        "config": config.to_dict(),
        "formats": {name: str(form) for name, form in config.formats().items()} | {"delay": str(config.delay)},
        "memories": bits,
        "memory_bits": sum(bits.values()),
        "cycles": cycles,
    }
    lines = ["core"]
    lines += [f"  {name:<22} {value}" for name, value in config.to_dict().items() if name not in config.formats()]
    lines += ["", "formats"]
    lines += [
        f"  {name:<22} {form} ({form.width} bits)" for name, form in {**config.formats(), "delay": config.delay}.items()
    ]
    lines += ["", f"memories, {sum(bits.values()):,} bits"]
    lines += [f"  {name:<22} {count:>12,}" for name, count in bits.items()]
    lines += ["", "clock cycles per step"]
    lines += [f"  {name:<22} {formula}" for name, formula in cycles.items()]
    if options.board:
        fit_values, fit_lines = _fit(options.board, config)
        values |= fit_values
        lines += fit_lines
    return Answer(values, lines)


def bench(options: argparse.Namespace) -> Answer:
    from ranvier.bench import bench

    if options.suite in YIN_YANG and options.data:
        raise UsageError(f"--suite {options.suite} is generated: leave out --data")
    if options.suite not in YIN_YANG and not options.data:
        raise UsageError("--data PATH is missing")
    result = bench(
        options.suite,
        f"{options.suite}:{options.data}" if options.data else options.suite,
        seeds=options.seeds,
        learners=options.learner or (),
        delays=options.delays or (),
        wirings=options.wiring or (),
        neurons=options.neurons or (),
        connectivity=options.connectivity or (),
        structures=options.structure or (),
        epochs=options.epochs,
        samples=options.samples,
        devices=options.device or (),
        jobs=options.jobs,
        scheduler=options.scheduler,
        out=options.out or f"bench-{options.suite}",
        progress=not options.json,
    )
    lines = [result.text(), "", *(f"wrote {path}" for path in result.files)]
    return Answer(result.summary(), lines, 1 if result.bad else 0)

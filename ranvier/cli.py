"""The command line: ``ranvier COMMAND``, of which ``ranvier --help`` lists what there is.

Every command prints its result on stdout, as one JSON object with ``--json``. Exit codes: 0 done, 1 devices disagree
or a training of the bench failed, 2 bad input (one line on stderr, nothing written), 130 stopped by Ctrl-C (what was
finished is saved).
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import numpy as np

from ranvier.bench import SUITES, WIRINGS, ExecutorError
from ranvier.data import DataError, open_dataset
from ranvier.data.download import DownloadError, download
from ranvier.data.named import NAMES, YIN_YANG
from ranvier.data.published import PUBLISHED
from ranvier.device import CORES, DEVICES, DeviceError, check_device, open_device
from ranvier.extras import ExtraError
from ranvier.files import OutputError, check_output, output_folder, write_text
from ranvier.firmware.link import LinkError
from ranvier.golden.config import ConfigError, CoreConfig
from ranvier.golden.deep_r import DeepR
from ranvier.golden.float_network import FloatNetwork
from ranvier.golden.network import Network, NetworkError
from ranvier.golden.presets import PRESETS, preset
from ranvier.golden.spikes import SampleError
from ranvier.learners import LEARNERS, VARIANTS
from ranvier.nir_graph import NirError
from ranvier.recipes import DELAY_MODES, RECIPES, initial_network, rewiring, with_delays

__all__ = ["main"]

INTERRUPTED = 130


class UsageError(ValueError):
    """Arguments that make no sense."""


#: What a user or a full disk can get wrong; anything else is a defect and keeps its traceback.
BAD_INPUT = (
    OSError, ConfigError, DataError, DeviceError, DownloadError, ExecutorError, ExtraError, LinkError, NetworkError,
    NirError, OutputError, SampleError, UsageError,
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a command has to say: plain values for ``--json``, lines for people, and the exit code."""

    values: dict[str, Any]
    lines: list[str]
    code: int = 0


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        answer: Answer = options.command(options)
        print(json.dumps(answer.values) if options.json else "\n".join(answer.lines), flush=True)
        return answer.code
    except BAD_INPUT as error:
        print(f"ranvier: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(f"ranvier: {stopped or 'interrupted before anything was finished, nothing written'}", file=sys.stderr)
        return INTERRUPTED


# -------------------------------------------------------------------- arguments


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return whole


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a share: give more than 0, and 1 at most")


def _device_name(text: str) -> str:
    try:
        return check_device(text)
    except DeviceError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> Parser:
    parser = Parser(prog="ranvier", description="A spiking core that learns delays, bit for bit.")
    parser.add_argument("--version", action="version", version=f"ranvier {version('ranvier')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    seed, count = _whole(0, 2**32 - 1), _whole(1, 10**9)

    def command(
        name: str, run: Callable[[argparse.Namespace], Answer], text: str, among: Any = commands
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = among.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        added.set_defaults(command=run)
        return added

    def core(added: argparse.ArgumentParser, *, required: bool) -> None:
        group = added.add_mutually_exclusive_group(required=required)
        group.add_argument("--preset", metavar="NAME", help=f"core by name: {', '.join(PRESETS)}")
        group.add_argument("--config", metavar="FILE", help="core from a TOML file")

    def device(added: argparse.ArgumentParser, default: str) -> None:
        names = f"what runs it: {', '.join(DEVICES)}, serial://PORT?baud=RATE (default {default})"
        added.add_argument("--device", metavar="DEVICE", type=_device_name, default=default, help=names)

    def copies(added: argparse.ArgumentParser) -> None:
        text = "synapses between an input and a neuron, each with a delay of its own (default 1)"
        added.add_argument("--copies", type=_whole(1, 64), default=1, help=text)

    data = NAMES

    added = command("demo", _demo, "Learn Yin-Yang on the simulated RTL, checked value by value, and write Verilog.")
    added.add_argument("--out", metavar="FOLDER", default="out", help="folder for what is written (default out)")
    added.add_argument("--samples", type=count, default=1500, help="samples to learn, three times each (default 1500)")
    added.add_argument("--seed", type=seed, default=0)
    device(added, "sim")

    added = command("download", _download, "Download a data set, checked and resumable.")
    added.add_argument("name", choices=PUBLISHED, metavar="NAME", help=f"which: {', '.join(PUBLISHED)}")
    added.add_argument("--out", metavar="FOLDER", required=True, help="folder for its files")
    added.add_argument("--mirror", metavar="ADDRESS", default="", help="take them from here; the checksums stay")

    added = command("train", _train, "Train a network and save it.")
    core(added, required=False)
    added.add_argument("--data", required=True, help=data)
    added.add_argument("--delays", choices=DELAY_MODES, help="what becomes of the delays (default: as the core)")
    device(added, "golden")
    added.add_argument("--epochs", type=int, help="passes over the data (default: as the data set's recipe)")
    added.add_argument("--seed", type=seed, default=0, help="of initial network, order and stochastic rounding")
    added.add_argument("--hidden", type=int, help="hidden neurons (default: as the core)")
    added.add_argument("--max-delay", type=int, help="largest delay in steps (default: as the core)")
    added.add_argument("--connectivity", type=_share, help="share of the synapses that are active, rewired by DEEP R")
    copies(added)
    added.add_argument("--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")

    added = command("eval", _eval, "Test a saved network.")
    added.add_argument("model", metavar="MODEL", help="network that train saved")
    added.add_argument("--data", required=True, help=data)
    copies(added)
    device(added, "golden")

    added = command("quantise", _quantise, "Turn a network in real numbers into one for the core, and report the cost.")
    added.add_argument("network", metavar="FILE", help="network in real numbers, as offline learners save it")
    core(added, required=False)
    added.add_argument("--data", help=f"compare before and after on its test samples: {data}")
    added.add_argument("--widen", action="store_true", help="a core with the integer bits that training samples take")
    added.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")

    text = "Exchange networks with other simulators as NIR graphs."
    directions = commands.add_parser("nir", help=text, description=text).add_subparsers(
        required=True, metavar="DIRECTION"
    )
    seconds = "seconds per step (default: as the file says, if this program wrote it)"
    kinds = ("euler", "exp")

    added = command("import", _nir_import, "Turn a NIR graph into a network, and report what was changed.", directions)
    added.add_argument("graph", metavar="GRAPH", help="file of a NIR graph")
    added.add_argument("--dt", metavar="SECONDS", type=_positive, help=seconds)
    added.add_argument("--integration", choices=kinds, help="how time constants become decays (default euler)")
    added.add_argument("--reset", choices=("zero", "soft"), help="soft: a spike subtracts the threshold (default zero)")
    added.add_argument("--max-delay", type=_whole(1, 1022), help="clip longer delays, in steps (default: long enough)")
    added.add_argument("--approximate", action="store_true", help="where the core has not the same, take the nearest")
    added.add_argument("--quantise", action="store_true", help="write a network for the core, not one in real numbers")
    added.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")

    added = command("export", _nir_export, "Write a network as a NIR graph.", directions)
    added.add_argument("network", metavar="NETWORK", help="network that train, quantise or an offline learner saved")
    added.add_argument("--dt", metavar="SECONDS", type=_positive, default=1e-3, help="seconds per step (default 0.001)")
    added.add_argument("--integration", choices=kinds, default="euler", help="what the reader will use (default euler)")
    added.add_argument("--fractions", action="store_true", help="do not round delays to steps")
    added.add_argument("-o", "--out", metavar="FILE", default="model.nir", help="graph to write (default model.nir)")

    added = command("verify", _verify, "Compare a device with the golden model, every value of every step.")
    core(added, required=True)
    added.add_argument("--data", help=f"mix in real samples: {data}")
    added.add_argument("--seed", type=seed, default=0)
    added.add_argument("--samples", type=count, default=20)
    added.add_argument(
        "--reference", metavar="DEVICE", type=_device_name, default="golden", help="who is right (default golden)"
    )
    device(added, "sim")
    added.add_argument(
        "--waveform", metavar="FILE", default="mismatch.vcd", help="written if they differ (default mismatch.vcd)"
    )

    added = command("simulate", _simulate, "Simulate a core on a serial port behind a pseudo-terminal, until Ctrl-C.")
    core(added, required=True)
    added.add_argument("--baud", type=_whole(1, 10**7), help="rate it is built for (default 125000)")

    added = command("selftest", _selftest, "Run the scenarios that every device has to pass, and sweep the baud rate.")
    core(added, required=True)
    device(added, "pty")

    added = command("verilog", _verilog, "Write the core as one self-contained Verilog file.")
    core(added, required=True)
    added.add_argument(
        "--face", metavar="NAME", default="core", help="ports: core (streams; default), axi, wishbone, uart"
    )
    added.add_argument("-o", "--out", metavar="FILE", required=True)

    added = command("registers", _registers, "Write the register table for other tools and for people.")
    core(added, required=True)
    added.add_argument("--format", default="markdown", help="markdown (default), svd, systemrdl or csv (of LiteX)")
    added.add_argument("-o", "--out", metavar="FILE", required=True)

    added = command("synth", _synth, "Synthesise the core, and place and route it if asked to.")
    core(added, required=True)
    added.add_argument("--family", default="ecp5", help="FPGA to synthesise for: ecp5 (default), ice40 or xc7")
    added.add_argument(
        "--place", metavar="DEVICE", help="place and route on it: 12k, 25k, 45k, 85k (ECP5), up5k (iCE40)"
    )
    added.add_argument("--speed", type=int, default=6, choices=(6, 7, 8), help="speed grade (default 6, the slowest)")
    added.add_argument("--target", type=count, default=80, metavar="MHZ", help="frequency to aim for (default 80)")
    added.add_argument("--seeds", type=count, default=1, help="runs of the placer, from seed 1 (default 1)")

    added = command("build", _build, "Build a bitstream of the core on the serial port of a board, by open tools.")
    core(added, required=True)
    added.add_argument("--board", metavar="NAME", required=True, help="which board; an unknown name lists them")
    added.add_argument("--out", metavar="FOLDER", default="out", help="folder for what is written (default out)")
    added.add_argument("--baud", type=_whole(1, 10**7), help="rate of the serial port (default 1000000)")
    added.add_argument("--seed", type=_whole(1, 2**31 - 1), default=1, help="of the placer (default 1)")

    added = command("info", _info, "Print number formats, memories and cycle formulas of a core.")
    core(added, required=True)
    added.add_argument("--board", metavar="NAME", help="also whether it fits this board, and the largest that would")

    added = command("bench", _bench, "Train every learner on a data set at several sizes; write tables and pictures.")
    added.add_argument("--suite", required=True, choices=SUITES, help="data set and sizes")
    added.add_argument(
        "--data", metavar="PATH", help="recordings (braille: file; shd: folder, with options as in --data of train)"
    )
    added.add_argument("--seeds", type=count, default=5, help="trainings per row (default 5)")
    added.add_argument("--learner", choices=LEARNERS, action="append", help="only these rows; may be repeated")
    added.add_argument("--delays", choices=VARIANTS, action="append", help="only these rows; may be repeated")
    added.add_argument("--wiring", choices=WIRINGS, action="append", help="only these rows; may be repeated")
    added.add_argument("--neurons", type=count, action="append", help="only these rows; may be repeated")
    added.add_argument("--epochs", type=int, help="passes over the data (default: as the recipes)")
    added.add_argument("--samples", type=count, help="cut the data set to so many samples, for a quick look")
    text = "also measure agreement and speed, and clocks on sim; may be repeated"
    added.add_argument("--device", choices=CORES, action="append", help=text)
    added.add_argument("--jobs", type=count, default=2, help="processes (default 2)")
    added.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="let the workers of this Dask scheduler train")
    text = "folder for report, networks and finished runs, to resume from (default bench-SUITE)"
    added.add_argument("--out", metavar="FOLDER", help=text)

    added = command("connectivity", _connectivity, "Measure accuracy against connectivity, static and rewired.")
    added.add_argument("--data", required=True, help=data)
    added.add_argument("--learner", metavar="NAME", default="online", help="online (default), eventprop or bptt")
    added.add_argument(
        "--level", type=_share, action="append", help="connectivity; may be repeated (default 1 to 0.01)"
    )
    added.add_argument("--seeds", type=count, default=5)
    added.add_argument("--epochs", type=count, help="passes over the data (default: as the data set's recipe)")
    added.add_argument("--samples", type=count, help="cut the data set to so many samples, for a quick look")
    added.add_argument(
        "--cache",
        metavar="FILE",
        default="connectivity.json",
        help="finished runs, to resume from (default connectivity.json)",
    )
    added.add_argument("--out", metavar="FILE", help="write the Markdown here as well")
    return parser


def _core(options: argparse.Namespace, default: str = "") -> CoreConfig:
    return CoreConfig.read(options.config) if options.config else preset(options.preset or default)


def _announce(options: argparse.Namespace) -> None:
    """Say why nothing happens yet, to someone who watches."""
    if options.device in ("sim", "bus", "pty") and not options.json and sys.stderr.isatty():
        print("opening the simulated core; if it is new, it is compiled first", file=sys.stderr)


# -------------------------------------------------------------------- commands


def _demo(options: argparse.Namespace) -> Answer:
    from ranvier.demo import demo

    _announce(options)
    result = demo(
        options.out, device=options.device, samples=options.samples, seed=options.seed, progress=not options.json
    )
    return Answer(result.summary(), result.text(), 1 if result.mismatches else 0)


def _download(options: argparse.Namespace) -> Answer:
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


def _train(options: argparse.Namespace) -> Answer:
    from ranvier.training import train

    out = check_output(options.out)
    dataset = open_dataset(options.data).repeated(options.copies)
    changes = {"neurons": options.hidden, "max_delay": options.max_delay}
    config = _core(options, dataset.name).replace(**{name: v for name, v in changes.items() if v is not None})
    config = config.replace(inputs=config.inputs * options.copies, dormant=config.dormant or bool(options.connectivity))
    recipe = RECIPES[dataset.name]
    if options.epochs is not None:
        recipe = recipe.replace(epochs=options.epochs)
    mode = options.delays or config.delays
    config, recipe = with_delays(config, recipe, mode)
    dataset.check(config)
    network, plasticity = initial_network(config, recipe, options.seed), None
    if options.connectivity:
        sparse = rewiring(options.connectivity, recipe.epochs, samples=len(dataset.train))
        plasticity = DeepR(config, sparse, options.seed)
        network = plasticity.start(network)
    _announce(options)
    with open_device(options.device, config) as device:
        result = train(device, network, dataset, recipe, options.seed, rewiring=plasticity, progress=not options.json)
    result.network.save(out)
    asked = {"data": options.data, "delay_mode": mode, "device": options.device, "seed": options.seed}
    asked["notes"] = list(dataset.notes)
    lines = [*dataset.notes, "epoch  learned  tested  spikes/neuron/step  samples/s"]
    for n, epoch in enumerate(result.epochs, 1):
        test = epoch.test
        speed = epoch.train.samples / epoch.train.seconds
        lines.append(f"{n:5}  {epoch.train.accuracy:7.1%}  {test.accuracy:6.1%}  {test.rate:18.4f}  {speed:9.0f}")
    if delays := result.delays:
        lines += [f"delays moved by {delays.mean:.2f} steps on average", *delays.text()]
    lines += [f"{name}: {count:,}" for name, count in result.counters.items() if name.endswith("saturated") and count]
    synapses = {}
    if plasticity:
        synapses = {"synapses": int(np.count_nonzero(result.network.weight)), "formed": plasticity.formed}
        lines.append(f"{synapses['synapses']:,} synapses are active, {synapses['formed']:,} were formed anew")
    if result.interrupted:
        lines.append(f"interrupted: this is the network after epoch {len(result.epochs)} of {recipe.epochs}")
    lines.append(f"wrote {out}")
    return Answer(
        {**asked, "model": str(out), "config": config.to_dict(), **synapses, **result.summary()},
        lines,
        INTERRUPTED if result.interrupted else 0,
    )


def _eval(options: argparse.Namespace) -> Answer:
    from ranvier.training import evaluate

    network = Network.read(options.model)
    dataset = open_dataset(options.data).repeated(options.copies)
    dataset.check(network.config)
    _announce(options)
    with open_device(options.device, network.config) as device:
        device.load(network)
        result = evaluate(device, dataset, progress=not options.json)
        counters = device.counters()
    asked = {name: getattr(options, name) for name in ("model", "data", "device")} | {"notes": list(dataset.notes)}
    lines = [
        *dataset.notes,
        f"accuracy {result.accuracy:.2%} ({result.correct} of {result.samples})",
        f"{result.rate:.4f} spikes per neuron and step, {result.samples / result.seconds:.0f} samples per second",
    ]
    if result.cycles_per_sample:
        lines.append(f"{result.cycles_per_sample:,.0f} cycles per sample")
    return Answer({**asked, **result.summary(), "counters": counters}, lines)


def _quantise(options: argparse.Namespace) -> Answer:
    from ranvier.quantise import quantise
    from ranvier.widen import widened

    out = check_output(options.out)
    network = FloatNetwork.read(options.network)
    config = _core(options) if options.config or options.preset else network.config
    dataset = open_dataset(options.data) if options.data else None
    if options.widen:
        if not dataset:
            raise UsageError("--widen looks at training samples: add --data")
        config = widened(network.replace(config=config), dataset.train)
    result = quantise(network, config, dataset=dataset)
    result.network.save(out)
    asked = {"network": options.network, "data": options.data, "model": str(out), "config": config.to_dict()}
    return Answer({**asked, **result.summary()}, [*result.text(), f"wrote {out}"])


def _nir_import(options: argparse.Namespace) -> Answer:
    from ranvier.nir_graph import read_graph
    from ranvier.nir_import import import_graph
    from ranvier.quantise import quantise

    out = check_output(options.out)
    result = import_graph(
        read_graph(options.graph),
        dt=options.dt,
        integration=options.integration,
        reset=options.reset,
        max_delay=options.max_delay,
        approximate=options.approximate,
    )
    cost = quantise(result.network) if options.quantise else None
    (cost or result).network.save(out)
    asked = {"graph": options.graph, "model": str(out), "config": result.network.config.to_dict()}
    values = {**asked, **result.summary(), "quantisation": cost.summary() if cost else None}
    return Answer(values, [*result.text(), *(cost.text() if cost else []), f"wrote {out}"])


def _nir_export(options: argparse.Namespace) -> Answer:
    from ranvier.nir_export import export_graph
    from ranvier.nir_graph import write_graph

    out = check_output(options.out)
    network = _any_network(options.network)
    result = export_graph(network, dt=options.dt, integration=options.integration, fractions=options.fractions)
    write_graph(out, result.graph)
    return Answer({"network": options.network, "graph": str(out), **result.summary()}, [*result.text(), f"wrote {out}"])


def _any_network(path: str) -> FloatNetwork:
    """A network in real numbers or for the core."""
    with suppress(NetworkError):
        return FloatNetwork.read(path)
    return FloatNetwork.of(Network.read(path))


def _verify(options: argparse.Namespace) -> Answer:
    from ranvier.verify import verify

    config = _core(options)
    waveform = check_output(options.waveform)
    dataset = open_dataset(options.data) if options.data else None
    if dataset:
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


def _simulate(options: argparse.Namespace) -> Answer:
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
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        return Answer({"cycles": port.cycles()}, [f"{port.cycles():,} clocks simulated"])


def _selftest(options: argparse.Namespace) -> Answer:
    from ranvier.selftest import selftest

    config = _core(options)
    _announce(options)
    result = selftest(options.device, config)
    return Answer(result.summary(), result.text(), 1 if result.failures else 0)


def _verilog(options: argparse.Namespace) -> Answer:
    config = _core(options)
    out = check_output(options.out)
    from ranvier.hw.verilog import FACES, module_name, write_verilog

    if options.face not in FACES:
        raise UsageError(f"argument --face: there is no {options.face!r}: choose one of {', '.join(FACES)}")
    text = write_verilog(config, options.face)
    write_text(out, text)
    lines, module = text.count("\n"), module_name(options.face)
    return Answer(
        {"verilog": str(out), "module": module, "lines": lines}, [f"wrote module {module} to {out} ({lines:,} lines)"]
    )


def _registers(options: argparse.Namespace) -> Answer:
    config = _core(options)
    out = check_output(options.out)
    from ranvier.hw.register_documents import FORMATS

    if options.format not in FORMATS:
        raise UsageError(f"unknown format {options.format!r}: choose one of {', '.join(FORMATS)}")
    write_text(out, FORMATS[options.format](config))
    return Answer({"registers": str(out), "format": options.format}, [f"wrote {out}"])


def _synth(options: argparse.Namespace) -> Answer:
    config = _core(options)
    from ranvier.hw.place import DEVICES as PLACES
    from ranvier.hw.place import placer
    from ranvier.hw.synthesis import FAMILIES, ToolError, synthesiser

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
    from ranvier.hw.flat import Flat
    from ranvier.hw.harness import Harness
    from ranvier.hw.place import place_and_route
    from ranvier.hw.synthesis import synthesise

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


def _build(options: argparse.Namespace) -> Answer:
    config = _core(options)
    from ranvier.hw.board import BAUD, BOARDS, build
    from ranvier.hw.synthesis import ToolError
    from ranvier.hw.vivado import PARTS, package

    if options.board not in BOARDS and options.board not in PARTS:
        raise UsageError(f"unknown board {options.board!r}: choose one of {', '.join((*BOARDS, *PARTS))}")
    folder = output_folder(options.out)
    if options.board in PARTS:
        files = {
            folder / name: text for name, text in package(config, PARTS[options.board], version("ranvier")).items()
        }
        for path, text in files.items():
            write_text(path, text)
        paths = [str(path) for path in files]
        return Answer({"board": options.board, "files": paths}, [f"wrote {path}" for path in paths])
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
    values = {"board": options.board, "baud": baud, "clock": board.clock, "config": config.to_dict()}
    return Answer(values | {"configuration": str(described)} | result.summary(), lines)


def _fit(name: str, config: CoreConfig) -> tuple[dict[str, Any], list[str]]:
    """Whether a core fits a board: values and lines."""
    from ranvier.hw.board import BOARDS
    from ranvier.hw.fit import fit
    from ranvier.hw.synthesis import ToolError

    if name not in BOARDS:
        raise UsageError(f"unknown board {name!r}: choose one of {', '.join(BOARDS)}")
    try:
        result = fit(BOARDS[name], config)
    except ToolError as error:
        raise UsageError(str(error)) from None
    return {"board": name, "fit": result.summary()}, ["", f"on {name}, before place and route", *result.text(config)]


def _info(options: argparse.Namespace) -> Answer:
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


def _bench(options: argparse.Namespace) -> Answer:
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


def _connectivity(options: argparse.Namespace) -> Answer:
    from ranvier.connectivity import LEVELS, study

    cache = check_output(options.cache)
    out = check_output(options.out) if options.out else None
    result = study(
        options.data,
        learner=options.learner,
        levels=options.level or LEVELS,
        seeds=options.seeds,
        epochs=options.epochs,
        samples=options.samples,
        cache=cache,
        progress=not options.json,
    )
    if out:
        write_text(out, result.markdown() + "\n")
    return Answer(result.summary(), [result.markdown()])

"""The command line: ``ranvier COMMAND``, of which ``ranvier --help`` lists what there is.

Every command prints its result on stdout, as one JSON object with ``--json``. Where a file is written, ``-`` is stdout;
everything else that would be printed there, the JSON object too, then goes to stderr. Exit codes: 0 done, 1 devices
disagree or a training of the bench failed, 2 bad input (one line on stderr, nothing written), 130 stopped by Ctrl-C or
SIGTERM, which are the same to every command (what was finished is saved), 141 nobody reads stdout any more (as after
SIGPIPE, and nothing is said).
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from time import monotonic
from types import FrameType
from typing import Any, NoReturn, get_args

from ranvier import commands
from ranvier.bench import STRUCTURES, SUITES, WIRINGS, ExecutorError
from ranvier.checkout import version
from ranvier.commands import INTERRUPTED, Answer, UsageError
from ranvier.data import DataError
from ranvier.data.dataset import SPLITS
from ranvier.data.download import DownloadError
from ranvier.data.named import NAMES
from ranvier.data.published import PUBLISHED
from ranvier.device import CORES, DEVICES, DeviceError, check_device
from ranvier.drivers.link import LinkError
from ranvier.extras import ExtraError
from ranvier.files.output import OutputError
from ranvier.files.replacing import STDOUT, is_stdout
from ranvier.files.streams import Aside, abandon, complain, prepare, tell, unread
from ranvier.learners import LEARNERS, VARIANTS, Offline
from ranvier.learners.checkpoint import CheckpointError
from ranvier.learners.offline import Diverged
from ranvier.learners.validation import DEFAULT_SHARE
from ranvier.nir.dialects import DIALECTS, SPIKES, Integration
from ranvier.nir.exporter import Readout
from ranvier.nir.graph import NirError
from ranvier.parameters.config import CHOICES, ConfigError, spelled
from ranvier.parameters.network import NetworkError
from ranvier.parameters.presets import PRESETS
from ranvier.parameters.sample import SampleError
from ranvier.recipes import DELAY_MODES

__all__ = ["main"]

#: What a user or a full disk can get wrong; anything else is a defect and keeps its traceback.
BAD_INPUT = (
    OSError, CheckpointError, ConfigError, DataError, DeviceError, Diverged, DownloadError, ExecutorError, ExtraError,
    LinkError, NetworkError, NirError, OutputError, SampleError, UsageError,
)  # fmt: skip


#: Exit code when nobody reads stdout any more: what a shell shows for SIGPIPE.
UNREAD = 141

#: Options that name a file to write.
OUTPUTS = ("out", "float", "waveform", "checkpoint")


class Once(argparse.Action):
    """An option that may be given once: of two values, which was meant?"""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        given = namespace.__dict__.setdefault("given", [])
        if self.dest in given:
            raise argparse.ArgumentError(self, "given twice: leave out one")
        given.append(self.dest)
        super().__call__(parser, namespace, values, option)


class Store(Once, argparse._StoreAction):
    """The usual option with a value."""


class StoreTrue(Once, argparse._StoreTrueAction):
    """The usual option without one."""


class Parser(argparse.ArgumentParser):
    """Complains in one line, and about options that are given twice unless they add up (``action="append"``)."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        for name, action in ((None, Store), ("store", Store), ("store_true", StoreTrue)):
            self.register("action", name, action)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help and version; argparse itself would swallow a full disk."""
        tell(message.rstrip("\n"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        prepare()
        return _run(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError as error:
        if unread():
            return UNREAD
        complain(str(error))
        return 2
    except BAD_INPUT as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt as stopped:
        complain(str(stopped) or "interrupted before anything was finished, nothing written")
        return INTERRUPTED
    finally:
        abandon()


def _run(arguments: Sequence[str]) -> int:
    for argument in arguments:
        with suppress(UnicodeEncodeError):
            if b"\0" not in os.fsencode(argument):
                continue
        raise UsageError(f"argument {argument!r} cannot be given to a program: it holds what no name of a file holds")
    options = _parser().parse_args(arguments)
    outputs = [path for name in OUTPUTS if (path := getattr(options, name, None))]
    places = [STDOUT if is_stdout(path) else os.path.realpath(path) for path in outputs]
    if twice := [path for path, place in zip(outputs, places, strict=True) if places.count(place) > 1]:
        raise UsageError(f"two results cannot go to {twice[0]}: give each a file of its own")
    with _terminable(), redirect_stdout(Aside(sys.stdout) if STDOUT in places else sys.stdout):
        answer: Answer = options.command(options)
        tell(json.dumps(answer.values) if options.json else "\n".join(answer.lines))
    return answer.code


#: Seconds after a signal in which others are taken for the same wish to stop: what was finished is being saved meanwhile.
PATIENCE = 2.0


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, by which service managers and batch systems end a job, does what Ctrl-C does; once, however often."""
    if threading.current_thread() is not threading.main_thread():  # only there handlers can be set
        yield
        return
    last = float("-inf")

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if (now := monotonic()) - last > PATIENCE:
            last = now
            raise KeyboardInterrupt

    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in the background of a shell
        heard.append(signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


def _part(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no share to hold out: give a share from 0 to below 1")


def _device_name(text: str) -> str:
    try:
        return check_device(text)
    except DeviceError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> Parser:
    parser = Parser(prog="ranvier", description="A spiking core that learns delays, bit for bit.")
    parser.add_argument("--version", action="version", version=f"ranvier {version()}")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    seed, count = _whole(0, 2**32 - 1), _whole(1, 10**9)

    def command(
        name: str, run: Callable[[argparse.Namespace], Answer], text: str, among: Any = choices
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

    added = command(
        "demo", commands.demo, "Learn Yin-Yang on the simulated RTL, checked value by value, and write Verilog."
    )
    added.add_argument("--out", metavar="FOLDER", default="out", help="folder for what is written (default out)")
    added.add_argument("--samples", type=count, default=1500, help="samples to learn, three times each (default 1500)")
    added.add_argument("--seed", type=seed, default=0)
    device(added, "sim")

    added = command("download", commands.download, "Download a data set, checked and resumable.")
    added.add_argument("name", choices=PUBLISHED, metavar="NAME", help=f"which: {', '.join(PUBLISHED)}")
    added.add_argument("--out", metavar="FOLDER", required=True, help="folder for its files")
    added.add_argument("--mirror", metavar="ADDRESS", default="", help="take them from here; the checksums stay")

    added = command("train", commands.train, "Train a network and save it.")
    core(added, required=False)
    added.add_argument("--data", required=True, help=data)
    added.add_argument("--delays", choices=DELAY_MODES, help="what becomes of the delays (default: as the core)")
    offline = [name for name, way in LEARNERS.items() if isinstance(way, Offline)]
    added.add_argument(
        "--learner",
        choices=("online", *offline),
        default="online",
        help=f"the core's own rule on the device (default), or offline in float and quantised: {', '.join(offline)}",
    )
    device(added, "golden")
    added.add_argument("--epochs", type=int, help="passes over the data (default: as the data set's recipe)")
    added.add_argument("--seed", type=seed, default=0, help="of initial network, order and stochastic rounding")
    added.add_argument("--hidden", type=int, help="hidden neurons (default: as the core)")
    added.add_argument("--max-delay", type=int, help="largest delay in steps (default: as the core)")
    added.add_argument("--connectivity", type=_share, help="share of the synapses that are active, rewired by DEEP R")
    copies(added)
    text = (
        "share of the training samples that is held out, a part of every class; the network of the epoch that does best on "
        f"it is written (default {DEFAULT_SHARE:g}; 0: the last epoch's, learned from all samples)"
    )
    added.add_argument("--validation", metavar="SHARE", type=_part, default=DEFAULT_SHARE, help=text)
    text = "saved network to start from, instead of a random one; brings its core along"
    added.add_argument("--from", metavar="MODEL", dest="start", help=text)
    text = "written after every epoch; if it is there, the training in it resumes bit for bit"
    added.add_argument("--checkpoint", metavar="FILE", help=text)
    added.add_argument("--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")
    added.add_argument(
        "--float", metavar="FILE", help="also write what an offline learner trained before it is quantised"
    )

    added = command("eval", commands.test, "Test a saved network.")
    added.add_argument("model", metavar="MODEL", help="network that train saved")
    added.add_argument("--data", required=True, help=data)
    added.add_argument("--split", choices=SPLITS, default="test", help="which samples (default test); all: also train")
    copies(added)
    device(added, "golden")

    added = command(
        "quantise", commands.quantise, "Turn real numbers into a network for the core, and report the cost."
    )
    added.add_argument("network", metavar="FILE", help="network in real numbers, as offline learners save it")
    core(added, required=False)
    added.add_argument("--data", help=f"compare before and after on its test samples: {data}")
    added.add_argument("--widen", action="store_true", help="a core with the integer bits that training samples take")
    added.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")

    text = "Exchange networks with other simulators as NIR graphs."
    directions = choices.add_parser("nir", help=text, description=text).add_subparsers(
        required=True, metavar="DIRECTION"
    )
    seconds = "seconds per step (default: as the file says, if this program wrote it)"
    kinds = get_args(Integration)

    added = command("import", commands.nir_import, "Turn a NIR graph into a network, and report changes.", directions)
    added.add_argument("graph", metavar="GRAPH", help="file of a NIR graph")
    added.add_argument("--dt", metavar="SECONDS", type=_positive, help=seconds)
    added.add_argument(
        "--from",
        dest="dialect",
        choices=tuple(DIALECTS),
        help="who wrote the graph: sets dt, integration, reset and what a spike does, where they are not given",
    )
    added.add_argument("--integration", choices=kinds, help="how time constants become decays (default euler)")
    added.add_argument(
        "--reset",
        type=lambda text: spelled("reset", text),
        choices=CHOICES["reset"],
        help="soft: a spike subtracts the threshold after the leak, soft-now: before it (default zero)",
    )
    added.add_argument(
        "--spike",
        choices=SPIKES,
        help="a current that lasts one step, or a jump by the weight (default step)",
    )
    added.add_argument("--max-delay", type=_whole(1, 1022), help="clip longer delays, in steps (default: long enough)")
    added.add_argument("--approximate", action="store_true", help="where the core has not the same, take the nearest")
    added.add_argument("--quantise", action="store_true", help="write a network for the core, not one in real numbers")
    added.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")

    added = command("export", commands.nir_export, "Write a network as a NIR graph.", directions)
    added.add_argument("network", metavar="NETWORK", help="network that train, quantise or an offline learner saved")
    added.add_argument("--dt", metavar="SECONDS", type=_positive, default=1e-3, help="seconds per step (default 0.001)")
    added.add_argument("--integration", choices=kinds, default="euler", help="what the reader will use (default euler)")
    added.add_argument("--fractions", action="store_true", help="do not round delays to steps")
    added.add_argument(
        "--readout",
        choices=get_args(Readout),
        default="li",
        help="linear: weights only, which more simulators load (default li)",
    )
    added.add_argument("-o", "--out", metavar="FILE", default="model.nir", help="graph to write (default model.nir)")

    added = command("verify", commands.verify, "Compare a device with the golden model, every value of every step.")
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

    added = command("simulate", commands.simulate, "Simulate a core behind a pseudo-terminal, until Ctrl-C.")
    core(added, required=True)
    added.add_argument("--baud", type=_whole(1, 10**7), help="rate it is built for (default 125000)")

    added = command("selftest", commands.selftest, "Run what every device has to pass, and sweep the baud rate.")
    core(added, required=True)
    device(added, "pty")

    added = command("verilog", commands.verilog, "Write the core as one self-contained Verilog file.")
    core(added, required=True)
    added.add_argument(
        "--face", metavar="NAME", default="core", help="ports: core (streams; default), axi, wishbone, uart"
    )
    added.add_argument("-o", "--out", metavar="FILE", required=True)

    added = command("registers", commands.registers, "Write the register table for other tools and for people.")
    core(added, required=True)
    added.add_argument("--format", default="markdown", help="markdown (default), svd, systemrdl or csv (of LiteX)")
    added.add_argument("-o", "--out", metavar="FILE", required=True)

    added = command("synth", commands.synth, "Synthesise the core, and place and route it if asked to.")
    core(added, required=True)
    added.add_argument("--family", default="ecp5", help="FPGA to synthesise for: ecp5 (default), ice40 or xc7")
    added.add_argument(
        "--place", metavar="DEVICE", help="place and route on it: 12k, 25k, 45k, 85k (ECP5), up5k (iCE40)"
    )
    added.add_argument("--speed", type=int, default=6, choices=(6, 7, 8), help="speed grade (default 6, the slowest)")
    added.add_argument("--target", type=count, default=80, metavar="MHZ", help="frequency to aim for (default 80)")
    added.add_argument("--seeds", type=count, default=1, help="runs of the placer, from seed 1 (default 1)")

    added = command(
        "build", commands.build, "Build a bitstream of the core on the serial port of a board, by open tools."
    )
    core(added, required=True)
    added.add_argument(
        "--board", metavar="NAME", required=True, help="which board; an unknown name lists all and what each gives"
    )
    added.add_argument("--out", metavar="FOLDER", default="out", help="folder for what is written (default out)")
    added.add_argument("--baud", type=_whole(1, 10**7), help="rate of the serial port (default 1000000)")
    added.add_argument("--seed", type=_whole(1, 2**31 - 1), default=1, help="of the placer (default 1)")

    added = command("info", commands.info, "Print number formats, memories and cycle formulas of a core.")
    core(added, required=True)
    added.add_argument(
        "--board",
        metavar="NAME",
        help="also whether it fits this board, one of those of build, and the largest that would",
    )

    added = command("bench", commands.bench, "Train every learner at several sizes; write tables and pictures.")
    added.add_argument("--suite", required=True, choices=SUITES, help="data set and sizes")
    added.add_argument(
        "--data", metavar="PATH", help="recordings (braille: file; shd: folder, with options as in --data of train)"
    )
    added.add_argument("--seeds", type=count, default=5, help="trainings per row (default 5)")
    added.add_argument("--learner", choices=LEARNERS, action="append", help="only these rows; may be repeated")
    added.add_argument("--delays", choices=VARIANTS, action="append", help="only these rows; may be repeated")
    added.add_argument("--wiring", choices=WIRINGS, action="append", help="only these rows; may be repeated")
    added.add_argument("--neurons", type=count, action="append", help="only these rows; may be repeated")
    text = "share of the synapses that are active (default 1, all of them); may be repeated"
    added.add_argument("--connectivity", type=_share, action="append", help=text)
    text = "of sparse networks only those that stay as drawn, or that DEEP R rewires; may be repeated"
    added.add_argument("--structure", choices=STRUCTURES, action="append", help=text)
    added.add_argument("--epochs", type=int, help="passes over the data (default: as the recipes)")
    added.add_argument("--samples", type=count, help="cut the data set to so many samples, for a quick look")
    text = "also measure agreement and speed, and clocks on sim; may be repeated"
    added.add_argument("--device", choices=CORES, action="append", help=text)
    added.add_argument("--jobs", type=count, default=2, help="processes (default 2)")
    added.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="let the workers of this Dask scheduler train")
    text = "folder for report, networks and finished runs, to resume from (default bench-SUITE)"
    added.add_argument("--out", metavar="FOLDER", help=text)
    return parser

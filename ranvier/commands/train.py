"""``ranvier train``: a network from a data set, by any learner."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from ranvier.commands.arguments import add_copies, add_core, add_data, add_device, add_seed, core, network, part, share
from ranvier.commands.output import INTERRUPTED, Output, UsageError, announce

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Train a network and save it."
EXAMPLES = (
    "train --data yinyang",
    "train --data yinyang --device sim --epochs 1",
    "train --data braille:FILE --learner eventprop --float float.npz",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.learners import LEARNERS, OfflineLearner
    from ranvier.learners.validation import DEFAULT_SHARE
    from ranvier.recipes import DELAY_MODES

    add_core(parser, required=False)
    add_data(parser, required=True)
    parser.add_argument(
        "--delays",
        choices=DELAY_MODES,
        help="none, fixed as drawn, or learned per unit (axonal) or per synapse (default: from the core)",
    )
    offline = [name for name, learner in LEARNERS.items() if isinstance(learner, OfflineLearner)]
    parser.add_argument(
        "--learner",
        choices=("online", *offline),
        default="online",
        help=f"the core's own rule on the device (default), or offline in float and quantised: {', '.join(offline)}",
    )
    add_device(parser, "golden")
    parser.add_argument("--epochs", type=int, help="passes over the data (default: from the recipe of the data set)")
    add_seed(parser, "initial network, order and stochastic rounding")
    parser.add_argument("--hidden", type=int, help="hidden neurons (default: from the core)")
    parser.add_argument("--max-delay", type=int, help="largest delay in steps (default: from the core)")
    parser.add_argument("--connectivity", type=share, help="share of the synapses that are active, rewired by DEEP R")
    add_copies(parser)
    text = (
        "share of the training samples of every class to hold out; the network of the epoch with the best accuracy on them "
        f"is saved (default {DEFAULT_SHARE:g}; 0: learn all samples and save the last network)"
    )
    parser.add_argument("--validation", metavar="SHARE", type=part, default=DEFAULT_SHARE, help=text)
    text = "saved network to start from, instead of a random one; also sets the core"
    parser.add_argument("--from", metavar="MODEL", dest="start", help=text)
    text = "file written after every epoch; if it exists, its training resumes bit for bit"
    parser.add_argument("--checkpoint", metavar="FILE", help=text)
    parser.add_argument("--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")
    parser.add_argument(
        "--float", metavar="FILE", help="also write the network of an offline learner before quantisation"
    )


def run(options: argparse.Namespace) -> Output:
    from ranvier.data import open_dataset
    from ranvier.files.output import check_output
    from ranvier.learners import LEARNERS, OfflineLearner, OnlineLearner, Sparse
    from ranvier.parameters.network import Network

    out = check_output(options.out)
    dataset = open_dataset(options.data).repeated(options.copies)
    dataset.learnable()
    learner = OnlineLearner(options.device) if options.learner == "online" else LEARNERS[options.learner]
    offline = isinstance(learner, OfflineLearner)
    if reason := learner.refusal(dataset.name):
        raise UsageError(f"--learner {options.learner}: {reason}")
    if offline and options.device != "golden":
        raise UsageError(f"--learner {options.learner} trains in float: leave out --device, and use it with eval")
    if options.float and not offline:
        raise UsageError("--float is for offline learners: add --learner eventprop or bptt")
    before = check_output(options.float) if options.float else None
    read = network if offline else Network.read
    start = read(options.start) if options.start else None
    if start:
        dataset = dataset.labelled(start.config, Network.read_classes(options.start))
    if start and not (options.config or options.preset):
        config = start.config.replace(learning=not offline)
    else:
        config = core(options, dataset.name)
        config = config.replace(inputs=config.inputs * options.copies)
    changes = {"neurons": options.hidden, "max_delay": options.max_delay}
    config = config.replace(**{name: v for name, v in changes.items() if v is not None})
    mode, sparse = options.delays or config.delays, Sparse(options.connectivity) if options.connectivity else None
    announce(options)
    trained = learner.train(
        config,
        dataset,
        options.seed,
        delays=mode,
        epochs=options.epochs,
        sparse=sparse,
        start=start,
        validation=options.validation,
        checkpoint=options.checkpoint,
        report=None if options.json else EpochLines(dataset.notes),
        progress=not options.json,
    )
    if before and trained.float_network:
        trained.float_network.save(before, dataset.classes)
    trained.network.save(out, dataset.classes)
    for warning in [] if options.json else trained.warnings:
        print(f"ranvier: warning: {warning}", file=sys.stderr)
    asked = {name: getattr(options, name) for name in ("data", "learner", "device", "seed", "validation", "checkpoint")}
    asked |= {"from": options.start, "delay_mode": mode}
    values = {"model": str(out), "config": trained.network.config.to_dict(), "notes": list(dataset.notes)}
    lines = [*trained.closing(), f"wrote {before} and {out}" if before else f"wrote {out}"]
    if trained.interrupted and options.checkpoint:
        lines.append(f"repeat the same command to continue from {options.checkpoint}")
    return Output(asked | values | trained.summary(), lines, INTERRUPTED if trained.interrupted else 0)


class EpochLines:
    """Prints the line of every epoch as soon as it is finished, before the first one `notes` and a heading.

    A standard output that is full or closed does not stop the training; the error is reported at the end.
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

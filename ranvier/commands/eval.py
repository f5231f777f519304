"""``ranvier eval``: accuracy of a saved network, on any device."""

import argparse

from ranvier.commands.arguments import add_copies, add_data, add_device
from ranvier.commands.output import Output, announce

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Evaluate a saved network."
EXAMPLES = ("eval model.npz --data yinyang", "eval model.npz --data yinyang --device sim --split all")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.data.dataset import SPLITS

    parser.add_argument("model", metavar="MODEL", help="network saved by train")
    add_data(parser, required=True)
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="samples to run (default test); all: training samples too"
    )
    add_copies(parser)
    add_device(parser, "golden")


def run(options: argparse.Namespace) -> Output:
    from ranvier.data import open_dataset
    from ranvier.device import open_device
    from ranvier.learners.evaluation import evaluate
    from ranvier.parameters.network import Network

    network = Network.read(options.model)
    dataset = open_dataset(options.data).repeated(options.copies)
    dataset = dataset.evaluated(network.config, options.split, Network.read_classes(options.model))
    announce(options)
    with open_device(options.device, network.config) as device:
        device.load(network)
        result = evaluate(device, dataset, progress=not options.json)
        counters = device.counters()
    notes = [*dataset.notes]
    if network.lag:
        notes.append(f"samples are extended by {network.lag} steps: the imported network responds that much later")
    asked = {name: getattr(options, name) for name in ("model", "data", "split", "device")}
    lines = [
        *notes,
        f"accuracy {result.accuracy:.2%} ({result.correct} of {result.samples})",
        f"{result.rate:.4f} spikes per neuron and step, {result.samples / result.seconds:.0f} samples per second",
    ]
    if result.cycles_per_sample:
        lines.append(f"{result.cycles_per_sample:,.0f} cycles per sample")
    return Output({**asked, "notes": notes, **result.summary(), "counters": counters}, lines)

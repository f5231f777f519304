"""``ranvier quantise``: from real numbers to the core's formats."""

import argparse

from ranvier.commands.arguments import add_core, add_data, core
from ranvier.commands.output import Output, UsageError

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Quantise a network for the core, and report the effect."
EXAMPLES = ("quantise float.npz", "quantise float.npz --data yinyang --widen -o wide.npz")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="FILE", help="network in real numbers, as saved by offline learners")
    add_core(parser, required=False)
    add_data(parser, "data set whose test samples compare before and after")
    parser.add_argument("--widen", action="store_true", help="add the integer bits that the training samples need")
    parser.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")


def run(options: argparse.Namespace) -> Output:
    from ranvier.data import open_dataset
    from ranvier.files.output import check_output
    from ranvier.parameters.float_network import FloatNetwork
    from ranvier.quantisation.quantise import quantise
    from ranvier.quantisation.widen import widened

    out = check_output(options.out)
    network, classes = FloatNetwork.read(options.network), FloatNetwork.read_classes(options.network)
    config = core(options) if options.config or options.preset else network.config
    dataset = open_dataset(options.data) if options.data else None
    if options.widen:
        if not dataset:
            raise UsageError("--widen needs training samples: add --data")
        dataset.require("train")
        config = widened(network.replace(config=config), dataset.train)
    result = quantise(network, config, dataset=dataset, classes=classes)
    result.network.save(out, classes)
    asked = {"network": options.network, "data": options.data, "model": str(out), "config": config.to_dict()}
    return Output({**asked, **result.summary()}, [*result.lines(), f"wrote {out}"])

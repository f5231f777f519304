"""``ranvier demo``: on-chip learning from end to end."""

import argparse

from ranvier.commands.arguments import add_device, add_seed, count
from ranvier.commands.output import Output, announce

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Learn Yin-Yang on the simulated RTL, checked value by value, and write Verilog."
EXAMPLES = ("demo", "demo --device golden --samples 300")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FOLDER", default="out", help="output folder (default out)")
    parser.add_argument("--samples", type=count, default=1500, help="samples to learn, three times each (default 1500)")
    add_seed(parser, "initial network and order")
    add_device(parser, "sim")


def run(options: argparse.Namespace) -> Output:
    from ranvier.demo import demo

    announce(options)
    result = demo(
        options.out, device=options.device, samples=options.samples, seed=options.seed, progress=not options.json
    )
    return Output(result.summary(), result.lines(), 1 if result.mismatches else 0)

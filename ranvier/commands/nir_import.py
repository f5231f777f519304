"""``ranvier nir import``: from a NIR graph to a network."""

import argparse
from typing import get_args

from ranvier.commands.arguments import positive, whole
from ranvier.commands.output import Output

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Convert a NIR graph to a network, and report changes."
EXAMPLES = ("nir import graph.nir", "nir import graph.nir --from snntorch --approximate --quantise")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.nir.dialects import DIALECTS, SPIKES, Integration
    from ranvier.parameters.config import CHOICES, spelled

    parser.add_argument("graph", metavar="GRAPH", help="file of a NIR graph")
    text = "seconds per step (default: from the file, if Ranvier wrote it)"
    parser.add_argument("--dt", metavar="SECONDS", type=positive, help=text)
    parser.add_argument(
        "--from",
        dest="dialect",
        choices=tuple(DIALECTS),
        help="program that wrote the graph: sets dt, integration, reset and spike unless they are given",
    )
    text = "conversion of time constants to decays (default euler)"
    parser.add_argument("--integration", choices=get_args(Integration), help=text)
    parser.add_argument(
        "--reset",
        type=lambda text: spelled("reset", text),
        choices=CHOICES["reset"],
        help="soft: a spike subtracts the threshold after the leak, soft-now: before it (default zero)",
    )
    parser.add_argument(
        "--spike",
        choices=SPIKES,
        help="effect of a spike: a current for one step, or a jump by the weight (default step)",
    )
    parser.add_argument(
        "--max-delay", type=whole(1, 1022), help="clip delays to this many steps (default: the longest delay)"
    )
    text = "use the nearest equivalent where the core has no exact one"
    parser.add_argument("--approximate", action="store_true", help=text)
    parser.add_argument("--quantise", action="store_true", help="write a network for the core, not one in real numbers")
    parser.add_argument("-o", "--out", metavar="FILE", default="model.npz", help="network to write (default model.npz)")


def run(options: argparse.Namespace) -> Output:
    from ranvier.files.output import check_output
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
    return Output(values, [*result.lines(), *(cost.lines() if cost else []), f"wrote {out}"])

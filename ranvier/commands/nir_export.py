"""``ranvier nir export``: from a network to a NIR graph."""

import argparse
from typing import get_args

from ranvier.commands.arguments import network, positive
from ranvier.commands.output import Output

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Write a network as a NIR graph."
EXAMPLES = ("nir export model.npz", "nir export float.npz --integration exp --readout linear -o graph.nir")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.nir.dialects import Integration
    from ranvier.nir.exporter import Readout

    parser.add_argument("network", metavar="NETWORK", help="network saved by train or quantise")
    text = "seconds per step (default 0.001)"
    parser.add_argument("--dt", metavar="SECONDS", type=positive, default=1e-3, help=text)
    text = "integration method of the program that reads the graph (default euler)"
    parser.add_argument("--integration", choices=get_args(Integration), default="euler", help=text)
    parser.add_argument("--fractions", action="store_true", help="do not round delays to steps")
    parser.add_argument(
        "--readout",
        choices=get_args(Readout),
        default="li",
        help="linear: weights only, which more simulators load (default li)",
    )
    parser.add_argument("-o", "--out", metavar="FILE", default="model.nir", help="graph to write (default model.nir)")


def run(options: argparse.Namespace) -> Output:
    from ranvier.files.output import check_output
    from ranvier.nir.exporter import export_graph
    from ranvier.nir.graph import write_graph
    from ranvier.parameters.network import Network

    out = check_output(options.out)
    result = export_graph(
        network(options.network),
        dt=options.dt,
        integration=options.integration,
        fractions=options.fractions,
        readout=options.readout,
        classes=Network.read_classes(options.network),
    )
    write_graph(out, result.graph)
    values = {"network": options.network, "graph": str(out), **result.summary()}
    return Output(values, [*result.lines(), f"wrote {out}"])

"""``ranvier synth``: resources and speed of a core on an FPGA."""

import argparse
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ranvier.commands.arguments import add_core, core, count
from ranvier.commands.output import Output, UsageError
from ranvier.errors import shown

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Synthesise the core and, with --place, place and route it."
EXAMPLES = ("synth --preset yinyang", "synth --preset yinyang --place 85k --seeds 3")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.hw.flow.fpga import FAMILIES, PLACEABLE

    add_core(parser, required=True)
    text = f"FPGA to synthesise for: {', '.join(FAMILIES)} (default ecp5)"
    parser.add_argument("--family", metavar="NAME", default="ecp5", help=text)
    parser.add_argument("--place", metavar="FPGA", help=f"FPGA to place and route on: {', '.join(PLACEABLE)}")
    parser.add_argument("--speed", type=int, default=6, choices=(6, 7, 8), help="speed grade (default 6, the slowest)")
    parser.add_argument("--target", type=count, default=80, metavar="MHZ", help="frequency to aim for (default 80)")
    parser.add_argument("--seeds", type=count, default=1, help="runs of the placer, from seed 1 (default 1)")


def run(options: argparse.Namespace) -> Output:
    config = core(options)
    from ranvier.hw.core import Core
    from ranvier.hw.flow.flat import Flat
    from ranvier.hw.flow.fpga import FAMILIES, FPGAS, PLACEABLE
    from ranvier.hw.flow.harness import Harness
    from ranvier.hw.flow.place import place_and_route, placer
    from ranvier.hw.flow.synthesis import synthesise, synthesiser

    for name, value, known in (("family", options.family, FAMILIES), ("place", options.place, PLACEABLE)):
        if value is not None and value not in known:
            raise UsageError(f"unknown --{name} {shown(value)}: choose one of {', '.join(known)}")
    if options.place and (family := FPGAS[options.place].family.name) != options.family:
        raise UsageError(f"--place {options.place} is not of the family {options.family}: add --family {family}")
    tools = [synthesiser()] + ([placer(options.family)] if options.place else [])
    resources = synthesise(Flat(Core(config)), options.family)
    values = {"family": options.family, "tools": tools, "config": config.to_dict(), "resources": asdict(resources)}
    lines = [f"synthesised for {options.family} by {tools[0]}, before place and route", *resources.lines()]
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
        grade = f", speed grade {options.speed}" if FPGAS[options.place].speeds else ""
        lines += ["", f"placed and routed on {options.family} {options.place}{grade}, by {tools[1]}"]
        lines += [f"  seed {run.seed}: {run.fmax:.1f} MHz" for run in runs]
        lines += worst.lines()
    return Output(values, lines)

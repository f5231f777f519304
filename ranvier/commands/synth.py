"""``ranvier synth``: what a core takes on an FPGA, and how fast it is."""

import argparse
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ranvier.commands.arguments import add_core, core, count
from ranvier.commands.output import Output, UsageError
from ranvier.errors import shown

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Synthesise the core, and place and route it if asked to."
EXAMPLES = ("synth --preset yinyang", "synth --preset yinyang --place 85k --seeds 3")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    parser.add_argument("--family", default="ecp5", help="FPGA to synthesise for: ecp5 (default), ice40 or xc7")
    parser.add_argument(
        "--place", metavar="DEVICE", help="place and route on it: 12k, 25k, 45k, 85k (ECP5), up5k (iCE40)"
    )
    parser.add_argument("--speed", type=int, default=6, choices=(6, 7, 8), help="speed grade (default 6, the slowest)")
    parser.add_argument("--target", type=count, default=80, metavar="MHZ", help="frequency to aim for (default 80)")
    parser.add_argument("--seeds", type=count, default=1, help="runs of the placer, from seed 1 (default 1)")


def run(options: argparse.Namespace) -> Output:
    config = core(options)
    from ranvier.hw.core import Core
    from ranvier.hw.flow.flat import Flat
    from ranvier.hw.flow.harness import Harness
    from ranvier.hw.flow.place import DEVICES, place_and_route, placer
    from ranvier.hw.flow.synthesis import FAMILIES, synthesise, synthesiser

    for name, value, known in (("family", options.family, FAMILIES), ("place", options.place, DEVICES)):
        if value is not None and value not in known:
            raise UsageError(f"unknown --{name} {shown(value)}: choose one of {', '.join(known)}")
    if options.place and DEVICES[options.place] != options.family:
        raise UsageError(f"--place {options.place} is no {options.family}: add --family {DEVICES[options.place]}")
    tools = [synthesiser()] + ([placer(options.family)] if options.place else [])
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
    return Output(values, lines)

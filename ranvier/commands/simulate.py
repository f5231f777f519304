"""``ranvier simulate``: a core that any serial program can talk to."""

import argparse
import json
import signal
import threading
from contextlib import suppress

from ranvier.commands.arguments import add_core, core, whole
from ranvier.commands.output import Output

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Simulate a core behind a pseudo-terminal, until Ctrl-C."
EXAMPLES = ("simulate --preset test",)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    parser.add_argument("--baud", type=whole(1, 10**7), help="baud rate (default 125000)")


def run(options: argparse.Namespace) -> Output:
    from ranvier.sim.port import BAUD, SimulatedPort

    with SimulatedPort(core(options), options.baud or BAUD) as port:
        values = {"port": port.port, "baud": port.baud}
        print(json.dumps(values) if options.json else f"serial://{port.port}?baud={port.baud}", flush=True)
        # Shells make background jobs ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        return Output({"cycles": port.cycles()}, [f"{port.cycles():,} clock cycles simulated"])

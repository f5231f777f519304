"""``ranvier selftest``: the tests that every device has to pass."""

import argparse

from ranvier.commands.arguments import add_core, add_device, core
from ranvier.commands.output import Output, announce

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Run the tests that every device has to pass, and sweep the baud rate."
EXAMPLES = (
    "selftest --preset test",
    "selftest --config out/ranvier-ulx3s-85f.toml --device 'serial:///dev/ttyUSB0?baud=1000000'",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    add_device(parser, "pty")


def run(options: argparse.Namespace) -> Output:
    from ranvier.verification.selftest import selftest

    config = core(options)
    announce(options)
    result = selftest(options.device, config)
    return Output(result.summary(), result.lines(), 1 if result.failures else 0)

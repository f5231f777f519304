"""``ranvier verilog``: the core as Verilog for other tools."""

import argparse

from ranvier.commands.arguments import add_core, core
from ranvier.commands.output import Output, UsageError
from ranvier.errors import shown

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Write the core as one self-contained Verilog file."
EXAMPLES = ("verilog --preset braille -o core.v", "verilog --preset braille --interface axi -o axi.v")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    parser.add_argument(
        "--interface", metavar="NAME", default="core", help="ports: core (streams; default), axi, wishbone, uart"
    )
    parser.add_argument("--face", dest="interface", default="core", help=argparse.SUPPRESS)  # its name in 0.1
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="Verilog to write")


def run(options: argparse.Namespace) -> Output:
    from ranvier.files.output import check_output, write_text

    config = core(options)
    out = check_output(options.out)
    from ranvier.hw.flow.verilog import INTERFACES, module_name, write_verilog

    if options.interface not in INTERFACES:
        raise UsageError(
            f"argument --interface: there is no {shown(options.interface)}: choose one of {', '.join(INTERFACES)}"
        )
    text = write_verilog(config, options.interface)
    write_text(out, text)
    lines, module = text.count("\n"), module_name(options.interface)
    return Output(
        {"verilog": str(out), "module": module, "lines": lines}, [f"wrote module {module} to {out} ({lines:,} lines)"]
    )

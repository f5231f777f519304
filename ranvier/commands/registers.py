"""``ranvier registers``: the register table for other tools and for people."""

import argparse

from ranvier.commands.arguments import add_core, core
from ranvier.commands.output import Output, UsageError
from ranvier.errors import shown

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Write the register table for other tools and for people."
EXAMPLES = ("registers --preset braille -o registers.md", "registers --preset braille --format svd -o ranvier.svd")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    parser.add_argument("--format", default="markdown", help="markdown (default), svd, systemrdl or csv (of LiteX)")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="table to write")


def run(options: argparse.Namespace) -> Output:
    from ranvier.files.output import check_output, write_text

    config = core(options)
    out = check_output(options.out)
    from ranvier.hw.flow.register_documents import FORMATS

    if options.format not in FORMATS:
        raise UsageError(f"unknown format {shown(options.format)}: choose one of {', '.join(FORMATS)}")
    write_text(out, FORMATS[options.format](config))
    return Output({"registers": str(out), "format": options.format}, [f"wrote {out}"])

"""``ranvier info``: properties of a configuration, without building it."""

import argparse
from typing import Any

from ranvier.commands.arguments import add_core, core
from ranvier.commands.output import Output
from ranvier.parameters.config import CoreConfig

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Print number formats, memories and cycle formulas of a core."
EXAMPLES = ("info --preset braille", "info --preset braille --board icebreaker")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    parser.add_argument(
        "--board",
        metavar="NAME",
        help="also print whether the core fits this board (one of those of build), and the largest core that would",
    )


def run(options: argparse.Namespace) -> Output:
    config = core(options)
    from ranvier.hw.budget import formulas, memories

    bits, cycles = memories(config), formulas(config)
    values = {
        "config": config.to_dict(),
        "formats": {name: str(form) for name, form in config.formats().items()} | {"delay": str(config.delay)},
        "memories": bits,
        "memory_bits": sum(bits.values()),
        "cycles": cycles,
    }
    lines = ["core"]
    lines += [f"  {name:<22} {value}" for name, value in config.to_dict().items() if name not in config.formats()]
    lines += ["", "formats"]
    lines += [
        f"  {name:<22} {form} ({form.width} bits)" for name, form in {**config.formats(), "delay": config.delay}.items()
    ]
    lines += ["", f"memories, {sum(bits.values()):,} bits"]
    lines += [f"  {name:<22} {count:>12,}" for name, count in bits.items()]
    lines += ["", "clock cycles per step"]
    lines += [f"  {name:<22} {formula}" for name, formula in cycles.items()]
    if options.board:
        fit_values, fit_lines = _fit(options.board, config)
        values |= fit_values
        lines += fit_lines
    return Output(values, lines)


def _fit(name: str, config: CoreConfig) -> tuple[dict[str, Any], list[str]]:
    """Whether a core fits a board: values and lines."""
    from ranvier.hw.flow.board import find_board
    from ranvier.hw.flow.fit import fit

    board = find_board(name)
    result = fit(board, config)
    lines = [
        "",
        f"on {name}, for which ranvier build gives {board.gives}, before place and route",
        *result.lines(config),
    ]
    return {"board": name, "gives": board.gives, "fit": result.summary()}, lines

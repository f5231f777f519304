"""``ranvier build``: a bitstream for a board, or files for Vivado."""

import argparse

from ranvier.checkout import version
from ranvier.commands.arguments import add_core, core, whole
from ranvier.commands.output import Output

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Build a bitstream of the core for a board with open tools, or files for Vivado."
EXAMPLES = ("build --preset yinyang --board ulx3s-85f", "build --preset yinyang --board arty-a7-35 --out vivado")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.hw.flow.board import BOARDS

    add_core(parser, required=True)
    parser.add_argument("--board", metavar="NAME", required=True, help=f"board: {', '.join(BOARDS)}")
    parser.add_argument("--out", metavar="FOLDER", default="out", help="output folder (default out)")
    parser.add_argument("--baud", type=whole(1, 10**7), help="baud rate of the serial port (default 1000000)")
    parser.add_argument("--seed", type=whole(1, 2**31 - 1), default=1, help="seed of the placer (default 1)")


def run(options: argparse.Namespace) -> Output:
    config = core(options)
    from ranvier.files.output import check_output, output_folder, write_text
    from ranvier.hw.flow.bitstream import BAUD, build
    from ranvier.hw.flow.board import OpenBoard, find_board
    from ranvier.hw.flow.vivado import package

    board = find_board(options.board)
    folder = output_folder(options.out)
    if not isinstance(board, OpenBoard):
        files = {folder / name: text for name, text in package(config, board.fpga.name, version()).items()}
        for path, text in files.items():
            write_text(path, text)
        paths = [str(path) for path in files]
        values = {"board": options.board, "gives": board.gives, "files": paths}
        return Output(values, [f"wrote {path}" for path in paths])
    baud, name = options.baud or BAUD, f"ranvier-{options.board}"
    bitstream, described = check_output(folder / f"{name}.bit"), check_output(folder / f"{name}.toml")
    result = build(board, config, bitstream, baud=baud, seed=options.seed)
    write_text(described, config.to_toml())
    port = f"serial:///dev/ttyUSB0?baud={baud}"
    lines = [
        f"synthesised by {result.tools[0]}, placed and routed by {result.tools[1]}",
        *result.placement.lines(),
        f"{result.placement.fmax:.1f} MHz after place and route, the board's clock is {board.clock / 1e6:g} MHz",
        f"wrote {bitstream} and {described}",
        f"program it: {board.program.format(bitstream)}",
        f"then: ranvier selftest --config {described} --device '{port}'",
    ]
    values = {
        "board": options.board,
        "gives": board.gives,
        "baud": baud,
        "clock": board.clock,
        "config": config.to_dict(),
    }
    return Output(values | {"configuration": str(described)} | result.summary(), lines)

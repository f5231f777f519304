"""``ranvier download``: the files of a public data set."""

import argparse

from ranvier.commands.output import INTERRUPTED, Output

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Download a data set and verify its checksums; can be resumed."
EXAMPLES = ("download braille --out data", "download shd --out data/shd")


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.data.published import PUBLISHED

    parser.add_argument("name", choices=PUBLISHED, metavar="NAME", help=f"data set: {', '.join(PUBLISHED)}")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="folder for its files")
    parser.add_argument(
        "--mirror", metavar="ADDRESS", default="", help="address to download from instead; checksums still apply"
    )


def run(options: argparse.Namespace) -> Output:
    from ranvier.data.download import download
    from ranvier.data.published import PUBLISHED

    try:
        paths = download(options.name, options.out, mirror=options.mirror, progress=not options.json)
    except KeyboardInterrupt:
        line = "interrupted: repeat the same command to continue"
        return Output({"dataset": options.name, "interrupted": True}, [line], INTERRUPTED)
    files, published = [str(path) for path in paths], PUBLISHED[options.name]
    return Output(
        {"dataset": options.name, "files": files, "address": published.address, "licence": published.licence},
        [*files, f"from {published.address}, {published.licence}", f"use it: --data {options.name}:{options.out}"],
    )

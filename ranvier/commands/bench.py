"""``ranvier bench``: every learner at several sizes, in tables and pictures."""

import argparse
from collections.abc import Callable
from typing import Any

from ranvier.commands.arguments import count, share
from ranvier.commands.output import Output, UsageError

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Train every learner at several sizes; write tables and pictures."
EXAMPLES = (
    "bench --suite yinyang --seeds 2",
    "bench --suite braille --data FILE --learner online --neurons 50",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    from ranvier.bench import SUITES, Selection
    from ranvier.device import CORES

    parser.add_argument("--suite", required=True, choices=SUITES, help="data set and sizes")
    parser.add_argument(
        "--data", metavar="PATH", help="recordings (braille: file; shd: folder, with options as in --data of train)"
    )
    parser.add_argument("--seeds", type=count, default=5, help="trainings per row (default 5)")
    read: dict[type, Callable[[str], Any]] = {str: str, int: count, float: share}
    for found in Selection.filters():
        parser.add_argument(
            f"--{found.name}", type=read[found.kind], choices=found.choices, action="append", help=found.text
        )
    parser.add_argument("--epochs", type=int, help="passes over the data (default: as the recipes)")
    parser.add_argument("--samples", type=count, help="cut the data set to this many samples, for a quick look")
    text = "also measure agreement and speed, and clocks on sim; may be repeated"
    parser.add_argument("--device", choices=CORES, action="append", help=text)
    parser.add_argument("--jobs", type=count, default=2, help="processes (default 2)")
    parser.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="let the workers of this Dask scheduler train")
    text = "folder for report, networks and finished runs, to resume from (default bench-SUITE)"
    parser.add_argument("--out", metavar="FOLDER", help=text)


def run(options: argparse.Namespace) -> Output:
    from ranvier.bench import Selection, run_suite
    from ranvier.data.registry import DATASETS

    if DATASETS[options.suite].generated and options.data:
        raise UsageError(f"--suite {options.suite} is generated: leave out --data")
    if not DATASETS[options.suite].generated and not options.data:
        raise UsageError("--data PATH is missing")
    result = run_suite(
        options.suite,
        f"{options.suite}:{options.data}" if options.data else options.suite,
        Selection.of(options),
        seeds=options.seeds,
        epochs=options.epochs,
        samples=options.samples,
        devices=options.device or (),
        jobs=options.jobs,
        scheduler=options.scheduler,
        out=options.out or f"bench-{options.suite}",
        progress=not options.json,
    )
    lines = [result.markdown(), "", *(f"wrote {path}" for path in result.files)]
    return Output(result.summary(), lines, 1 if result.bad else 0)

"""``ranvier verify``: one device compared with another."""

import argparse

from ranvier.commands.arguments import add_core, add_data, add_device, add_seed, core, count, device
from ranvier.commands.output import Output, announce

__all__ = ["EXAMPLES", "HELP", "arguments", "run"]

HELP = "Compare a device with the golden model, every value of every step."
EXAMPLES = (
    "verify --preset test",
    "verify --preset braille --data braille:FILE --samples 100",
    "verify --config core.toml --device 'serial:///dev/ttyUSB0?baud=1000000'",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_core(parser, required=True)
    add_data(parser, "data set to take some of the samples from")
    add_seed(parser, "networks and samples")
    parser.add_argument("--samples", type=count, default=20, help="samples to compare (default 20)")
    parser.add_argument(
        "--reference", metavar="DEVICE", type=device, default="golden", help="reference device (default golden)"
    )
    add_device(parser, "sim")
    parser.add_argument(
        "--waveform",
        metavar="FILE",
        default="mismatch.vcd",
        help="waveform to write if they differ (default mismatch.vcd)",
    )


def run(options: argparse.Namespace) -> Output:
    from ranvier.data import open_dataset
    from ranvier.device import open_device
    from ranvier.files.output import check_output
    from ranvier.verification.verify import verify

    config = core(options)
    waveform = check_output(options.waveform)
    dataset = open_dataset(options.data) if options.data else None
    if dataset:
        dataset.require("train")
        dataset.check(config, spare=True)
    names = (options.reference, "RTL" if options.device == "sim" else options.device)
    announce(options)
    with open_device(options.reference, config) as reference, open_device(options.device, config) as device:
        result = verify(
            reference,
            device,
            seed=options.seed,
            samples=options.samples,
            dataset=dataset,
            waveform=waveform,
            names=names,
            progress=not options.json,
        )
    return Output(result.summary(), result.lines(), 1 if result.mismatches else 0)

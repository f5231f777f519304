"""Arguments that several commands share, the types of their values, and what they are read as."""

import argparse
from collections.abc import Callable
from contextlib import suppress

from ranvier.data.registry import names
from ranvier.device import DEVICES, DeviceError, check_device
from ranvier.errors import shown
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import PRESETS, preset

__all__ = [
    "add_copies",
    "add_core",
    "add_data",
    "add_device",
    "add_json",
    "add_seed",
    "core",
    "count",
    "device",
    "network",
    "part",
    "positive",
    "share",
    "whole",
]

# -------------------------------------------------------------------- types of values


def whole(least: int, most: int) -> Callable[[str], int]:
    """Whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        with suppress(ValueError):  # thousands of digits
            if text.isascii() and text.isdecimal() and least <= int(text) <= most:
                return int(text)
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {least} to {most}")

    return parse


#: How many of something.
count = whole(1, 10**9)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a positive number")
    return value


def share(text: str) -> float:
    """A share that is not 0."""
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{shown(text)} is not a share: give more than 0, and 1 at most")


def part(text: str) -> float:
    """A share that is not all."""
    with suppress(ValueError):
        if 0 <= float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{shown(text)} is not a share to hold out: give a share from 0 to below 1")


def device(text: str) -> str:
    """The name of a device."""
    try:
        return check_device(text)
    except DeviceError as error:  # argparse adds the name of the option to its own error alone
        raise argparse.ArgumentTypeError(str(error)) from None


# -------------------------------------------------------------------- arguments


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``, which every command has."""
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def add_core(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The core, of which `core` makes a configuration."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--preset", metavar="NAME", help=f"core by name: {', '.join(PRESETS)}")
    group.add_argument("--config", metavar="FILE", help="core from a TOML file")


def add_data(parser: argparse.ArgumentParser, use: str = "", *, required: bool = False) -> None:
    """The data set, as `ranvier.data.open_dataset` reads it, and what it is used for."""
    parser.add_argument("--data", required=required, help=f"{use}: {names()}" if use else names())


def add_device(parser: argparse.ArgumentParser, default: str) -> None:
    """The device that does it."""
    names = f"what runs it: {', '.join(DEVICES)}, serial://PORT?baud=RATE (default {default})"
    parser.add_argument("--device", metavar="DEVICE", type=device, default=default, help=names)


def add_copies(parser: argparse.ArgumentParser) -> None:
    """Parallel synapses."""
    text = "synapses between an input and a neuron, each with a delay of its own (default 1)"
    parser.add_argument("--copies", type=whole(1, 64), default=1, help=text)


def add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    """The seed of whatever is random, and `what` that is."""
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help=f"of {what} (default 0)")


# -------------------------------------------------------------------- what they are read as


def core(options: argparse.Namespace, default: str = "") -> CoreConfig:
    """The core of `add_core`; the preset `default` if none was asked for."""
    return CoreConfig.read(options.config) if options.config else preset(options.preset or default)


def network(path: str) -> FloatNetwork:
    """A saved network in real numbers or for the core, in real numbers."""
    with suppress(NetworkError):
        return FloatNetwork.read(path)
    return FloatNetwork.of(Network.read(path))

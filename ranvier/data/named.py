"""Data sets by the text that names them on the command line."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ranvier.data.augmentation import Augmentation
from ranvier.data.braille import braille
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.heidelberg import shd, ssc
from ranvier.data.packed import Binning
from ranvier.data.yinyang import yin_yang

__all__ = ["NAMES", "open_dataset"]

#: What can be named, for help and complaints.
NAMES = "yinyang, yinyang60, braille:PATH, shd:FOLDER?OPTIONS or ssc:FOLDER?OPTIONS"

#: Name -> steps from coordinate 0 to coordinate 1.
YIN_YANG = {"yinyang": 30, "yinyang60": 60}


def _speakers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


#: Options that either data set understands, beyond the fields of `Binning` and `Augmentation`.
HEIDELBERG: dict[str, tuple[Callable[..., Dataset], dict[str, Callable[[str], Any]]]] = {
    "shd": (shd, {"share": float, "speakers": _speakers, "seed": int}),
    "ssc": (ssc, {"judge": str}),
}


def _options(text: str, known: dict[str, Callable[[str], Any]], name: str) -> dict[str, Any]:
    """Values of ``key=value&key=value``."""
    values: dict[str, Any] = {}
    for part in text.split("&") if text else ():
        key, _, value = part.partition("=")
        if key not in known:
            raise DataError(f"{name} has no option {key!r}: choose from {', '.join(known)}")
        try:
            values[key] = known[key](value)
        except ValueError:
            raise DataError(f"{name}: {part!r} is not a number: give {key}=NUMBER") from None
    return values


def _heidelberg(name: str, text: str) -> Dataset:
    """``FOLDER?key=value&...``"""
    load, own = HEIDELBERG[name]
    folder, _, options = text.partition("?")
    groups = {group: {f.name: type(f.default) for f in fields(group)} for group in (Binning, Augmentation)}
    known = own | groups[Binning] | groups[Augmentation]
    values = _options(options, known, name)
    binning, augmentation = (
        group(**{key: value for key, value in values.items() if key in names}) for group, names in groups.items()
    )
    rest = {key: value for key, value in values.items() if key in own}
    return load(folder, binning=binning, augmentation=augmentation, **rest)


def open_dataset(text: str) -> Dataset:
    """The data set that `text` names, as on the command line.

    Parameters
    ----------
    text : str
        ``yinyang``, ``yinyang60``, ``braille:PATH``, ``shd:FOLDER`` or ``ssc:FOLDER``. The last two take options, such as
        ``shd:FOLDER?steps=200&dt=0.005&channels=70&shift=4``: the fields of `Binning` and `Augmentation`, and what `shd` or
        `ssc` takes besides (several speakers as ``speakers=3,7``).

    Raises
    ------
    DataError
        If there is no such data set or option, or its files cannot be used.
    """
    name, _, path = text.partition(":")
    if name in YIN_YANG and not path:
        return yin_yang(span=YIN_YANG[name])
    if name == "braille" and path:
        return braille(path)
    if name in HEIDELBERG and path:
        return _heidelberg(name, path)
    raise DataError(f"unknown data set {text!r}: give {NAMES}")

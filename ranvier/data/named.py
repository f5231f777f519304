"""Data sets by the text that names them on the command line."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ranvier.data.augmentation import Augmentation
from ranvier.data.braille import braille
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.heidelberg import shd, ssc
from ranvier.data.packed import Binning
from ranvier.data.yinyang import yin_yang
from ranvier.errors import shown

__all__ = ["NAMES", "open_dataset"]

#: What can be named, for help and complaints.
NAMES = "yinyang, yinyang60, braille:PATH, shd:FOLDER?OPTIONS or ssc:FOLDER?OPTIONS"

#: Name -> steps from coordinate 0 to coordinate 1.
YIN_YANG = {"yinyang": 30, "yinyang60": 60}


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def _real(text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", text):
        raise ValueError(text)
    return float(text)


def _speakers(text: str) -> tuple[int, ...]:
    return tuple(map(_whole, text.split(",")))


Kinds = dict[str, Callable[[str], Any]]

#: How the value of an option is read, by the type of its default.
KIND: dict[type, Callable[[str], Any]] = {int: _whole, float: _real}

#: Options of either kind of data set, beyond the fields of `Binning` and `Augmentation` of the Heidelberg ones.
BRAILLE: Kinds = {
    "seed": _whole, "threshold": _real, "cap": _whole, "tail": _whole, "scored": _whole, "train": _whole, "test": _whole,
}  # fmt: skip
HEIDELBERG: dict[str, tuple[Callable[..., Dataset], Kinds]] = {
    "shd": (shd, {"share": _real, "speakers": _speakers, "seed": _whole}),
    "ssc": (ssc, {"judge": str}),
}


def _options(text: str, known: Kinds, name: str) -> dict[str, Any]:
    """Values of ``key=value&key=value``."""
    values: dict[str, Any] = {}
    for part in text.split("&") if text else ():
        key, _, value = part.partition("=")
        if key not in known:
            raise DataError(f"{name} has no option {shown(key)}: choose from {', '.join(known)}")
        if key in values:
            raise DataError(f"{name}: duplicated option {shown(key)}: give it once")
        try:
            values[key] = known[key](value)
        except ValueError:
            whole = ", a whole one" if known[key] is _whole else ""
            raise DataError(f"{name}: {shown(part)} is not a number: give {key}=NUMBER{whole}") from None
    return values


def _heidelberg(name: str, folder: str, options: str) -> Dataset:
    """A data set in a folder, with ``key=value&...``"""
    load, own = HEIDELBERG[name]
    groups = {group: {f.name: KIND[type(f.default)] for f in fields(group)} for group in (Binning, Augmentation)}
    values = _options(options, own | groups[Binning] | groups[Augmentation], name)
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
        ``yinyang``, ``yinyang60``, ``braille:PATH``, ``shd:FOLDER`` or ``ssc:FOLDER``. All but the first two take options,
        such as ``shd:FOLDER?steps=200&dt=0.005&channels=70&shift=4``: the fields of `Binning` and `Augmentation`, and what
        `shd` or `ssc` takes besides (several speakers as ``speakers=3,7``); ``braille:PATH?train=8&test=2``: what `braille`
        takes.

    Raises
    ------
    DataError
        If there is no such data set or option, an option is given twice, or the files cannot be used.
    """
    if not isinstance(text, str):
        raise DataError(f"a data set is named by text, not by {type(text).__name__}: give {NAMES}")
    name, _, rest = text.partition(":")
    path, _, options = rest.partition("?")
    if name in YIN_YANG and not rest:
        return yin_yang(span=YIN_YANG[name])
    if name == "braille" and path:
        return braille(path, **_options(options, BRAILLE, name))
    if name in HEIDELBERG and path:
        return _heidelberg(name, path, options)
    raise DataError(f"unknown data set {shown(text)}: give {NAMES}")

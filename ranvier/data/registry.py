"""Data sets by the text that names them on the command line.

A file ``ranvier/data/NAME.py`` calls `register`; importing `ranvier.data` imports every file of its folder.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ranvier.data.dataset import DataError, Dataset
from ranvier.data.published import PUBLISHED, Published
from ranvier.errors import shown

__all__ = [
    "DATASETS",
    "NamedDataset",
    "Option",
    "names",
    "open_dataset",
    "option_table",
    "real",
    "register",
    "table",
    "whole",
]


def whole(text: str) -> int:
    """A whole number of up to 18 digits; `ValueError` if it is none."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def real(text: str) -> float:
    """A number in decimal notation; `ValueError` if it is none."""
    if not re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", text):
        raise ValueError(text)
    return float(text)


@dataclass(frozen=True)
class Option:
    """What may follow the ``?`` in the name of a data set, as ``key=value``.

    Parameters
    ----------
    read : callable
        Text -> value, such as `whole`, `real` or `str`; raises `ValueError`.
    default : str
        What holds without it, for people.
    help : str
        What it does, for people.
    """

    read: Callable[[str], Any]
    default: str
    help: str


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A data set that can be named on the command line.

    Parameters
    ----------
    spelled : str
        How: ``name`` if it is generated, ``name:PATH`` or ``name:FOLDER?OPTIONS`` if it is read.
    load : callable
        Returns the `Dataset`. Takes what stands for PATH, if there is one, and the values of `options` by name.
    what : str
        What it is, and where it is described.
    classes : int
        How many there are.
    samples : str
        How many there are to learn, and to test on.
    options : mapping
        Name -> `Option`.
    published : Published, optional
        Where its files are.
    """

    spelled: str
    load: Callable[..., Dataset]
    what: str
    classes: int
    samples: str
    options: Mapping[str, Option] = field(default_factory=dict)
    published: Published | None = None

    @property
    def name(self) -> str:
        """Which recipes suit it, see `ranvier.recipes`."""
        return self.spelled.partition(":")[0]

    @property
    def generated(self) -> bool:
        """Whether it needs no files."""
        return ":" not in self.spelled


#: Name -> data set.
DATASETS: dict[str, NamedDataset] = {}


def register(dataset: NamedDataset) -> None:
    """Make a data set known to the command line, to downloads and to the documents."""
    if dataset.name in DATASETS:
        raise DataError(f"two data sets are called {dataset.name!r}: give each a name of its own")
    DATASETS[dataset.name] = dataset
    if dataset.published:
        PUBLISHED[dataset.name] = dataset.published


def _ordered() -> list[NamedDataset]:
    """By name, those that need no files first."""
    return sorted(DATASETS.values(), key=lambda dataset: (not dataset.generated, dataset.name))


def names() -> str:
    """What can be named, for help and complaints."""
    *first, last = [dataset.spelled for dataset in _ordered()]
    return f"{', '.join(first)} or {last}"


def _values(text: str, known: Mapping[str, Option], name: str) -> dict[str, Any]:
    """Values of ``key=value&key=value``."""
    values: dict[str, Any] = {}
    for part in text.split("&") if text else ():
        key, _, value = part.partition("=")
        if key not in known:
            raise DataError(f"{name} has no option {shown(key)}: choose from {', '.join(known)}")
        if key in values:
            raise DataError(f"{name}: duplicated option {key!r}: give it once")
        try:
            values[key] = known[key].read(value)
        except ValueError:
            kind = ", a whole one" if known[key].read is whole else ""
            raise DataError(f"{name}: {shown(part)} is not a number: give {key}=NUMBER{kind}") from None
    return values


def open_dataset(text: str) -> Dataset:
    """The data set that `text` names, as on the command line.

    Parameters
    ----------
    text : str
        Spelled as `names` lists them, such as ``yinyang``, or ``braille:PATH`` and ``shd:FOLDER``, which take options:
        ``braille:PATH?train=8&test=2``, ``shd:FOLDER?steps=200&dt=0.005&channels=70&shift=4``. `option_table` lists them.

    Raises
    ------
    DataError
        If there is no such data set or option, an option is given twice, or the files cannot be used.
    """
    if not isinstance(text, str):
        raise DataError(f"a data set is named by text, not by {type(text).__name__}: give {names()}")
    name, _, rest = text.partition(":")
    path, _, options = rest.partition("?")
    dataset = DATASETS.get(name)
    if dataset and dataset.generated and not rest:
        return dataset.load()
    if dataset and not dataset.generated and path:
        return dataset.load(path, **_values(options, dataset.options, name))
    raise DataError(f"unknown data set {shown(text)}: give {names()}")


# -------------------------------------------------------------------- for the documents


def table() -> list[str]:
    """The data sets as lines of a Markdown table."""
    lines = ["| text | data set | classes | samples: training / test | source | licence |", "|---|---|---|---|---|---|"]
    for dataset in _ordered():
        found = dataset.published
        source = (f"<{found.address}>", found.licence) if found else ("computed", "")
        spelled = dataset.spelled.removesuffix("?OPTIONS")
        lines.append(f"| `{spelled}` | {dataset.what} | {dataset.classes} | {dataset.samples} | {' | '.join(source)} |")
    return [line.replace("  ", " ") for line in lines]


def option_table(*datasets: str) -> list[str]:
    """The options of some data sets as lines of a Markdown table; of one that not all of them have, it names those."""
    found: dict[str, dict[str, Option]] = {}
    for name in datasets:
        for key, option in DATASETS[name].options.items():
            found.setdefault(key, {})[name] = option
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for key, by in found.items():
        option = next(iter(by.values()))
        owners = "" if len(by) == len(datasets) else "".join(f"`{name}`: " for name in by)
        lines.append(f"| `{key}` | {option.default} | {owners}{option.help} |".replace("  ", " "))
    return lines

"""Data sets as input spikes with class labels."""

from ranvier.data.braille import braille
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.delta import send_on_delta
from ranvier.data.yinyang import yin_yang

__all__ = ["DataError", "Dataset", "braille", "open_dataset", "send_on_delta", "yin_yang"]


def open_dataset(text: str) -> Dataset:
    """The data set that `text` names: ``yinyang`` or ``braille:PATH``, as on the command line.

    Raises
    ------
    DataError
        If there is no such data set or its file cannot be used.
    """
    name, _, path = text.partition(":")
    if name == "yinyang" and not path:
        return yin_yang()
    if name == "braille" and path:
        return braille(path)
    raise DataError(f"unknown data set {text!r}: give yinyang or braille:PATH")

"""Data sets as input spikes with class labels.

One file per data set, named after it, which registers itself. The others hold what data sets are made of.
"""

from importlib import import_module
from pkgutil import iter_modules

from ranvier.data.augmentation import Augmentation
from ranvier.data.braille import braille
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.delta import send_on_delta
from ranvier.data.packed import Binning
from ranvier.data.registry import open_dataset
from ranvier.data.shd import shd
from ranvier.data.ssc import ssc
from ranvier.data.tonic import from_tonic
from ranvier.data.yinyang import yin_yang

__all__ = [
    "Augmentation",
    "Binning",
    "DataError",
    "Dataset",
    "braille",
    "from_tonic",
    "open_dataset",
    "send_on_delta",
    "shd",
    "ssc",
    "yin_yang",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

"""Data sets as input spikes with class labels."""

from ranvier.data.augmentation import Augmentation
from ranvier.data.braille import braille
from ranvier.data.dataset import DataError, Dataset
from ranvier.data.delta import send_on_delta
from ranvier.data.heidelberg import shd, ssc
from ranvier.data.named import open_dataset
from ranvier.data.packed import Binning
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

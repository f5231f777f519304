"""Ranvier: a core for spiking networks that learns its delays, as a golden model, as RTL, and bit for bit the same.

>>> import ranvier
>>> config = ranvier.preset("yinyang")
>>> data = ranvier.yin_yang(train=200, test=100)
>>> recipe = ranvier.RECIPES["yinyang"].replace(epochs=1)
>>> with ranvier.open_device("golden", config) as device:  # or "sim": the RTL, for the same result
...     learned = ranvier.train(device, ranvier.initial_network(config, recipe, seed=0), data, recipe)
...     tested = ranvier.evaluate(device, data)
>>> tested.accuracy == learned.accuracy
True
>>> learned.delays.mean > 0
True

Every device takes the same calls and returns the same record, so that any two can be held against each other:

>>> tiny = ranvier.preset("test")
>>> plain, compiled = (ranvier.open_device(name, tiny) for name in ("golden:plain", "golden"))
>>> ranvier.verify(plain, compiled, samples=4).mismatches
0
"""

from ranvier.checkout import version as _version  # first of all: it finds the packages next to this folder

# isort: split
from ranvier.data import (
    Augmentation,
    Binning,
    DataError,
    Dataset,
    braille,
    from_tonic,
    open_dataset,
    send_on_delta,
    shd,
    ssc,
    yin_yang,
)
from ranvier.device import DEVICES, Device, DeviceError, open_device
from ranvier.errors import RanvierError
from ranvier.learners import learner
from ranvier.learners.delay_change import DelayChange
from ranvier.learners.evaluation import Evaluation, evaluate
from ranvier.learners.online import Epoch, train
from ranvier.learners.training import Training
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import PRESETS, preset
from ranvier.parameters.qformat import QFormat
from ranvier.parameters.record import COUNTERS, TRACED, Record
from ranvier.parameters.sample import Sample, SampleError
from ranvier.parameters.step_size import StepSize
from ranvier.plasticity.deep_r import DeepR, Rewiring
from ranvier.plasticity.distance_prior import DistancePrior
from ranvier.quantisation.quantise import Quantisation, quantise
from ranvier.recipes import DELAY_MODES, RECIPES, Recipe, initial_network, rewiring, with_delays
from ranvier.verification.verify import Difference, Mismatch, Twin, Verification, verify

__version__ = _version()

__all__ = [
    "COUNTERS",
    "DELAY_MODES",
    "DEVICES",
    "PRESETS",
    "RECIPES",
    "TRACED",
    "Augmentation",
    "Binning",
    "ConfigError",
    "CoreConfig",
    "DataError",
    "Dataset",
    "DeepR",
    "DelayChange",
    "Device",
    "DeviceError",
    "Difference",
    "DistancePrior",
    "Epoch",
    "Evaluation",
    "FloatNetwork",
    "Mismatch",
    "Network",
    "NetworkError",
    "QFormat",
    "Quantisation",
    "RanvierError",
    "Recipe",
    "Record",
    "Rewiring",
    "Sample",
    "SampleError",
    "StepSize",
    "Training",
    "Twin",
    "Verification",
    "__version__",
    "braille",
    "evaluate",
    "from_tonic",
    "initial_network",
    "learner",
    "open_dataset",
    "open_device",
    "preset",
    "quantise",
    "rewiring",
    "send_on_delta",
    "shd",
    "ssc",
    "train",
    "verify",
    "with_delays",
    "yin_yang",
]

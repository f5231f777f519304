"""What is handed to the Python functions and is none of what they take: one exception of this project, in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from ranvier.data import DataError, yin_yang
from ranvier.device import DeviceError, open_device
from ranvier.files.output import OutputError
from ranvier.learners.offline import fit
from ranvier.learners.online import evaluate, train
from ranvier.parameters.config import ConfigError
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample, SampleError
from ranvier.recipes import RECIPES

CONFIG = preset("yinyang").replace(neurons=4)
NETWORK, DATA = Network.zeros(CONFIG), yin_yang(train=10, test=4)
RECIPE = RECIPES["yinyang"].replace(epochs=1)


def trained(**changes: Any) -> Any:
    given = {"network": NETWORK, "dataset": DATA, "recipe": RECIPE} | changes
    with open_device("golden", CONFIG) as device:
        return train(**{"device": device} | given)


def fitted(**changes: Any) -> Any:
    given = {"learner": None, "network": FloatNetwork.of(NETWORK), "dataset": DATA, "recipe": None}
    return fit(**given | changes)


def evaluated(dataset: Any) -> Any:
    with open_device("golden", CONFIG) as device:
        device.load(NETWORK)
        return evaluate(device, dataset)


CASES: list[tuple[Callable[..., Any], dict[str, Any], type[Exception]]] = [
    *((trained, {"validation": value}, DataError) for value in ("0.1", None, [0.1], float("nan"), -0.1, 1, True)),
    *((trained, {"seed": value}, DataError) for value in (-1, 1.5, "x", None, True)),
    *((trained, {"checkpoint": value}, OutputError) for value in (5, [1], 1.5)),
    *((trained, {"dataset": value}, DataError) for value in (None, "yinyang", [])),
    *((trained, {"recipe": value}, ConfigError) for value in ("x", None, 5)),
    *((trained, {"network": value}, NetworkError) for value in (None, "m.npz", FloatNetwork.of(NETWORK))),
    *((trained, {"device": value}, DeviceError) for value in (None, "golden", CONFIG)),
    *((fitted, {"recipe": value}, ConfigError) for value in ("x", None, RECIPE)),
    (fitted, {"dataset": "yinyang"}, DataError),
    *((evaluated, {"dataset": value}, DataError) for value in ("yinyang", None)),
    *((NETWORK.save, {"path": value}, OutputError) for value in (5, None, [])),
    *((FloatNetwork.of(NETWORK).save, {"path": value}, OutputError) for value in (5, None)),
    (Sample.from_raster, {"raster": [[10**12]]}, SampleError),
    (Sample.from_raster, {"raster": [[2**62] * 4]}, SampleError),
]


@pytest.mark.parametrize(("call", "given", "error"), CASES)
def test_one_line(call: Callable[..., Any], given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        call(**given)
    assert str(caught.value)
    assert "\n" not in str(caught.value)

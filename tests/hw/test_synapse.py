import numpy as np
import pytest
from pysim import clocked

from ranvier.hw.pipeline import as_built
from ranvier.hw.synapse import SynapseMemory
from ranvier.parameters.config import CoreConfig

CORE = CoreConfig(inputs=2, neurons=5, outputs=2, max_delay=6, recurrent=True)
IDLE = {"write": {"weight": {"lanes": 0}, "delay": {"lanes": 0}}}


def padded(values, config):
    """[rows, words, lanes] of `values` [rows, neurons]."""
    result = np.zeros((config.rows, config.words * config.lanes), int)
    result[:, : values.shape[1]] = values
    return result.reshape(config.rows, config.words, config.lanes)


@pytest.mark.parametrize("memory", ["dual", "single"])
@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize(("neurons", "lanes", "recurrent"), [(1, 1, True), (5, 1, True), (5, 2, True), (5, 8, False)])
def test_every_synapse_is_read_back(delays, neurons, lanes, recurrent, memory):
    config = CORE.replace(delays=delays, neurons=neurons, lanes=lanes, recurrent=recurrent, memory=memory)
    rng = np.random.default_rng(neurons)
    weight = padded(rng.integers(config.weight.min, config.weight.max + 1, (config.rows, neurons)), config)
    columns = {"none": 0, "axonal": 1, "synaptic": neurons}[delays]
    delay = padded(rng.integers(0, config.delay_limit + 1, (config.rows, columns)), config)
    places = [(row, word) for row in range(config.rows) for word in range(config.words)]
    every = (1 << lanes) - 1
    stimulus = [
        {
            "write": {
                "weight": {"lanes": every, "row": row, "word": word, "values": weight[row, word].tolist()},
                "delay": {
                    "lanes": 0 if delays == "axonal" and word else 1 if delays == "axonal" else every,
                    "row": row,
                    "word": word,
                    "values": delay[row, word].tolist(),
                },
            }
        }
        for row, word in places
    ]
    latency = as_built(SynapseMemory, config).latency
    stimulus += [IDLE, *({"read": {"row": row, "word": word}} for row, word in places), *[{}] * latency]
    (synapses,) = clocked(SynapseMemory(config), stimulus, "read.synapses")
    for (row, word), read in zip(places, synapses[-len(places) :], strict=True):
        assert read["weight"] == weight[row, word].tolist()
        lanes_of_delay = {
            "none": [0] * lanes,
            "axonal": [delay[row, 0, 0]] * lanes,
            "synaptic": delay[row, word].tolist(),
        }
        assert read["delay"] == lanes_of_delay[delays]
        at = word * lanes + np.arange(lanes)
        targets = (at < neurons) & (at != row - config.inputs)
        assert [read["targets"] >> lane & 1 for lane in range(lanes)] == targets.tolist()
    assert len(places) == config.rows * config.words


def test_lanes_are_written_one_by_one():
    config = CORE.replace(lanes=4)
    place = {"row": 1, "word": 1}
    write = {
        "weight": place | {"lanes": 0b0101, "values": [1, 2, 3, 4]},
        "delay": place | {"lanes": 0b1000, "values": [5, 6, 7, 8]},
    }
    stimulus = [{"write": write, "read": place}, *[IDLE] * 6]
    (synapses,) = clocked(SynapseMemory(config), stimulus, "read.synapses")
    assert synapses[-1] == {"weight": [1, 0, 3, 0], "delay": [0, 0, 0, 8], "targets": 0b0001}

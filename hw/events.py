"""Inputs and outputs of the core."""

import enum

from amaranth.hdl import signed
from amaranth.lib import data

from ranvier.parameters.config import CoreConfig

__all__ = ["EventKind", "OutputKind", "event_layout", "output_layout"]


class EventKind(enum.Enum):
    """Kind of an event. Spikes come before the step that they belong to."""

    SPIKE = 0  #: input `unit` spikes on the coming step
    STEP = 1  #: run one step; `scored` if its readout counts, then with the class `target` when learning
    END = 2  #: end of the sample: emit scores and prediction, clear the state
    RESET = 3  #: clear the state, emit nothing


class OutputKind(enum.Enum):
    """Kind of an output."""

    SPIKE = 0  #: neuron `index` spiked on this step
    STEP = 1  #: the step is done
    SCORE = 2  #: output `index` has the score `value`
    PREDICTION = 3  #: class `index` has the largest score; last of the sample


def event_layout(config: CoreConfig) -> data.StructLayout:
    """An event: kind, unit (spike), scored and target (step)."""
    return data.StructLayout(
        {"kind": EventKind, "unit": range(max(2, config.inputs)), "scored": 1, "target": range(config.outputs)}
    )


def output_layout(config: CoreConfig) -> data.StructLayout:
    """An output: kind, index of neuron or output, score."""
    return data.StructLayout(
        {
            "kind": OutputKind,
            "index": range(max(config.words * config.lanes, config.outputs)),
            "value": signed(32),
        }
    )

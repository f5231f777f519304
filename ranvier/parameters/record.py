"""What running a sample yields, the same from every device."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTERS", "TRACED", "WRAP", "Record", "Steps", "Traced", "since"]

#: Counters have 32 bits, and begin anew from 0.
WRAP = 1 << 32

#: Saturation and activity counters of a core, in register order. Each counts since the last `load`, modulo `WRAP`.
COUNTERS = (
    "spikes",           # hidden spikes
    "deliveries",       # rows delivered: input spikes and (if recurrent) hidden spikes
    "delay_line_saturated",   # delay line of current clipped
    "potential_saturated",
    "readout_saturated",
    "trace_saturated",  # xbar or zbar clipped
    "signal_saturated", # L, m or a learning factor clipped
    "weight_saturated", # W or Wout clipped by an update
    "delay_saturated",  # D clipped to 0 or Dmax by an update
    "signal_underflow", # L, m or a learning factor that was not 0 rounded to 0
)  # fmt: skip

Traced = Literal["spikes", "potential", "readout", "surrogate", "readout_trace", "trace"]

#: What can be recorded step by step -> which size of the core it spans.
TRACED: dict[Traced, str] = {
    "spikes": "neurons",        # z_j[t]
    "potential": "neurons",     # v_j[t] before reset
    "readout": "outputs",       # y_k[t]
    "surrogate": "neurons",     # psi_j[t]; learning samples only
    "readout_trace": "neurons", # zbar_j[t]; learning samples only
    "trace": "rows",            # xbar_i[t]; learning samples only
}  # fmt: skip

#: What is recorded step by step: raw values after each step, [steps, ...].
Steps = dict[Traced, NDArray[np.int64]]


def since(before: int, now: int) -> int:
    """How far a counter, which wraps, has moved on."""
    return (now - before) % WRAP


@dataclass
class Record:
    """Outcome of one sample.

    Parameters
    ----------
    prediction : int
        Class with the largest score, the lowest index winning ties.
    scores : int array [outputs]
        Accumulated softmax (format u?.error.fraction) or readout over the scored steps.
    spikes : int
        Hidden spikes of this sample.
    steps : dict of int arrays [steps, ...]
        One entry per quantity asked for, raw values after each step: see `TRACED`.
    cycles : int or None
        Clock cycles of the core, from the first event to the prediction; None where there is no clock.
    length : int or None
        Steps that were run: those of the sample and those by which the network prolongs it. None if the device does not say.
    """

    prediction: int
    scores: NDArray[np.int64]
    spikes: int
    steps: Steps = field(default_factory=dict)
    cycles: int | None = None
    length: int | None = None

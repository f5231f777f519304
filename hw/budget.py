"""The cost of a core: clock cycles of each phase as a function of the work, and bits of every memory."""

from dataclasses import dataclass

import numpy as np
from amaranth.utils import ceil_log2
from numpy.typing import NDArray

from ranvier.hw.accumulator import Accumulator
from ranvier.hw.core import Phase
from ranvier.hw.credit_list import credit_layout
from ranvier.hw.delivery import Delivery
from ranvier.hw.eligibility import Eligibility
from ranvier.hw.learning_signal import LearningSignal
from ranvier.hw.neuron import NeuronSweep, neuron_layout
from ranvier.hw.pipeline import as_built
from ranvier.hw.presynaptic_trace import trace_layout
from ranvier.hw.readout import Readout
from ranvier.hw.row_memory import readout_memory, row_stride
from ranvier.hw.scoring import Scoring
from ranvier.hw.trace_history import entry_layout
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE

__all__ = ["Activity", "constants", "cycles", "formulas", "memories"]

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Activity:
    """Work of one sample.

    Parameters
    ----------
    input_spikes, spikes : int array [steps]
        Spikes of inputs and of neurons.
    scored : bool array [steps]
        Steps that were scored.
    credited : int array [steps]
        Neurons with psi or zbar on scored steps of a learning sample, zero on all others.
    awake, credit_words : int array [steps + config.lag], or [0] unless the sample was learned
        Rows awake when the eligibility unit runs, and words of neurons with credit in the list that it then walks. The last
        `lag` entries belong to the steps after the end, on which updates catch up.
    """

    input_spikes: Counts
    spikes: Counts
    scored: NDArray[np.bool_]
    credited: Counts
    awake: Counts
    credit_words: Counts


def constants(config: CoreConfig) -> dict[Phase, int]:
    """Overhead of each phase in clock cycles on a step that has work for it: pipelines fill and drain, states change."""
    c = config
    deliver = as_built(Delivery, c).latency + Accumulator.ADD_LATENCY
    return {
        Phase.IDLE: deliver + 1,
        Phase.SWEEP: as_built(NeuronSweep, c).latency + 1,
        Phase.READOUT: as_built(readout_memory, c).latency + Accumulator.ADD_LATENCY + 3,
        Phase.SCORE: c.readout_words + 2 * c.outputs + as_built(Scoring, c).latency + 1,
        Phase.SIGNAL: _signal(c) if c.learning else 0,
        Phase.DELIVER: deliver + 3 if c.recurrent else 1,
        Phase.LEARN: as_built(Eligibility, c).latency + 5 if c.learning else 0,
        Phase.FINISH: 3 * c.outputs + 3,
        Phase.CLEAR: max(c.slots * c.words, c.rows, _sweep(c)),
    }


def _signal(config: CoreConfig) -> int:
    """Overhead of `Phase.SIGNAL` in clock cycles: until the last error is stored, and from the last word to its credit.

    The walk can begin 3 clock cycles after the last probability, its first word 1 clock cycle after the error is stored.
    With one port the first word may have to wait for its turn, and the last word needs none.
    """
    signal = as_built(LearningSignal, config)
    storing = max(0, signal.error_latency + 1 - 3)
    turn = storing % 2 - 1 if config.memory == "single" else 0
    return storing + turn + signal.latency + 1


def _sweep(config: CoreConfig) -> int:
    """Clock cycles to sweep all neurons while all readouts leak."""
    sweep, readout = as_built(NeuronSweep, config), as_built(Readout, config)
    return max(config.words + sweep.latency, config.readout_words + readout.leak_latency) + 1


def _row(config: CoreConfig) -> int:
    """Clock cycles to deliver a row of synapses."""
    return max(3, config.words + 1)


def _turns(config: CoreConfig) -> int:
    """Clock cycles per word of a unit that reads and writes a memory."""
    return 2 if config.memory == "single" else 1


def _visits(config: CoreConfig, awake: Counts, words: Counts) -> Counts:
    """Clock cycles to issue all awake rows, `words` each, beyond those of an empty step."""
    if config.memory == "single":
        return np.where(words < 2, 3 * awake + awake % 2 - 1, 2 * words * awake + 1)
    return awake * np.maximum(3, words + 1) - (words < 2)


def cycles(config: CoreConfig, activity: Activity) -> dict[Phase, int]:
    """Clock cycles of each phase for a sample, end included, if events never have to be waited for and reports are off.

    Exact but for two phases: spikes are added to the readouts from their word of the sweep on, and delivered from the end of
    the sweep on, so that `Phase.READOUT` and `Phase.DELIVER` are upper bounds, missed by up to ``words + 1`` and ``words +
    2`` clock cycles per step with spikes. These are the throughputs of docs/architecture.md with their constants written
    out. The core takes input spikes and events while idle: one clock cycle per event, and one for the delay line to settle
    after it was cleared.
    """
    c, a, each = config, activity, constants(config)
    steps = len(a.spikes)
    readout = np.where(a.spikes > 0, a.spikes * c.readout_words + each[Phase.READOUT], 1)
    score = np.where(a.scored, each[Phase.SCORE], 0)
    walk = a.credited * c.readout_words * _turns(c)
    signal = np.where(a.credited > 0, walk + each[Phase.SIGNAL], a.scored * c.learning)
    meanwhile = np.maximum(1, readout - c.words) + score + signal
    deliver = np.where(a.spikes > 0, a.spikes * _row(c) * c.recurrent + each[Phase.DELIVER] - meanwhile, 1)
    visits = np.where(a.awake > 0, _visits(c, a.awake, a.credit_words), -2)
    learn = visits + each[Phase.LEARN]
    catching_up = 1 + max(0, len(a.awake) - steps)
    return {
        Phase.IDLE: int(np.where(a.input_spikes > 0, a.input_spikes * _row(c) + each[Phase.IDLE], 1).sum()) + 2,
        Phase.SWEEP: steps * _sweep(c),
        Phase.READOUT: int(readout.sum()),
        Phase.SCORE: int(score.sum()),
        Phase.SIGNAL: int(signal.sum()),
        Phase.DELIVER: int(np.maximum(1, deliver).sum()),
        Phase.LEARN: int(learn.sum()) + catching_up,
        Phase.REPORT: steps,
        Phase.FINISH: each[Phase.FINISH],
        Phase.CLEAR: each[Phase.CLEAR],
    }


def formulas(config: CoreConfig) -> dict[str, str]:
    """Formula for the clock cycles of every phase as text, with the numbers of `config` filled in."""
    c, each = config, constants(config)
    text = {
        "input spikes": f"{_row(c)} per spike + {each[Phase.IDLE]} per step with any",
        "sweep": f"{_sweep(c)} per step",
        "readout": f"{c.readout_words} per neuron spike + at most {each[Phase.READOUT]} per step",
        "score": f"{each[Phase.SCORE]} per scored step",
    }
    if c.learning:
        text["learning signal"] = (
            f"{c.readout_words * _turns(c)} per neuron with psi or zbar + {each[Phase.SIGNAL]}, on scored steps"
        )
    if c.recurrent:
        text["neuron spikes"] = (
            f"{_row(c)} per spike + at most {each[Phase.DELIVER]} per step, less what readout to signal took"
        )
    if c.learning:
        row, most = ("2 words with credit", 2 * c.words) if c.memory == "single" else ("words with credit + 1", _row(c))
        text["eligibility"] = f"max(3, {row}) per awake row (at most {max(3, most)}) + {each[Phase.LEARN]} per step"
    text["finish"] = f"{each[Phase.FINISH]} per sample"
    text["clear"] = f"{each[Phase.CLEAR]} per sample"
    return text


def memories(config: CoreConfig) -> dict[str, int]:
    """Bits of every memory, as described to synthesis."""
    c = config
    lists = 2 + c.recurrent + c.learning
    word_bits = ceil_log2(max(2, c.words))

    def matrix(rows: int, words: int, width: int) -> int:
        return max(2, rows * row_stride(c.memory, words)) * c.lanes * width

    bits = {
        "delay line": (c.slots << ceil_log2(c.words)) * c.lanes * c.potential.width,
        "weights": matrix(c.rows, c.words, c.weight.width),
        "readout weights": matrix(c.neurons, c.readout_words, c.weight.width),
        "neuron state": max(2, c.words) * c.lanes * neuron_layout(c).size,
        "readout state": max(2, c.readout_words) * c.lanes * c.potential.width,
        "spike lists": (lists << word_bits) * (c.lanes + word_bits),
        "scores": c.outputs * 32,
        "softmax": (c.outputs + len(EXP_TABLE)) * (EXP_BITS + 1),
    }
    if c.delays != "none":
        synaptic = c.delays == "synaptic"
        bits["delays"] = matrix(c.rows, c.words, c.delay.width) if synaptic else max(2, c.rows) * c.delay.width
    if c.feedback == "random":
        bits["feedback weights"] = bits["readout weights"]
    if c.learning:
        copies = c.lanes if c.delays == "synaptic" else 1
        bits["trace histories"] = copies * max(2, c.rows) * c.slots * entry_layout(c).size
        bits["trace state"] = max(2, c.rows) * trace_layout(c).size
        bits["awake rows"] = max(2, c.rows) * ceil_log2(max(2, c.rows))
        bits["credit lists"] = (1 << ceil_log2(c.lag + 1) << word_bits) * credit_layout(c).size
        bits["errors"] = max(2, c.readout_words) * c.lanes * (c.error.width + c.step_readout.width)
    return bits

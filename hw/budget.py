"""What a core costs: clocks per phase from the work that there is, and bits of every memory."""

from dataclasses import dataclass

from amaranth.utils import ceil_log2

from ranvier.golden.config import CoreConfig
from ranvier.hw.core import Phase
from ranvier.hw.credit_list import credit_layout
from ranvier.hw.delivery import Delivery
from ranvier.hw.eligibility import Eligibility
from ranvier.hw.learning_signal import LearningSignal
from ranvier.hw.neuron import NeuronSweep, neuron_layout
from ranvier.hw.softmax import Softmax
from ranvier.hw.trace import trace_layout
from ranvier.hw.trace_line import entry_layout

__all__ = ["Activity", "cycles", "formulas", "memories"]


@dataclass(frozen=True)
class Activity:
    """Work that a sample made, summed over its steps.

    Parameters
    ----------
    steps, scored : int
        Steps, and those that were scored.
    input_spikes, spikes : int
        Spikes of inputs and of neurons.
    credited : int
        Neurons with psi or zbar, over the scored steps (learning only).
    learning_steps : int
        Steps on which the eligibility unit ran, those after the end included.
    visits : int
        Rows awake, over the learning steps.
    visit_clocks : int
        ``max(3, credit words + 1)``, over those visits.
    """

    steps: int
    scored: int
    input_spikes: int
    spikes: int
    credited: int = 0
    learning_steps: int = 0
    visits: int = 0
    visit_clocks: int = 0


def constants(config: CoreConfig) -> dict[Phase, int]:
    """Clocks that a phase costs each time, beside its work: pipelines that fill and drain, and changes of state."""
    c = config
    lanes = ceil_log2(c.lanes)
    score = c.readout_words + lanes + 2 * c.outputs + Softmax.LATENCY + 5
    return {
        Phase.IDLE: Delivery.LATENCY + 6,
        Phase.SWEEP: NeuronSweep.LATENCY + 1,
        Phase.READOUT: 12,
        Phase.SCORE: score,
        Phase.SIGNAL: LearningSignal(c).LATENCY + 3 if c.learning else 0,
        Phase.DELIVER: Delivery.LATENCY + 10 if c.recurrent else 1,
        Phase.LEARN: Eligibility(c).latency + 5 if c.learning else 0,
        Phase.FINISH: 3 * c.outputs + 3,
        Phase.CLEAR: max(c.slots * c.words, c.rows, c.words + NeuronSweep.LATENCY + 2),
    }


def cycles(config: CoreConfig, activity: Activity) -> dict[Phase, int]:
    """Upper bound on the clocks that a sample spends in each phase; `Phase.REPORT` depends on who listens.

    These are the budgets of DESIGN section 6, with what it leaves to a constant written out: a row of synapses costs
    ``ceil(N/P) + 1`` clocks to deliver (at least 3), a row of the readout ``ceil(K/P)``, an awake row one clock per word of
    neurons with credit and one more (at least 3).
    """
    c, a, each = config, activity, constants(config)
    spike = max(3, c.words + 1)
    return {
        Phase.IDLE: a.input_spikes * spike + (a.steps + 1) * each[Phase.IDLE],
        Phase.SWEEP: a.steps * (c.words + each[Phase.SWEEP]),
        Phase.READOUT: a.spikes * c.readout_words + a.steps * each[Phase.READOUT],
        Phase.SCORE: a.scored * each[Phase.SCORE],
        Phase.SIGNAL: a.credited * c.readout_words + a.scored * (each[Phase.SIGNAL] if a.learning_steps else 1),
        Phase.DELIVER: (a.spikes * spike if c.recurrent else 0) + a.steps * each[Phase.DELIVER],
        Phase.LEARN: a.visit_clocks + a.learning_steps * each[Phase.LEARN] + 1,
        Phase.FINISH: each[Phase.FINISH],
        Phase.CLEAR: each[Phase.CLEAR],
    }


def formulas(config: CoreConfig) -> dict[str, str]:
    """Clocks of every phase in words, with the numbers of `config` filled in."""
    c, each = config, constants(config)
    spike = max(3, c.words + 1)
    text = {
        "deliver an input spike": f"{spike} clocks",
        "sweep": f"{c.words + each[Phase.SWEEP]} clocks per step",
        "readout": f"{c.readout_words} clocks per neuron spike + at most {each[Phase.READOUT]} per step",
    }
    if c.recurrent:
        text["deliver neuron spikes"] = f"{spike} clocks each + at most {each[Phase.DELIVER]} per step"
    text["score"] = f"{each[Phase.SCORE]} clocks per scored step"
    if c.learning:
        text["learning signal"] = (
            f"{c.readout_words} clocks per neuron with psi or zbar + at most {each[Phase.SIGNAL]} per scored step"
        )
        text["eligibility"] = (
            f"max(3, words with credit + 1) clocks per awake row, at most {spike}, "
            f"+ at most {each[Phase.LEARN]} per learning step"
        )
    text["finish"] = f"{each[Phase.FINISH]} clocks per sample"
    text["clear"] = f"{each[Phase.CLEAR]} clocks per sample"
    return text


def memories(config: CoreConfig) -> dict[str, int]:
    """Bits of every memory, as described to synthesis."""
    c = config
    word_slots = c.slots << ceil_log2(c.words)
    bits = {
        "delay line of current": word_slots * c.lanes * c.potential.width,
        "weights": c.rows * c.words * c.lanes * c.weight.width,
        "readout weights": c.neurons * c.readout_words * c.lanes * c.weight.width,
        "neuron state": c.words * c.lanes * neuron_layout(c).size,
        "readout state": c.readout_words * c.lanes * c.potential.width,
        "scores and softmax": c.outputs * (32 + 16),
    }
    if c.delays != "none":
        bits["delays"] = c.rows * c.delay.width * (c.words * c.lanes if c.delays == "synaptic" else 1)
    if c.feedback == "random":
        bits["feedback weights"] = bits["readout weights"]
    if c.learning:
        copies = c.lanes if c.delays == "synaptic" else 1
        bits["trace lines"] = copies * c.rows * c.slots * entry_layout(c).size
        bits["trace state"] = c.rows * trace_layout(c).size
        bits["awake rows"] = c.rows * ceil_log2(max(2, c.rows))
        bits["credit lists"] = (1 << ceil_log2(c.lag + 1)) * (1 << ceil_log2(c.words)) * credit_layout(c).size
        bits["errors"] = c.readout_words * c.lanes * (c.error.width + c.step_readout.width)
    return bits

"""The sequence of the core: one event after the other, and within a step one phase after the other."""

import enum

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.events import EventKind, event_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["LearnerControl", "Phase", "Sequencer", "done_layout"]


class Phase(enum.IntEnum):
    """Phase of the core, as shown on its `phase` port. Input spikes are delivered while it is idle."""

    IDLE, SWEEP, READOUT, SCORE, SIGNAL, DELIVER, LEARN, REPORT, FINISH, CLEAR = range(10)


#: Tasks that the units of the core have finished: delivering input spikes, sweeping neurons, adding spikes to the readout,
#: adding scores, delivering spikes of neurons, reporting spikes, emitting scores, and clearing neurons and readout.
done_layout = data.StructLayout(
    dict.fromkeys(("inputs", "sweep", "readout", "score", "deliver", "report", "emit", "clear"), 1)
)


class LearnerControl(wiring.Signature):
    """Commands to a learning engine, from the sequencer's side.

    Attributes
    ----------
    learn : Out(1)
        The sample is learned from; changes between samples only.
    begin : Out(1)
        A step begins, or one of those at the end of a sample by which updates lag.
    score : Out(1)
        Probabilities of a scored step will come from the clock cycle after the next one on.
    signal : Out(1)
        All have come: compute the credit of the step. Held until ...
    credited : In(1)
        ... that is done.
    update : Out(1)
        Update weights and delays. From the next clock cycle on until ...
    updated : In(1)
        ... that is done, all memories belong to the learning engine.
    slot, scored, target : Out
        The step: ``t mod L``, whether it is scored, class of the sample.
    clear, clear_row : Out
        The sample has ended: clear its state. Held while `clear_row` goes over all rows, one per clock cycle.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "learn": Out(1),
                "begin": Out(1),
                "score": Out(1),
                "signal": Out(1),
                "credited": In(1),
                "update": Out(1),
                "updated": In(1),
                "slot": Out(ceil_log2(config.slots)),
                "scored": Out(1),
                "target": Out(range(config.outputs)),
                "clear": Out(1),
                "clear_row": Out(range(max(2, config.rows))),
            }
        )


class Sequencer(wiring.Component):
    """Takes the events: hands spikes on, runs the phases of a step, and ends a sample with its scores and a cleared state.

    A phase lasts until its units have done their part (`done`), and one clock cycle longer; `ranvier.hw.budget` adds them
    up. Out of reset the state is cleared like after a reset event.

    Parameters
    ----------
    config : CoreConfig
        Sizes, lag, and whether there is a learning engine.

    Attributes
    ----------
    events : In(stream of `event_layout`)
        Events.
    inputs : Out(stream)
        Input units of spike events.
    learn, report : In(1)
        The mode: learn from samples, report spikes and steps.
    host_waits, host_idle : In(1), Out(1)
        The host has a request, which takes precedence over events; it may be answered now.
    done : In(`done_layout`)
        Tasks that have been finished.
    phase : Out(`Phase`)
        Phase of the core.
    sweep : Out(1)
        Neuron sweep and leak of the readout begin; to clear both, if `clear`.
    score : Out(1)
        Scoring of the step begins.
    finish, silent : Out(1)
        Scores are to be emitted, or only cleared; see `Scores`.
    report_step, step_reported : Out(1), In(1)
        The end of the step is reported, until the report is taken.
    slot : Out
        ``t mod L``.
    clear, clear_word, clear_slot : Out
        Held while the state is cleared; word and slot of the delay line to clear.
    learner : Out(`LearnerControl`)
        To the learning engine; without one, its steps are `updated`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "events": In(stream.Signature(event_layout(config))),
                "inputs": Out(stream.Signature(range(max(2, config.inputs)))),
                "learn": In(1),
                "report": In(1),
                "host_waits": In(1),
                "host_idle": Out(1),
                "done": In(done_layout),
                "phase": Out(Phase),
                "sweep": Out(1),
                "score": Out(1),
                "finish": Out(1),
                "silent": Out(1, init=1),
                "report_step": Out(1),
                "step_reported": In(1),
                "slot": Out(ceil_log2(config.slots)),
                "clear": Out(1),
                "clear_word": Out(range(max(2, config.words))),
                "clear_slot": Out(range(config.slots)),
                "learner": Out(LearnerControl(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ending, lagging = Signal(), Signal(range(self.config.lag + 2))  # the sample has ended; steps to catch up with
        m.d.comb += [
            self.inputs.payload.eq(self.events.payload.unit),
            self.learner.learn.eq(self.learn),
            self.learner.score.eq(self.score),
            self.learner.slot.eq(self.slot),
            self.learner.clear.eq(self.clear),
        ]
        with m.FSM(init="Finish"):
            self._take(m, lagging, ending)
            self._run(m)
            self._learn(m, lagging, ending)
            self._end(m)
        return m

    def _take(self, m, lagging, ending):
        """Events, while no step is under way."""
        event, learner = self.events.payload, self.learner
        with m.State("Idle"):
            m.d.comb += [self.phase.eq(Phase.IDLE), self.host_idle.eq(self.done.inputs)]
            with m.If(self.events.valid & ~self.host_waits & (event.kind == EventKind.SPIKE)):
                m.d.comb += [self.inputs.valid.eq(1), self.events.ready.eq(self.inputs.ready)]
            with m.Elif(self.events.valid & ~self.host_waits & self.done.inputs):
                m.d.comb += self.events.ready.eq(1)
                m.d.sync += [learner.scored.eq(event.scored), learner.target.eq(event.target), ending.eq(0)]
                with m.Switch(event.kind):
                    with m.Case(EventKind.STEP):
                        m.d.comb += [self.sweep.eq(1), learner.begin.eq(1)]
                        m.next = "Sweep"
                    with m.Case(EventKind.END):
                        m.d.sync += [self.silent.eq(0), lagging.eq(self.config.lag), ending.eq(1)]
                        m.next = "Catch up"
                    with m.Case(EventKind.RESET):
                        m.d.sync += self.silent.eq(1)
                        m.next = "Finish"

    def _run(self, m):
        """A step, from the sweep until its spikes have been delivered."""
        with m.State("Sweep"):
            m.d.comb += self.phase.eq(Phase.SWEEP)
            with m.If(self.done.sweep):
                m.next = "Readout"
        with m.State("Readout"):
            m.d.comb += self.phase.eq(Phase.READOUT)
            with m.If(self.done.readout):
                m.next = "Deliver"
                with m.If(self.learner.scored):
                    m.d.comb += self.score.eq(1)
                    m.next = "Score"
        with m.State("Score"):
            m.d.comb += self.phase.eq(Phase.SCORE)
            with m.If(self.done.score):
                m.next = "Signal" if self.config.learning else "Deliver"
        if self.config.learning:
            with m.State("Signal"):
                m.d.comb += [self.phase.eq(Phase.SIGNAL), self.learner.signal.eq(1)]
                with m.If(self.learner.credited):
                    m.next = "Deliver"
        with m.State("Deliver"):
            m.d.comb += self.phase.eq(Phase.DELIVER)
            with m.If(self.done.deliver):
                m.next = "Report"
                with m.If(self.learn):
                    m.d.comb += self.learner.update.eq(1)
                    m.next = "Learn"

    def _learn(self, m, lagging, ending):
        """Updates of a step and its report; at the end of a sample, of the steps by which learning lags."""
        with m.State("Learn"):
            m.d.comb += self.phase.eq(Phase.LEARN)
            with m.If(self.learner.updated):
                m.next = "Report"
                with m.If(ending):
                    m.d.sync += [self.slot.eq(self.slot + 1), lagging.eq(lagging - 1)]
                    m.next = "Catch up"
        with m.State("Report"):
            m.d.comb += self.phase.eq(Phase.REPORT)
            with m.If(self.done.report):
                m.d.comb += self.report_step.eq(self.report)
                with m.If(self.step_reported | ~self.report):
                    m.d.sync += self.slot.eq(self.slot + 1)
                    m.next = "Idle"
        with m.State("Catch up"):
            m.d.comb += self.phase.eq(Phase.LEARN)
            m.next = "Finish"
            with m.If(self.learn & (lagging != 0)):
                m.d.comb += [self.learner.begin.eq(1), self.learner.update.eq(1)]
                m.next = "Learn"

    def _end(self, m):
        """Emit the scores; then clear neurons and readout, the delay line and all rows of the learner in parallel."""
        c, row = self.config, self.learner.clear_row
        with m.State("Finish"):
            m.d.comb += [self.phase.eq(Phase.FINISH), self.finish.eq(1)]
            m.next = "Emit"
        with m.State("Emit"):
            m.d.comb += self.phase.eq(Phase.FINISH)
            with m.If(self.done.emit):
                m.d.comb += self.sweep.eq(1)
                m.d.sync += [self.clear_word.eq(0), self.clear_slot.eq(0), row.eq(0), self.clear.eq(1)]
                m.next = "Clear"
        with m.State("Clear"):
            m.d.comb += self.phase.eq(Phase.CLEAR)
            last_row, last_word = row == c.rows - 1, self.clear_word == c.words - 1
            with m.If(~last_row):
                m.d.sync += row.eq(row + 1)
            with m.If(~last_word):
                m.d.sync += self.clear_word.eq(self.clear_word + 1)
            with m.Elif(self.clear_slot != c.slots - 1):
                m.d.sync += [self.clear_word.eq(0), self.clear_slot.eq(self.clear_slot + 1)]
            with m.Elif(last_row & self.done.clear):
                m.d.sync += [self.slot.eq(0), self.clear.eq(0)]
                m.next = "Idle"

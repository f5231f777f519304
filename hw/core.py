"""The core: units, memories, and the sequence of a step."""

import enum

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.awake_rows import AwakeRows
from ranvier.hw.counters import Counters
from ranvier.hw.credit_list import CreditList
from ranvier.hw.delay_line import DelayLine
from ranvier.hw.delivery import Delivery
from ranvier.hw.eligibility import Eligibility
from ranvier.hw.events import EventKind, OutputKind, event_layout, output_layout
from ranvier.hw.fixed import popcount
from ranvier.hw.host import Host, request_layout, response_layout
from ranvier.hw.learning_signal import LearningSignal
from ranvier.hw.neuron import NeuronSweep
from ranvier.hw.pipeline import delayed
from ranvier.hw.presynaptic_trace import PresynapticTraces
from ranvier.hw.random import LaneGenerators
from ranvier.hw.readout import Readout
from ranvier.hw.register_bank import RegisterBank
from ranvier.hw.registers import Owner, Space
from ranvier.hw.row_memory import RowMemory
from ranvier.hw.scores import Scores
from ranvier.hw.scoring import Scoring
from ranvier.hw.spike_list import SpikeList
from ranvier.hw.synapse import SynapseMemory
from ranvier.hw.trace_history import TraceHistory
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.record import COUNTERS

__all__ = ["Core", "Phase"]


class Phase(enum.IntEnum):
    """What the core is doing, as shown on its `phase` port. Input spikes are delivered while it is idle."""

    IDLE, SWEEP, READOUT, SCORE, SIGNAL, DELIVER, LEARN, REPORT, FINISH, CLEAR = range(10)


class Core(wiring.Component):
    """Spiking network with on-chip learning of weights and delays (docs/rule.md, docs/architecture.md).

    Events stream in: spikes are delivered as they come, a step event runs everything else of its step, an end event yields
    scores and prediction and clears the state. Spikes and results stream out. The host port reads and writes parameters and
    state whenever no event is being handled. Out of `rst` the state is cleared like after a reset event; parameters stay.
    See `ranvier.hw.budget` for the clocks that each phase takes.

    Parameters
    ----------
    config : CoreConfig
        What to build.

    Attributes
    ----------
    events : In(stream of `event_layout`)
        Input.
    outputs : Out(stream of `output_layout`)
        Output; spikes and steps only with the mode's report bit set. A stalled consumer stalls the core.
    request, response : stream
        Host port (see `Host`).
    phase : Out(4)
        See `Phase`.
    busy : Out(1)
        An event is being handled.
    score_overflowed : Out(1)
        A score wrapped: the sample has more scored steps than `CoreConfig.max_scored`.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "events": In(stream.Signature(event_layout(config))),
                "outputs": Out(stream.Signature(output_layout(config))),
                "request": In(stream.Signature(request_layout(config))),
                "response": Out(stream.Signature(response_layout())),
                "phase": Out(4),
                "busy": Out(1),
                "score_overflowed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        m.submodules.host = self.host = Host(c)
        m.submodules.delay_line = self.delay_line = DelayLine(c)
        m.submodules.synapses = self.synapses = SynapseMemory(c)
        m.submodules.delivery = self.delivery = Delivery(c)
        m.submodules.neurons = self.neurons = NeuronSweep(c)
        m.submodules.readout = self.readout = Readout(c)
        matrix = (c.weight, c.neurons, c.readout_words, c.lanes, c.memory)
        m.submodules.readout_weights = self.readout_weights = RowMemory(*matrix)
        m.submodules.scoring = self.scoring = Scoring(c)
        m.submodules.scores = self.scores = Scores(c)
        widths = {"cycles": 1} | {name: ceil_log2(2 * c.lanes + 8) + 1 for name in COUNTERS}
        m.submodules.counters = self.counters = Counters(widths)
        lists = ["to_readout", "to_report"] + ["to_deliver"] * c.recurrent + ["to_credit"] * c.learning
        self.lists = {name: SpikeList(c.words, c.lanes) for name in lists}
        for name, unit_list in self.lists.items():
            m.submodules[name] = unit_list
        if c.learning:
            m.submodules.random = self.random = LaneGenerators(c.lanes)
            m.submodules.signal = self.signal = LearningSignal(c)
            m.submodules.credit = self.credit = CreditList(c)
            m.submodules.awake = self.awake = AwakeRows(c.rows)
            m.submodules.traces = self.traces = PresynapticTraces(c)
            m.submodules.trace_history = self.trace_history = TraceHistory(c)
            m.submodules.eligibility = self.eligibility = Eligibility(c)
            if c.feedback == "random":
                m.submodules.feedback = self.feedback = RowMemory(*matrix)

        self.slot = Signal(ceil_log2(c.slots))  # t mod L
        self.scored, self.target = Signal(), Signal(range(c.outputs))  # of the step under way
        self.clearing = Signal()
        self.clear_word, self.clear_slot = Signal(range(max(2, c.words))), Signal(range(c.slots))
        self.clear_row = Signal(range(max(2, c.rows)))
        self._registers(m)
        self._host(m)
        self._forward(m)
        if c.learning:
            self._learning(m)
        self._sequence(m)
        self._outputs(m)
        self._counters(m)
        return m

    # ------------------------------------------------------------------ sequence

    def _sequence(self, m):
        """One event after the other, and within a step one phase after the other."""
        c = self.config
        event = self.events.payload
        lagging = Signal(range(c.lag + 2))
        settled = ~self.delivery.busy & ~self.delay_line.busy & ~self.host.active & ~self.request.valid
        ending = Signal()
        with m.FSM(init="Finish"):  # out of reset the state is cleared like after a reset event
            with m.State("Idle"):
                m.d.comb += [self.phase.eq(Phase.IDLE), self.host.idle.eq(~self.delivery.busy & ~self.delay_line.busy)]
                with m.If(
                    self.events.valid & ~self.host.active & ~self.request.valid & (event.kind == EventKind.SPIKE)
                ):
                    m.d.comb += self.take_input.eq(1)
                    m.d.comb += self.events.ready.eq(self.delivery.spikes.ready)
                with m.Elif(self.events.valid & settled):
                    m.d.comb += self.events.ready.eq(1)
                    m.d.sync += [self.scored.eq(event.scored), self.target.eq(event.target), ending.eq(0)]
                    with m.Switch(event.kind):
                        with m.Case(EventKind.STEP):
                            m.d.comb += [self.neurons.start.eq(1), self.readout.start.eq(1), self.begin_credit.eq(1)]
                            m.next = "Sweep"
                        with m.Case(EventKind.END):
                            m.d.sync += [self.scores.silent.eq(0), lagging.eq(c.lag), ending.eq(1)]
                            m.next = "Catch up"
                        with m.Case(EventKind.RESET):
                            m.d.sync += self.scores.silent.eq(1)
                            m.next = "Finish"
            with m.State("Sweep"):
                m.d.comb += self.phase.eq(Phase.SWEEP)
                with m.If(~self.neurons.busy & ~self.readout.leaking):
                    m.next = "Readout"
            with m.State("Readout"):
                m.d.comb += self.phase.eq(Phase.READOUT)
                with m.If(self.lists["to_readout"].empty & ~self.readout.busy):
                    m.next = "Deliver"
                    with m.If(self.scored):
                        m.d.comb += self.scoring.start.eq(1)
                        m.next = "Score"
            with m.State("Score"):
                m.d.comb += self.phase.eq(Phase.SCORE)
                with m.If(~self.scoring.busy & ~self.scores.busy):
                    m.next = "Signal" if c.learning else "Deliver"
            if c.learning:
                with m.State("Signal"):
                    m.d.comb += [self.phase.eq(Phase.SIGNAL), self.signal.walk.eq(1)]
                    with m.If(self.lists["to_credit"].empty & ~self.signal.busy):
                        m.d.comb += self.credit.flush.eq(1)
                        m.next = "Deliver"
            with m.State("Deliver"):
                m.d.comb += self.phase.eq(Phase.DELIVER)
                delivered = self.lists["to_deliver"].empty if c.recurrent else 1
                with m.If(delivered & ~self.delivery.busy & ~self.delay_line.busy):
                    m.next = "Report"
                    with m.If(self.learn):
                        m.d.comb += self.begin_learning.eq(1)
                        m.next = "Learn"
            with m.State("Learn"):
                m.d.comb += self.phase.eq(Phase.LEARN)
                with m.If(self.learned):
                    m.next = "Report"
                    with m.If(ending):
                        m.d.sync += [self.slot.eq(self.slot + 1), lagging.eq(lagging - 1)]
                        m.next = "Catch up"
            with m.State("Report"):
                m.d.comb += self.phase.eq(Phase.REPORT)
                with m.If(self.lists["to_report"].empty):
                    m.d.comb += self.report_step.eq(self.report)
                    with m.If(self.outputs.ready | ~self.report):
                        m.d.sync += self.slot.eq(self.slot + 1)
                        m.next = "Idle"
            with m.State("Catch up"):
                m.d.comb += self.phase.eq(Phase.LEARN)
                m.next = "Finish"
                with m.If(self.learn & (lagging != 0)):
                    m.d.comb += [self.begin_credit.eq(1), self.begin_learning.eq(1)]
                    m.next = "Learn"
            with m.State("Finish"):
                m.d.comb += [self.phase.eq(Phase.FINISH), self.scores.finish.eq(1)]
                m.next = "Emit"
            with m.State("Emit"):
                m.d.comb += self.phase.eq(Phase.FINISH)
                with m.If(~self.scores.busy):
                    m.d.comb += [self.neurons.start.eq(1), self.readout.start.eq(1)]
                    m.d.sync += [
                        self.clear_word.eq(0),
                        self.clear_slot.eq(0),
                        self.clear_row.eq(0),
                        self.clearing.eq(1),
                    ]
                    m.next = "Clear"
            with m.State("Clear"):
                m.d.comb += self.phase.eq(Phase.CLEAR)
                last_row, last_word = self.clear_row == c.rows - 1, self.clear_word == c.words - 1
                last_slot = self.clear_slot == c.slots - 1
                with m.If(~last_row):
                    m.d.sync += self.clear_row.eq(self.clear_row + 1)
                with m.If(~last_word):
                    m.d.sync += self.clear_word.eq(self.clear_word + 1)
                with m.Elif(~last_slot):
                    m.d.sync += [self.clear_word.eq(0), self.clear_slot.eq(self.clear_slot + 1)]
                with m.Elif(last_row & ~self.neurons.busy & ~self.readout.busy):
                    m.d.sync += [self.slot.eq(0), self.clearing.eq(0)]
                    m.next = "Idle"

    # ------------------------------------------------------------------ parameters

    def _registers(self, m):
        """Registers, and the strobes that the sequence gives."""
        c, host = self.config, self.host
        m.submodules.registers = self.registers = registers = RegisterBank(c, (Owner.CONSTANT, Owner.CORE))
        m.d.comb += [
            registers.index.eq(host.column),
            registers.write.eq(host.write & (host.space == Space.REGISTER)),
            registers.data.eq(host.data),
            host.register_known.eq(registers.known),
            host.register_readable.eq(registers.readable),
            host.register_writable.eq(registers.writable),
            registers.cycles.value.eq(self.counters.cycles),
            *(getattr(registers, f"counter_{name}").value.eq(getattr(self.counters, name)) for name in COUNTERS),
            self.counters.clear.eq(delayed(m, registers.clear_written, 1)),
        ]
        self.learn = registers.mode.learn & c.learning
        self.report = registers.mode.report
        self.take_input, self.begin_credit, self.begin_learning, self.report_step = (Signal() for _ in range(4))
        self.learned = self.eligibility.busy == 0 if c.learning else Const(1)

    def _host(self, m):
        """What the host reads and writes in the memories."""
        c, host = self.config, self.host
        wiring.connect(m, wiring.flipped(self.request), host.request)
        wiring.connect(m, host.response, wiring.flipped(self.response))
        lane_bits = ceil_log2(c.lanes)
        lane, self.host_word = host.column[:lane_bits] if lane_bits else Const(0), host.column >> lane_bits
        one_hot = Const(1, c.lanes) << lane
        self.host_lanes = {space: Mux(host.write & (host.space == space), one_hot, 0) for space in Space}

        stored = {
            Space.REGISTER: self.registers.value,
            Space.WEIGHT: self.synapses.synapses.weight[lane],
            Space.DELAY: self.synapses.synapses.delay[lane],
            Space.READOUT: self.readout_weights.values[lane],
            Space.POTENTIAL: self.neurons.state[lane].potential,
            Space.SPIKED: self.neurons.state[lane].spiked,
            Space.READOUT_VALUE: self.readout.values[lane],
        }
        if c.learning:
            stored |= {
                Space.SURROGATE: self.neurons.state[lane].surrogate,
                Space.READOUT_TRACE: self.neurons.state[lane].readout_trace,
                Space.TRACE: self.traces.trace,
            }
        if c.feedback == "random":
            stored[Space.FEEDBACK] = self.feedback.values[lane]
        with m.Switch(host.space):
            for space, value in stored.items():
                with m.Case(space):
                    m.d.sync += host.value.eq(value)

    # ------------------------------------------------------------------ forward pass

    def _forward(self, m):
        """Sweep, readout, scoring and delivery around the delay line and the synapse memory."""
        c, host = self.config, self.host
        neurons, readout, delay_line, delivery = self.neurons, self.readout, self.delay_line, self.delivery
        m.d.comb += [
            neurons.alpha.eq(self.registers.alpha.decay),
            neurons.beta.eq(self.registers.beta.decay if c.exponential else 0),
            neurons.kappa.eq(self.registers.kappa.decay),
            neurons.learn.eq(self.learn),
            neurons.clear.eq(self.clearing),
            neurons.current.eq(delay_line.current),
            neurons.read_word.eq(
                Mux(host.active, self.host_word, self.signal.state_word) if c.learning else self.host_word
            ),
            delay_line.take.eq(neurons.take | self.clearing),
            delay_line.slot.eq(Mux(self.clearing, self.clear_slot, self.slot)),
            delay_line.word.eq(
                Mux(delivery.deliver, delivery.deliver_word, Mux(self.clearing, self.clear_word, neurons.take_word))
            ),
            delay_line.deliver.eq(delivery.deliver),
            delay_line.slots.eq(delivery.slots),
            delay_line.targets.eq(delivery.targets),
            delay_line.weights.eq(delivery.weights),
            delivery.slot.eq(self.slot),
            delivery.synapses.eq(self.synapses.synapses),
        ]
        for name, unit_list in self.lists.items():
            wanted = {"to_report": self.report, "to_credit": self.learn & self.scored}.get(name, 1)
            m.d.comb += [
                unit_list.push.eq(neurons.swept & wanted),
                unit_list.word.eq(neurons.swept_word),
                unit_list.flags.eq(neurons.active if name == "to_credit" else neurons.spiked),
            ]

        wiring.connect(m, self.lists["to_readout"].units, readout.spikes)
        m.d.comb += [
            readout.kappa.eq(self.registers.kappa.decay),
            readout.clear.eq(self.clearing),
            readout.weights.eq(self.readout_weights.values),
            readout.read_word.eq(Mux(host.active, self.host_word, self.scoring.read_word)),
            self.scoring.values.eq(readout.values),
            self.score_overflowed.eq(self.scores.overflowed),
            self.scores.add.eq(self.scoring.valid),
            self.scores.index.eq(self.scoring.index),
            self.scores.value.eq(self.scoring.score),
        ]
        self._readout_weights(m)
        self._delivery(m)
        self._synapses(m)

    def _readout_weights(self, m):
        """Host, readout and learning signal share Wout."""
        c, host, memory = self.config, self.host, self.readout_weights
        with m.If(host.active):
            m.d.comb += [
                memory.row.eq(host.row),
                memory.word.eq(self.host_word),
                memory.write.eq(self.host_lanes[Space.READOUT]),
                memory.write_row.eq(host.row),
                memory.write_word.eq(self.host_word),
                *(memory.write_values[lane].eq(host.data) for lane in range(c.lanes)),
            ]
        with m.Else():
            m.d.comb += [memory.row.eq(self.readout.neuron), memory.word.eq(self.readout.word)]
            if c.learning:
                m.d.comb += [
                    memory.write.eq(self.signal.write),
                    memory.write_row.eq(self.signal.write_neuron),
                    memory.write_word.eq(self.signal.write_word),
                    memory.write_values.eq(self.signal.write_weights),
                ]
                with m.If(self.phase == Phase.SIGNAL):
                    m.d.comb += [memory.row.eq(self.signal.neuron), memory.word.eq(self.signal.word)]

    def _delivery(self, m):
        """Input spikes while idle; neuron spikes once the sweep has left the delay line."""
        c, spikes = self.config, self.delivery.spikes
        m.d.comb += [spikes.valid.eq(self.take_input), spikes.payload.eq(self.events.payload.unit)]
        if c.recurrent:
            units = self.lists["to_deliver"].units
            with m.If((self.phase != Phase.IDLE) & (self.phase != Phase.SWEEP)):
                m.d.comb += [
                    spikes.valid.eq(units.valid),
                    spikes.payload.eq(c.inputs + units.payload),
                    units.ready.eq(spikes.ready),
                ]

    def _synapses(self, m):
        """Host, delivery and eligibility share the synapse memory; the phases keep them apart."""
        c, host, memory = self.config, self.host, self.synapses
        with m.If(host.active):
            m.d.comb += [memory.row.eq(host.row), memory.word.eq(self.host_word)]
            for name, space in (("weight", Space.WEIGHT), ("delay", Space.DELAY)):
                m.d.comb += [
                    getattr(memory.write, f"{name}_lanes").eq(self.host_lanes[space]),
                    getattr(memory.write, f"{name}_row").eq(host.row),
                    getattr(memory.write, f"{name}_word").eq(self.host_word),
                    *(getattr(memory.write, name)[lane].eq(host.data) for lane in range(c.lanes)),
                ]
        with m.Else():
            m.d.comb += [memory.row.eq(self.delivery.row), memory.word.eq(self.delivery.word)]
            if c.learning:
                wiring.connect(m, self.eligibility.write, memory.write)
                with m.If(self.phase == Phase.LEARN):
                    m.d.comb += [
                        memory.row.eq(self.eligibility.synapse_row),
                        memory.word.eq(self.eligibility.synapse_word),
                    ]

    # ------------------------------------------------------------------ learning

    def _learning(self, m):
        """Error to credit, credit and traces to new weights and delays."""
        c = self.config
        traces, line, unit = self.traces, self.trace_history, self.eligibility
        self._signal(m)
        stays = traces.visited & traces.awake
        wiring.connect(m, self.awake.awake, unit.rows)
        m.d.comb += [
            self.awake.walk.eq(self.begin_learning),
            self.awake.append.eq(stays | traces.woke),
            self.awake.row.eq(Mux(stays, traces.visited_row, traces.woken_row)),
            self.awake.clear.eq(self.clearing),
            traces.alpha.eq(self.registers.alpha.decay),
            traces.beta.eq(self.registers.beta.decay if c.exponential else 0),
            traces.arrive.eq(self.delivery.arrive & self.learn),
            traces.arrived_row.eq(self.delivery.arrived_row),
            traces.visit.eq(unit.visit),
            traces.row.eq(unit.row),
            traces.forget.eq(self.clearing),
            traces.forget_row.eq(self.clear_row),
            traces.read_row.eq(self.host.column),
            line.write.eq(traces.visited),
            line.write_row.eq(traces.visited_row),
            line.write_slot.eq(self.slot - c.kernel_radius),
            line.entry.eq(traces.entry),
            line.row.eq(unit.trace_row),
            line.slots.eq(unit.trace_slots),
            unit.start.eq(self.begin_learning),
            unit.rows_done.eq(self.awake.done),
            unit.slot.eq(self.slot),
            unit.visited.eq(traces.visited),
            unit.age.eq(traces.age),
            unit.count.eq(self.credit.count),
            unit.credit.eq(self.credit.credit),
            self.credit.entry.eq(unit.entry),
            unit.synapses.eq(self.synapses.synapses),
            unit.entries.eq(line.entries),
            unit.draw.eq(self.random.draw),
            self.random.seed.eq(self.registers.seed.value),
            self.random.load.eq(delayed(m, self.registers.seed_written, 1)),
            self.random.advance.eq(unit.advance | self.signal.advance),
        ]

    def _signal(self, m):
        """The learning signal between softmax, readout weights and credit list."""
        c, host, signal = self.config, self.host, self.signal
        wiring.connect(m, self.lists["to_credit"].units, signal.neurons)
        m.d.comb += [
            signal.begin.eq(self.scoring.start & self.learn),
            signal.probability_valid.eq(self.scoring.valid & self.learn),
            signal.probability_index.eq(self.scoring.index),
            signal.probability.eq(self.scoring.probability),
            signal.target.eq(self.target),
            signal.weights.eq(self.readout_weights.values),
            signal.state.eq(self.neurons.state),
            signal.draw.eq(self.random.draw),
            self.credit.begin.eq(self.begin_credit),
            self.credit.clear.eq(self.clearing),
            self.credit.valid.eq(signal.credit_valid),
            self.credit.neuron.eq(signal.credit_neuron),
            self.credit.weight.eq(signal.credit_weight),
            self.credit.delay.eq(signal.credit_delay),
        ]
        for name in ("eta_weight", "eta_delay", "eta_readout"):
            eta, register = getattr(signal, name), getattr(self.registers, name)
            m.d.comb += [eta.mantissa.eq(register.mantissa), eta.shift.eq(register.shift)]
        if c.feedback == "random":
            m.d.comb += [
                self.feedback.row.eq(Mux(host.active, host.row, signal.neuron)),
                self.feedback.word.eq(Mux(host.active, self.host_word, signal.word)),
                signal.feedback.eq(self.feedback.values),
                self.feedback.write.eq(self.host_lanes[Space.FEEDBACK]),
                self.feedback.write_row.eq(host.row),
                self.feedback.write_word.eq(self.host_word),
                *(self.feedback.write_values[lane].eq(host.data) for lane in range(c.lanes)),
            ]

    # ------------------------------------------------------------------ outputs and counters

    def _outputs(self, m):
        """Spikes and steps while the core works, scores and prediction at the end."""
        units, payload = self.lists["to_report"].units, self.outputs.payload
        with m.If(self.phase == Phase.FINISH):
            wiring.connect(m, self.scores.results, wiring.flipped(self.outputs))
        with m.Elif(units.valid):
            m.d.comb += [payload.kind.eq(OutputKind.SPIKE), payload.index.eq(units.payload), self.outputs.valid.eq(1)]
        with m.Else():
            m.d.comb += [payload.kind.eq(OutputKind.STEP), self.outputs.valid.eq(self.report_step)]
        m.d.comb += units.ready.eq(self.outputs.ready & (self.phase != Phase.FINISH))

    def _counters(self, m):
        """What each unit reports to the counters."""
        counters, learning = self.counters, self.config.learning
        m.d.comb += self.busy.eq((self.phase != Phase.IDLE) | self.delivery.busy | self.delay_line.busy)
        events = {
            "cycles": self.busy | self.events.ready,
            "spikes": popcount([self.neurons.swept & fired for fired in self.neurons.spiked]),
            "deliveries": self.delivery.arrive,
            "delay_line_saturated": self.delay_line.saturated,
            "potential_saturated": self.neurons.potential_saturated,
            "readout_saturated": self.readout.saturated,
        }
        if learning:
            unit, signal = self.eligibility, self.signal
            events |= {
                "trace_saturated": self.neurons.trace_saturated + self.traces.saturated,
                "signal_saturated": unit.signal_saturated + signal.signal_saturated,
                "weight_saturated": unit.weight_saturated + signal.weight_saturated,
                "delay_saturated": unit.delay_saturated,
                "signal_underflow": unit.signal_underflow + signal.signal_underflow,
            }
        for name, count in events.items():
            seen = Signal.like(Value.cast(count), name=f"seen_{name}")  # reset, unlike `delayed`: no flag announces it
            m.d.sync += seen.eq(count)
            m.d.comb += getattr(counters, f"add_{name}").eq(seen)

"""The core: its units and memories, and how they are connected."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ranvier.hw.counters import Counters
from ranvier.hw.delay_line import DelayLine
from ranvier.hw.delivery import Delivery
from ranvier.hw.events import OutputKind, event_layout, output_layout
from ranvier.hw.fixed import popcount
from ranvier.hw.host import Host, request_layout, response_layout
from ranvier.hw.learner import Learner
from ranvier.hw.neuron import NeuronSweep
from ranvier.hw.pipeline import delayed
from ranvier.hw.readout import Readout
from ranvier.hw.register_bank import RegisterBank
from ranvier.hw.registers import AddressSpace, Owner
from ranvier.hw.row_memory import readout_memory
from ranvier.hw.scores import Scores
from ranvier.hw.scoring import Scoring
from ranvier.hw.sequencer import Phase, Sequencer
from ranvier.hw.sharing import share
from ranvier.hw.spike_list import SpikeList
from ranvier.hw.synapse import SynapseMemory
from ranvier.hw.windows import Windows
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.record import COUNTERS

__all__ = ["Core", "Phase"]


class Core(wiring.Component):
    """Spiking network with on-chip learning of weights and delays (docs/rule.md, docs/architecture.md).

    Events stream in: spikes are delivered as they come, a step event runs everything else of its step, an end event yields
    scores and prediction and clears the state. Spikes and results stream out. The host port reads and writes parameters and
    state whenever no event is being handled. Out of `rst` the state is cleared like after a reset event; parameters stay.
    See `ranvier.hw.budget` for the clock cycles that each phase takes.

    How its parts are connected::

        events -> Sequencer -> input spikes ----------------------------------------------> Delivery
        NeuronSweep -> SpikeList to_readout, to_report, to_deliver -> Readout, outputs, and Delivery
        Delivery <- SynapseMemory;  Delivery -> DelayLine -> NeuronSweep
        Readout <- readout weights;  Readout -> Scoring -> Scores -> outputs
        Learner <- NeuronSweep, Scoring, Delivery;  Learner <-> SynapseMemory, readout weights
        request -> Host -> RegisterBank, and Windows -> all memories

    The `Sequencer` starts units and waits for them. Memories have one port to read and one to write, which their users
    `share`: the host's `Windows` while a request is being answered, the `Learner` in phases of its own, and otherwise the
    forward pass.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats and options.

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
        m.submodules.sequencer = sequencer = Sequencer(c)
        m.submodules.host = host = Host(c)
        m.submodules.windows = windows = Windows(c)
        m.submodules.registers = registers = RegisterBank(c, (Owner.CONSTANT, Owner.CORE))
        m.submodules.delay_line = delay_line = DelayLine(c)
        m.submodules.delivery = delivery = Delivery(c)
        m.submodules.neurons = neurons = NeuronSweep(c)
        m.submodules.readout = readout = Readout(c)
        m.submodules.scoring = scoring = Scoring(c)
        m.submodules.scores = scores = Scores(c)
        names = ["to_readout", "to_report"] + ["to_deliver"] * c.recurrent
        lists = {name: SpikeList(c.words, c.lanes) for name in names}
        for name, spike_list in lists.items():
            m.submodules[name] = spike_list
        learner = Learner(c) if c.learning else None

        self._host(m, host, windows, registers)
        self._events(m, sequencer, host, registers)
        self._done(m, sequencer, neurons, delay_line, delivery, readout, scoring, scores, lists)
        self._sweep(m, sequencer, registers, neurons, lists)
        self._delay_line(m, sequencer, neurons, delivery, delay_line)
        self._delivery(m, sequencer, delivery, lists)
        self._readout(m, sequencer, registers, readout, lists["to_readout"])
        self._scores(m, sequencer, scoring, scores)
        self._learner(m, sequencer, registers, neurons, delivery, scoring, learner)
        self._memories(m, sequencer, windows, neurons, delivery, readout, scoring, learner)
        self._outputs(m, sequencer, scores, lists["to_report"].units)
        self._counters(m, registers, neurons, delay_line, delivery, readout, learner)
        return m

    # ------------------------------------------------------------------ host and sequence

    def _host(self, m, host, windows, registers):
        """The host's request goes to registers and memories."""
        connect(m, flipped(self.request), host.request)
        connect(m, host.response, flipped(self.response))
        connect(m, host.port, windows.host)
        m.d.comb += [
            registers.index.eq(host.port.column),
            registers.write.eq(host.port.write & (host.port.space == AddressSpace.REGISTER)),
            registers.data.eq(host.port.data),
            host.register_known.eq(registers.known),
            host.register_readable.eq(registers.readable),
            host.register_writable.eq(registers.writable),
            windows.register.eq(registers.value),
        ]

    def _events(self, m, sequencer, host, registers):
        """The sequencer takes events while the host has no request."""
        connect(m, flipped(self.events), sequencer.events)
        m.d.comb += [
            sequencer.learn.eq(registers.mode.learn & self.config.learning),
            sequencer.report.eq(registers.mode.report),
            sequencer.host_waits.eq(host.port.active | self.request.valid),
            host.idle.eq(sequencer.host_idle),
            self.phase.eq(sequencer.phase),
        ]

    def _done(self, m, sequencer, neurons, delay_line, delivery, readout, scoring, scores, lists):
        """Completion flags for the sequencer."""
        done = sequencer.done
        m.d.comb += [
            done.inputs.eq(~delivery.busy & ~delay_line.busy),
            done.sweep.eq(~neurons.busy & ~readout.leaking),
            done.readout.eq(lists["to_readout"].empty & ~readout.busy),
            done.score.eq(~scoring.busy & ~scores.busy),
            done.deliver.eq((lists["to_deliver"].empty if self.config.recurrent else 1) & done.inputs),
            done.report.eq(lists["to_report"].empty),
            done.emit.eq(~scores.busy),
            done.clear.eq(~neurons.busy & ~readout.busy),
            self.busy.eq((sequencer.phase != Phase.IDLE) | delivery.busy | delay_line.busy),
        ]

    # ------------------------------------------------------------------ forward pass

    def _sweep(self, m, sequencer, registers, neurons, lists):
        """Neurons that spike in the sweep are listed for the later phases of the step."""
        m.d.comb += [
            neurons.start.eq(sequencer.sweep),
            neurons.clear.eq(sequencer.clear),
            neurons.learn.eq(sequencer.learn),
            neurons.alpha.eq(registers.alpha.decay),
            neurons.beta.eq(registers.beta.decay if self.config.exponential else 0),
            neurons.kappa.eq(registers.kappa.decay),
        ]
        for name, spike_list in lists.items():
            m.d.comb += [
                spike_list.push.eq(neurons.swept.valid & (sequencer.report if name == "to_report" else 1)),
                spike_list.word.eq(neurons.swept.word),
                spike_list.flags.eq(neurons.swept.spiked),
            ]

    def _delay_line(self, m, sequencer, neurons, delivery, delay_line):
        """The sweep takes the current of this step, delivery adds to that of later ones; clearing takes all of it."""
        taken = Mux(sequencer.clear, sequencer.clear_word, neurons.take_word)
        m.d.comb += [
            delay_line.take.eq(neurons.take | sequencer.clear),
            delay_line.slot.eq(Mux(sequencer.clear, sequencer.clear_slot, sequencer.slot)),
            delay_line.word.eq(Mux(delivery.deliver, delivery.deliver_word, taken)),
            delay_line.deliver.eq(delivery.deliver),
            delay_line.slots.eq(delivery.slots),
            delay_line.targets.eq(delivery.targets),
            delay_line.weights.eq(delivery.weights),
            neurons.current.eq(delay_line.current),
        ]

    def _delivery(self, m, sequencer, delivery, lists):
        """Input spikes while idle; neuron spikes once the sweep has left the delay line."""
        inputs, spikes, phase = sequencer.inputs, delivery.spikes, sequencer.phase
        m.d.comb += [
            delivery.slot.eq(sequencer.slot),
            spikes.valid.eq(inputs.valid),
            spikes.payload.eq(inputs.payload),
            inputs.ready.eq(spikes.ready),
        ]
        if self.config.recurrent:
            units = lists["to_deliver"].units
            with m.If((phase != Phase.IDLE) & (phase != Phase.SWEEP)):
                m.d.comb += [
                    spikes.valid.eq(units.valid),
                    spikes.payload.eq(self.config.inputs + units.payload),
                    units.ready.eq(spikes.ready),
                ]

    def _readout(self, m, sequencer, registers, readout, to_readout):
        """The readout leaks while neurons are swept, then takes their spikes."""
        connect(m, to_readout.units, readout.spikes)
        m.d.comb += [
            readout.start.eq(sequencer.sweep),
            readout.clear.eq(sequencer.clear),
            readout.kappa.eq(registers.kappa.decay),
        ]

    def _scores(self, m, sequencer, scoring, scores):
        """A scored step adds to the scores."""
        m.d.comb += [
            scoring.start.eq(sequencer.score),
            scores.add.eq(scoring.valid),
            scores.index.eq(scoring.index),
            scores.value.eq(scoring.score),
            scores.finish.eq(sequencer.finish),
            scores.silent.eq(sequencer.silent),
            self.score_overflowed.eq(scores.overflowed),
        ]

    # ------------------------------------------------------------------ learning and memories

    def _learner(self, m, sequencer, registers, neurons, delivery, scoring, learner):
        """The learner, if there is one, observes the forward pass and is paced by the sequencer."""
        if learner is None:
            m.d.comb += sequencer.learner.updated.eq(1)
            return
        m.submodules.learner = learner
        connect(m, sequencer.learner, learner.control)
        connect(m, neurons.swept, learner.swept)
        m.d.comb += [
            learner.alpha.eq(registers.alpha.decay),
            learner.beta.eq(registers.beta.decay if self.config.exponential else 0),
            learner.seed.eq(registers.seed.value),
            learner.restart.eq(delayed(m, registers.seed_written, 1)),
            learner.arrived.eq(delivery.arrive),
            learner.arrived_row.eq(delivery.arrived_row),
            learner.probability_valid.eq(scoring.valid),
            learner.probability_index.eq(scoring.index),
            learner.probability.eq(scoring.probability),
        ]
        for name in ("eta_weight", "eta_delay", "eta_readout"):
            eta, register = getattr(learner, name), getattr(registers, name)
            m.d.comb += [eta.mantissa.eq(register.mantissa), eta.shift.eq(register.shift)]

    def _memories(self, m, sequencer, windows, neurons, delivery, readout, scoring, learner):
        """Matrices and state, and the users of their ports."""
        c, host, phase = self.config, windows.host.active, sequencer.phase
        m.submodules.synapses = synapses = SynapseMemory(c)
        m.submodules.readout_weights = weights = readout_memory(c)

        def learning(name, condition=True):
            return [(condition, getattr(learner, name))] if learner else []

        signal, update = phase == Phase.SIGNAL, phase == Phase.LEARN
        share(m, synapses.read, (True, delivery.read), *learning("synapses", update), (host, windows.synapses))
        share(m, synapses.write, *learning("write_synapses"), (host, windows.write_synapses))
        share(m, weights.read, (True, readout.weights), *learning("weights", signal), (host, windows.weights))
        share(m, weights.write, *learning("write_weights"), (host, windows.write_weights))
        share(m, readout.read, (True, scoring.readout), (host, windows.readout))
        share(m, neurons.read, (True, windows.neurons), *learning("neurons", ~host))
        if c.feedback == "random":
            m.submodules.feedback = feedback = readout_memory(c)
            share(m, feedback.read, *learning("feedback"), (host, windows.feedback))
            connect(m, windows.write_feedback, feedback.write)
        if learner:
            m.d.comb += [learner.trace_row.eq(windows.trace_row), windows.trace.eq(learner.trace)]

    # ------------------------------------------------------------------ outputs and counters

    def _outputs(self, m, sequencer, scores, spikes):
        """Spikes and steps while the core works, scores and prediction at the end."""
        outputs, payload, finishing = self.outputs, self.outputs.payload, sequencer.phase == Phase.FINISH
        with m.If(finishing):
            connect(m, scores.results, flipped(outputs))
        with m.Elif(spikes.valid):
            m.d.comb += [payload.kind.eq(OutputKind.SPIKE), payload.index.eq(spikes.payload), outputs.valid.eq(1)]
        with m.Else():
            m.d.comb += [payload.kind.eq(OutputKind.STEP), outputs.valid.eq(sequencer.report_step)]
        m.d.comb += [spikes.ready.eq(outputs.ready & ~finishing), sequencer.step_reported.eq(outputs.ready)]

    def _counters(self, m, registers, neurons, delay_line, delivery, readout, learner):
        """Reports of the units to the counters, which the registers show."""
        c = self.config
        widths = {"cycles": 1} | {name: ceil_log2(2 * c.lanes + 8) + 1 for name in COUNTERS}
        m.submodules.counters = counters = Counters(widths)
        events = {
            "cycles": self.busy | self.events.ready,
            "spikes": popcount([neurons.swept.valid & spiked for spiked in neurons.swept.spiked]),
            "deliveries": delivery.arrive,
            "delay_line_saturated": delay_line.saturated,
            "potential_saturated": neurons.potential_saturated,
            "readout_saturated": readout.saturated,
        }
        if learner:
            events |= {
                "trace_saturated": neurons.trace_saturated + learner.trace_saturated,
                "signal_saturated": learner.signal_saturated,
                "weight_saturated": learner.weight_saturated,
                "delay_saturated": learner.delay_saturated,
                "signal_underflow": learner.signal_underflow,
            }
        for name, count in events.items():
            seen = Signal.like(Value.cast(count), name=f"seen_{name}")  # reset, unlike `delayed`: no flag announces it
            m.d.sync += seen.eq(count)
            m.d.comb += getattr(counters, f"add_{name}").eq(seen)
        m.d.comb += [
            counters.clear.eq(delayed(m, registers.clear_written, 1)),
            registers.cycles.value.eq(counters.cycles),
            *(getattr(registers, f"counter_{name}").value.eq(getattr(counters, name)) for name in COUNTERS),
        ]

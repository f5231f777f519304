"""The memories of the core as the host sees them: a place in a window is a lane of a word in one of them."""

from amaranth.hdl import Const, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ranvier.hw.fixed import shape
from ranvier.hw.host import HostPort
from ranvier.hw.neuron import NeuronRead
from ranvier.hw.readout import ReadoutRead
from ranvier.hw.registers import AddressSpace
from ranvier.hw.row_memory import RowRead, RowWrite, readout_size
from ranvier.hw.synapse import SynapseRead, SynapseWrite
from ranvier.parameters.config import CoreConfig

__all__ = ["Windows"]


class Windows(wiring.Component):
    """Reads every memory at the row and column of the host's request, and selects the value of its window.

    The value comes one clock cycle after that of the memory; `Host` allows for the slowest one. A write changes one lane.

    Parameters
    ----------
    config : CoreConfig
        Sizes, formats.

    Attributes
    ----------
    host : In(`HostPort`)
        Place to read or write.
    register : In(32)
        Register at the column of the request.
    synapses, write_synapses : Out(`SynapseRead`), Out(`SynapseWrite`)
        W and D.
    weights, write_weights, feedback, write_feedback : Out(`RowRead`), Out(`RowWrite`)
        Wout, and B if it is random.
    neurons : Out(`NeuronRead`)
        State of the neurons.
    readout : Out(`ReadoutRead`)
        y.
    trace_row, trace : Out, In
        Presynaptic unit, and its trace three clock cycles later.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        matrix = readout_size(config)
        super().__init__(
            {
                "host": In(HostPort(config)),
                "register": In(32),
                "synapses": Out(SynapseRead(config)),
                "write_synapses": Out(SynapseWrite(config)),
                "weights": Out(RowRead(*matrix)),
                "write_weights": Out(RowWrite(*matrix)),
                "feedback": Out(RowRead(*matrix)),
                "write_feedback": Out(RowWrite(*matrix)),
                "neurons": Out(NeuronRead(config)),
                "readout": Out(ReadoutRead(config)),
                "trace_row": Out(range(max(2, config.rows))),
                "trace": In(shape(config.trace)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        host, lane_bits = self.host, ceil_log2(self.config.lanes)
        lane, word = host.column[:lane_bits] if lane_bits else Const(0), host.column >> lane_bits
        for read in (self.synapses, self.weights, self.feedback):
            m.d.comb += [read.row.eq(host.row), read.word.eq(word)]
        m.d.comb += [self.neurons.word.eq(word), self.readout.word.eq(word), self.trace_row.eq(host.column)]
        with m.Switch(host.space):
            for space, value in self._stored(lane).items():
                with m.Case(space):
                    m.d.sync += host.value.eq(value)

        one_hot = Const(1, self.config.lanes) << lane
        for space, write in (
            (AddressSpace.WEIGHT, self.write_synapses.weight),
            (AddressSpace.DELAY, self.write_synapses.delay),
            (AddressSpace.READOUT, self.write_weights),
            (AddressSpace.FEEDBACK, self.write_feedback),
        ):
            m.d.comb += [
                write.lanes.eq(Mux(host.write & (host.space == space), one_hot, 0)),
                write.row.eq(host.row),
                write.word.eq(word),
                *(value.eq(host.data) for value in write.values),
            ]
        return m

    def _stored(self, lane):
        """Value of each window."""
        c, state = self.config, self.neurons.state[lane]
        stored = {
            AddressSpace.REGISTER: self.register,
            AddressSpace.WEIGHT: self.synapses.synapses.weight[lane],
            AddressSpace.DELAY: self.synapses.synapses.delay[lane],
            AddressSpace.READOUT: self.weights.values[lane],
            AddressSpace.POTENTIAL: state.potential,
            AddressSpace.SPIKED: state.spiked,
            AddressSpace.READOUT_VALUE: self.readout.values[lane],
        }
        if c.learning:
            stored |= {
                AddressSpace.SURROGATE: state.surrogate,
                AddressSpace.READOUT_TRACE: state.readout_trace,
                AddressSpace.TRACE: self.trace,
            }
        if c.feedback == "random":
            stored[AddressSpace.FEEDBACK] = self.feedback.values[lane]
        return stored

"""The core as a peripheral: one bus for everything, or streams for the events and a bus for the rest."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ranvier.hw.bus.checksum import WriteChecksum
from ranvier.hw.bus.event_queue import EventQueue
from ranvier.hw.bus.responder import Responder
from ranvier.hw.bus.results import Results, result_layout
from ranvier.hw.bus.signature import BusSignature
from ranvier.hw.core import Core
from ranvier.hw.register_bank import RegisterBank
from ranvier.hw.registers import COLUMN_BITS, Owner, Register, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["Peripheral"]


class Peripheral(wiring.Component):
    """A core with its registers, event queue and results behind one bus, which every interface (AXI, Wishbone, UART) wraps.

    Every access is answered; one to the core only after the events before it. Latencies are those of `Responder`.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Capacity of the queues (events in one, spikes and steps in the other): 2 to 4095.

    Attributes
    ----------
    bus : In(`BusSignature`)
        Registers and windows (`ranvier.hw.registers`).
    events : In(stream of `Register.EVENT` words)
        Events, in addition to those written to `Register.EVENT`.
    outputs : Out(stream of `result_layout`)
        Outputs, while `Register.CONTROL` has its stream bit set.
    irq : Out(1)
        An enabled cause is pending.
    """

    def __init__(self, config: CoreConfig, depth: int = 512):
        if not 2 <= depth <= 4095:
            raise ValueError(f"depth={depth} is out of range: the queues hold 2 to 4095 words")
        self.config, self.depth = config, depth
        super().__init__(
            {
                "bus": In(BusSignature()),
                "events": In(stream.Signature(register_layout(Register.EVENT))),
                "outputs": Out(stream.Signature(result_layout)),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = Core(self.config)
        m.submodules.responder = responder = Responder(self.config)
        m.submodules.queue = queue = EventQueue(self.config, self.depth)
        m.submodules.results = results = Results(self.config, self.depth)
        m.submodules.registers = registers = RegisterBank(self.config, (Owner.CONSTANT, Owner.PERIPHERAL))
        m.submodules.checksum = checksum = WriteChecksum()
        connect(m, flipped(self.bus), responder.bus)
        connect(m, responder.request, core.request)
        connect(m, core.response, responder.response)
        connect(m, flipped(self.events), queue.stream)
        connect(m, queue.events, core.events)
        connect(m, core.outputs, results.outputs)
        connect(m, results.stream, flipped(self.outputs))
        self._access(m, responder, registers, queue, results)
        self._checksum(m, responder, registers, checksum)
        self._status(m, core, responder, registers, queue, results)
        self._errors(m, core, responder, registers, queue, results)
        self._results(m, registers, results)
        self._interrupts(m, registers, results)
        return m

    def _access(self, m, responder, registers, queue, results):
        """The current access selects a register, a score and an event."""
        access = responder.access
        m.d.comb += [
            registers.index.eq(access.address),
            registers.data.eq(access.data),
            registers.write.eq(responder.write),
            registers.read.eq(responder.read),
            responder.known.eq(registers.known),
            responder.readable.eq(registers.readable),
            responder.writable.eq(registers.writable),
            responder.value.eq(registers.value),
            responder.row.eq(registers.row.row),
            results.output.eq(access.address[:COLUMN_BITS]),
            responder.score.eq(results.score),
            queue.word.eq(access.data),
            queue.put.eq(registers.event_written),
            responder.event_refused.eq(queue.refused),
            responder.event_full.eq(queue.full),
        ]

    def _checksum(self, m, responder, registers, checksum):
        """Every write is added before the next access, except the one that clears the checksum."""
        afresh = registers.checksum_written
        m.d.comb += [
            checksum.address.eq(responder.access.address),
            checksum.data.eq(responder.access.data),
            checksum.add.eq(responder.done & responder.access.write & ~afresh),
            checksum.clear.eq(afresh),
            registers.checksum.value.eq(checksum.value),
            responder.hold.eq(checksum.busy),
        ]

    def _status(self, m, core, responder, registers, queue, results):
        """Status of the core, for which accesses wait."""
        busy = core.busy | ~queue.empty
        m.d.comb += [
            responder.busy.eq(busy),
            responder.stalled.eq(results.stalled),
            registers.status.busy.eq(busy),
            registers.status.error.eq(registers.error_held.as_value().any()),
            registers.status.loading.eq(registers.control.loading),
            registers.status.room.eq(queue.room),
            registers.status.waiting.eq(results.level),
            queue.hold.eq(registers.control.loading),
        ]

    def _errors(self, m, core, responder, registers, queue, results):
        """Errors, and the address of the last access that was refused."""
        where = Signal.like(responder.access.address)
        with m.If(responder.refused):
            m.d.sync += where.eq(responder.access.address)
        m.d.comb += [
            registers.error.access.eq(responder.refused & ~responder.gave_up & ~responder.refused_event),
            registers.error.event.eq(queue.stream_refused | responder.refused_event),
            registers.error.overflow.eq(results.dropped),
            registers.error.stalled.eq(responder.gave_up),
            registers.error.score.eq(core.score_overflowed),
            registers.error_address.value.eq(where << 2),
        ]

    def _results(self, m, registers, results):
        """Outputs for the bus, and the mode of the output stream."""
        overflows = Signal(32)
        with m.If(results.dropped):
            m.d.sync += overflows.eq(overflows + 1)
        m.d.comb += [
            results.streaming.eq(registers.control.stream),
            results.take.eq(registers.output_taken),
            registers.output.eq(results.oldest),
            registers.prediction.value.eq(results.prediction),
            registers.samples.value.eq(results.samples),
            registers.overflows.value.eq(overflows),
        ]

    def _interrupts(self, m, registers, results):
        """Causes accumulate until they are cleared."""
        m.d.comb += [
            registers.interrupt_pending.sample_done.eq(results.ended),
            registers.interrupt_pending.error.eq(registers.error.as_value().any()),
            self.irq.eq((registers.interrupt_pending_held.as_value() & registers.interrupt_enable.as_value()).any()),
        ]

"""The core as a peripheral: one bus for everything, or streams for the events and a bus for the rest."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.bus.checksum import WriteChecksum
from ranvier.hw.bus.event_queue import EventQueue
from ranvier.hw.bus.results import Results, result_layout
from ranvier.hw.bus.signature import BusSignature, access_layout
from ranvier.hw.core import Core
from ranvier.hw.register_bank import RegisterBank
from ranvier.hw.registers import COLUMN_BITS, Owner, Register, Space, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["Peripheral"]


class Peripheral(wiring.Component):
    """A core with its registers, event queue and results behind one bus; every face (AXI, Wishbone, UART) wraps this.

    An access to the peripheral's own registers is answered after 3 clocks. One to registers, parameters or state of the core
    waits until the events before it have been handled, then takes `Host.LATENCY` clocks more; so does a write of
    `Register.EVENT` wait while the queue is full. Every access is answered: if nobody takes from the output stream, so that
    the core cannot go on, with an error.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Events, and spikes and steps, that the queues hold: 2 to 4095.

    Attributes
    ----------
    bus : In(`BusSignature`)
        Registers and windows (`ranvier.hw.registers`).
    events : In(stream of `Register.EVENT` words)
        Events, beside those written to `Register.EVENT`.
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
        m.submodules.core = self.core = Core(self.config)
        m.submodules.queue = self.queue = EventQueue(self.config, self.depth)
        m.submodules.results = self.results = Results(self.config, self.depth)
        m.submodules.registers = self.registers = RegisterBank(self.config, (Owner.CONSTANT, Owner.PERIPHERAL))
        m.submodules.checksum = self.checksum = WriteChecksum()
        self.access = Signal(access_layout)
        self.refused = Signal()  # the access at hand ends in an error, ...
        self.refused_event, self.gave_up = (
            Signal(),
            Signal(),
        )  # ... because of the event that it brings; of a stuck core
        wiring.connect(m, wiring.flipped(self.events), self.queue.stream)
        wiring.connect(m, self.queue.events, self.core.events)
        wiring.connect(m, self.core.outputs, self.results.outputs)
        wiring.connect(m, self.results.stream, wiring.flipped(self.outputs))
        self._answer(m)
        self._registers(m)
        return m

    def _answer(self, m):
        """One access after the other: look where it goes, wait for what it needs, answer."""
        access, answer = self.access, self.bus.answer.payload
        registers, queue, results, request = self.registers, self.queue, self.results, self.core.request
        space, column = access.address[COLUMN_BITS:], access.address[:COLUMN_BITS]
        whole, nothing = access.strobe.all(), access.write & ~access.strobe.any()
        event = registers.index == Register.EVENT.value
        done, busy = Signal(), self.core.busy | ~queue.empty
        m.d.comb += [
            registers.index.eq(column),
            registers.data.eq(access.data),
            queue.word.eq(access.data),
            results.output.eq(column),
            self.checksum.address.eq(access.address),
            self.checksum.data.eq(access.data),
            registers.status.busy.eq(busy),
        ]
        self._request(m, space, column)

        def finish(value):
            """The access was carried out."""
            m.d.comb += done.eq(1)
            m.d.sync += [answer.data.eq(Mux(access.write, 0, value)), answer.error.eq(0)]
            m.next = "Answer"

        def refuse():
            m.d.comb += self.refused.eq(1)
            m.d.sync += [answer.data.eq(0), answer.error.eq(1)]
            m.next = "Answer"

        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.bus.access.ready.eq(~self.checksum.busy)
                m.d.sync += access.eq(self.bus.access.payload)
                with m.If(self.bus.access.valid & self.bus.access.ready):
                    m.next = "Look"
            with m.State("Look"):
                with m.If(nothing):
                    m.d.sync += [answer.data.eq(0), answer.error.eq(0)]
                    m.next = "Answer"
                with m.Elif(access.write & ~whole):
                    refuse()
                with m.Elif((space == Space.REGISTER) & registers.known):
                    with m.If(Mux(access.write, registers.writable, registers.readable)):
                        m.next = "Register"
                    with m.Else():
                        refuse()
                with m.Elif(space == Space.SCORE):
                    m.next = "Score"
                    with m.If(access.write | (column >= self.config.outputs)):
                        refuse()
                with m.Elif(self.beyond):
                    refuse()
                with m.Else():
                    m.next = "Wait"
            with m.State("Register"):
                with m.If(access.write & event & queue.refused):
                    m.d.comb += self.refused_event.eq(1)
                    refuse()
                with m.Elif(access.write & event & queue.full):
                    with m.If(results.stalled):
                        m.d.comb += self.gave_up.eq(1)
                        refuse()
                with m.Else():
                    m.d.comb += [registers.write.eq(access.write), registers.read.eq(~access.write)]
                    finish(registers.value)
            with m.State("Score"):
                m.next = "Score read"
            with m.State("Score read"):
                finish(results.score)
            with m.State("Wait"):
                with m.If(~busy):
                    m.next = "Ask"
                with m.Elif(results.stalled):
                    m.d.comb += self.gave_up.eq(1)
                    refuse()
            with m.State("Ask"):
                m.d.comb += request.valid.eq(1)
                with m.If(request.ready):
                    m.next = "Hear"
            with m.State("Hear"):
                m.d.comb += self.core.response.ready.eq(1)
                with m.If(self.core.response.valid):
                    with m.If(self.core.response.payload.error):
                        refuse()
                    with m.Else():
                        finish(self.core.response.payload.data)
            with m.State("Answer"):
                m.d.comb += self.bus.answer.valid.eq(1)
                with m.If(self.bus.answer.ready):
                    m.next = "Idle"
        afresh = registers.checksum_written
        m.d.comb += [self.checksum.add.eq(done & access.write & ~afresh), self.checksum.clear.eq(afresh)]

    def _request(self, m, space, column):
        """The access as a request to the core, and whether its place is beyond what a request can name."""
        request, row = self.core.request.payload, Mux(self._has_rows(space), self.registers.row.row, 0)
        self.beyond = Signal()
        m.d.comb += [
            request.write.eq(self.access.write),
            request.space.eq(space),
            request.row.eq(row),
            request.column.eq(column),
            request.data.eq(self.access.data),
            self.beyond.eq((row >> len(request.row)).any() | (column >> len(request.column)).any()),
        ]

    @staticmethod
    def _has_rows(space):
        return Cat(space == member.value for member in Space if member.has_rows).any()

    def _registers(self, m):
        """What the registers show and set off."""
        registers, queue, results = self.registers, self.queue, self.results
        overflows, where = Signal(32), Signal.like(self.access.address)
        with m.If(results.dropped):
            m.d.sync += overflows.eq(overflows + 1)
        with m.If(self.refused):
            m.d.sync += where.eq(self.access.address)
        m.d.comb += [
            registers.status.error.eq(registers.error_held.as_value().any()),
            registers.status.loading.eq(registers.control.loading),
            registers.status.room.eq(queue.room),
            registers.status.waiting.eq(results.level),
            registers.error.access.eq(self.refused & ~self.gave_up & ~self.refused_event),
            registers.error.event.eq(queue.stream_refused | self.refused_event),
            registers.error.overflow.eq(results.dropped),
            registers.error.stalled.eq(self.gave_up),
            registers.error.score.eq(self.core.score_overflowed),
            registers.error_address.value.eq(where << 2),
            registers.interrupt_pending.sample_done.eq(results.ended),
            registers.interrupt_pending.error.eq(registers.error.as_value().any()),
            registers.output.eq(results.oldest),
            registers.prediction.value.eq(results.prediction),
            registers.samples.value.eq(results.samples),
            registers.overflows.value.eq(overflows),
            registers.checksum.value.eq(self.checksum.value),
            queue.hold.eq(registers.control.loading),
            queue.put.eq(registers.event_written),
            results.streaming.eq(registers.control.stream),
            results.take.eq(registers.output_taken),
            self.irq.eq((registers.interrupt_pending_held.as_value() & registers.interrupt_enable.as_value()).any()),
        ]

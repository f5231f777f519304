"""Responder of the internal bus: looks up each access, holds it until it can be carried out, and answers it."""

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.bus.signature import BusSignature, bus_request_layout
from ranvier.hw.host import request_layout, response_layout
from ranvier.hw.registers import COLUMN_BITS, AddressSpace, Register
from ranvier.parameters.config import CoreConfig

__all__ = ["Responder"]


class Responder(wiring.Component):
    """Carries out accesses: to registers and scores at once, to the core once the events before have been handled.

    An access to a register of the peripheral is answered after 3 clock cycles, one to a score after 4. One to the core waits
    while `busy`, then takes `Host.LATENCY` clock cycles more; a write of `Register.EVENT` waits while the queue is full. If
    the core is stalled meanwhile because nobody takes from the output stream, the access is given up and refused.

    Parameters
    ----------
    config : CoreConfig
        The core.

    Attributes
    ----------
    bus : In(`BusSignature`)
        Accesses.
    access : Out(`bus_request_layout`)
        The current access, held until it is answered.
    hold : In(1)
        Accept no access.
    known, readable, writable, value : In
        Register at the column of the access; see `RegisterBank`.
    write, read : Out(1)
        Strobes: that register is written, or read.
    row : In
        Row of windows that have rows.
    score : In(32)
        Score at the column of the access, two clock cycles after it was taken.
    event_refused, event_full : In(1)
        The data of the access are no event of this core; the queue has no room for one.
    busy, stalled : In(1)
        Events are being handled; the output stream is not read.
    request, response : stream
        To the core; see `Host`.
    done : Out(1)
        The current access is carried out; ...
    refused : Out(1)
        ... or it ends in an error, ...
    refused_event, gave_up : Out(1)
        ... because its event is invalid, or because the core is stalled.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "bus": In(BusSignature()),
                "access": Out(bus_request_layout),
                "hold": In(1),
                "known": In(1),
                "readable": In(1),
                "writable": In(1),
                "value": In(32),
                "write": Out(1),
                "read": Out(1),
                "row": In(COLUMN_BITS),
                "score": In(32),
                "event_refused": In(1),
                "event_full": In(1),
                "busy": In(1),
                "stalled": In(1),
                "request": Out(stream.Signature(request_layout(config))),
                "response": In(stream.Signature(response_layout())),
                "done": Out(1),
                "refused": Out(1),
                "refused_event": Out(1),
                "gave_up": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        space, column = self.access.address[COLUMN_BITS:], self.access.address[:COLUMN_BITS]
        beyond = self._request(m, space, column)
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.bus.request.ready.eq(~self.hold)
                m.d.sync += self.access.eq(self.bus.request.payload)
                with m.If(self.bus.request.valid & self.bus.request.ready):
                    m.next = "Decode"
            self._decode(m, space, column, beyond)
            self._register(m, column)
            self._score(m)
            self._core(m)
            with m.State("Answer"):
                m.d.comb += self.bus.response.valid.eq(1)
                with m.If(self.bus.response.ready):
                    m.next = "Idle"
        return m

    def _decode(self, m, space, column, beyond):
        """Destination of the access, and whether it exists and permits the access."""
        access, answer = self.access, self.bus.response.payload
        whole, nothing = access.strobe.all(), access.write & ~access.strobe.any()
        with m.State("Decode"):
            with m.If(nothing):
                m.d.sync += [answer.data.eq(0), answer.error.eq(0)]
                m.next = "Answer"
            with m.Elif(access.write & ~whole):
                self._refuse(m)
            with m.Elif((space == AddressSpace.REGISTER) & self.known):
                with m.If(Mux(access.write, self.writable, self.readable)):
                    m.next = "Register"
                with m.Else():
                    self._refuse(m)
            with m.Elif(space == AddressSpace.SCORE):
                m.next = "Score"
                with m.If(access.write | (column >= self.config.outputs)):
                    self._refuse(m)
            with m.Elif(beyond):
                self._refuse(m)
            with m.Else():
                m.next = "Wait"

    def _register(self, m, column):
        """A register of the peripheral; an event waits for room."""
        access, event = self.access, column == Register.EVENT.value
        with m.State("Register"):
            with m.If(access.write & event & self.event_refused):
                m.d.comb += self.refused_event.eq(1)
                self._refuse(m)
            with m.Elif(access.write & event & self.event_full):
                with m.If(self.stalled):
                    m.d.comb += self.gave_up.eq(1)
                    self._refuse(m)
            with m.Else():
                m.d.comb += [self.write.eq(access.write), self.read.eq(~access.write)]
                self._finish(m, self.value)

    def _score(self, m):
        """A score comes from memory."""
        with m.State("Score"):
            m.next = "Score read"
        with m.State("Score read"):
            self._finish(m, self.score)

    def _core(self, m):
        """All other accesses go to the core, in order with the events."""
        with m.State("Wait"):
            with m.If(~self.busy):
                m.next = "Request"
            with m.Elif(self.stalled):
                m.d.comb += self.gave_up.eq(1)
                self._refuse(m)
        with m.State("Request"):
            m.d.comb += self.request.valid.eq(1)
            with m.If(self.request.ready):
                m.next = "Response"
        with m.State("Response"):
            m.d.comb += self.response.ready.eq(1)
            with m.If(self.response.valid):
                with m.If(self.response.payload.error):
                    self._refuse(m)
                with m.Else():
                    self._finish(m, self.response.payload.data)

    def _finish(self, m, value):
        """The access was carried out."""
        answer = self.bus.response.payload
        m.d.comb += self.done.eq(1)
        m.d.sync += [answer.data.eq(Mux(self.access.write, 0, value)), answer.error.eq(0)]
        m.next = "Answer"

    def _refuse(self, m):
        """The access ends in an error."""
        answer = self.bus.response.payload
        m.d.comb += self.refused.eq(1)
        m.d.sync += [answer.data.eq(0), answer.error.eq(1)]
        m.next = "Answer"

    def _request(self, m, space, column):
        """The access as a request to the core; whether its place is beyond what a request can name."""
        request, row = self.request.payload, Mux(self._has_rows(space), self.row, 0)
        m.d.comb += [
            request.write.eq(self.access.write),
            request.space.eq(space),
            request.row.eq(row),
            request.column.eq(column),
            request.data.eq(self.access.data),
        ]
        return (row >> len(request.row)).any() | (column >> len(request.column)).any()

    @staticmethod
    def _has_rows(space):
        return Cat(space == member.value for member in AddressSpace if member.has_rows).any()

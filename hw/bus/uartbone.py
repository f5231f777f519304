"""UARTBone: the protocol of LiteX's bridge from a serial port to a bus, so that the host tools of LiteX work here too."""

import enum

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.bus.signature import STROBES, BusSignature
from ranvier.hw.registers import ADDRESS_BITS, COLUMN_BITS, AddressSpace

__all__ = ["BURST", "REFUSED", "Command", "UARTBone"]

#: Most words of a frame.
BURST = 255
#: Word sent for a refused read, like that of a LiteX bus whose access times out.
REFUSED = 0xFFFFFFFF
_WORD_BYTES = 4


class Command(enum.IntEnum):
    """First byte of a frame: kind of access, and whether the address increments from word to word."""

    WRITE = 1
    READ = 2
    WRITE_FIXED = 3
    READ_FIXED = 4


class UARTBone(wiring.Component):
    """Converts frames of bytes to accesses.

    A frame is a command, a number of words (1 to `BURST`), a word address (4 bytes) and for a write the words (4 bytes
    each). A read is answered with the words and nothing else. Everything is big-endian.

    An unknown command and a frame of no words do nothing. An incomplete frame is discarded `timeout` clock cycles after its
    last byte; its complete words have been written by then. A refused write is dropped, a refused read sends `REFUSED`, the
    frame goes on, and the peripheral keeps the address. An address beyond the bus is mapped to its last space, which does
    not exist, and so ends up refused as well.

    Incoming bytes wait while an access waits or a word is sent.

    Parameters
    ----------
    timeout : int
        Clock cycles without a byte after which a frame is discarded.

    Attributes
    ----------
    received : In(stream of 8 bits)
        From the host.
    sent : Out(stream of 8 bits)
        To the host.
    bus : Out(`BusSignature`)
        To the peripheral.
    """

    _NOWHERE = (1 << (ADDRESS_BITS - 2 - COLUMN_BITS)) - 1

    def __init__(self, timeout: int):
        if timeout < 1:
            raise ValueError(f"timeout={timeout} must be at least 1 clock cycle")
        assert self._NOWHERE not in (space.value for space in AddressSpace)
        self.timeout = timeout
        super().__init__(
            {"received": In(stream.Signature(8)), "sent": Out(stream.Signature(8)), "bus": Out(BusSignature())}
        )

    def elaborate(self, platform):
        m = Module()
        command, left, address, word = Signal(8), Signal(8), Signal(8 * _WORD_BYTES), Signal(8 * _WORD_BYTES)
        count, waiting, expired = Signal(range(_WORD_BYTES)), Signal(), Signal()
        write = (command == Command.WRITE) | (command == Command.WRITE_FIXED)
        read = (command == Command.READ) | (command == Command.READ_FIXED)
        fixed = (command == Command.WRITE_FIXED) | (command == Command.READ_FIXED)
        self._clock(m, waiting, expired)
        self._access(m, write, address, word)
        with m.FSM():
            with m.State("Command"):
                m.d.comb += self.received.ready.eq(1)
                m.d.sync += [command.eq(self.received.payload), count.eq(0)]
                with m.If(self.received.valid):
                    m.next = "Length"
            with m.State("Length"):
                with m.If(self._receive(m, left, waiting, expired)):
                    m.next = "Address"
            with m.State("Address"):
                with m.If(self._whole(m, count, self._receive(m, address, waiting, expired))):
                    m.next = "Command"
                    with m.If((left != 0) & write):
                        m.next = "Word"
                    with m.Elif((left != 0) & read):
                        m.next = "Access"
            with m.State("Word"):
                with m.If(self._whole(m, count, self._receive(m, word, waiting, expired))):
                    m.next = "Access"
            self._carry(m, write, fixed, left, address, word)
            with m.State("Send"):
                m.d.comb += [self.sent.valid.eq(1), self.sent.payload.eq(word[-8:])]
                with m.If(self.sent.ready):
                    m.d.sync += word.eq(word << 8)
                with m.If(self._whole(m, count, self.sent.ready)):
                    self._follow(m, write, fixed, left, address)
        return m

    def _carry(self, m, write, fixed, left, address, word):
        """One access, whose result replaces the word."""
        answer = self.bus.response
        with m.State("Access"):
            m.d.comb += self.bus.request.valid.eq(1)
            with m.If(self.bus.request.ready):
                m.next = "Answer"
        with m.State("Answer"):
            m.d.comb += answer.ready.eq(1)
            with m.If(answer.valid):
                m.d.sync += word.eq(Mux(answer.payload.error, REFUSED, answer.payload.data))
                with m.If(write):
                    self._follow(m, write, fixed, left, address)
                with m.Else():
                    m.next = "Send"

    def _receive(self, m, register, waiting, expired):
        """Shift bytes into `register`; whether one has arrived."""
        m.d.comb += [self.received.ready.eq(1), waiting.eq(1)]
        with m.If(self.received.valid):
            m.d.sync += register.eq(Cat(self.received.payload, register))
        with m.Elif(expired):
            m.next = "Command"
        return self.received.valid

    @staticmethod
    def _whole(m, count, happened):
        """Count the bytes of a word; whether this is the last."""
        with m.If(happened):
            m.d.sync += count.eq(count + 1)
        return happened & (count == _WORD_BYTES - 1)

    @staticmethod
    def _follow(m, write, fixed, left, address):
        """Go on to the next word, if there is one."""
        m.d.sync += [left.eq(left - 1), address.eq(Mux(fixed, address, address + 1))]
        with m.If(left == 1):
            m.next = "Command"
        with m.Elif(write):
            m.next = "Word"
        with m.Else():
            m.next = "Access"

    def _clock(self, m, waiting, expired):
        """Time since the last byte, while a frame waits for more."""
        idle = Signal(range(self.timeout + 1))
        m.d.comb += expired.eq(idle == self.timeout)
        m.d.sync += idle.eq(Mux(waiting & ~self.received.valid & ~expired, idle + 1, 0))

    def _access(self, m, write, address, word):
        access = self.bus.request.payload
        column, space = address[:COLUMN_BITS], address[COLUMN_BITS : len(access.address)]
        beyond = address[len(access.address) :].any()
        m.d.comb += [
            access.write.eq(write),
            access.address.eq(Cat(column, Mux(beyond, self._NOWHERE, space))),
            access.data.eq(word),
            access.strobe.eq(C(1).replicate(STROBES)),
        ]

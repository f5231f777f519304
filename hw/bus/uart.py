"""A serial port, 8N1: bytes as streams on one side, one wire each way on the other."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ranvier.errors import RanvierError

__all__ = ["BITS_PER_BYTE", "BIT_ERROR", "BaudError", "BitTime", "UARTReceiver", "UARTTransmitter"]

_DATA_BITS = 8
#: Bits on the wire for a byte: start, data, stop.
BITS_PER_BYTE = _DATA_BITS + 2
#: Largest relative error of a bit that is accepted; the rest of half a bit in ten is left to the other side.
BIT_ERROR = 0.02
#: Fewest clock cycles in which a start bit can be distinguished from a glitch and sampled in its middle.
_FEWEST = 4


class BaudError(RanvierError, ValueError):
    """A rate that a clock cannot make; the message names those that it can."""


@dataclass(frozen=True)
class BitTime:
    """Clock cycles per bit of a serial port: the whole number nearest to the rate.

    Parameters
    ----------
    clock : int
        Frequency of the clock in Hz.
    baud : int
        Bits per second.

    Raises
    ------
    BaudError
        If the clock is too slow, or misses the rate by more than `BIT_ERROR`.
    """

    clock: int
    baud: int

    def __post_init__(self):
        if self.baud < 1 or self.clocks < _FEWEST:
            raise BaudError(
                f"baud={self.baud} is out of reach of a clock of {self.clock} Hz: "
                f"a bit takes at least {_FEWEST} clock cycles: choose from 1 to {self.clock // _FEWEST}"
            )
        if abs(self.error) > BIT_ERROR:
            fewer = self.clock // self.baud
            raise BaudError(
                f"baud={self.baud} is {self.error:+.1%} off with {self.clocks} clock cycles of {self.clock} Hz per bit, "
                f"more than {BIT_ERROR:.0%}: choose {self.clock // fewer} or {self.clock // (fewer + 1)}"
            )

    @property
    def clocks(self) -> int:
        """Clock cycles per bit."""
        return round(self.clock / self.baud) if self.baud > 0 else 0

    @property
    def error(self) -> float:
        """Relative error of the rate."""
        return self.clock / (self.clocks * self.baud) - 1


class UARTReceiver(wiring.Component):
    """Bytes from a wire.

    Pulses shorter than two clock cycles are ignored, and a start bit is checked again in its middle. A byte without stop bit
    is dropped, and the next one cannot start before the wire has been idle.

    A byte is valid from the middle of its stop bit on. It is lost if the one before has not been taken by then, as a wire
    cannot be stalled.

    Parameters
    ----------
    bit : BitTime
        Clock cycles per bit.

    Attributes
    ----------
    rx : In(1)
        The wire, asynchronous; idle is high.
    bytes : Out(stream of 8 bits)
        Received bytes.
    """

    def __init__(self, bit: BitTime):
        self.bit = bit
        super().__init__({"rx": In(1, init=1), "bytes": Out(stream.Signature(_DATA_BITS))})

    def elaborate(self, platform):
        m = Module()
        clocks = self.bit.clocks
        line, left, bits, data = Signal(), Signal(range(clocks)), Signal(range(_DATA_BITS)), Signal(_DATA_BITS)
        m.d.comb += line.eq(self._filtered(m))
        with m.If(self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)

        def wait(count):
            m.d.sync += left.eq(count - 1)

        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        middle = left == 0
        with m.FSM():
            with m.State("Idle"):
                wait(clocks // 2)
                with m.If(~line):
                    m.next = "Start"
            with m.State("Start"):
                with m.If(middle):
                    wait(clocks)
                    m.d.sync += bits.eq(_DATA_BITS - 1)
                    m.next = "Data"
                    with m.If(line):
                        m.next = "Idle"
            with m.State("Data"):
                with m.If(middle):
                    wait(clocks)
                    m.d.sync += [data.eq(Cat(data[1:], line)), bits.eq(bits - 1)]
                    with m.If(bits == 0):
                        m.next = "Stop"
            with m.State("Stop"):
                with m.If(middle):
                    m.next = "Broken"
                    with m.If(line):
                        m.next = "Idle"
                        with m.If(~self.bytes.valid | self.bytes.ready):
                            m.d.sync += [self.bytes.payload.eq(data), self.bytes.valid.eq(1)]
            with m.State("Broken"):
                with m.If(line):
                    m.next = "Idle"
        return m

    def _filtered(self, m):
        """The wire in this clock domain, by majority of its last three samples."""
        now, before, earlier = (Signal(init=1) for _ in range(3))
        m.submodules.synchronizer = FFSynchronizer(self.rx, now, init=1)
        m.d.sync += [before.eq(now), earlier.eq(before)]
        return now & before | before & earlier | now & earlier


class UARTTransmitter(wiring.Component):
    """Bytes to a wire: `BITS_PER_BYTE` bits each, without gaps while there are bytes to send.

    Parameters
    ----------
    bit : BitTime
        Clock cycles per bit.

    Attributes
    ----------
    bytes : In(stream of 8 bits)
        Bytes to send.
    tx : Out(1)
        The wire, driven by a register; idle is high.
    """

    def __init__(self, bit: BitTime):
        self.bit = bit
        super().__init__({"bytes": In(stream.Signature(_DATA_BITS)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        frame = Signal(_DATA_BITS + 1)  # the bits after the start bit
        left, bits = Signal(range(self.bit.clocks)), Signal(range(len(frame) + 1))
        m.d.comb += self.bytes.ready.eq((left == 0) & (bits == 0))
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Elif(bits != 0):
            m.d.sync += [self.tx.eq(frame[0]), frame.eq(frame >> 1), bits.eq(bits - 1), left.eq(self.bit.clocks - 1)]
        with m.Elif(self.bytes.valid):
            m.d.sync += [
                self.tx.eq(0),
                frame.eq(Cat(self.bytes.payload, Const(1))),
                bits.eq(len(frame)),
                left.eq(self.bit.clocks - 1),
            ]
        return m

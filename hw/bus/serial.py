"""A core on a serial port: everything that a board needs except pins and clock."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ranvier.hw.bus.peripheral import Peripheral
from ranvier.hw.bus.uart import BitTime, UARTReceiver, UARTTransmitter
from ranvier.hw.bus.uartbone import UARTBone
from ranvier.parameters.config import CoreConfig

__all__ = ["BAUD", "CLOCK", "HELD", "TIMEOUT", "SerialCore"]

#: Clock in Hz and baud rate where no board says otherwise: 12 clock cycles per bit.
CLOCK, BAUD = 12_000_000, 1_000_000
#: Bytes that are buffered while an access waits for the core: a block RAM of the smallest FPGAs.
HELD = 512
#: Seconds of silence after which an incomplete frame is discarded.
TIMEOUT = 0.1


class SerialCore(wiring.Component):
    """UART, UARTBone and `Peripheral`: two wires to the whole core.

    The output stream is not connected: with the stream bit of `Register.CONTROL` set, the core stalls and reports that.

    Parameters
    ----------
    config : CoreConfig
        The core.
    clock, baud : int
        Frequency in Hz of its clock, and bits per second on the wires; see `BitTime` for what is possible.
    depth : int
        Of the queues; see `Peripheral`.

    Attributes
    ----------
    rx : In(1)
        From the host, asynchronous; idle is high.
    tx : Out(1)
        To the host.
    alive : Out(1)
        For an LED: on and off once a second, inverted for 1 to 2 of `TICKS` in a second after each byte from the host.
    """

    TICKS = 16

    def __init__(self, config: CoreConfig, clock: int = CLOCK, baud: int = BAUD, depth: int = 512):
        self.config, self.clock, self.depth, self.bit = config, clock, depth, BitTime(clock, baud)
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "alive": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UARTReceiver(self.bit)
        m.submodules.held = held = SyncFIFOBuffered(width=8, depth=HELD)
        m.submodules.transmitter = transmitter = UARTTransmitter(self.bit)
        m.submodules.uartbone = uartbone = UARTBone(round(self.clock * TIMEOUT))
        m.submodules.peripheral = peripheral = Peripheral(self.config, self.depth)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        wiring.connect(m, receiver.bytes, held.w_stream)
        wiring.connect(m, held.r_stream, uartbone.received)
        wiring.connect(m, uartbone.sent, transmitter.bytes)
        wiring.connect(m, uartbone.bus, peripheral.bus)
        self._led(m, receiver.bytes.valid)
        return m

    def _led(self, m, active):
        """Half of the ticks on, half off; inverted until the second tick after a byte."""
        clocks = self.clock // self.TICKS
        count, tick = Signal(range(clocks)), Signal()
        ticks, flash = Signal(range(self.TICKS)), Signal(2)
        m.d.sync += [tick.eq(count == clocks - 2), count.eq(Mux(tick, 0, count + 1)), ticks.eq(ticks + tick)]
        with m.If(active):
            m.d.sync += flash.eq(~0)
        with m.Elif(tick):
            m.d.sync += flash.eq(flash >> 1)
        m.d.comb += self.alive.eq(ticks[-1] ^ flash[0])

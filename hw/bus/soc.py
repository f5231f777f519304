"""A system on a chip: a processor with its program in block RAM, the core in its memory, a serial port to print on."""

import enum
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from amaranth.hdl import ClockSignal, Const, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.bus.peripheral import Peripheral
from ranvier.hw.bus.signature import STROBES
from ranvier.hw.bus.uart import BitTime, UARTTransmitter
from ranvier.hw.registers import ADDRESS_BITS
from ranvier.parameters.config import CoreConfig

__all__ = ["Region", "Soc", "processor_verilog"]

_ADDRESS_BITS, _BYTE_BITS = 32, 8
_REGION_BITS = 4


def processor_verilog() -> str:
    """Verilog of the processor: module ``picorv32``.

    Raises
    ------
    ModuleNotFoundError
        If the Python package that it comes with is not installed.
    """
    found = importlib.util.find_spec("pythondata_cpu_picorv32")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("PicoRV32 is not installed: run `pip install pythondata-cpu-picorv32`")
    return (Path(found.origin).parent / "verilog" / "picorv32.v").read_text()


class Region(enum.Enum):
    """Memory map: the upper bits of an address."""

    RAM = 0
    SERIAL = 1
    CORE = 2

    @property
    def base(self) -> int:
        """Its first byte address."""
        return self.value << (_ADDRESS_BITS - _REGION_BITS)


class ProcessorBus(wiring.Signature):
    """The memory bus of PicoRV32, from its side: `valid` is held until `ready`, with `read_data`."""

    def __init__(self):
        super().__init__(
            {
                "valid": Out(1),
                "address": Out(_ADDRESS_BITS),
                "data": Out(_ADDRESS_BITS),
                "strobe": Out(STROBES),
                "ready": In(1),
                "read_data": In(_ADDRESS_BITS),
            }
        )


class Soc(wiring.Component):
    """PicoRV32 (RV32I; see `processor_verilog`), RAM, `Peripheral` and UART.

    A word of RAM is read or written in 2 clock cycles. A byte written anywhere in `Region.SERIAL` is sent; the write waits
    while another is on the wire. A read that the core refuses returns 0, as does one of `Region.SERIAL` or of an address
    without a device.

    Parameters
    ----------
    config : CoreConfig
        The core.
    program : sequence of int
        Initial content of the RAM, 32-bit words; execution starts with the first.
    words : int
        Size of the RAM.
    bit : BitTime
        Clock cycles per bit of the serial port.
    depth : int
        Of the queues of the core; see `Peripheral`.

    Attributes
    ----------
    tx : Out(1)
        Serial port.
    trap : Out(1)
        The processor has stopped at an invalid instruction or address.
    """

    def __init__(self, config: CoreConfig, program: Sequence[int], words: int, bit: BitTime, depth: int = 512):
        self.config, self.program, self.words, self.bit, self.depth = config, program, words, bit, depth
        super().__init__({"tx": Out(1, init=1), "trap": Out(1)})

    def elaborate(self, platform):
        m = Module()
        if platform is not None:
            platform.add_file("picorv32.v", processor_verilog())
        bus = ProcessorBus().create()
        m.submodules.processor = self._processor(bus)
        places = {Region.RAM: self._ram(m, bus), Region.SERIAL: self._serial(m, bus), Region.CORE: self._core(m, bus)}
        with m.Switch(bus.address >> (_ADDRESS_BITS - _REGION_BITS)):
            for region, (selected, ready, answer) in places.items():
                with m.Case(region.value):
                    m.d.comb += [selected.eq(bus.valid), bus.ready.eq(ready), bus.read_data.eq(answer)]
            with m.Default():
                m.d.comb += bus.ready.eq(1)
        return m

    def _processor(self, bus):
        return Instance(
            "picorv32",
            p_BARREL_SHIFTER=1,
            i_clk=ClockSignal(),
            i_resetn=~ResetSignal(),
            o_trap=self.trap,
            o_mem_valid=bus.valid,
            i_mem_ready=bus.ready,
            o_mem_addr=bus.address,
            o_mem_wdata=bus.data,
            o_mem_wstrb=bus.strobe,
            i_mem_rdata=bus.read_data,
            i_irq=0,
            i_pcpi_wr=0,
            i_pcpi_rd=0,
            i_pcpi_wait=0,
            i_pcpi_ready=0,
        )

    # Of each region: (selected, done, data read).

    def _ram(self, m, bus):
        selected, ready = Signal(), Signal()
        m.submodules.ram = ram = Memory(shape=_ADDRESS_BITS, depth=self.words, init=self.program)
        read, write = ram.read_port(), ram.write_port(granularity=_BYTE_BITS)
        m.d.sync += ready.eq(selected & ~ready)
        m.d.comb += [
            read.addr.eq(bus.address >> 2),
            write.addr.eq(bus.address >> 2),
            write.data.eq(bus.data),
            write.en.eq(bus.strobe & selected.replicate(STROBES)),
        ]
        return selected, ready, read.data

    def _serial(self, m, bus):
        selected = Signal()
        m.submodules.transmitter = transmitter = UARTTransmitter(self.bit)
        writes = bus.strobe.any()
        m.d.comb += [
            transmitter.bytes.payload.eq(bus.data),
            transmitter.bytes.valid.eq(selected & writes),
            self.tx.eq(transmitter.tx),
        ]
        return selected, transmitter.bytes.ready | ~writes, Const(0)

    def _core(self, m, bus):
        """Offer an access until it is taken, then wait for the response."""
        selected = Signal()
        m.submodules.peripheral = peripheral = Peripheral(self.config, self.depth)
        access, reply, asked = peripheral.bus.request, peripheral.bus.response, Signal()
        m.d.comb += [
            access.valid.eq(selected & ~asked),
            access.payload.write.eq(bus.strobe.any()),
            access.payload.address.eq(bus.address[2:ADDRESS_BITS]),
            access.payload.data.eq(bus.data),
            access.payload.strobe.eq(bus.strobe),
            reply.ready.eq(1),
        ]
        with m.If(reply.valid):
            m.d.sync += asked.eq(0)
        with m.Elif(access.valid & access.ready):
            m.d.sync += asked.eq(1)
        return selected, reply.valid, reply.payload.data

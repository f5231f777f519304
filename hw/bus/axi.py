"""The core on AXI: registers and windows as an AXI4-Lite subordinate, events and outputs as AXI4-Streams."""

import enum

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ranvier.hw.bus.peripheral import Peripheral
from ranvier.hw.bus.results import result_layout
from ranvier.hw.bus.signature import STROBES, BusSignature
from ranvier.hw.events import OutputKind
from ranvier.hw.register_slice import RegisterSlice
from ranvier.hw.registers import ADDRESS_BITS, Register, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["AxiLite", "AxiLiteSignature", "AxiPeripheral", "AxiStreamSignature", "Response"]

#: Bits of a byte address within a word.
_OFFSET_BITS = exact_log2(STROBES)


class Response(enum.IntEnum):
    """Result of a transfer: the codes of AXI that are used here."""

    OKAY = 0
    SLVERR = 2


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite as its manager sees it, 32 bits of data: names of AMBA AXI, section B1, in lower case."""

    def __init__(self):
        super().__init__(
            {
                **{"awaddr": Out(ADDRESS_BITS), "awprot": Out(3), "awvalid": Out(1), "awready": In(1)},
                **{"wdata": Out(32), "wstrb": Out(STROBES), "wvalid": Out(1), "wready": In(1)},
                **{"bresp": In(2), "bvalid": In(1), "bready": Out(1)},
                **{"araddr": Out(ADDRESS_BITS), "arprot": Out(3), "arvalid": Out(1), "arready": In(1)},
                **{"rdata": In(32), "rresp": In(2), "rvalid": In(1), "rready": Out(1)},
            }
        )


class AxiStreamSignature(wiring.Signature):
    """AXI4-Stream as its transmitter sees it.

    Parameters
    ----------
    width : int
        Bits of a word.
    last : bool
        Packets have an end.
    """

    def __init__(self, width: int, *, last: bool = False):
        members = {"tdata": Out(width), "tvalid": Out(1), "tready": In(1)}
        super().__init__(members | ({"tlast": Out(1)} if last else {}))


class AxiLite(wiring.Component):
    """AXI4-Lite subordinate that carries every transfer over the internal bus, one after the other.

    All inputs and outputs are registered. Address and data of a write may come in any order; a transfer begins
    only when there is room for its response, so that a manager that leaves one kind of response waiting can still get the
    other. When both reads and writes wait, they take turns. A refused access, or an address between words, is answered with
    `Response.SLVERR`.

    A response comes `LATENCY` clock cycles after the (last) ``valid`` of its transfer, plus the latency of the internal
    bus.

    Attributes
    ----------
    s_axi : In(`AxiLiteSignature`)
        From the manager; ``awprot`` and ``arprot`` are ignored.
    bus : Out(`BusSignature`)
        To the peripheral.
    """

    #: Input register, a clock cycle to choose, output register.
    LATENCY = 3

    def __init__(self):
        super().__init__({"s_axi": In(AxiLiteSignature()), "bus": Out(BusSignature())})

    def elaborate(self, platform):
        m = Module()
        axi, access, answer = self.s_axi, self.bus.request, self.bus.response
        written = self._channel(m, "aw", axi.awaddr, axi.awvalid, axi.awready)
        brought = self._channel(m, "w", Cat(axi.wdata, axi.wstrb), axi.wvalid, axi.wready)
        asked = self._channel(m, "ar", axi.araddr, axi.arvalid, axi.arready)
        write_due, read_due, reading, ended = Signal(), Signal(), Signal(), Signal()
        address = Mux(reading, asked.payload, written.payload)
        m.d.comb += [
            write_due.eq(written.valid & brought.valid & ~axi.bvalid),
            read_due.eq(asked.valid & ~axi.rvalid),
            access.payload.write.eq(~reading),
            access.payload.address.eq(address >> _OFFSET_BITS),
            Cat(access.payload.data, access.payload.strobe).eq(brought.payload),
            asked.ready.eq(ended & reading),
            Cat(written.ready, brought.ready).eq((ended & ~reading).replicate(2)),
        ]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)

        def end(error, data):
            """Respond, and go on to the next transfer."""
            response = Mux(error, Response.SLVERR, Response.OKAY)
            m.d.comb += ended.eq(1)
            m.next = "Choose"
            with m.If(reading):
                m.d.sync += [axi.rvalid.eq(1), axi.rresp.eq(response), axi.rdata.eq(data)]
            with m.Else():
                m.d.sync += [axi.bvalid.eq(1), axi.bresp.eq(response)]

        with m.FSM():
            with m.State("Choose"):
                with m.If(read_due | write_due):
                    m.d.sync += reading.eq(read_due)  # reads and writes take turns
                    m.next = "Access"
            with m.State("Access"):
                with m.If(address[:_OFFSET_BITS].any()):
                    end(1, 0)
                with m.Else():
                    m.d.comb += access.valid.eq(1)
                    with m.If(access.ready):
                        m.next = "Answer"
            with m.State("Answer"):
                m.d.comb += answer.ready.eq(1)
                with m.If(answer.valid):
                    end(answer.payload.error, answer.payload.data)
        return m

    @staticmethod
    def _channel(m, name, payload, valid, ready):
        """A channel behind a register."""
        m.submodules[name] = channel = RegisterSlice(len(payload))
        m.d.comb += [channel.i.valid.eq(valid), channel.i.payload.eq(payload), ready.eq(channel.i.ready)]
        return channel.o


class AxiPeripheral(wiring.Component):
    """The peripheral with AXI ports: see `Peripheral` for its function, `AxiLite` for its ports.

    Both streams are registered: one word per clock cycle, no combinational path between ports, and a word that is offered
    stays.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Capacity of the queues: events in one, spikes and steps in the other.

    Attributes
    ----------
    s_axi : In(`AxiLiteSignature`)
        Registers and windows (`ranvier.hw.registers`), 512 KiB.
    s_axis : In(`AxiStreamSignature`)
        Events, each a word as `Register.EVENT` takes.
    m_axis : Out(`AxiStreamSignature`)
        Outputs, each a `result_layout`, while `Register.CONTROL` has its stream bit set; a packet ends with a prediction.
    irq : Out(1)
        An enabled cause is pending.
    """

    def __init__(self, config: CoreConfig, depth: int = 512):
        self.config, self.depth = config, depth
        super().__init__(
            {
                "s_axi": In(AxiLiteSignature()),
                "s_axis": In(AxiStreamSignature(register_layout(Register.EVENT).size)),
                "m_axis": Out(AxiStreamSignature(result_layout.size, last=True)),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.peripheral = peripheral = Peripheral(self.config, self.depth)
        m.submodules.registers = registers = AxiLite()
        m.submodules.events = events = RegisterSlice(register_layout(Register.EVENT))
        m.submodules.outputs = outputs = RegisterSlice(result_layout)
        connect(m, flipped(self.s_axi), registers.s_axi)
        connect(m, registers.bus, peripheral.bus)
        connect(m, events.o, peripheral.events)
        connect(m, peripheral.outputs, outputs.i)
        given = outputs.o.payload
        m.d.comb += [
            events.i.valid.eq(self.s_axis.tvalid),
            events.i.payload.eq(self.s_axis.tdata),
            self.s_axis.tready.eq(events.i.ready),
            self.m_axis.tvalid.eq(outputs.o.valid),
            self.m_axis.tdata.eq(given),
            self.m_axis.tlast.eq(given.output.kind == OutputKind.PREDICTION),
            outputs.o.ready.eq(self.m_axis.tready),
            self.irq.eq(peripheral.irq),
        ]
        return m

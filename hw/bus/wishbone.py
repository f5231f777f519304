"""The core on Wishbone: registers and windows for classic and pipelined masters alike."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ranvier.hw.bus.peripheral import Peripheral
from ranvier.hw.bus.signature import STROBES, BusSignature
from ranvier.hw.registers import ADDRESS_BITS
from ranvier.parameters.config import CoreConfig

__all__ = ["Wishbone", "WishbonePeripheral", "WishboneSignature"]


class WishboneSignature(wiring.Signature):
    """Wishbone B4 as its master sees it: 32 bits of data, word addresses, members called as in LiteX."""

    def __init__(self):
        super().__init__(
            {
                **{"adr": Out(ADDRESS_BITS - 2), "dat_w": Out(32), "sel": Out(STROBES), "we": Out(1)},
                **{"cyc": Out(1), "stb": Out(1), "cti": Out(3), "bte": Out(2)},
                **{"dat_r": In(32), "ack": In(1), "err": In(1), "stall": In(1)},
            }
        )


class Wishbone(wiring.Component):
    """Wishbone slave that carries every transfer over the internal bus, one after the other.

    A transfer is requested while ``cyc`` and ``stb`` are high, and ends with a clock cycle of ``ack``, or of ``err`` if it
    was refused. ``stall`` is low in that clock cycle only: to a pipelined master each request is taken and answered at once,
    as in section 5.2.1 of the specification; a classic master leaves ``stall`` unconnected.

    A master may abandon a transfer at any time by lowering ``cyc`` or ``stb``: it is then never answered, but a write may
    still be carried out, as a whole; the next transfer waits for that.

    An answer comes `LATENCY` clock cycles after its request, plus the latency of the internal bus.

    Attributes
    ----------
    wb : In(`WishboneSignature`)
        From the master. Bursts (``cti``, ``bte``) are answered word by word.
    bus : Out(`BusSignature`)
        To the peripheral.
    """

    #: Input and output register.
    LATENCY = 2

    def __init__(self):
        super().__init__({"wb": In(WishboneSignature()), "bus": Out(BusSignature())})

    def elaborate(self, platform):
        m = Module()
        wb, access, answer = self.wb, self.bus.request, self.bus.response
        asked, given_up, done, refused = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            asked.eq(wb.cyc & wb.stb),
            wb.ack.eq(done & asked),
            wb.err.eq(refused & asked),
            wb.stall.eq(~(done | refused)),
        ]
        m.d.sync += [done.eq(0), refused.eq(0)]
        with m.If(~asked):
            m.d.sync += given_up.eq(1)
        with m.FSM():
            with m.State("Idle"):
                m.d.sync += [
                    access.payload.write.eq(wb.we),
                    access.payload.address.eq(wb.adr),
                    access.payload.data.eq(wb.dat_w),
                    access.payload.strobe.eq(wb.sel),
                ]
                with m.If(asked & wb.stall):
                    m.d.sync += given_up.eq(0)
                    m.next = "Access"
            with m.State("Access"):
                m.d.comb += access.valid.eq(1)
                with m.If(access.ready):
                    m.next = "Answer"
            with m.State("Answer"):
                m.d.comb += answer.ready.eq(1)
                with m.If(answer.valid):
                    wanted = asked & ~given_up
                    m.d.sync += [
                        done.eq(wanted & ~answer.payload.error),
                        refused.eq(wanted & answer.payload.error),
                        wb.dat_r.eq(answer.payload.data),
                    ]
                    m.next = "Idle"
        return m


class WishbonePeripheral(wiring.Component):
    """The peripheral with a Wishbone port and without streams: see `Peripheral` for its function, `Wishbone` for its port.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Capacity of the queues: events in one, spikes and steps in the other.

    Attributes
    ----------
    wb : In(`WishboneSignature`)
        Registers and windows (`ranvier.hw.registers`), 512 KiB. Outputs sent to the stream (`Register.CONTROL`) are lost.
    irq : Out(1)
        An enabled cause is pending.
    """

    def __init__(self, config: CoreConfig, depth: int = 512):
        self.config, self.depth = config, depth
        super().__init__({"wb": In(WishboneSignature()), "irq": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.peripheral = peripheral = Peripheral(self.config, self.depth)
        m.submodules.registers = registers = Wishbone()
        connect(m, flipped(self.wb), registers.wb)
        connect(m, registers.bus, peripheral.bus)
        m.d.comb += [peripheral.outputs.ready.eq(1), self.irq.eq(peripheral.irq)]
        return m

"""Checksum of all writes, by which a driver verifies that exactly its own arrived."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

from ranvier.hw.registers import ADDRESS_BITS

__all__ = ["WriteChecksum"]


class WriteChecksum(wiring.Component):
    """CRC-32 (that of Ethernet and zlib) over (byte address, data), each a little-endian 32-bit word.

    One byte per clock cycle, `LATENCY` clock cycles per write.

    Attributes
    ----------
    add : In(1)
        Add `address` and `data`; not while `busy`.
    address : In
        Word address.
    data : In(32)
        Word written.
    clear : In(1)
        Restart; not while `busy`.
    busy : Out(1)
        A write is being added.
    value : Out(32)
        The checksum, while not `busy`.
    """

    _BYTES = 8
    LATENCY = _BYTES + 1

    def __init__(self):
        super().__init__(
            {
                "add": In(1),
                "address": In(ADDRESS_BITS - 2),
                "data": In(32),
                "clear": In(1),
                "busy": Out(1),
                "value": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ETHERNET().create()
        rest, left = Signal(8 * self._BYTES), Signal(range(self._BYTES + 1))
        m.d.comb += [
            crc.start.eq(self.clear),
            crc.data.eq(rest[:8]),
            crc.valid.eq(left != 0),
            self.busy.eq(left != 0),
            self.value.eq(crc.crc),
        ]
        with m.If(self.add):
            byte_address = Signal(32)
            m.d.comb += byte_address.eq(self.address << 2)
            m.d.sync += [rest.eq(Cat(byte_address, self.data)), left.eq(self._BYTES)]
        with m.Elif(left != 0):
            m.d.sync += [rest.eq(rest >> 8), left.eq(left - 1)]
        return m

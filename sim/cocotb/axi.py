"""An AXI manager: the bus models of cocotbext-axi, with a check of the handshakes on every clock cycle."""

import logging
from collections.abc import Sequence
from itertools import groupby
from random import Random
from typing import Any

import cocotb
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource
from cocotbext.axi.axil_channels import AxiLiteARTransaction, AxiLiteAWTransaction, AxiLiteWTransaction

from ranvier.hw.bus.axi import Response
from ranvier.sim.cocotb.host import WHOLE, AccessResult, BusAccess, Host, stalls

__all__ = ["AxiHost"]

#: What the interface offers: valid, ready, and what must stay as it is until it is taken.
_OFFERS = {
    "s_axi_b": ("s_axi_bvalid", "s_axi_bready", ("s_axi_bresp",)),
    "s_axi_r": ("s_axi_rvalid", "s_axi_rready", ("s_axi_rdata", "s_axi_rresp")),
    "m_axis_t": ("m_axis_tvalid", "m_axis_tready", ("m_axis_tdata", "m_axis_tlast")),
}


class AxiHost(Host):
    """AXI4-Lite manager and both streams.

    Parameters
    ----------
    dut : handle
        The core, module ``ranvier_axi``.
    random : Random
        Decides on stalls.
    stall : float
        Share of the clock cycles on which each channel holds back.

    Attributes
    ----------
    manager : AxiLiteMaster
        For transfers of whole words; its channels for all others.
    source, sink : AxiStreamSource, AxiStreamSink
        Events and outputs.
    """

    between_words = True

    def __init__(self, dut: Any, random: Random, stall: float):
        super().__init__(dut, dut.aclk, dut.aresetn, active=False)
        self.stalled = stall > 0
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)  # the models tell of every transfer
        reset = {"clock": dut.aclk, "reset": dut.aresetn, "reset_active_level": False}
        self.manager = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), **reset)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), **reset)
        write, read = self.manager.write_if, self.manager.read_if
        self.aw, self.w, self.b = write.aw_channel, write.w_channel, write.b_channel
        self.ar, self.r = read.ar_channel, read.r_channel
        if stall:
            for channel in (self.aw, self.w, self.b, self.ar, self.r, self.source, self.sink):
                channel.set_pause_generator(stalls(random, stall))
        self._signals = {name: getattr(dut, name) for group in _OFFERS.values() for name in (*group[:2], *group[2])}
        self._offered: dict[str, tuple[int, ...]] = {}
        self.start()

    async def transfer(self, accesses: Sequence[BusAccess]) -> list[AccessResult]:
        """Reads or writes that follow one another go out back to back; see `Host`."""
        results: list[AccessResult] = []
        for (write, plain), group in groupby(accesses, lambda a: (a.write, a.strobe == WHOLE and a.address % 4 == 0)):
            one = (self._write if write else self._read) if plain else (self.odd_write if write else self.odd_read)
            if plain:
                tasks = [cocotb.start_soon(one(access)) for access in group]
                results += [await task for task in tasks]
            else:
                results += [await one(access) for access in group]
        return results

    async def _read(self, access: BusAccess) -> AccessResult:
        given = await self.manager.read(access.address, 4)
        return _result(given.resp, int.from_bytes(given.data, "little"))

    async def _write(self, access: BusAccess) -> AccessResult:
        given = await self.manager.write(access.address, access.data.to_bytes(4, "little"))
        return _result(given.resp)

    async def odd_write(self, access: BusAccess, *, address_after: int = 0, data_after: int = 0) -> AccessResult:
        """A write of any address and strobes, of which address and data are each offered after some clock cycles."""

        async def offer(channel: Any, after: int, transaction: Any) -> None:
            if after:
                await self.wait(after)
            await channel.send(transaction)

        cocotb.start_soon(offer(self.aw, address_after, AxiLiteAWTransaction(awaddr=access.address)))
        word = AxiLiteWTransaction(wdata=access.data, wstrb=access.strobe)
        cocotb.start_soon(offer(self.w, data_after, word))
        return _result(int((await self.b.recv()).bresp))

    async def odd_read(self, access: BusAccess) -> AccessResult:
        """A read of any address."""
        await self.ar.send(AxiLiteARTransaction(araddr=access.address))
        given = await self.r.recv()
        return _result(int(given.rresp), int(given.rdata))

    def _request(self, access: BusAccess) -> None:
        dut = self.dut
        dut.s_axi_awaddr.value = dut.s_axi_araddr.value = access.address
        dut.s_axi_wdata.value, dut.s_axi_wstrb.value = access.data, access.strobe
        dut.s_axi_awvalid.value = dut.s_axi_wvalid.value = int(access.write)
        dut.s_axi_arvalid.value = int(not access.write)

    def _withdraw(self) -> None:
        dut = self.dut
        dut.s_axi_awvalid.value = dut.s_axi_wvalid.value = dut.s_axi_arvalid.value = 0

    # ---------------------------------------------------------------- streams

    async def give(self, words: Sequence[int]) -> None:
        """Offer events, a word each."""
        await self.source.send(b"".join(word.to_bytes(4, "little") for word in words))

    async def packet(self) -> list[tuple[int, int]]:
        """The next packet of outputs, as (word of `Register.OUTPUT`, value)."""
        data = bytes(await self.sink.recv())
        words = [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]
        return list(zip(words[::2], words[1::2], strict=True))

    def _check(self) -> None:
        """What was offered and not taken must still be on offer, unchanged."""
        signals = self._signals
        if not self.dut.aresetn.value:
            self._offered.clear()
            return
        for name, (valid, ready, fields) in _OFFERS.items():
            offered = tuple(int(signals[field].value) for field in fields) if signals[valid].value else None
            before = self._offered.pop(name, None)
            if before is not None and offered != before:
                raise AssertionError(f"{name}*: {before} was on offer and not taken, and became {offered}")
            if offered is not None and not signals[ready].value:
                self._offered[name] = offered


def _result(response: int, data: int = 0) -> AccessResult:
    """From a response code; only two of those may come."""
    return AccessResult(data, Response(int(response)) is Response.SLVERR)

"""A Wishbone master: the bus model of cocotbext-wishbone, classic and pipelined, with a check of every clock cycle."""

from collections.abc import Sequence
from random import Random
from typing import Any

from cocotb.triggers import RisingEdge
from cocotbext.wishbone.driver import WBOp, WishboneMaster

from ranvier.sim.cocotb.host import AccessResult, BusAccess, Host

__all__ = ["WishboneHost"]

#: What the model calls each signal, and what the interface calls it.
_SIGNALS = {"datwr": "dat_w", "datrd": "dat_r"} | {
    name: name for name in ("cyc", "stb", "we", "adr", "ack", "err", "sel", "cti", "bte")
}
#: The model's codes of a reply.
_ACK, _ERR = 1, 2
#: Clock cycles after which a transfer that was not answered never will be.
_PATIENCE = 100_000


class _Master(WishboneMaster):
    """The model, which is pipelined if it finds ``stall``: this one looks for no signal that it is not given."""

    _optional_signals: list[str] = []


class WishboneHost(Host):
    """Wishbone master.

    The model waits for each answer before it asks again, and cannot give a transfer up: `give_up` does that.

    Parameters
    ----------
    dut : handle
        The core, module ``ranvier_wishbone``.
    random : Random
        Decides on stalls, on the length and manner of cycles, and on what sort of burst they say they are.
    stall : float
        Share of the clock cycles on which it idles.

    Attributes
    ----------
    cycles : dict of str to int
        Cycles so far of each manner, classic and pipelined.
    """

    between_words = False

    def __init__(self, dut: Any, random: Random, stall: float):
        super().__init__(dut, dut.clk, dut.rst, active=True)
        self._random, self._stall = random, stall
        manners = {"classic": _SIGNALS, "pipelined": _SIGNALS | {"stall": "stall"}}
        self._models = {
            manner: _Master(dut, "wb", dut.clk, timeout=_PATIENCE, signals_dict=names)
            for manner, names in manners.items()
        }
        self.cycles = dict.fromkeys(manners, 0)
        self.start()

    async def transfer(self, accesses: Sequence[BusAccess]) -> list[AccessResult]:
        """In cycles of several transfers, without a pause between them if `stall` is 0; see `Host`."""
        results: list[AccessResult] = []
        while len(results) < len(accesses):
            length, manner = self._random.randint(1, 32), self._random.choice(list(self.cycles))
            self.cycles[manner] += 1
            some = accesses[len(results) : len(results) + length]
            replies = await self._models[manner].send_cycle([self._operation(access) for access in some])
            assert len(replies) == len(some), f"{len(some)} transfers, {len(replies)} replies"
            for access, reply in zip(some, replies, strict=True):
                assert reply.ack in (_ACK, _ERR), f"reply {reply.ack}"
                results.append(AccessResult(0 if access.write else int(reply.datrd), reply.ack == _ERR))
        return results

    def _operation(self, access: BusAccess) -> WBOp:
        idle = 0
        while self._random.random() < self._stall:
            idle += 1
        burst = {"cti": self._random.choice([0, 1, 2, 7]), "bte": self._random.randrange(4)}
        data = access.data if access.write else None
        return WBOp(access.address >> 2, data, idle, access.strobe, **burst)

    async def give_up(self, access: BusAccess, after: int, pause: int, *, keep_cyc: bool) -> bool:
        """Request, withdraw after some clock cycles unless answered before, then pause; whether it was withdrawn in time.

        Taken back are ``cyc`` and ``stb``, or only ``stb`` if `keep_cyc`.
        """
        dut, edge = self.dut, RisingEdge(self.clock)
        await edge
        self._request(access)
        answered = False
        for _ in range(after):
            await edge
            answered = bool(dut.wb_ack.value or dut.wb_err.value)
            if answered:
                break
        dut.wb_stb.value, dut.wb_cyc.value = 0, int(keep_cyc)
        for _ in range(pause):
            await edge
            assert not dut.wb_ack.value, "a transfer that was given up was answered"
            assert not dut.wb_err.value, "a transfer that was given up was answered"
        dut.wb_cyc.value = 0
        return not answered

    def _request(self, access: BusAccess) -> None:
        dut = self.dut
        dut.wb_adr.value, dut.wb_we.value = access.address >> 2, int(access.write)
        dut.wb_dat_w.value, dut.wb_sel.value = access.data, access.strobe
        dut.wb_cyc.value = dut.wb_stb.value = 1

    def _withdraw(self) -> None:
        self.dut.wb_cyc.value = self.dut.wb_stb.value = 0

    def _check(self) -> None:
        """An answer is `ack` or `err`, for a clock, to a transfer that is being requested; `stall` is low just then."""
        dut = self.dut
        asked = bool(dut.wb_cyc.value) and bool(dut.wb_stb.value)
        answers = int(dut.wb_ack.value) + int(dut.wb_err.value)
        assert answers <= int(asked), "an answer that nobody asked for" if not asked else "both ack and err"
        if asked:
            assert answers == 1 - int(dut.wb_stall.value), "stall disagrees with ack and err"

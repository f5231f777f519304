"""The host that fits the bus interface of a simulated core."""

from random import Random
from typing import Any

from ranvier.sim.cocotb.axi import AxiHost
from ranvier.sim.cocotb.host import Host
from ranvier.sim.cocotb.wishbone import WishboneHost

__all__ = ["open_host"]


async def open_host(dut: Any, random: Random, stall: float) -> Host:
    """The host for the bus interface that `dut` has, out of reset; both sides stall on a share `stall` of its cycles."""
    host: Host = (AxiHost if hasattr(dut, "aclk") else WishboneHost)(dut, random, stall)
    await host.reset()
    return host

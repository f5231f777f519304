"""Serves a simulated interface to another process; run inside Verilator by `ranvier.sim.cocotb.interface_link`."""

import socket
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.triggers import with_timeout

from ranvier.sim.cocotb.host import PATIENCE
from ranvier.sim.cocotb.hosts import open_host

__all__ = ["SOCKET", "STALL"]

#: Files in the working directory of the session: where to connect to, and the share of clock cycles to stall.
SOCKET, STALL = "link.socket", "link.stall"


@cocotb.test()
async def serve(dut: Any) -> None:
    """Carry out (name of a method of `ranvier.sim.cocotb.host.Host`, arguments) until the other side closes the connection.

    Simulated time passes only during these.
    """
    host = await open_host(dut, Random(cocotb.RANDOM_SEED), float(Path(STALL).read_text()))
    with socket.socket(socket.AF_UNIX) as plug:
        plug.connect(SOCKET)
        connection = Connection(plug.detach())
    while True:
        try:
            name, arguments = connection.recv()
        except EOFError:
            return
        connection.send(await with_timeout(getattr(host, name)(*arguments), PATIENCE, "ns"))

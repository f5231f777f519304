"""One port of a memory for several users."""

from typing import Any

from amaranth.hdl import Module, ValueLike
from amaranth.lib.wiring import In

__all__ = ["share"]


def share(m: Module, port: Any, *users: tuple[ValueLike, Any]) -> None:
    """Connect a port of a memory to its users: the last one whose condition holds owns it, and all of them see the result.

    Nothing is read or written while no condition holds. A multiplexer in front of the port, without latency.

    Parameters
    ----------
    m : Module
        Module that contains the port and its users.
    port : interface
        Port of the memory, such as `RowMemory.read`.
    *users : (condition, interface)
        Users, with the port's signature flipped; a condition of True always holds.
    """
    for condition, user in users:
        asked = [mine.eq(theirs) for mine, theirs, asks in _pairs(port, user) if asks]
        if condition is True:
            m.d.comb += asked
        else:
            with m.If(condition):
                m.d.comb += asked
        m.d.comb += [theirs.eq(mine) for mine, theirs, asks in _pairs(port, user) if not asks]


def _pairs(port, user):
    """(value of the port, value of the user, whether the user drives it) of every member."""
    theirs = {path: value for path, _, value in user.signature.flatten(user)}
    for path, member, mine in port.signature.flatten(port):
        yield mine, theirs[path], member.flow is In

"""Plain ports for tools that support neither streams nor structures."""

from collections.abc import Mapping

from amaranth.hdl import ClockDomain, Module, Shape, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Flat"]


class Flat(wiring.Component):
    """A component with one port per field: ``events.payload.kind`` becomes ``events_kind``.

    Parameters
    ----------
    component : wiring.Component
        The component to wrap.
    clocking : (str, str), optional
        Names of the clock and of a reset that is active low; without, they are ``clk`` and ``rst``, active high.
    attributes : mapping of str to mapping, optional
        Port -> Verilog attributes.
    """

    def __init__(
        self,
        component: wiring.Component,
        *,
        clocking: tuple[str, str] | None = None,
        attributes: Mapping[str, Mapping[str, str]] | None = None,
    ):
        self.component, self.clocking = component, clocking
        self._pairs = [
            (name, member.flow, field)
            for path, member, value in component.signature.flatten(component)
            for name, field in _fields("_".join(part for part in map(str, path) if part != "payload"), value)
        ]
        ports = {name: flow(Shape.cast(field.shape())) for name, flow, field in self._pairs}
        super().__init__(ports | dict.fromkeys(clocking or (), In(1)))
        for name, said in (attributes or {}).items():
            getattr(self, name).attrs.update(said)

    def elaborate(self, platform):
        m = Module()
        if self.clocking:
            clock, reset = (getattr(self, name) for name in self.clocking)
            m.domains.sync = sync = ClockDomain()
            m.d.comb += [sync.clk.eq(clock), sync.rst.eq(~reset)]
        m.submodules[type(self.component).__name__.lower()] = self.component
        for name, flow, field in self._pairs:
            mine = getattr(self, name)
            m.d.comb += mine.eq(field) if flow == Out else field.eq(mine)
        return m


def _fields(name, value):
    """(name, value) of every field of a structure, or of a plain value."""
    if isinstance(value, data.View) and isinstance(value.shape(), data.StructLayout | data.FlexibleLayout):
        for field, _ in value.shape():
            yield from _fields(f"{name}_{field}", value[field])
    else:
        yield name, Value.cast(value)

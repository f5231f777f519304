"""Plain ports for tools that know neither streams nor structures."""

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

__all__ = ["Flat"]


class Flat(wiring.Component):
    """A component with one port per field: ``events.payload.kind`` becomes ``events_kind``.

    Parameters
    ----------
    component : wiring.Component
        What to wrap.
    """

    def __init__(self, component: wiring.Component):
        self.component = component
        self._pairs = [
            (name, member.flow, field)
            for path, member, value in component.signature.flatten(component)
            for name, field in _fields("_".join(part for part in map(str, path) if part != "payload"), value)
        ]
        super().__init__({name: flow(Shape.cast(field.shape())) for name, flow, field in self._pairs})

    def elaborate(self, platform):
        m = Module()
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

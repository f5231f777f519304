"""The host's view of the core: parameters, state and counters as addressed words."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.registers import AddressSpace
from ranvier.parameters.config import CoreConfig

__all__ = ["Host", "HostPort", "request_layout", "response_layout"]


def request_layout(config: CoreConfig) -> data.StructLayout:
    """A request: write or read, space, row, column, and the data to write (sign-extended)."""
    columns = max(space.extent(config)[1] for space in AddressSpace)
    return data.StructLayout(
        {
            "write": 1,
            "space": AddressSpace,
            "row": range(max(2, config.rows, config.neurons)),
            "column": range(columns),
            "data": signed(32),
        }
    )


def response_layout() -> data.StructLayout:
    """A response: the data read, or that the address does not exist (or cannot be written)."""
    return data.StructLayout({"data": signed(32), "error": 1})


class HostPort(wiring.Signature):
    """A request on its way to registers and memories, as the host sees it.

    Attributes
    ----------
    active : Out(1)
        A request is being answered: the core must stay idle.
    space, row, column, data : Out
        The request, held while `active`.
    write : Out(1)
        Write `data` now.
    value : In(signed 32)
        The stored value, valid `Host.ACCESS` - 1 clock cycles after `active` rose at the latest.
    """

    def __init__(self, config: CoreConfig):
        layout = request_layout(config)
        super().__init__(
            {
                "active": Out(1),
                "space": Out(AddressSpace),
                "row": Out(layout["row"].shape),
                "column": Out(layout["column"].shape),
                "data": Out(signed(32)),
                "write": Out(1),
                "value": In(signed(32)),
            }
        )


class Host(wiring.Component):
    """Answers requests one at a time, in order, while the core is idle; latency `LATENCY` clock cycles.

    Every request is answered. Requests are refused, and nothing is written, outside a space, to read-only places and with
    values that do not fit.

    Parameters
    ----------
    config : CoreConfig
        Sizes of the spaces.

    Attributes
    ----------
    request, response : stream
        See `request_layout` and `response_layout`.
    idle : In(1)
        The core is idle.
    port : Out(`HostPort`)
        To registers and memories.
    register_known, register_readable, register_writable : In(1)
        In `AddressSpace.REGISTER`, the core has the register at `column`; it can be read; it takes writes.
    """

    #: Clock cycles that a request is held for the memories to answer.
    ACCESS = 6
    LATENCY = ACCESS + 1

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "request": In(stream.Signature(request_layout(config))),
                "response": Out(stream.Signature(response_layout())),
                "idle": In(1),
                "port": Out(HostPort(config)),
                "register_known": In(1),
                "register_readable": In(1),
                "register_writable": In(1),
            }
        )

    def windows(self) -> list[AddressSpace]:
        """The spaces of memory that this core answers."""
        others = (AddressSpace.REGISTER, AddressSpace.SCORE)  # registers have a bank, scores leave as outputs
        return [space for space in AddressSpace if space.exists(self.config) and space not in others]

    def elaborate(self, platform):
        m = Module()
        port, request = self.port, Signal(self.request.payload.shape())
        good, wait = Signal(), Signal(range(self.ACCESS))
        m.d.comb += [
            port.space.eq(request.space),
            port.row.eq(request.row),
            port.column.eq(request.column),
            port.data.eq(request.data),
            self.response.payload.error.eq(~good),
            port.active.eq(1),
        ]
        self._check(m, request, good)
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += [port.active.eq(0), self.request.ready.eq(self.idle)]
                m.d.sync += [request.eq(self.request.payload), wait.eq(0)]
                with m.If(self.request.valid & self.idle):
                    m.next = "Access"
            with m.State("Access"):
                m.d.comb += port.write.eq((wait == 1) & request.write & good)
                m.d.sync += [wait.eq(wait + 1), self.response.payload.data.eq(Mux(good, port.value, 0))]
                with m.If(wait == self.ACCESS - 1):
                    m.next = "Respond"
            with m.State("Respond"):
                m.d.comb += self.response.valid.eq(1)
                with m.If(self.response.ready):
                    m.next = "Idle"
        return m

    def _check(self, m, request, good):
        """Whether the place exists and permits the access, one clock cycle after the request."""
        inside, readable, writable = Signal(), Signal(), Signal()
        with m.Switch(request.space):
            with m.Case(AddressSpace.REGISTER):
                m.d.comb += [
                    inside.eq((request.row == 0) & self.register_known),
                    readable.eq(self.register_readable),
                    writable.eq(self.register_writable),
                ]
            for space in self.windows():
                (rows, columns), (least, most) = space.extent(self.config), space.limits(self.config)
                with m.Case(space):
                    m.d.comb += [
                        inside.eq((request.row < rows) & (request.column < columns)),
                        readable.eq(1),
                        writable.eq((least <= request.data) & (request.data <= most) if space.has_rows else 0),
                    ]
        m.d.sync += good.eq(inside & Mux(request.write, writable, readable))

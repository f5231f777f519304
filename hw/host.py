"""The host's view of the core: parameters, state and counters as addressed words."""

import enum

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.golden.config import CoreConfig
from ranvier.golden.record import COUNTERS

__all__ = ["Host", "Register", "Space", "request_layout", "response_layout"]


class Space(enum.Enum):
    """What a request addresses, by (row, column)."""

    REGISTER = 0  #: column: `Register`
    WEIGHT = 1  #: row: presynaptic unit, column: neuron
    DELAY = 2  #: row: presynaptic unit, column: neuron (0 if axonal)
    READOUT = 3  #: row: neuron, column: output
    FEEDBACK = 4  #: row: neuron, column: output
    POTENTIAL = 5  #: column: neuron; read only, like all below
    SPIKED = 6  #: column: neuron
    SURROGATE = 7  #: column: neuron
    READOUT_TRACE = 8  #: column: neuron
    READOUT_VALUE = 9  #: column: output
    TRACE = 10  #: column: presynaptic unit


class Register(enum.Enum):
    """Registers, one 32-bit word each. Counters count from the last write to `CLEAR`."""

    DIGEST = 0  #: hash of the configuration; read only
    MODE = 1  #: bit 0: learn; bit 1: report spikes and steps
    ALPHA = 2
    KAPPA = 3
    ETA_WEIGHT = 4  #: mantissa in bits 0-7, shift in bits 8-12; likewise the next two
    ETA_DELAY = 5
    ETA_READOUT = 6
    SEED = 7  #: writing starts the random generators
    CLEAR = 8  #: writing clears all counters
    CYCLES = 9  #: clocks during which the core was busy
    COUNTER = 10  #: first of the counters, in the order of `ranvier.golden.record.COUNTERS`


def request_layout(config: CoreConfig) -> data.StructLayout:
    """A request: write or read, space, row, column, and the data to write (sign-extended)."""
    columns = max(config.rows, config.neurons, config.outputs, int(Register.COUNTER.value) + len(COUNTERS))
    return data.StructLayout(
        {
            "write": 1,
            "space": Space,
            "row": range(max(2, config.rows, config.neurons)),
            "column": range(columns),
            "data": signed(32),
        }
    )


def response_layout() -> data.StructLayout:
    """A response: the data read, or that the address does not exist (or cannot be written)."""
    return data.StructLayout({"data": signed(32), "error": 1})


class Host(wiring.Component):
    """Answers one request at a time, in order, while the core is idle; an answer comes `LATENCY` clocks after its request.

    Every request is answered. Nothing is written outside a space, nor to what is read only.

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
    active : Out(1)
        A request is being answered: the core must stay idle.
    space, row, column, data : Out
        The request, held while `active`.
    write : Out(1)
        Write `data` now.
    value : In(signed 32)
        What is stored there, at the latest `ACCESS` - 1 clocks after `active` rose.
    """

    #: Clocks that a request is held for the memories to answer.
    ACCESS = 6
    LATENCY = ACCESS + 1

    def __init__(self, config: CoreConfig):
        self.config = config
        layout = request_layout(config)
        super().__init__(
            {
                "request": In(stream.Signature(layout)),
                "response": Out(stream.Signature(response_layout())),
                "idle": In(1),
                "active": Out(1),
                "space": Out(Space),
                "row": Out(layout["row"].shape),
                "column": Out(layout["column"].shape),
                "data": Out(signed(32)),
                "write": Out(1),
                "value": In(signed(32)),
            }
        )

    def extents(self) -> dict[Space, tuple[int, int]]:
        """(rows, columns) of every space that this core has."""
        c = self.config
        extents = {
            Space.REGISTER: (1, int(Register.COUNTER.value) + len(COUNTERS)),
            Space.WEIGHT: (c.rows, c.neurons),
            Space.DELAY: (c.rows, {"none": 0, "axonal": 1, "synaptic": c.neurons}[c.delays]),
            Space.READOUT: (c.neurons, c.outputs),
            Space.FEEDBACK: (c.neurons if c.feedback == "random" else 0, c.outputs),
            Space.POTENTIAL: (1, c.neurons),
            Space.SPIKED: (1, c.neurons),
            Space.READOUT_VALUE: (1, c.outputs),
        }
        if c.learning:
            extents |= {Space.SURROGATE: (1, c.neurons), Space.READOUT_TRACE: (1, c.neurons), Space.TRACE: (1, c.rows)}
        return {space: extent for space, extent in extents.items() if all(extent)}

    def elaborate(self, platform):
        m = Module()
        request = Signal(self.request.payload.shape())
        inside, writable, wait = Signal(), Signal(), Signal(range(self.ACCESS))
        m.d.comb += [
            self.space.eq(request.space),
            self.row.eq(request.row),
            self.column.eq(request.column),
            self.data.eq(request.data),
            self.response.payload.error.eq(~inside | (request.write & ~writable)),
            self.active.eq(1),
        ]
        with m.Switch(request.space):
            for space, (rows, columns) in self.extents().items():
                with m.Case(space):
                    m.d.comb += inside.eq((request.row < rows) & (request.column < columns))
        with m.Switch(request.space):
            with m.Case(Space.REGISTER):
                first, last = Register.MODE.value, Register.CLEAR.value
                m.d.comb += writable.eq((request.column >= first) & (request.column <= last))
            with m.Case(Space.WEIGHT, Space.DELAY, Space.READOUT, Space.FEEDBACK):
                m.d.comb += writable.eq(1)

        with m.FSM():
            with m.State("Idle"):
                m.d.comb += [self.active.eq(0), self.request.ready.eq(self.idle)]
                m.d.sync += [request.eq(self.request.payload), wait.eq(0)]
                with m.If(self.request.valid & self.idle):
                    m.next = "Access"
            with m.State("Access"):
                m.d.comb += self.write.eq((wait == 0) & request.write & inside & writable)
                m.d.sync += [wait.eq(wait + 1), self.response.payload.data.eq(Mux(inside, self.value, 0))]
                with m.If(wait == self.ACCESS - 1):
                    m.next = "Respond"
            with m.State("Respond"):
                m.d.comb += self.response.valid.eq(1)
                with m.If(self.response.ready):
                    m.next = "Idle"
        return m

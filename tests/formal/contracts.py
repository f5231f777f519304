"""What the users of a unit promise, as conditions on its ports that hold on every clock.

Each is stated in the unit's docstring. Proofs of a unit assume its contract; a core in simulation asserts those of all its
units (`tests/hw/test_contracts.py`). Registers that a condition needs are added to the module `m`.
"""

from amaranth.hdl import Module, Signal, Value

from ranvier.hw.events import OutputKind
from ranvier.hw.pipeline import delayed


def accumulator(m: Module, unit) -> dict[str, Value]:
    return {
        "overwrites only what has drained": ~(unit.write & (unit.busy | unit.add)),
        "addresses exist": (unit.address < unit.depth) & (unit.write_address < unit.depth),
    }


def delay_line(m: Module, unit) -> dict[str, Value]:
    taking = delayed(m, unit.take, 1)
    return {
        "takes only what has drained": ~(unit.take & (unit.busy & ~taking)),
        "takes or delivers": ~(unit.take & unit.deliver),
        "words exist": unit.word < unit.config.words,
        "delivers nothing on the clock after it takes": ~(unit.deliver & taking),
    }


def event_queue(m: Module, unit) -> dict[str, Value]:
    return {"puts in only what is wanted and has room": ~(unit.put & (unit.refused | unit.full))}


def spike_list(m: Module, unit) -> dict[str, Value]:
    following, fresh = Signal(range(unit.words + 1)), Signal(init=1)  # where a sweep goes on; it has not begun
    with m.If(unit.push):
        m.d.sync += following.eq(unit.word + 1)
    m.d.sync += fresh.eq(~unit.push & (fresh | unit.empty))
    begins = fresh & unit.empty
    return {
        "words exist": unit.word < unit.words,
        "pushes each word once, in ascending order, and a new sweep once the list is empty": ~unit.push
        | begins
        | (unit.word >= following),
    }


def results(m: Module, unit) -> dict[str, Value]:
    output = unit.outputs.payload
    return {"scores of outputs that exist": (output.kind != OutputKind.SCORE) | (output.index < unit.config.outputs)}

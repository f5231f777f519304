"""What the users of a unit promise, as conditions on its ports that hold on every clock.

Each is stated in the unit's docstring. Proofs of a unit assume its contract; a core in simulation asserts those of all its
units (`tests/hw/test_contracts.py`). Registers that a condition needs are added to the module `m`.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from ranvier.hw.events import OutputKind
from ranvier.hw.pipeline import as_built, delayed
from ranvier.hw.presynaptic_trace import PresynapticTraces


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


def scores(m: Module, unit) -> dict[str, Value]:
    added, silent = Signal(), Signal()
    index = delayed(m, unit.index, 1)
    m.d.sync += [added.eq(unit.add), silent.eq(unit.silent)]
    emitting = unit.busy & ~added
    return {
        "outputs exist": unit.index < unit.config.outputs,
        "adds to an output at most once within two clocks": ~(unit.add & added & (unit.index == index)),
        "adds nothing while scores are emitted": ~(unit.add & (emitting | unit.finish)),
        "finishes when nothing is under way": ~(unit.finish & unit.busy),
        "holds `silent` from `finish` on": ~emitting | (unit.silent == silent),
    }


def traces(m: Module, unit) -> dict[str, Value]:
    clocks = as_built(PresynapticTraces, unit.config).latency
    under_way = [(delayed(m, unit.visit, n), delayed(m, unit.row, n)) for n in range(1, clocks + 1)]
    marking = [delayed(m, unit.arrive, n) for n in (1, 2)]
    return {
        "visits no row whose last visit is under way": ~unit.visit
        | ~Cat(valid & (row == unit.row) for valid, row in under_way).any(),
        "marks arrivals three clocks apart": ~unit.arrive | ~Cat(marking).any(),
        "marks nothing while visits are under way": ~unit.arrive | ~Cat(unit.visit, *(v for v, _ in under_way)).any(),
        "visits nothing while an arrival is marked": ~unit.visit | ~Cat(unit.arrive, *marking).any(),
        "forgets when nothing is under way": ~unit.forget
        | ~Cat(unit.visit, unit.arrive, *marking, *(v for v, _ in under_way), delayed(m, unit.arrive, 3)).any(),
    }


def awake_rows(m: Module, unit, counts=()) -> dict[str, Value]:
    """`counts` is where to count rows held, and given on this walk, for a proof that says what they are."""
    held, taken = counts or (Signal(range(unit.rows + 1)), Signal(range(unit.rows + 1)))
    given = unit.awake.valid & unit.awake.ready
    with m.If(unit.clear):
        m.d.sync += [held.eq(0), taken.eq(0)]
    with m.Elif(unit.walk):
        m.d.sync += [held.eq(0), taken.eq(0)]
    with m.Else():
        m.d.sync += [held.eq(held + unit.append), taken.eq(taken + given)]
    return {
        "rows exist": unit.row < unit.rows,
        "walks when the last walk is over": ~unit.walk | (unit.done & ~unit.append),
        "clears when no walk is on": ~unit.clear | (unit.done & ~unit.append & ~unit.walk),
        "holds each row once": ~unit.append | (held < unit.rows),
        "appends on a walk only rows that it has given": ~unit.append | unit.done | (held < taken),
    }


def credit_list(m: Module, unit) -> dict[str, Value]:
    c = unit.config
    begun = Signal()
    with m.If(unit.begin):
        m.d.sync += begun.eq(1)
    most = Signal(range(c.words * c.lanes + 1))
    m.d.sync += most.eq(Mux(unit.begin, 0, Mux(unit.valid, unit.neuron + 1, most)))
    flushing = delayed(m, unit.flush, 1)
    return {
        "neurons exist": unit.neuron < c.words * c.lanes,
        "gives credit in ascending order": ~unit.valid | (unit.neuron >= most),
        "begins when nothing is under way": ~unit.begin | ~(unit.valid | unit.flush | flushing),
        "gives no credit after the flush": ~unit.valid | ~(unit.flush | flushing),
    }


def eligibility(m: Module, unit) -> dict[str, Value]:
    seen = Signal(max(2, unit.config.rows))
    given = unit.rows.valid & unit.rows.ready
    m.d.sync += seen.eq(Mux(unit.start, 0, seen | Mux(given, 1 << unit.rows.payload, 0)))
    return {
        "starts when the last step is over": ~(unit.start & unit.busy),
        "gives each row once on a step": ~given | ~seen.bit_select(unit.rows.payload, 1),
    }

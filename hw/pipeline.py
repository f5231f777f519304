"""Pipelines that count their own clock cycles.

Values that meet in a pipeline must belong to the same word: the product of a word, which took a clock cycle, meets other
values of the word, which did not. So each value carries its clock: the clock cycle in which it is valid, counted from the
one in which the word was issued. Where such timed values meet (`join`), the earlier ones wait in registers for the latest;
an explicit register (`Timed.registered`) delays a value by one clock cycle. Delays, latencies and the formulas of
`ranvier.hw.budget` are read from these clocks, so that an additional register changes no number elsewhere.

    pipeline = Pipeline(m)
    word, weight = pipeline.timed(word), pipeline.timed(read.data, 1)
    product = (weight * factor).registered()
    total = join(lambda a, b: a + b, product, word)  # word, as it was two clock cycles ago
    m.d.comb += [write.data.eq(total.value), write.en.eq(valid.at(total.clock))]
"""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from amaranth.hdl import Cat, Fragment, Module, Signal, Value

__all__ = ["Pipeline", "Timed", "as_built", "delayed", "join", "lately", "latest"]


class Pipeline:
    """A computation that can begin in every clock cycle; its values count their clocks from that cycle, its origin.

    Values of two pipelines cannot be joined, as their clocks have no common origin.

    Parameters
    ----------
    m : Module
        Receives the registers. None may be added inside ``m.If`` or a state.
    """

    def __init__(self, m: Module):
        self.m = m

    def timed(self, value, clock: int = 0) -> "Timed":
        """`value`, which is valid `clock` clock cycles after the origin."""
        return Timed(self, value, clock)


class Timed:
    """A value of a pipeline and its clock, the clock cycle in which it is valid.

    Arithmetic joins its operands (see `join`); a field or an item of a timed value is a timed value. A value that is held
    meanwhile (a port, a constant) joins as it is. All users of a delayed value share its registers.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline that it belongs to.
    value : amaranth.hdl.ValueLike
        The value.
    clock : int
        Clock cycles after the origin of `pipeline`.
    """

    def __init__(self, pipeline: Pipeline, value, clock: int):
        Value.cast(value)
        self.pipeline, self.value, self.clock = pipeline, value, clock
        self._later: Timed | None = None
        self._parts: dict[str, Timed] = {}

    def registered(self, clocks: int = 1) -> "Timed":
        """The value behind `clocks` registers, that many clock cycles later."""
        if clocks == 0:
            return self
        if self._later is None:
            self._later = Timed(self.pipeline, delayed(self.pipeline.m, self.value, 1), self.clock + 1)
        return self._later.registered(clocks - 1)

    def not_before(self, clock: int) -> "Timed":
        """The value delayed to `clock`; unchanged if its own clock is later."""
        return self.registered(max(0, clock - self.clock))

    def at(self, clock: int) -> Value:
        """The value delayed to `clock`; `ValueError` if `clock` is earlier than its own."""
        if clock < self.clock:
            raise ValueError(f"wanted on clock {clock} of a pipeline, but there on clock {self.clock}: join the two")
        return self.not_before(clock).value

    def __getattr__(self, field: str) -> "Timed":
        if field.startswith("_"):
            raise AttributeError(field)
        return self._part(getattr, field)

    def __getitem__(self, index) -> "Timed":
        return self._part(operator.getitem, index)

    def _part(self, get: Callable, part) -> "Timed":
        if repr(part) not in self._parts:
            self._parts[repr(part)] = join(get, self, part)
        return self._parts[repr(part)]

    def __add__(self, other):
        return join(operator.add, self, other)

    def __radd__(self, other):
        return join(operator.add, other, self)

    def __sub__(self, other):
        return join(operator.sub, self, other)

    def __rsub__(self, other):
        return join(operator.sub, other, self)

    def __mul__(self, other):
        return join(operator.mul, self, other)

    def __rmul__(self, other):
        return join(operator.mul, other, self)

    def __rshift__(self, other):
        return join(operator.rshift, self, other)

    def __lshift__(self, other):
        return join(operator.lshift, self, other)

    def __lt__(self, other):
        return join(operator.lt, self, other)

    def __gt__(self, other):
        return join(operator.gt, self, other)

    def __ge__(self, other):
        return join(operator.ge, self, other)

    def __and__(self, other):
        return join(operator.and_, self, other)

    def any(self) -> "Timed":
        """Whether any bit is set."""
        return join(lambda value: value.any(), self)


def join(function: Callable, *operands):
    """`function` of values of one word: the earlier of the timed ones wait in registers for the latest.

    The result has the clock of the latest; if `function` returns a tuple, each of its items has.
    """
    pipelines = {id(value.pipeline): value.pipeline for value in operands if isinstance(value, Timed)}
    if len(pipelines) != 1:
        raise ValueError(f"values of {len(pipelines)} pipelines cannot join: they share no origin of clocks")
    (pipeline,) = pipelines.values()
    clock = latest(*(value for value in operands if isinstance(value, Timed)))
    result = function(*(value.at(clock) if isinstance(value, Timed) else value for value in operands))
    if isinstance(result, tuple):
        return tuple(pipeline.timed(item, clock) for item in result)
    return pipeline.timed(result, clock)


def latest(*values: Timed) -> int:
    """The latest clock of the values."""
    return max(value.clock for value in values)


@cache
def as_built(unit: Callable, *arguments) -> Any:
    """A unit elaborated only to read the latencies of its pipelines; not for use in a design."""
    built = unit(*arguments)
    Fragment.get(built, None)
    return built


def delayed(m: Module, value: Value, clocks: int) -> Value:
    """`value` as it was `clocks` clock cycles ago. Must not be called inside ``m.If`` or a state: the registers would stall.

    Only flags are reset: values without a flag are never used, and multipliers can absorb registers that have no reset.
    """
    _check_unconditional(m)
    for _ in range(clocks):
        late = Signal.like(value, name="late", reset_less=len(Value.cast(value)) > 1)
        m.d.sync += late.eq(value)
        value = late
    return value


def lately(m: Module, value: Value, clocks: int) -> Value:
    """Whether the bit `value` is set, or was in the last `clocks` clock cycles: whether a pipeline still holds anything.

    Must not be called inside ``m.If`` or a state.
    """
    _check_unconditional(m)
    past = Signal(clocks - 1, name="past")
    recent = Signal(name="recent")
    m.d.sync += [past.eq(Cat(value, past)), recent.eq(value | past.any())]
    return value | recent


def _check_unconditional(m: Module) -> None:
    assert m.domain._depth == 0, "registers of a pipeline inside an m.If or a state stand still while it does not hold"

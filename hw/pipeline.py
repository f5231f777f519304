"""Pipelines that count their own clocks.

A pipeline computes in steps of a clock, and what meets in it must belong together: the product of a word, which took a
clock, meets other values of the same word, which did not. So each value carries the clock on which it is valid, counted
from the clock on which the word was issued. Where such timed values meet (`join`), the earlier ones wait in registers for
the latest; a register on purpose (`Timed.registered`) makes a value one clock later. Delays, latencies and the formulas of
`ranvier.hw.budget` are read from these clocks: an additional register somewhere changes no number elsewhere.

    pipeline = Pipeline(m)
    word, weight = pipeline.timed(word), pipeline.timed(read.data, 1)
    product = (weight * factor).registered()
    total = join(lambda a, b: a + b, product, word)  # word, as it was two clocks ago
    m.d.comb += [write.data.eq(total.value), write.en.eq(valid.at(total.clock))]
"""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from amaranth.hdl import Cat, Fragment, Module, Signal, Value

__all__ = ["Pipeline", "Timed", "as_built", "delayed", "join", "lately", "latest"]


class Pipeline:
    """What begins on one clock, the origin of the clocks of its values, and may begin again on every other.

    Values of two pipelines do not meet: there is no saying which is earlier.

    Parameters
    ----------
    m : Module
        Where the registers go. Must not be inside ``m.If`` or a state when there are any to add.
    """

    def __init__(self, m: Module):
        self.m = m

    def timed(self, value, clock: int = 0) -> "Timed":
        """`value`, which is valid `clock` clocks after the origin."""
        return Timed(self, value, clock)


class Timed:
    """A value of a pipeline and the clock on which it is valid.

    Arithmetic joins its operands (see `join`); a field or an item of a timed value is a timed value. A value that is held
    meanwhile (a port, a constant) joins as it is. However often a value is asked for later, its registers are there once.

    Parameters
    ----------
    pipeline : Pipeline
        Whose value it is.
    value : amaranth.hdl.ValueLike
        The value.
    clock : int
        Clocks after the origin of `pipeline`.
    """

    def __init__(self, pipeline: Pipeline, value, clock: int):
        Value.cast(value)
        self.pipeline, self.value, self.clock = pipeline, value, clock
        self._later: Timed | None = None
        self._parts: dict[str, Timed] = {}

    def registered(self, clocks: int = 1) -> "Timed":
        """The same in a register, a clock later (or in several registers)."""
        if clocks == 0:
            return self
        if self._later is None:
            self._later = Timed(self.pipeline, delayed(self.pipeline.m, self.value, 1), self.clock + 1)
        return self._later.registered(clocks - 1)

    def not_before(self, clock: int) -> "Timed":
        """The same on `clock`, or on its own if that is later."""
        return self.registered(max(0, clock - self.clock))

    def at(self, clock: int) -> Value:
        """The value as it is on `clock`; `ValueError` if that is too early for it."""
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
    """`function` of values that belong together: the earlier of the timed ones wait in registers for the latest.

    The result is valid on the clock of the latest; if `function` returns a tuple, each of its items is.
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
    """The first clock on which all of the values are there."""
    return max(value.clock for value in values)


@cache
def as_built(unit: Callable, *arguments) -> Any:
    """A unit that was elaborated on the side, to ask for the latencies that its pipelines have; not for use in a design."""
    built = unit(*arguments)
    Fragment.get(built, None)
    return built


def delayed(m: Module, value: Value, clocks: int) -> Value:
    """`value` as it was `clocks` clocks ago. Must not be called inside ``m.If`` or a state: the registers would stand still.

    Only flags are reset: what they do not announce is never looked at, and multipliers take registers without a reset in.
    """
    _check_unconditional(m)
    for _ in range(clocks):
        late = Signal.like(value, name="late", reset_less=len(Value.cast(value)) > 1)
        m.d.sync += late.eq(value)
        value = late
    return value


def lately(m: Module, value: Value, clocks: int) -> Value:
    """Whether the bit `value` is set, or was within the last `clocks` clocks: whether a pipeline still holds anything.

    Must not be called inside ``m.If`` or a state.
    """
    _check_unconditional(m)
    past = Signal(clocks - 1, name="past")
    recent = Signal(name="recent")
    m.d.sync += [past.eq(Cat(value, past)), recent.eq(value | past.any())]
    return value | recent


def _check_unconditional(m: Module) -> None:
    assert m.domain._depth == 0, "registers of a pipeline inside an m.If or a state stand still while it does not hold"

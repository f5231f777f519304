import numpy as np
import pytest
from amaranth.hdl import Const, Fragment, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.pipeline import Pipeline, as_built, delayed, join, lately, latest


class Delay(wiring.Component):
    value: In(signed(8))
    late: Out(signed(8))

    def __init__(self, clocks):
        super().__init__()
        self.clocks = clocks

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.late.eq(delayed(m, self.value, self.clocks))
        return m


@pytest.mark.parametrize("clocks", [1, 2, 5])
def test_delayed(clocks):
    values = np.random.default_rng(0).integers(-128, 128, 40)
    (late,) = clocked(Delay(clocks), [{"value": int(v)} for v in values], "late")
    np.testing.assert_array_equal(late, [*[0] * clocks, *values[:-clocks]])


class Lately(Delay):
    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.late.eq(lately(m, self.value[0], self.clocks))
        return m


@pytest.mark.parametrize("clocks", [1, 2, 5])
def test_lately(clocks):
    values = np.random.default_rng(clocks).random(200) < 0.2
    (late,) = clocked(Lately(clocks), [{"value": int(v)} for v in values], "late")
    expected = [values[max(0, n - clocks) : n + 1].any() for n in range(len(values))]
    assert 20 < sum(expected) < 180
    np.testing.assert_array_equal(late & 1, expected)


def test_no_clocks_is_the_value_itself(m):
    value = Const(1)
    assert delayed(m, value, 0) is value
    assert Pipeline(m).timed(value, 3).at(3) is value


@pytest.fixture
def m():
    """A module that is thrown away."""
    module = Module()
    yield module
    Fragment.get(module, None)


class Polynomial(wiring.Component):
    """``a x^2 + b x + c`` with more registers after each of its operations than it needs, and x on a later clock than a."""

    a: In(signed(8))
    x: In(signed(8))
    valid: In(1)
    value: Out(signed(32))
    known: Out(1)

    def __init__(self, arrives, *more):
        super().__init__()
        self.arrives, self.more = arrives, more

    def elaborate(self, platform):
        m = Module()
        square, product, total, fields = self.more
        pipeline = Pipeline(m)
        pair = pipeline.timed(data.View(data.StructLayout({"a": signed(8), "b": signed(8)}), self.a.replicate(2)))
        x, valid = pipeline.timed(self.x, self.arrives), pipeline.timed(self.valid)
        pair = pair.registered(fields)
        squared = (x * x).registered(square)
        product = (pair.a * squared).registered(product)
        result = (product + pair.b * x - 3).registered(total)
        self.latency = result.clock
        m.d.comb += [self.value.eq(result.value), self.known.eq(valid.at(result.clock))]
        return m


@pytest.mark.parametrize("arrives", [0, 2, 5])
@pytest.mark.parametrize("more", [(0, 0, 1, 0), (1, 0, 0, 0), (0, 1, 1, 0), (1, 2, 3, 0), (3, 1, 0, 2), (0, 0, 0, 9)])
def test_values_of_one_origin_meet_whatever_registers_there_are(arrives, more):
    rng, clocks = np.random.default_rng(arrives), 60
    a, x = rng.integers(-128, 128, (2, clocks))
    valid = rng.integers(0, 2, clocks)
    dut = Polynomial(arrives, *more)
    late = [0] * arrives
    stimulus = [
        {"a": int(a), "x": int(x), "valid": int(v)}
        for a, x, v in zip([*a, *late], [*late, *x], [*valid, *late], strict=True)
    ]
    value, known = clocked(dut, [*stimulus, *[{"valid": 0}] * 20], "value", "known")
    latency = as_built(Polynomial, arrives, *more).latency
    square, product, total, fields = more
    assert latency == max(arrives + square, fields) + product + total
    assert dut.latency == latency
    expected = a * x * x + a * x - 3
    np.testing.assert_array_equal(known[latency : latency + clocks], valid)
    np.testing.assert_array_equal(value[latency : latency + clocks], expected)
    assert known.sum() == valid.sum() > 20


def registers(m):
    """The registers of a module."""
    return [statement.lhs for statement in Fragment.get(m, None).statements.get("sync", ())]


def test_a_value_is_registered_once_however_often_it_is_late(m):
    timed = Pipeline(m).timed(Signal(data.StructLayout({"flag": 1, "word": 4})), 2)
    assert timed.at(5) is timed.registered().at(5) is timed.not_before(4).registered().value
    assert timed.not_before(1) is timed
    assert timed.not_before(4) is timed.registered(2)
    assert (timed.clock, timed.registered(3).clock, timed.word.clock) == (2, 5, 2)
    assert timed.word is timed.word
    for _ in range(2):
        join(lambda early, late: early & late, timed.word, timed.registered(3).word)
    assert len(registers(m)) == 3 + 3  # of `timed` and of its word


def test_only_flags_are_reset(m):
    timed = Pipeline(m).timed(Signal(data.StructLayout({"flag": 1, "word": 4})))
    assert not timed.flag.at(1).reset_less
    assert timed.word.at(1).reset_less


def test_a_join_is_as_late_as_its_latest_operand(m):
    pipeline = Pipeline(m)
    early, late = pipeline.timed(Signal(4), 1), pipeline.timed(Signal(signed(4)), 3)
    assert latest(early, late) == 3
    operations = [early + late, late + early, early - late, early * late, early & late, early < late, early >= late]
    operations += [
        late > early,
        early + 1,
        1 + early,
        1 - early,
        2 * early,
        early >> 1,
        early << 1,
        early[:2],
        early.any(),
    ]
    assert [result.clock for result in operations] == [3] * 8 + [1] * 8
    assert [len(result.value) for result in operations] == [6, 6, 6, 8, 5, 1, 1, 1, 5, 5, 5, 6, 4, 5, 2, 1]
    both = join(lambda a, held, b: (a, a + held + b), early, 7, late)
    assert [result.clock for result in both] == [3, 3]
    assert len(registers(m)) == 2  # `early`, two clocks late, for them all


def test_a_value_is_not_there_before_its_clock(m):
    value = (Pipeline(m).timed(Signal(4), 2) + 1).registered()
    with pytest.raises(ValueError, match="wanted on clock 2 of a pipeline, but there on clock 3: join the two"):
        value.at(2)
    assert registers(m) == [value.value]


def test_values_without_a_common_origin_do_not_join(m):
    with pytest.raises(ValueError, match="values of 2 pipelines cannot join"):
        Pipeline(m).timed(Signal()) & Pipeline(m).timed(Signal())
    with pytest.raises(ValueError, match="values of 0 pipelines cannot join"):
        join(lambda a, b: a + b, Signal(), 1)


def test_what_is_no_value_is_no_timed_value(m):
    pipeline = Pipeline(m)
    with pytest.raises(TypeError):
        pipeline.timed("four")
    with pytest.raises(TypeError):
        join(lambda value: [value], pipeline.timed(Signal()))
    with pytest.raises(AttributeError, match="missing"):
        pipeline.timed(Signal(data.StructLayout({"flag": 1}))).missing  # noqa: B018


def test_no_register_stands_still(m):
    value, hold = Pipeline(m).timed(Signal(4)), Signal()
    with m.If(hold):
        assert value.at(0) is value.value
        with pytest.raises(AssertionError, match="stand still"):
            value.at(1)

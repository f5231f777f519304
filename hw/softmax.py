"""Integer softmax: a base-2 exponential from a table and one reciprocal per step (see the golden file for the formula)."""

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.fixed import round_half_up, shape
from ranvier.hw.pipeline import Pipeline, join
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE, LOG2_E, RECIPROCAL_BITS, TABLE_BITS

__all__ = ["Softmax"]


class Softmax(wiring.Component):
    """Probabilities of `outputs` readouts, one per clock cycle, after one pass over them to find the largest.

    The last probability comes ``2 outputs + latency`` clock cycles after `start`: one pass sums the powers, a restoring
    divider makes the reciprocal, one pass scales.

    Parameters
    ----------
    config : CoreConfig
        Number of outputs, `potential` and `error` formats.

    Attributes
    ----------
    start : In(1)
        The largest readout is known; begin.
    largest : In
        The largest readout, held until done.
    output : Out
        Index of the readout to provide ...
    value : In
        ... `ANSWER` clock cycles later, `potential` format.
    valid, index, probability : Out
        One output's probability with ``error.fraction`` fraction bits (1.0 is representable), in ascending order.
    busy : Out(1)
        Softmax is under way.
    latency : int
        Clock cycles beyond the two passes: pipeline of the powers, divider, pipeline of the scaling, change of state; known
        once elaborated, see `as_built`.
    probability_latency : int
        Clock cycles from `output`, on the second pass, to its probability, likewise.
    """

    #: Clock cycles from `output` to its `value`.
    ANSWER = 2

    def __init__(self, config: CoreConfig):
        self.config = config
        output = range(config.outputs)
        super().__init__(
            {
                "start": In(1),
                "largest": In(shape(config.potential)),
                "output": Out(output),
                "value": In(shape(config.potential)),
                "valid": Out(1),
                "index": Out(output),
                "probability": Out(unsigned(config.error.fraction + 1)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self.config
        count, summing, divided, scaling = Signal(range(c.outputs)), Signal(), Signal(), Signal()
        total = Signal(EXP_BITS + 1 + (c.outputs - 1).bit_length())
        pipeline = Pipeline(m)
        output = pipeline.timed(count)
        m.submodules.powers = powers = Memory(shape=unsigned(EXP_BITS + 1), depth=max(2, c.outputs), init=[])
        store, fetch = powers.write_port(), powers.read_port()

        power = self._power(m, pipeline.timed(self.value, self.ANSWER))
        m.d.comb += [
            store.en.eq(pipeline.timed(summing).at(power.clock)),
            store.addr.eq(output.at(power.clock)),
            store.data.eq(power.value),
        ]
        with m.If(store.en):
            m.d.sync += total.eq(total + power.value)
        reciprocal = self._reciprocal(m, store.en & (store.addr == c.outputs - 1), total, divided)

        scaled = (pipeline.timed(fetch.data, 1).registered() * reciprocal).registered()
        done = scaled.clock + 1
        m.d.sync += self.probability.eq(round_half_up(scaled.value, RECIPROCAL_BITS - c.error.fraction))
        m.d.comb += [
            self.output.eq(count),
            fetch.addr.eq(count),
            self.valid.eq(pipeline.timed(scaling).at(done)),
            self.index.eq(output.at(done)),
        ]
        self.probability_latency, self.latency = done, power.clock + len(reciprocal) + done + 1
        self._sequence(m, count, total, summing, divided, scaling)
        return m

    def _sequence(self, m, count, total, summing, divided, scaling):
        """A pass that sums, a division, a pass that scales."""
        last = count == self.config.outputs - 1
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += count.eq(0)
                with m.If(self.start):
                    m.d.sync += total.eq(0)
                    m.next = "Sum"
            with m.State("Sum"):
                m.d.comb += summing.eq(1)
                m.d.sync += count.eq(Mux(last, 0, count + 1))
                with m.If(last):
                    m.next = "Divide"
            with m.State("Divide"):
                with m.If(divided):
                    m.next = "Scale"
            with m.State("Scale"):
                m.d.comb += scaling.eq(1)
                m.d.sync += count.eq(Mux(last, 0, count + 1))
                with m.If(last):
                    m.next = "Drain"
            with m.State("Drain"):
                with m.If(self.valid & (self.index == self.config.outputs - 1)):
                    m.next = "Idle"

    def _power(self, m, value):
        """``2**-((largest - value) log2 e)``: difference, product, table, shift."""
        c = self.config
        m.submodules.table = table = Memory(shape=unsigned(EXP_BITS + 1), depth=len(EXP_TABLE), init=EXP_TABLE)
        lookup = table.read_port()
        below = join(lambda value: (self.largest - value).as_unsigned(), value).registered()
        product = (below * Const(LOG2_E)).registered()
        fraction = c.potential.fraction + EXP_BITS
        m.d.comb += lookup.addr.eq(product.value[fraction - TABLE_BITS : fraction])
        mantissa = product.pipeline.timed(lookup.data, product.clock + 1).registered()
        whole = product[fraction:]
        vanishes, shift = whole > EXP_BITS, whole[: EXP_BITS.bit_length()]
        return join(lambda none, power, shift: Mux(none, 0, power >> shift), vanishes, mantissa, shift).registered()

    def _reciprocal(self, m, start, total, done):
        """``2**RECIPROCAL_BITS // total`` by restoring division; `total` is at least ``2**EXP_BITS`` (its largest power)."""
        bits = RECIPROCAL_BITS - EXP_BITS + 1
        left = Signal(range(bits + 1))
        quotient, remainder = Signal(bits), Signal(len(total) + 1)
        doubled = Signal(len(total) + 2)
        fits = doubled >= total
        m.d.comb += doubled.eq(remainder << 1)
        with m.If(start):
            m.d.sync += [left.eq(bits), quotient.eq(0), remainder.eq(1 << (EXP_BITS - 1))]
        with m.Elif(left != 0):
            m.d.sync += [
                left.eq(left - 1),
                quotient.eq((quotient << 1) | fits),
                remainder.eq(Mux(fits, doubled - total, doubled)),
                done.eq(left == 1),
            ]
        with m.Else():
            m.d.sync += done.eq(0)
        return quotient

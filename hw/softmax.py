"""Integer softmax: a base-2 exponential from a table and one reciprocal per step (see the golden file for the formula)."""

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.fixed import shape
from ranvier.hw.pipeline import delayed
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE, LOG2_E, RECIPROCAL_BITS, TABLE_BITS

__all__ = ["Softmax"]


class Softmax(wiring.Component):
    """Probabilities of `outputs` readouts, one per clock, after one pass over them to find the largest.

    The last probability comes ``2 outputs + LATENCY`` clocks after `start`: one pass sums the powers, a restoring divider
    makes the reciprocal, one pass scales.

    Parameters
    ----------
    config : CoreConfig
        Number of outputs, `potential` and `error` formats.

    Attributes
    ----------
    start : In(1)
        The largest readout is known; ask for all readouts.
    largest : In
        The largest readout, held until done.
    output : Out
        Readout to provide ...
    value : In
        ... two clocks later, `potential` format.
    valid, index, probability : Out
        One output's probability with ``error.fraction`` fraction bits (1.0 is representable), in ascending order.
    busy : Out(1)
        Not done yet.
    """

    #: Clocks beyond two passes: pipeline of the powers, divider, pipeline of the scaling, state changes.
    LATENCY = 30

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
        count = Signal(range(c.outputs))
        last = count == c.outputs - 1
        summing, scaling = Signal(), Signal()
        total = Signal(EXP_BITS + 1 + (c.outputs - 1).bit_length())
        divided = Signal()

        m.submodules.powers = powers = Memory(shape=unsigned(EXP_BITS + 1), depth=max(2, c.outputs), init=[])
        store, fetch = powers.write_port(), powers.read_port()
        power, store_valid, store_index = self._power(m, summing, count)
        m.d.comb += [store.en.eq(store_valid), store.addr.eq(store_index), store.data.eq(power)]
        with m.If(store_valid):
            m.d.sync += total.eq(total + power)
        reciprocal = self._reciprocal(m, store_valid & (store_index == c.outputs - 1), total, divided)

        m.d.comb += [self.output.eq(count), fetch.addr.eq(count), self.busy.eq(1)]
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
                with m.If(self.valid & (self.index == c.outputs - 1)):
                    m.next = "Idle"

        drop = RECIPROCAL_BITS - c.error.fraction
        scaled = delayed(m, delayed(m, fetch.data, 1) * reciprocal, 1)
        m.d.sync += self.probability.eq((scaled + (1 << (drop - 1))) >> drop)
        m.d.comb += [self.valid.eq(delayed(m, scaling, 4)), self.index.eq(delayed(m, count, 4))]
        return m

    def _power(self, m, valid, index):
        """``2**-((largest - value) log2 e)``: difference, product, table, shift. Power, valid and index 7 clocks later."""
        c = self.config
        m.submodules.table = table = Memory(shape=unsigned(EXP_BITS + 1), depth=len(EXP_TABLE), init=EXP_TABLE)
        lookup = table.read_port()
        below = delayed(m, (self.largest - self.value).as_unsigned(), 1)  # clock 3
        product = delayed(m, below * Const(LOG2_E), 1)  # clock 4
        fraction = c.potential.fraction + EXP_BITS
        m.d.comb += lookup.addr.eq(product[fraction - TABLE_BITS : fraction])
        whole = product[fraction:]
        vanishes = delayed(m, whole > EXP_BITS, 2)
        shift = delayed(m, whole[: EXP_BITS.bit_length()], 2)
        mantissa = delayed(m, lookup.data, 1)  # clock 6
        power = delayed(m, Mux(vanishes, 0, mantissa >> shift), 1)  # clock 7
        return power, delayed(m, valid, 7), delayed(m, index, 7)

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

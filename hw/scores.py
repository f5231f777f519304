"""Scores of the classes over a sample, and the prediction."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.events import OutputKind, output_layout
from ranvier.hw.pipeline import Pipeline
from ranvier.parameters.config import CoreConfig

__all__ = ["Scores"]


class Scores(wiring.Component):
    """One sum of 32 bits per output, which `CoreConfig.max_scored` scored steps cannot overflow; an overflow is reported.

    Adds one value per clock cycle, each output at most once within two clock cycles. At the end of a sample emits every
    score and then the class with the largest (the lowest index winning ties), busy for ``3 outputs + 1`` clock cycles unless
    the consumer stalls, and leaves all scores zero.

    Parameters
    ----------
    config : CoreConfig
        Number of outputs.

    Attributes
    ----------
    add, index, value : In
        Add `value` to score `index`.
    finish : In(1)
        Emit and clear. Not while busy; nothing may be added until all is emitted.
    silent : In(1)
        Held from `finish` on (and out of reset): clear without emitting.
    results : Out(stream)
        Scores and prediction.
    overflowed : Out(1)
        A sum wrapped in the clock cycle before.
    busy : Out(1)
        Adding or emitting.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "add": In(1),
                "index": In(range(config.outputs)),
                "value": In(signed(32)),
                "finish": In(1),
                "silent": In(1, init=1),
                "results": Out(stream.Signature(output_layout(config))),
                "overflowed": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=signed(32), depth=self.config.outputs, init=[])
        read, write = memory.read_port(), memory.write_port()
        pipeline = Pipeline(m)
        stored = pipeline.timed(read.data, 1)
        total = stored + pipeline.timed(self.value)
        adding = pipeline.timed(self.add).at(total.clock)
        m.d.comb += [
            write.addr.eq(pipeline.timed(self.index).at(total.clock)),
            write.data.eq(total.value),
            write.en.eq(adding),
        ]
        m.d.sync += self.overflowed.eq(adding & (total.value[32] != total.value[31]))
        self._emit(m, read, write, stored.registered().value, adding)
        return m

    def _emit(self, m, read, write, score, adding):
        """Emit and clear one score after the other, then emit the prediction."""
        outputs, result = self.config.outputs, self.results.payload
        output, best, largest = Signal(range(outputs)), Signal(range(outputs)), Signal(signed(32))
        m.d.comb += [read.addr.eq(output), self.busy.eq(1)]
        with m.FSM():
            with m.State("Add"):
                m.d.comb += [self.busy.eq(adding), read.addr.eq(self.index)]
                m.d.sync += output.eq(0)
                with m.If(self.finish):
                    m.next = "Read"
            with m.State("Read"):
                m.next = "Wait"
            with m.State("Wait"):
                m.next = "Emit"
            with m.State("Emit"):
                m.d.comb += [
                    result.kind.eq(OutputKind.SCORE),
                    result.index.eq(output),
                    result.value.eq(score),
                    self.results.valid.eq(~self.silent),
                    write.addr.eq(output),
                    write.data.eq(0),
                ]
                with m.If(self.results.ready | self.silent):
                    m.d.comb += write.en.eq(1)
                    m.d.sync += output.eq(output + 1)
                    with m.If((output == 0) | (score > largest)):
                        m.d.sync += [best.eq(output), largest.eq(score)]
                    m.next = "Read"
                    with m.If(output == outputs - 1):
                        m.next = "Predict"
            with m.State("Predict"):
                m.d.comb += [
                    result.kind.eq(OutputKind.PREDICTION),
                    result.index.eq(best),
                    self.results.valid.eq(~self.silent),
                ]
                with m.If(self.results.ready | self.silent):
                    m.next = "Add"

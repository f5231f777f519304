"""Outputs of the core for the host: spikes in a queue, scores and prediction of the last sample."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ranvier.hw.events import OutputKind, output_layout
from ranvier.hw.registers import Register, register_layout
from ranvier.parameters.config import CoreConfig

__all__ = ["Results", "result_layout"]

#: A word of the output stream: the content of `Register.OUTPUT` (always valid), and the score that belongs to it.
result_layout = data.StructLayout({"output": register_layout(Register.OUTPUT), "value": 32})


class Results(wiring.Component):
    """Takes one output per clock cycle. Without `streaming` it never stalls the core: a full queue drops outputs.

    Parameters
    ----------
    config : CoreConfig
        The core.
    depth : int
        Capacity in spikes and steps, in block RAM.

    Attributes
    ----------
    outputs : In(stream of `output_layout`)
        From the core.
    streaming : In(1)
        Outputs go to `stream` instead of the queue; scores and prediction are kept in either case.
    stream : Out(stream of `result_layout`)
        All outputs, while `streaming`.
    stalled : Out(1)
        Nobody has taken from `stream` for `PATIENCE` clock cycles.
    oldest : Out(`Register.OUTPUT`)
        Head of the queue.
    take : In(1)
        Remove it.
    level : Out
        Outputs in the queue.
    dropped, ended : Out(1)
        An output was dropped; a prediction came.
    prediction, samples : Out
        The last prediction, and the number of predictions so far.
    output : In
        Index of an output ...
    score : Out(32)
        ... and its last score, two clock cycles later. A host may read at any time, so a read that coincides with a write
        returns the old value.
    """

    PATIENCE = 1 << 10

    def __init__(self, config: CoreConfig, depth: int):
        self.config, self.depth = config, depth
        word = register_layout(Register.OUTPUT)
        super().__init__(
            {
                "outputs": In(stream.Signature(output_layout(config))),
                "streaming": In(1),
                "stream": Out(stream.Signature(result_layout)),
                "stalled": Out(1),
                "oldest": Out(word),
                "take": In(1),
                "level": Out(range(depth + 1)),
                "dropped": Out(1),
                "ended": Out(1),
                "prediction": Out(range(config.outputs)),
                "samples": Out(32),
                "output": In(range(config.outputs)),
                "score": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        source, given = self.outputs.payload, Signal()
        m.d.comb += [
            self.outputs.ready.eq(~self.streaming | self.stream.ready),
            given.eq(self.outputs.valid & self.outputs.ready),
            self.ended.eq(given & (source.kind == OutputKind.PREDICTION)),
        ]
        with m.If(self.ended):
            m.d.sync += [self.prediction.eq(source.index), self.samples.eq(self.samples + 1)]
        self._queue(m, source, given)
        self._stream(m, source)
        self._scores(m, source, given)
        return m

    def _queue(self, m, source, given):
        """Spikes and steps."""
        form = data.StructLayout({"kind": 1, "index": len(source.index)})
        m.submodules.queue = queue = SyncFIFOBuffered(width=form.size, depth=self.depth)
        queued = given & ~self.streaming & ((source.kind == OutputKind.SPIKE) | (source.kind == OutputKind.STEP))
        oldest, word = form(queue.r_data), Signal(self.oldest.shape())
        m.d.comb += [
            queue.w_data.eq(Cat(source.kind == OutputKind.STEP, source.index)),
            queue.w_en.eq(queued),
            queue.r_en.eq(self.take),
            self.dropped.eq(queued & ~queue.w_rdy),
            self.level.eq(queue.level),
            word.as_value().eq(0),
            word.valid.eq(1),
            word.kind.eq(oldest.kind),
            word.index.eq(oldest.index),
            self.oldest.eq(Mux(queue.r_rdy, word.as_value(), 0)),
        ]

    def _stream(self, m, source):
        """All outputs in their order."""
        waited = Signal(range(self.PATIENCE + 1))
        word = self.stream.payload
        m.d.comb += [
            self.stream.valid.eq(self.streaming & self.outputs.valid),
            word.output.as_value().eq(0),
            word.output.valid.eq(1),
            word.output.kind.eq(source.kind),
            word.output.index.eq(source.index),
            word.value.eq(source.value),
            self.stalled.eq(waited == self.PATIENCE),
        ]
        with m.If(~self.stream.valid | self.stream.ready):
            m.d.sync += waited.eq(0)
        with m.Elif(~self.stalled):
            m.d.sync += waited.eq(waited + 1)

    def _scores(self, m, source, given):
        m.submodules.scores = scores = Memory(shape=32, depth=self.config.outputs, init=[])
        write, read = scores.write_port(), scores.read_port()
        m.d.comb += [
            write.addr.eq(source.index),
            write.data.eq(source.value),
            write.en.eq(given & (source.kind == OutputKind.SCORE)),
            read.addr.eq(self.output),
        ]
        m.d.sync += self.score.eq(read.data)

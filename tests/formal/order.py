"""What goes through a queue leaves in order, unchanged; nothing is lost, nothing comes twice."""

from amaranth.asserts import AnySeq
from amaranth.hdl import Mux, Signal, Value
from prove import claim, inside, lemma


def in_order(m, fifo, entered, word, left, given, front=()):
    """One word, any of those that enter, leaves after exactly those that were there before it.

    Parameters
    ----------
    fifo : SyncFIFOBuffered
        The queue.
    entered, word : Value
        A word enters.
    left, given : Value
        A word leaves.
    front : sequence of (valid, word)
        Registers between the queue and the way out, what leaves first being first.
    """
    queue, size = inside(fifo), fifo.depth - 1
    stored = queue.storage.read_port(domain="comb")
    front = [*front, (fifo.r_rdy, fifo.r_data)]
    held, in_front = Signal(range(fifo.depth + 3)), Signal(range(4))
    marked, ahead, kept = Signal(), Signal.like(held), Signal(len(Value.cast(word)))
    m.d.sync += held.eq(held + entered - left)
    with m.If(marked & left):
        m.d.sync += ahead.eq(ahead - 1)
        with m.If(ahead == 0):
            m.d.sync += marked.eq(0)
            claim(m, given == kept)
    with m.If(~marked & entered & AnySeq(1)):
        m.d.sync += [marked.eq(1), ahead.eq(held - left), kept.eq(word)]
    claim(m, ~left | (held != 0), held <= fifo.depth + 2)

    def wrapped(place):
        return Mux(place >= size, place - size, place)

    m.d.comb += [
        in_front.eq(sum(valid for valid, _ in front)),
        stored.addr.eq(wrapped(queue.consume + (ahead - in_front)[: len(ahead)])),
    ]
    lemma(m, held == queue.inner_level + in_front, ~marked | (ahead < held))
    lemma(m, queue.consume < size, queue.inner_level <= size)
    lemma(m, queue.produce == wrapped(queue.consume + queue.inner_level))
    before = 0
    for valid, content in front:
        with m.If(marked & valid & (ahead == before)):
            lemma(m, content == kept)
        before = before + valid
    with m.If(marked & (ahead >= in_front)):
        lemma(m, stored.data == kept)
    return held

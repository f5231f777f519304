from amaranth.hdl import Module, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from pysim import clocked

from ranvier.hw.flow.flat import Flat


class Adder(wiring.Component):
    """Sum of the fields of a stream's payload, as a signed field of another."""

    terms: In(stream.Signature(data.StructLayout({"a": 4, "b": signed(4)})))
    total: Out(stream.Signature(data.StructLayout({"sum": signed(6)})))
    last: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.total.payload.sum.eq(self.terms.payload.a + self.terms.payload.b),
            self.total.valid.eq(self.terms.valid),
            self.terms.ready.eq(self.total.ready),
        ]
        m.d.sync += self.last.eq(self.total.valid & self.total.ready)
        return m


def test_every_field_is_a_port_of_its_own_that_keeps_sign_and_direction():
    dut = Flat(Adder())
    assert {name: member.flow for name, member in dut.signature.members.items()} == {
        "terms_a": In, "terms_b": In, "terms_valid": In, "terms_ready": Out,
        "total_sum": Out, "total_valid": Out, "total_ready": In, "last": Out,
    }  # fmt: skip
    stimulus = [{"terms_a": 15, "terms_b": -8, "terms_valid": 1, "total_ready": 0}, {"terms_a": 1, "total_ready": 1}]
    total, valid, ready, last = clocked(dut, [*stimulus, {}], "total_sum", "total_valid", "terms_ready", "last")
    assert total.tolist() == [7, -7, -7]
    assert valid.tolist() == [1, 1, 1]
    assert ready.tolist() == [0, 1, 1]
    assert last.tolist() == [0, 0, 1]

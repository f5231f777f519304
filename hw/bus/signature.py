"""The internal bus: one access at a time, a request and its response, as two streams. All bus interfaces lead to it."""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ranvier.hw.registers import ADDRESS_BITS

__all__ = ["STROBES", "BusSignature", "bus_request_layout", "bus_response_layout"]

#: Byte enables of a word.
STROBES = 4

#: Read or write `data` at the word `address`. A write of some of the bytes (`strobe`) is refused, one of no byte at
#: all does nothing; a read ignores `data` and `strobe`.
bus_request_layout = data.StructLayout({"write": 1, "address": ADDRESS_BITS - 2, "data": 32, "strobe": STROBES})

#: The word read (0 after a write or error), and whether the access was refused.
bus_response_layout = data.StructLayout({"data": 32, "error": 1})


class BusSignature(wiring.Signature):
    """From requester to responder: every access is answered, in the order of the requests.

    Attributes
    ----------
    request : Out(stream of `bus_request_layout`)
        The access.
    response : In(stream of `bus_response_layout`)
        Its result.
    """

    def __init__(self):
        super().__init__(
            {
                "request": Out(stream.Signature(bus_request_layout)),
                "response": In(stream.Signature(bus_response_layout)),
            }
        )

"""Constants of the integer softmax, shared by the golden model and the hardware."""

from math import e, log2

__all__ = ["EXP_BITS", "EXP_TABLE", "LOG2_E", "RECIPROCAL_BITS", "TABLE_BITS"]

#: Index bits of the table.
TABLE_BITS = 8
#: Fraction bits of the powers and of `LOG2_E`.
EXP_BITS = 15
#: log2(e).
LOG2_E = round(log2(e) * (1 << EXP_BITS))
#: ``2**(-i / 256)``.
EXP_TABLE = tuple(round(2 ** (-i / (1 << TABLE_BITS)) * (1 << EXP_BITS)) for i in range(1 << TABLE_BITS))
#: The reciprocal is ``2**RECIPROCAL_BITS / sum of powers``, rounded down.
RECIPROCAL_BITS = 32

"""Integer softmax: a base-2 exponential from a table and one reciprocal per step.

``softmax(y)_k = 2**(-d_k) / sum 2**(-d)`` with ``d_k = (max y - y_k) log2 e``. The whole part of d is a shift, eight bits of
its fraction index the table. The error against the exact softmax is below half an LSB of the result, plus 0.0007
(``(2**(1/256) - 1) / 4``) for the table, plus ``outputs * 2**-15`` for the powers cut off by the shift, plus ``2**-16``.
"""

import numpy as np

from ranvier.golden.fixed import round_half_up
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.exp_table import EXP_BITS, EXP_TABLE, LOG2_E, RECIPROCAL_BITS, TABLE_BITS
from ranvier.parameters.qformat import Raw

__all__ = ["softmax"]


def softmax(value: Raw, config: CoreConfig) -> Raw:
    """Class probabilities of readouts `value` [outputs] (`potential` format), with `error.fraction` fraction bits."""
    fraction = config.potential.fraction + EXP_BITS
    exponent = (value.max() - value) * LOG2_E
    whole = exponent >> fraction
    index = (exponent >> (fraction - TABLE_BITS)) & ((1 << TABLE_BITS) - 1)
    power = np.asarray(EXP_TABLE)[index] >> np.minimum(whole, EXP_BITS + 1)
    reciprocal = (1 << RECIPROCAL_BITS) // int(power.sum())
    return round_half_up(power * reciprocal, RECIPROCAL_BITS - config.error.fraction)

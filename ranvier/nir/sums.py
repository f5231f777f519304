"""Whether weights that arrive together can reach a threshold exactly, where some simulators fire and others do not."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["reach_exactly"]

#: Weights are looked at that are whole multiples of 1 / n thresholds, n up to this: others add up to anything but 1.
FINEST = 256
#: Neurons and synapses of each that are looked at; the answer is a remark, not a proof.
NEURONS, SYNAPSES = 256, 512


def reach_exactly(weight: NDArray[np.float64], threshold: float) -> int:
    """Of the first `NEURONS` neurons, how many reach the threshold exactly when some of their inputs spike on one step.

    Parameters
    ----------
    weight : float array [rows, neurons]
        Weights as the core adds them up.
    threshold : float
        What the sum is held against.
    """
    return sum(_reaches(row[row != 0][:SYNAPSES] / threshold) for row in weight.T[:NEURONS])


def _reaches(shares: NDArray[np.float64]) -> bool:
    """Whether some of the numbers add up to 1: subset sums of whole numbers, as bits of one integer."""
    for n in (1, 10, 60, 64, 100, FINEST):
        whole = np.rint(shares * n)
        if np.abs(shares * n - whole).max(initial=0) < 1e-9 and np.abs(whole).max(initial=0) <= FINEST:
            steps = whole.astype(int)
            lowest = int(-steps[steps < 0].sum())
            sums = 1 << lowest  # bit `lowest + s` stands for the sum s
            for step in steps.tolist():
                sums |= sums << step if step > 0 else sums >> -step
            return bool(sums >> (lowest + n) & 1)
    return bool((shares == 1).any())

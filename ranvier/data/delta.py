"""Send-on-delta: a spike whenever a signal has moved by one threshold since the last one."""

from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.data.dataset import DataError
from ranvier.data.grid import floor, slack

__all__ = ["send_on_delta"]

#: Largest `cap`.
CAP = 1 << 31


def _moved(signal: NDArray[Any], threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of a signal from its first step, in thresholds, and the possible error of it; both shaped as the signal.

    The difference of whole numbers is exact; the error of a difference of floats is the sum of their errors.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if signal.dtype.kind in "biu":
            change = (signal.astype(np.int64) - signal[:, :1].astype(np.int64)).astype(np.float64)
            doubt = np.zeros(1)
        else:
            change = signal.astype(np.float64) - signal[:, :1].astype(np.float64)
            doubt = slack(signal) + slack(signal[:, :1])
        level = change / threshold
        return level, np.nan_to_num(doubt / threshold + slack(level), nan=np.inf)


def send_on_delta(signal: ArrayLike, threshold: float, cap: int = 1) -> NDArray[np.int64]:
    """Encode analogue channels as ON and OFF spikes.

    Every channel remembers a reference level, at first the value of step 0. On each step it sends one spike per whole
    `threshold` between signal and reference, ON if the signal rose and OFF if it fell, at most `cap`, and moves the
    reference by as many thresholds. Spikes held back by the cap are sent on later steps.

    The reference is counted in whole thresholds from the start, so it does not drift. A change that misses a whole number
    of thresholds by no more than the error of storing and computing the floats (`ranvier.data.grid.slack`, but at most a
    quarter of a threshold) counts as that number: a signal on the grid of its threshold gives the same spikes as the same
    signal in whole numbers.

    Parameters
    ----------
    signal : float or int array [samples, steps, channels]
        Values in any unit, in the type in which they were recorded: the slack of a float32 is larger than that of a float64.
    threshold : float
        Change per spike, in the same unit.
    cap : int
        Maximum number of spikes of one channel on one step.

    Returns
    -------
    int array [samples, steps, 2 * channels]
        Spike counts: channel c on unit ``2 c`` (ON) and ``2 c + 1`` (OFF). Step 0 is always silent.

    Raises
    ------
    DataError
        If the shape is wrong, a value is not a finite number, or `threshold` or `cap` is not positive and finite.
    """
    try:
        signal = np.asarray(signal)
    except ValueError:
        raise DataError("a signal is [samples, steps, channels], all of one length") from None
    if signal.ndim != 3 or not signal.size:
        raise DataError(f"a signal is [samples, steps, channels], none of them empty, not {list(signal.shape)}")
    if signal.dtype.kind not in "biuf":
        raise DataError(f"a signal is numbers, not {signal.dtype}")
    if not np.isfinite(signal).all():
        raise DataError("a signal value is not finite: remove or fill gaps first")
    try:
        good = 0 < float(threshold) < float("inf") and 1 <= index(cap) <= CAP
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise DataError(f"threshold={threshold} and cap={cap} must be positive, and cap a whole number up to {CAP}")
    level, doubt = _moved(signal, float(threshold))
    spikes = np.zeros((*signal.shape[:2], signal.shape[2], 2), np.int64)
    sent = np.zeros_like(spikes[:, 0, :, 0])
    for step in range(1, signal.shape[1]):
        ahead = level[:, step] - sent
        count = np.minimum(floor(np.abs(ahead), doubt[:, step]), cap).astype(np.int64)
        sent += np.where(ahead < 0, -count, count)
        spikes[:, step, :, 0] = np.where(ahead < 0, 0, count)
        spikes[:, step, :, 1] = np.where(ahead < 0, count, 0)
    return spikes.reshape(*signal.shape[:2], -1)

"""Send-on-delta: a spike whenever a signal has moved by one threshold since the last one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.data.dataset import DataError

__all__ = ["send_on_delta"]


def send_on_delta(signal: ArrayLike, threshold: float, cap: int = 1) -> NDArray[np.int64]:
    """Encode analogue channels as ON and OFF spikes.

    Every channel remembers a reference level, at first the value of step 0. On each step it sends one spike per whole
    `threshold` between signal and reference, ON if the signal rose and OFF if it fell, at most `cap`, and moves the
    reference by as many thresholds. What the cap holds back is sent on later steps.

    Parameters
    ----------
    signal : float array [samples, steps, channels]
        Values in any unit.
    threshold : float
        Change per spike, in the same unit.
    cap : int
        Most spikes of one channel on one step.

    Returns
    -------
    int array [samples, steps, 2 * channels]
        Spike counts: channel c on unit ``2 c`` (ON) and ``2 c + 1`` (OFF). Step 0 is always silent.

    Raises
    ------
    DataError
        If the shape is wrong, a value is not finite, or `threshold` or `cap` is not positive.
    """
    signal = np.asarray(signal, dtype=np.float64)
    if signal.ndim != 3 or not signal.size:
        raise DataError(f"a signal is [samples, steps, channels], none of them empty, not {list(signal.shape)}")
    if not np.isfinite(signal).all():
        raise DataError("a signal value is not finite: remove or fill gaps first")
    if not (threshold > 0 and cap >= 1):
        raise DataError(f"threshold={threshold} and cap={cap} must be positive")
    spikes = np.zeros((*signal.shape[:2], signal.shape[2], 2), np.int64)
    reference = signal[:, 0].copy()
    for step in range(1, signal.shape[1]):
        moved = np.clip(np.trunc((signal[:, step] - reference) / threshold), -cap, cap).astype(np.int64)
        reference += moved * threshold
        spikes[:, step, :, 0] = np.maximum(moved, 0)
        spikes[:, step, :, 1] = np.maximum(-moved, 0)
    return spikes.reshape(*signal.shape[:2], -1)

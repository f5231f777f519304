import numpy as np
from pysim import clocked

from ranvier.hw.bus.serial import SerialCore
from ranvier.parameters.config import CoreConfig

CONFIG = CoreConfig(inputs=1, neurons=2, outputs=2, lanes=1, max_delay=2)
CLOCK, BAUD = 320, 80  # half a second is 160 clocks, a tick 20, a bit 4


def test_the_led_blinks_and_flashes_after_each_byte():
    quiet = [{"rx": 1}] * 700
    byte = [{"rx": level} for level in (0, 1, 1, 1, 1, 1, 1, 1, 1, 1) for _ in range(CLOCK // BAUD)]
    (beat,) = clocked(SerialCore(CONFIG, CLOCK, BAUD), quiet, "alive")
    assert np.flatnonzero(np.diff(beat)).tolist() == [159, 319, 479, 639]
    (seen,) = clocked(SerialCore(CONFIG, CLOCK, BAUD), quiet[:200] + byte + quiet[:460], "alive")
    flash = np.flatnonzero(seen != beat)
    assert 200 + len(byte) - 4 <= flash[0] <= 200 + len(byte) + 4
    end = 20 * (flash[0] // 20 + 2)  # the second tick from there
    assert flash.tolist() == list(range(flash[0], end))

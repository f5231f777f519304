"""Real numbers on a grid: steps and thresholds against whole-number arithmetic, on grids drawn at random."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from ranvier.data import Binning, from_tonic, send_on_delta
from ranvier.data.grid import exact, floor, slack, steps_of, whole_numbers
from ranvier.data.packed import BinningReport
from ranvier.data.yinyang import encode

MICROSECOND = Fraction(1, 10**6)
GRIDS = 200


@pytest.mark.parametrize(
    ("value", "fraction"),
    [
        (0.01, Fraction(1, 100)),
        (7 * 1e-6, Fraction(7, 10**6)),  # 6.999999999999999e-06
        (1 / 11, Fraction(1, 11)),
        (0.1 + 0.2, Fraction(3, 10)),
        (np.float32(0.01), Fraction(1, 100)),
        (np.float16(0.3), Fraction(3, 10)),
        (1e-12, Fraction(1, 10**12)),
        (3, Fraction(3)),
        (1e20, Fraction(10**20)),
        (Fraction(5, 7), Fraction(5, 7)),
        (0.5000000001, Fraction(5000000001, 10**10)),
    ],
)
def test_a_float_stands_for_a_simple_fraction(value: float, fraction: Fraction) -> None:
    assert exact(value) == fraction


def test_slack_is_what_the_type_may_have_cost() -> None:
    for kind, ulps in ((np.float16, 0.5), (np.float32, 4), (np.float64, 64)):
        np.testing.assert_array_equal(
            slack(np.array([-1.5, 0.25], kind)), ulps * np.finfo(kind).eps * np.array([1, 0.25])
        )
    np.testing.assert_array_equal(floor(np.array([2.9, 2.9, -0.05]), [0.2, 0.05, 0.1]), [3, 2, 0])
    np.testing.assert_array_equal(floor(np.array([2.7]), 9.0), [2])  # never more than a quarter


def test_steps_on_random_grids(record_property: Callable[[str, object], None]) -> None:
    """Times in whole microseconds, on and beside every border: as whole numbers, and as floats of either unit and type."""
    rng, compared = np.random.default_rng(0), 0
    for _ in range(GRIDS):
        length, steps = int(rng.integers(1, 10 ** rng.integers(1, 8))), int(rng.integers(1, 200))
        grid = int(rng.choice([1, 3, 1000, length]))
        times = np.concatenate(
            [np.arange(steps + 2) * length, rng.integers(0, length * (steps + 2), 50) // grid * grid]
        )
        expected = np.minimum(times // length, steps)
        for dt in (length / 1e6, length * 1e-6):
            for given, unit in (
                (times, MICROSECOND),
                (times.astype(float), MICROSECOND),
                (times / 1e6, 1),
                (times * 1e-6, 1),
            ):
                np.testing.assert_array_equal(steps_of(given, dt, steps, Fraction(unit)), expected, f"{dt=} {steps=}")
                compared += len(times)
        borders = np.arange(steps + 2)
        for kind in (np.float16, np.float32):
            stored = (borders * (length / 1e6)).astype(kind)
            told = np.isfinite(stored) & (np.spacing(stored).astype(float) * 9 < length / 1e6)
            np.testing.assert_array_equal(steps_of(stored, dt, steps)[told], np.minimum(borders, steps)[told])
            compared += int(told.sum())
    assert compared > 200_000
    record_property("evidence", f"steps of {compared:,} times on {GRIDS} grids as in whole numbers")


def test_whole_units_are_never_rounded() -> None:
    """Borders beyond 53 bits, the largest and the smallest types, and a step that is not a whole number of microseconds."""
    far = np.array([2**62, 2**62 - 1, 0], np.int64)
    np.testing.assert_array_equal(steps_of(far, Fraction(2**62), 4), [1, 0, 0])
    np.testing.assert_array_equal(steps_of(np.array([2**64 - 1, 7], np.uint64), 0.000004, 9, MICROSECOND), [9, 1])
    np.testing.assert_array_equal(steps_of(np.array([0, 66, 67, 255], np.uint8), 2 / 3e4, 9, MICROSECOND), [0, 0, 1, 3])
    np.testing.assert_array_equal(steps_of(np.array([1e-9, 1.0]), 1e300, 3), [0, 0])


def test_half_precision_is_what_it_was_stored_from() -> None:
    """0.98 s as float16 is 0.97998046875, so this is step 98 of 10 ms; its neighbours are not. Steps too short to be told
    apart are counted from the number as it is."""
    below, border, above = 0.9794921875, 0.97998046875, 0.98046875
    times = np.array([below, border, above], np.float16)
    assert np.float16(0.98) == times[1]
    np.testing.assert_array_equal(steps_of(times, 0.01, 100), [97, 98, 98])
    np.testing.assert_array_equal(Binning(channels=1).bins(times, np.zeros(3, int), 700, BinningReport()), [97, 98])
    np.testing.assert_array_equal(steps_of(times.astype(float), 0.01, 100), [97, 97, 98])  # says nothing of its past
    np.testing.assert_array_equal(steps_of(np.array([1.0], np.float16), 1e-4, 20_000), [10_000])


def test_whole_numbers_or_none() -> None:
    np.testing.assert_array_equal(whole_numbers(np.array([1.0, -2.0])), [1, -2])
    for wrong in ([1.5], [np.nan], [1e30], ["1"], [2**63]):
        with pytest.raises(ValueError, match=r"not a whole number|not whole numbers"):
            whole_numbers(wrong)


# -------------------------------------------------------------------- encoders


@pytest.mark.parametrize("milliseconds", [1, 2, 4, 5, 10, 20])
def test_an_event_on_each_border(milliseconds: int) -> None:
    """Whole microseconds in the form of tonic: one event on each step."""

    class Borders:
        sensor_size = (1, 1, 1)

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            events = np.zeros(200, [("t", [np.int64, np.float64][index]), ("x", int)])
            events["t"] = np.arange(200) * 1000 * milliseconds
            return events, index

    data = from_tonic(Borders(), Borders(), binning=Binning(steps=200, dt=milliseconds / 1e3, channels=1, cap=9))
    for sample in data.train:
        np.testing.assert_array_equal(sample.times, np.arange(200))


def in_whole_numbers(code: np.ndarray, threshold: int, cap: int) -> np.ndarray:
    """Send-on-delta of whole numbers [steps, channels], one after the other."""
    spikes = np.zeros((*code.shape, 2), int)
    for channel in range(code.shape[1]):
        reference = int(code[0, channel])
        for step, value in enumerate(code[:, channel].tolist()):
            moved = min(abs(value - reference) // threshold, cap)
            up = value > reference
            spikes[step, channel] = (moved, 0) if up else (0, moved)
            reference += moved * threshold * (1 if up else -1)
    return spikes.reshape(len(code), -1)


def test_send_on_delta_on_random_grids(record_property: Callable[[str, object], None]) -> None:
    """Codes times a resolution, which floats cannot hold, give the spikes of the codes: with offsets, slopes and caps."""
    rng, compared, fired = np.random.default_rng(1), 0, 0
    for _ in range(GRIDS):
        lsb = float(rng.choice([0.1, 1 / 200, 1e-3, 0.3, 1 / 3, 7e-6, 2.5]))
        threshold, cap = int(rng.integers(1, 30)), int(rng.integers(1, 5))
        slope, offset = int(rng.integers(-3, 4)), int(rng.choice([0, 1000, -12_345]))
        code = offset + np.cumsum(slope + rng.integers(-2 * threshold, 2 * threshold + 1, (60, 2)), axis=0)
        expected = in_whole_numbers(code, threshold, cap)
        for signal in (code * lsb, code / (1 / lsb), (code * lsb).astype(np.float32), 1e6 * lsb + code * lsb):
            for size in (threshold * lsb, float(Fraction(str(lsb)) * threshold)):
                np.testing.assert_array_equal(send_on_delta(signal[None], size, cap)[0], expected)
                compared += expected.size
        np.testing.assert_array_equal(send_on_delta(code[None], threshold, cap)[0], expected)
        fired += int(expected.sum())
    assert fired > 10_000
    record_property(
        "evidence", f"send-on-delta: {compared:,} counts on {GRIDS} grids as in whole numbers, {fired:,} spikes"
    )


def test_the_reference_does_not_drift() -> None:
    """A ramp of one threshold a step: one spike a step, after 100,000 steps still."""
    ramp = np.arange(100_001) * 0.1
    spikes = send_on_delta(np.stack([ramp, 5 - ramp], axis=1)[None], 0.1, cap=3)[0]
    np.testing.assert_array_equal(spikes[1:], np.tile([1, 0, 0, 1], (100_000, 1)))


def test_bytes_that_fall() -> None:
    """Unsigned codes do not wrap; a threshold that is not a whole number of them counts in its own."""
    spikes = send_on_delta(np.array([200, 3, 3, 255], np.uint8)[None, :, None], 2.5, cap=200)
    np.testing.assert_array_equal(spikes[0], [[0, 0], [0, 78], [0, 0], [100, 0]])


def test_points_halfway_between_steps() -> None:
    """Coordinates on a grid of half steps: both they and what is left to 1 are rounded up, whatever 1 - x loses."""
    half = np.arange(61)
    samples = encode(np.stack([half / 60, (60 - half) / 60], axis=1), 30, np.ones(33, bool))
    for n, sample in zip(half.tolist(), samples, strict=True):
        time = dict(zip(sample.units.tolist(), sample.times.tolist(), strict=True))
        assert time == {4: 0, 0: (n + 1) // 2, 1: (61 - n) // 2, 2: (61 - n) // 2, 3: (n + 1) // 2}


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_the_order_of_bytes_does_not_matter(kind: str) -> None:
    """Floats as other machines write them stand for the same times."""
    times = (np.arange(100) * 0.01).astype(f"<{kind}")
    np.testing.assert_array_equal(steps_of(times, 0.01, 100), np.arange(100))
    np.testing.assert_array_equal(steps_of(times.astype(f">{kind}"), 0.01, 100), np.arange(100))

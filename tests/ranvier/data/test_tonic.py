"""Data sets in tonic's form: a stand-in with its arrays, and its own loader where tonic is installed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ranvier.data import Augmentation, Binning, DataError, from_tonic, open_dataset

CAMERA = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])


class Camera:
    """Events of a sensor of 4 x 3 pixels and two polarities."""

    sensor_size = (4, 3, 2)

    def __init__(self, events: list[tuple[int, int, int, bool]], label: object = 1, dtype: np.dtype = CAMERA):
        self.events, self.label = np.array(events, dtype), label

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[np.ndarray, object]:
        if index >= 2:
            raise IndexError
        return self.events[index:], self.label


GOOD = Camera([(3, 2, 0, True), (1, 1, 25_000, False), (1, 1, 26_000, False), (0, 0, 99_000, True)])
BINNING = Binning(steps=5, dt=0.01, channels=24)

#: A step whose borders float16 and whole microseconds hold alike: tonic cuts times to whole microseconds, so that what
#: float16 made of another border is no longer to be recognised.
SIXTY_FOURTHS, FRACTION = "steps=64&dt=0.015625", Binning(steps=64, dt=0.015625)


def test_events_become_spikes() -> None:
    data = from_tonic(GOOD, GOOD, name="camera", binning=BINNING)
    assert (data.name, data.inputs, data.classes, data.train_labels.tolist()) == ("camera", 24, ("0", "1"), [1, 1])
    first, second = data.train
    np.testing.assert_array_equal((first.times, first.units), [[0, 2], [(3 + 2) * 4 + 3, 1 * 4 + 1]])
    np.testing.assert_array_equal((second.times, second.units), [[2], [5]])
    assert data.notes[0] == (
        "camera train: 7 spikes, 2 of them cut after step 4 (0.05 s), 2 merged in bins that hold 1"
    )


def test_same_as_the_reader(heidelberg: Callable[..., Path]) -> None:
    """Spikes of the Heidelberg layout as tonic hands them out: x is the channel, t whole microseconds, p always 1."""
    import h5py

    path = heidelberg("shd_train.h5", samples=40)
    heidelberg("shd_test.h5", samples=20)
    with h5py.File(path) as file:
        times, units, labels = file["spikes/times"][:], file["spikes/units"][:], file["labels"][:]

    class Stand:
        sensor_size = (700, 1, 1)

        def __len__(self) -> int:
            return 40

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            events = np.zeros(len(times[index]), [("t", int), ("x", int), ("p", int)])
            events["t"], events["x"], events["p"] = times[index].astype(float) * 1e6, units[index], 1
            return events, labels[index]

    expected = open_dataset(f"shd:{path.parent}?shift=3&{SIXTY_FOURTHS}")
    data = from_tonic(Stand(), Stand(), name="shd", augmentation=Augmentation(shift=3), binning=FRACTION)
    np.testing.assert_array_equal(data.train_labels, expected.train_labels)
    spikes = 0
    for old, new in zip(expected.epoch(1).train, data.epoch(1).train, strict=True):
        np.testing.assert_array_equal((old.times, old.units), (new.times, new.units))
        spikes += len(new.units)
    assert spikes > 4000


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        (GOOD, {"size": (4, 0, 1)}, r"sensor size \(4, 0, 1\): give size"),
        ([], {}, "sensor size None"),
        (GOOD, {"size": (3, 3, 2)}, "train sample 0 has an event of x from 0 to 3: there are 3"),
        (Camera([(0, 0, -1, True)] * 2), {}, "sample 0 has a spike whose time is negative"),
        (Camera([(0, 0, 0, True)] * 2, label="dog"), {}, "sample 0 is not events .* 'dog'"),
        (Camera([(0, 0)] * 2, dtype=np.dtype([("t", int), ("x", int)])), {}, "sample 0 is not events .* y"),  # type: ignore[list-item]
        ([(np.zeros(3), 0)], {"size": (4, 3, 2)}, "sample 0 is not events with fields"),
    ],
)
def test_refuses(part: Camera, options: dict[str, tuple[int, int, int]], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        from_tonic(part, GOOD, binning=BINNING, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


#: Times that no window holds -> part of the message.
ELSEWHERE = {
    "since 1970": (
        [1_461_581_614_988_127] * 3,
        "train sample 0 loses all of its 3 spikes: its times run from 1461581615 to",
    ),
    "a sample that starts late": ([60_000_000] * 3, "from 60 to 60 s, the window from 0 to 0.05 s: subtract the start"),
    "infinite": ([np.inf, 0, 0], "sample 0 has a spike whose time is infinite"),
    "no number": ([np.nan, 0, 0], "sample 0 has a spike whose time is negative or no number: nan"),
    "text": (["a", "b", "c"], "has times of type"),
    "dates": (np.zeros(3, "M8[us]"), "has times of type datetime64"),
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_times_that_are_no_times_of_the_sample(what: str) -> None:
    times, message = ELSEWHERE[what]
    events = np.zeros(3, [("t", np.asarray(times).dtype), ("x", int)])
    events["t"] = times
    for part in ("train", "test"):
        with pytest.raises(DataError, match=message.replace("train", part)):
            from_tonic(**{"train": None, "test": None, part: [(events, 0)]}, size=(4, 1, 1), binning=BINNING)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (1.5, "label 1.5 is not a whole number"),
        (10**9, "has the label 1000000000: labels are 0 to 255"),
        (-1, "label -1"),
    ],
)
def test_labels_that_no_core_has(label: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_tonic(Camera(GOOD.events.tolist(), label=label), GOOD, binning=BINNING)


def test_places_and_sensors_that_cannot_be() -> None:
    events = np.zeros(2, [("t", int), ("x", float)])
    events["x"] = [0.5, 1]
    for size, message in (
        ((4, 1, 1), "0.5 is not a whole number"),
        ((1 << 20, 1 << 20, 2), "at most"),
        ("abc", "size abc"),
    ):
        with pytest.raises(DataError, match=message):
            from_tonic([(events, 0)], None, size=size, binning=BINNING)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="tonic: no samples: give a part that is not empty"):
        from_tonic(None, [])


def test_of_tonic_itself(heidelberg: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own reader of the digits, on our files instead of a download."""
    tonic = pytest.importorskip("tonic", reason="tonic is not installed")
    folder = heidelberg("shd_train.h5", samples=40).parent
    heidelberg("shd_test.h5", samples=20, seed=1)
    monkeypatch.setattr(tonic.datasets.SHD, "_check_exists", lambda data: True)
    (folder / "SHD").symlink_to(folder)  # where it looks
    parts = [tonic.datasets.SHD(str(folder), train=train) for train in (True, False)]
    data = from_tonic(*parts, name="shd", binning=FRACTION)
    expected = open_dataset(f"shd:{folder}?{SIXTY_FOURTHS}")
    assert data.classes == expected.classes
    spikes = 0
    for name in ("train", "test"):
        np.testing.assert_array_equal(getattr(data, f"{name}_labels"), getattr(expected, f"{name}_labels"))
        for new, old in zip(getattr(data, name), getattr(expected, name), strict=True):
            np.testing.assert_array_equal((new.times, new.units), (old.times, old.units))
            spikes += len(new.units)
    assert spikes > 5000

"""Data sets: encoders against hand-computed spikes, the published Yin-Yang, splits, and files that are malformed."""

from pathlib import Path

import numpy as np
import pytest

from ranvier.data import DataError, Dataset, braille, open_dataset, send_on_delta, yin_yang
from ranvier.data.dataset import stratified_split
from ranvier.data.yinyang import points, region
from ranvier.parameters.config import ConfigError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample

SPIKE = Sample(np.array([0]), np.array([0]), np.ones(3, bool))


# -------------------------------------------------------------------- send-on-delta

#: signal, threshold, cap -> ON counts, OFF counts of every step
DELTA = {
    "nothing below the threshold": ([5, 6, 4, 5], 2, 1, [0, 0, 0, 0], [0, 0, 0, 0]),
    "exactly the threshold is enough": ([0, 2, 2, 4], 2, 1, [0, 1, 0, 1], [0, 0, 0, 0]),
    "the reference moves by thresholds, not to the value": ([0, 3, 4, 4], 2, 1, [0, 1, 1, 0], [0, 0, 0, 0]),
    "falling": ([9, 7, 7, 3], 2, 1, [0, 0, 0, 0], [0, 1, 0, 1]),
    "the cap delays, never loses": ([0, 6, 6, 6, 6], 2, 1, [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]),
    "several at once": ([0, 7, 7, -9], 2, 4, [0, 3, 0, 0], [0, 0, 0, 4]),
    "turning round": ([0, 4, 0, 4], 4, 1, [0, 1, 0, 1], [0, 0, 1, 0]),
}


@pytest.mark.parametrize("case", DELTA)
def test_send_on_delta(case: str) -> None:
    signal, threshold, cap, on, off = DELTA[case]
    spikes = send_on_delta(np.array(signal)[None, :, None], threshold, cap)
    np.testing.assert_array_equal(spikes[0], np.stack([on, off], axis=1))


def test_send_on_delta_follows_the_signal() -> None:
    """With a generous cap the spikes add up to the signal, within one threshold, on every channel and step."""
    signal = np.random.default_rng(0).normal(0, 3, (4, 50, 3)).cumsum(axis=1)
    spikes = send_on_delta(signal, 0.5, cap=100)
    moved = 0.5 * (spikes[..., 0::2] - spikes[..., 1::2]).cumsum(axis=1)
    assert spikes.shape == (4, 50, 6)
    assert spikes.sum() > 1000
    assert np.abs(signal - signal[:, :1] - moved).max() < 0.5


@pytest.mark.parametrize(
    ("signal", "threshold", "cap", "message"),
    [
        (np.zeros((3, 2)), 1, 1, r"\[3, 2\]"),
        (np.zeros((1, 0, 2)), 1, 1, "empty"),
        (np.full((1, 2, 1), np.nan), 1, 1, "not finite"),
        (np.zeros((1, 2, 1)), 0, 1, "threshold=0"),
        (np.zeros((1, 2, 1)), 1, 0, "cap=0"),
        (np.zeros((1, 2, 1)), np.inf, 1, "threshold=inf"),
        (np.zeros((1, 2, 1)), "x", 1, "threshold=x"),
        (np.zeros((1, 2, 1)), 1, 1.5, "cap=1.5"),
        ([[[1], [2, 3]]], 1, 1, "all of one length"),
        (np.zeros((1, 2, 1), complex), 1, 1, "numbers, not complex128"),
    ],
)
def test_send_on_delta_refuses(signal: np.ndarray, threshold: float, cap: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        send_on_delta(signal, threshold, cap)


# -------------------------------------------------------------------- Yin-Yang


@pytest.mark.parametrize(
    ("x", "y", "label"),
    [
        (0.75, 0.5, 2),  # right dot
        (0.25, 0.5, 2),  # left dot
        (0.25, 0.35, 1),  # around the left dot
        (0.75, 0.35, 0),  # around the right dot
        (0.5, 0.9, 1),  # upper half
        (0.5, 0.1, 0),  # lower half
        (0.75, 0.65, 0),  # bulge of the lower half into the upper
        (0.25, 0.65, 1),
        (0.64, 0.5, 0),  # beside the right dot
    ],
)
def test_yin_yang_regions(x: float, y: float, label: int) -> None:
    assert region(x, y) == label


def test_yin_yang_is_the_published_one() -> None:
    """First, last and sum of what the published generator draws for 5000 points of seed 42."""
    place, label = points(5000, 42)
    np.testing.assert_allclose(place[0], [0.6803075385877797, 0.450499251969543], atol=1e-15)
    np.testing.assert_allclose(place[-1], [0.7690797231107925, 0.5883389337522971], atol=1e-15)
    np.testing.assert_allclose(place.sum(), 5034.089318317107, atol=1e-9)
    np.testing.assert_array_equal(np.bincount(label), [1681, 1702, 1617])
    np.testing.assert_array_equal(points(1000, 40)[1], yin_yang().test_labels)


def test_yin_yang_spikes() -> None:
    data = yin_yang(seed=5, train=50, test=20, span=20, tail=12, scored=7)
    place, label = points(50, 5)
    np.testing.assert_array_equal(data.train_labels, label)
    for sample, (x, y) in zip(data.train, place, strict=True):
        assert sample.steps == 33
        assert sample.scored.sum() == sample.scored[-7:].sum() == 7
        time = dict(zip(sample.units.tolist(), sample.times.tolist(), strict=True))
        assert time == {n: int(v * 20 + 0.5) for n, v in enumerate((x, y, 1 - x, 1 - y, 0.0))}
    assert (len(data.train), len(data.test), data.inputs, len(data.classes)) == (50, 20, 5, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"train": 0},
        {"test": 0},
        {"tail": -1},
        {"scored": 0},
        {"scored": 34},
        {"span": 0},
        {"seed": -1},
        {"train": 10**9},
        {"span": 1 << 20},
    ],
)
def test_yin_yang_refuses(wrong: dict[str, int]) -> None:
    with pytest.raises(DataError, match=r"yinyang: .*(give|32-bit)"):
        yin_yang(**wrong)


# -------------------------------------------------------------------- Braille


def write(path: Path, **changes: object) -> Path:
    """A small file in the Braille format: 3 letters, 4 recordings of each, 10 steps, 2 taxels."""
    rng = np.random.default_rng(1)
    content = {
        "taxels": rng.integers(0, 60, (12, 10, 2)).astype(np.float32),
        "letter": np.arange(12, dtype=np.uint8) % 3,
        "letters": np.array(["A", "B", "C"]),
    } | changes
    np.savez(path, **{name: value for name, value in content.items() if value is not None})  # type: ignore[arg-type]
    return path


def test_braille_reads_the_format(tmp_path: Path) -> None:
    data = braille(write(tmp_path / "b.npz"), threshold=5.0, cap=2, tail=7, scored=4, train=3, test=1)
    assert (data.inputs, data.classes, len(data.train), len(data.test)) == (4, ("A", "B", "C"), 9, 3)
    assert {sample.steps for sample in data.train + data.test} == {16}
    assert [int(sample.scored.sum()) for sample in data.test] == [4, 4, 4]
    assert all(sample.scored[-4:].all() for sample in data.test)
    assert sum(len(sample.units) for sample in data.train) > 50


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"letter": None}, "letter"),
        ({"taxels": np.zeros((12, 10))}, r"\[12, 10\]"),
        ({"taxels": np.full((12, 10, 2), "x")}, "expected numbers"),
        ({"taxels": np.full((12, 10, 2), np.inf)}, "not finite"),
        ({"letter": np.zeros(5, int)}, "expected 12"),
        ({"letter": np.zeros(12)}, "float64"),
        ({"letter": np.arange(12)}, "runs from 0 to 11 but letters names 3"),
        ({"letters": np.array(["A"])}, "names 1"),
        ({"letter": np.array([0] * 11 + [1])}, "class 1 has 1"),
    ],
)
def test_braille_refuses_a_malformed_file(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        braille(write(tmp_path / "b.npz", **changes), scored=4, train=3, test=1)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"letters": np.array(["A", "B", "A"])}, "none twice"),
        ({"letters": np.array([1, 2, 3])}, "letters is int64"),
        ({"taxels": np.zeros((12, 10, 2), np.complex64)}, "taxels is complex64"),
        ({"taxels": np.zeros((12, 10, 2))}, "0 spikes at threshold=2.5 and cap=1"),
        ({"taxels": np.zeros((12, 1 << 16, 43), np.uint8)}, "33,816,576 values: at most 33,554,432 are read"),
        ({"taxels": np.zeros(((1 << 28) + 1, 1, 1), np.uint8)}, "taxels has 268,435,457 bytes: at most 268,435,456"),
        ({"letter": np.array([2**64 - 1] * 12, np.uint64)}, "letter runs from 18446744073709551615"),
    ],
)
def test_braille_refuses_what_cannot_be(tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
    path = write(tmp_path / "b.npz")
    with np.load(path) as file:
        np.savez_compressed(path, **({**file} | changes))
    with pytest.raises(DataError, match=message) as caught:
        open_dataset(f"braille:{path}")
    assert len(str(caught.value).splitlines()) == 1


def test_braille_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "b.npz")
    monkeypatch.setattr("zipfile.ZipFile", refuse)
    with pytest.raises(DataError, match=r"b.npz: may not be read: ask its owner, or chmod u\+r$"):
        open_dataset(f"braille:{path}")
    with pytest.raises(DataError, match="a data set is named by text, not by PosixPath"):
        open_dataset(path)  # type: ignore[arg-type]


def test_braille_with_options(tmp_path: Path) -> None:
    path = write(tmp_path / "b.npz")
    data = open_dataset(f"braille:{path}?train=3&test=1&threshold=5.0&cap=2&tail=7&scored=2&seed=4")
    assert (len(data.train), len(data.test), data.test[0].steps, int(data.test[0].scored.sum())) == (9, 3, 16, 2)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), (b"", "not a file"), (b"PK\3\4 cut", "not a file")]
)
def test_braille_refuses_what_is_no_such_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "b.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_dataset(f"braille:{path}")


def test_braille_recordings(recordings: str) -> None:
    data = open_dataset(recordings)
    assert (data.inputs, len(data.classes), len(data.train), len(data.test)) == (24, 27, 864, 216)
    np.testing.assert_array_equal(np.bincount(data.train_labels), 32)
    np.testing.assert_array_equal(np.bincount(data.test_labels), 8)
    assert all(len(sample.units) for sample in data.train)


# -------------------------------------------------------------------- splits, labels, names


def test_split_is_stratified_disjoint_and_seeded() -> None:
    labels = np.repeat([2, 0, 1], 10)
    train, test = stratified_split(labels, 6, 3, seed=4)
    assert not set(train) & set(test)
    np.testing.assert_array_equal(np.bincount(labels[train]), 6)
    np.testing.assert_array_equal(np.bincount(labels[test]), 3)
    assert (train, test) == stratified_split(labels, 6, 3, seed=4) != stratified_split(labels, 6, 3, seed=5)


@pytest.mark.parametrize(
    ("labels", "inputs", "message"),
    [
        ([0, 3], 1, "from 0 to 3 but there are 3 classes"),
        ([-1, 0], 1, "from -1"),
        ([0], 1, "2 train samples"),
        ([0, 1], 0, "no input beyond -1"),
    ],
)
def test_dataset_refuses(labels: list[int], inputs: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset("x", inputs, ("a", "b", "c"), [SPIKE, SPIKE], np.array(labels), [], np.zeros(0))


def test_dataset_knows_which_core_holds_it() -> None:
    data = yin_yang(train=2, test=1)
    data.check(preset("yinyang"))
    with pytest.raises(ConfigError, match="needs 5 inputs but this core holds 4: use a configuration with inputs=5"):
        data.check(preset("yinyang").replace(inputs=4))
    with pytest.raises(ConfigError, match="needs 3 outputs"):
        data.check(preset("yinyang").replace(outputs=2))
    roomy = preset("yinyang").replace(inputs=24, outputs=27)
    data.check(roomy, spare=True)
    with pytest.raises(ConfigError, match="needs 5 inputs but this core holds 24"):
        data.check(roomy)


def test_repeated_inputs() -> None:
    """Every spike of unit i on i, i + 5 and i + 10 of the same step; steps, labels and scored steps stay."""
    data = yin_yang(train=30, test=10)
    repeated = data.repeated(3)
    assert (repeated.inputs, len(repeated.train), len(repeated.test)) == (15, 30, 10)
    assert repeated.train_labels is data.train_labels
    spikes = 0
    for part in ("train", "test"):
        for old, new in zip(getattr(data, part), getattr(repeated, part), strict=True):
            np.testing.assert_array_equal(new.scored, old.scored)
            for before, after in zip(old.arriving(), new.arriving(), strict=True):
                np.testing.assert_array_equal(after, [unit + 5 * copy for unit in before for copy in range(3)])
                spikes += len(after)
    assert spikes == 3 * 5 * 40
    repeated.check(preset("yinyang").replace(inputs=15))
    np.testing.assert_array_equal(repeated.part(4, 2).train[-1].units, repeated.train[3].units)
    assert len(repeated.part(4, 2).test) == 2
    with pytest.raises(DataError, match="copies=0: give at least 1"):
        data.repeated(0)


def test_epoch_of_samples_that_nothing_augments() -> None:
    data = yin_yang(train=4, test=2)
    assert data.epoch([0, 1]) is data
    np.testing.assert_array_equal(data.repeated(2).epoch(7).train[3].units, data.repeated(2).train[3].units)


@pytest.mark.parametrize("text", ["", "yin", "yinyang:x", "braille", "braille:", "shd", "ssc:"])
def test_unknown_data_set(text: str) -> None:
    with pytest.raises(DataError, match="give yinyang, yinyang60, braille:PATH, shd:FOLDER"):
        open_dataset(text)


def test_yin_yang_on_twice_as_many_steps() -> None:
    coarse, fine = open_dataset("yinyang"), open_dataset("yinyang60")
    assert (coarse.name, fine.name) == ("yinyang", "yinyang60")
    assert (coarse.train[0].steps, fine.train[0].steps) == (33, 63)
    np.testing.assert_array_equal(coarse.train_labels, fine.train_labels)
    twice = np.array(
        [abs(2 * np.sort(c.times) - np.sort(f.times)).max() for c, f in zip(coarse.test, fine.test, strict=True)]
    )
    assert twice.max() == 1, "each coordinate is rounded to its own grid"

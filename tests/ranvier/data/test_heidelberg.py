"""Heidelberg data sets: small files in the published layout, binned by hand and by the reader, and malformed ones."""

import ctypes
import gzip
import io
import pickle
import subprocess
import sys
import zipfile
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import IO

import h5py
import numpy as np
import pooch
import pytest

from ranvier.data import Binning, DataError, open_dataset, shd, ssc
from ranvier.data import heidelberg as module
from ranvier.data.heidelberg import Recording, read_recording
from ranvier.data.packed import BinningReport, Packed
from ranvier.data.shd import _held_out
from ranvier.device import open_device
from ranvier.learners.online import train
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, DelayMode, initial_network, with_delays

Writer = Callable[..., Path]


def by_hand(times: np.ndarray, units: np.ndarray, binning: Binning) -> np.ndarray:
    """Spike counts [steps, channels], one spike after the other: a step begins at what float16 makes of its border."""
    raster = np.zeros((binning.steps, binning.channels), int)
    borders = [min(float(np.float16(n * binning.dt)), n * binning.dt) for n in range(binning.steps + 1)]
    for time, unit in zip(times.tolist(), units.tolist(), strict=True):
        step = sum(border <= time for border in borders) - 1
        if step < binning.steps:
            raster[step, unit * binning.channels // 700] += 1
    return np.minimum(raster, binning.cap)


# -------------------------------------------------------------------- binning


@pytest.mark.parametrize(
    "binning",
    [
        Binning(),
        Binning(steps=7, dt=0.125, channels=10, cap=3, scored=2),
        Binning(steps=300, dt=0.004, channels=700, cap=1000),
        Binning(steps=1, dt=0.3, channels=1, cap=2),
    ],
)
def test_reader_against_counting_by_hand(binning: Binning, heidelberg: Writer) -> None:
    path = heidelberg("shd_train.h5", samples=30)
    recording = read_recording(path, 20, binning)
    spikes = 0
    with h5py.File(path) as file:
        for n, sample in enumerate(recording.samples):
            expected = by_hand(file["spikes/times"][n].astype(float), file["spikes/units"][n], binning)
            raster = np.zeros_like(expected)
            np.add.at(raster, (sample.times, sample.units), 1)
            np.testing.assert_array_equal(raster, expected)
            np.testing.assert_array_equal(
                sample.scored, np.arange(binning.steps) >= binning.steps - (binning.scored or 999)
            )
            spikes += expected.sum()
        np.testing.assert_array_equal(recording.labels, file["labels"])
        np.testing.assert_array_equal(recording.speakers, file["extra/speaker"])
    assert spikes == len(recording.samples.bins) > 20
    assert recording.samples.bins.itemsize == (4 if binning.steps == 300 else 2 if binning.steps > 7 else 1)


def test_a_sample_with_nothing_left_is_refused() -> None:
    binning = Binning(steps=4, dt=0.25, channels=7)
    with pytest.raises(
        DataError, match=r"loses all of its 2 spikes: its times run from 1 to 900.5 s, the window from 0 to 1 s"
    ):
        binning.bins([1.0, 900.5], np.array([0, 0]), 700, BinningReport())
    for times, message in (
        ([np.inf, 0], "infinite"),
        ([0, -2.5], "negative or no number: -2.5"),
        (["1", "2"], "type <U1"),
    ):
        with pytest.raises(DataError, match=message):
            binning.bins(times, np.array([0, 0]), 700, BinningReport())


def test_a_part_with_hardly_anything_left_is_refused() -> None:
    """In milliseconds for seconds, one spike in a hundred happens to be in the window."""
    binning, report = Binning(steps=10, dt=0.1), BinningReport()
    for share in (95, 96):
        report = BinningReport()
        binning.bins(np.append(np.zeros(100 - share), np.arange(share) + 1.5), np.zeros(100, int), 700, report)
        assert (report.spikes, report.late) == (100, share)
        if share == 95:
            report.check(binning)
    with pytest.raises(DataError, match=r"loses 96 of 100 spikes: its times run from 0 to 96.5 s, .* check their unit"):
        report.check(binning)
    report = BinningReport()
    binning.bins([], np.zeros(0, int), 700, report)
    with pytest.raises(DataError, match="no spikes in any of its 1 samples"):
        report.check(binning)


def test_samples_without_spikes_and_times_that_hardly_move_are_noted() -> None:
    binning, report = Binning(steps=10, dt=0.1), BinningReport()
    binning.bins([], np.zeros(0, int), 700, report)
    binning.bins([0.0, 0.05], np.zeros(2, int), 700, report)
    report.check(binning)
    assert report.text(binning).endswith(
        "1 of 2 samples have no spikes, all on step 0: they run from 0 to 0.05 s, check their unit"
    )


def test_a_part_whose_times_hardly_move_is_refused() -> None:
    """Milliseconds or seconds where microseconds are expected: nothing is cut, and nothing of the time is left."""
    binning, report = Binning(steps=10, dt=0.1), BinningReport()
    binning.bins(np.arange(20), np.zeros(20, int), 700, report, Fraction(1, 1000))
    with pytest.raises(
        DataError, match=r"all of its 20 spikes on step 0: its times run from 0 to 0.019 s, a step is 0.1 s"
    ):
        report.check(binning)


def test_many_bins_take_no_memory() -> None:
    """The last of 2**28 bins."""
    binning = Binning(steps=1 << 16, channels=4096)
    np.testing.assert_array_equal(binning.bins([655.355], np.array([699]), 700, BinningReport()), [(1 << 28) - 1 - 5])


def test_what_is_cut_is_counted() -> None:
    report = BinningReport()
    bins = Binning(steps=4, dt=0.25, channels=7, cap=2).bins(
        [0.0, 0.1, 0.2, 0.99, 1.0, 7.0], np.array([9, 9, 9, 699, 0, 0]), 700, report
    )
    np.testing.assert_array_equal(bins, [0, 0, 3 * 7 + 6])
    assert (report.spikes, report.late, report.merged) == (6, 2, 1)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"dt": 0.0}, {"dt": float("nan")}, {"channels": 0}, {"cap": 0}, {"scored": 101}, {"scored": -1}],
)
def test_binning_refuses(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match="must be positive"):
        Binning(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dt": float("inf")},
        {"dt": 1e308},
        {"dt": "1"},
        {"dt": None},
        {"steps": 1.5},
        {"cap": 1 << 20},
        {"channels": "9"},
    ],
)
def test_binning_refuses_what_makes_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"at most 65536 steps|give whole numbers, and dt in seconds"):
        Binning(**wrong)  # type: ignore[arg-type]


def test_a_million_spikes_take_two_megabytes() -> None:
    samples = Packed.of((np.arange(10_000, dtype=np.uint16) for _ in range(100)), Binning())
    assert samples.bins.nbytes == 2_000_000
    assert len(pickle.dumps(samples)) < 2_100_000


# -------------------------------------------------------------------- data sets


def test_shd(heidelberg: Writer) -> None:
    folder = heidelberg("shd_train.h5", samples=50).parent
    heidelberg("shd_test.h5", samples=20, seed=1)
    data = open_dataset(f"shd:{folder}")
    assert (data.name, data.inputs, len(data.classes)) == ("shd", 140, 20)
    assert (len(data.train), len(data.test)) == (50, 20)
    assert all(sample.scored.all() and sample.steps == 100 for sample in data.test)
    assert data.classes[0] == "word 0"
    assert [note.split(":")[0] for note in data.notes] == ["shd_train.h5", "shd_test.h5"]
    assert "cut after step 99 (1 s)" in data.notes[0]
    assert len(data.part(3, 2).train[1:]) == 2


def test_options_of_a_name(heidelberg: Writer) -> None:
    folder = heidelberg("shd_train.h5", samples=60).parent
    data = open_dataset(f"shd:{folder}?steps=40&dt=0.02&channels=70&cap=5&scored=10&share=0.34&seed=3&shift=2")
    assert (data.inputs, data.train[0].steps, int(data.train[0].scored.sum())) == (70, 40, 10)
    np.testing.assert_array_equal(np.bincount(data.train_labels), 2)
    np.testing.assert_array_equal(np.bincount(data.test_labels), 1)
    assert data.epoch(0) is not data


def test_held_out_speakers(heidelberg: Writer) -> None:
    path = heidelberg("shd_train.h5", samples=60)
    data = open_dataset(f"shd:{path.parent}?speakers=3,7")
    everything = read_recording(path, 20, Binning())
    held = np.flatnonzero(np.isin(everything.speakers, [3, 7]))
    assert 0 < len(held) == len(data.test) < 60 == len(data.train) + len(data.test)
    for n, sample in zip(held, data.test, strict=True):
        np.testing.assert_array_equal(sample.units, everything.samples[int(n)].units)
    np.testing.assert_array_equal(data.test_labels, everything.labels[held])


def test_a_share_is_rounded_as_it_is_written() -> None:
    """0.575 of 100 is 57.5, which rounds to 58; as floats it is 57.49999999999999."""
    assert round(0.575 * 100) == 57
    recording = Recording(Packed.of([], Binning()), np.arange(200) % 2, np.zeros(200, int), ("a", "b"), "")
    held = _held_out(recording, 0.575, (), 0)
    np.testing.assert_array_equal(np.bincount(recording.labels[held]), 58)


def test_a_share_keeps_recordings_together() -> None:
    """Every recording twice, as it is and mirrored, in a class of its own each: both are held out, or neither."""
    labels, numbers = np.tile(np.arange(10), 20), np.arange(200) % 100
    labels[100:] = (labels[:100] + 5) % 10
    recording = Recording(Packed.of([], Binning()), labels, np.zeros(200, int), tuple("abcdefghij"), "", numbers)
    held = _held_out(recording, 0.25, (), 3)
    assert held.sum() == 50
    np.testing.assert_array_equal(held[:100], held[100:])
    assert np.bincount(labels[held]).min() >= 3


def test_ssc(heidelberg: Writer) -> None:
    folder = heidelberg("ssc_train.h5", samples=70, classes=35).parent
    heidelberg("ssc_valid.h5", samples=35, classes=35, seed=1, names=False)
    heidelberg("ssc_test.h5", samples=40, classes=35, seed=2)
    assert len(ssc(folder).test) == 40
    data = open_dataset(f"ssc:{folder}?test=valid")
    assert (data.name, len(data.classes), len(data.test)) == ("ssc", 35, 35)


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_archives_are_unpacked_once(kind: str, heidelberg: Writer) -> None:
    plain = heidelberg("shd_train.h5", samples=40)
    expected = shd(plain.parent, share=0.5).train[3]
    content, archive = plain.read_bytes(), plain.with_name(f"shd_train.h5.{kind}")
    if kind == "gz":
        archive.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(archive, "w") as file:
            file.write(plain, plain.name)
    plain.unlink()
    np.testing.assert_array_equal(shd(plain.parent, share=0.5).train[3].units, expected.units)
    assert plain.read_bytes() == content
    assert sorted(path.name for path in plain.parent.iterdir()) == ["shd_train.h5", archive.name]


@pytest.mark.parametrize("mode", ["axonal", "synaptic"])
def test_the_recipe_learns(mode: DelayMode, heidelberg: Writer) -> None:
    """Four of the twenty classes, on a small core: says that the recipe works, and nothing about SHD."""
    folder = heidelberg("shd_train.h5", samples=120, classes=4, spikes=2400).parent
    heidelberg("shd_test.h5", samples=40, classes=4, spikes=2400, seed=1)
    config, recipe = with_delays(preset("shd").replace(neurons=32), RECIPES["shd"].replace(epochs=7), mode)
    data = open_dataset(f"shd:{folder}?shift=2&blend=0.2")
    with open_device("golden", config) as device:
        learned = train(device, initial_network(config, recipe, 0), data, recipe)
    assert learned.accuracy > 0.5
    assert learned.delays is not None
    assert learned.delays.mean > 0.03


def test_presets_and_recipes_of_both() -> None:
    for name, outputs in (("shd", 20), ("ssc", 35)):
        assert preset(name) == preset("shd").replace(outputs=outputs)
        assert RECIPES[name].weight_std == RECIPES["shd"].weight_std


# -------------------------------------------------------------------- what is refused

#: What is wrong with the training file -> part of the message.
MALFORMED = {
    "no units": "no list spikes/units",
    "no labels": "no list labels",
    "a group": "no list labels",
    "not ragged": "spikes/times does not hold one list of floating numbers per sample",
    "whole times": "spikes/times does not hold one list",
    "fewer units": "spikes/times has 40 samples but spikes/units 39",
    "unequal": "sample 2 has 3 times but 4 units",
    "far unit": "sample 2 has a spike of unit 700: channels are 0 to 699",
    "negative unit": "sample 2 has a spike of unit -1",
    "negative time": "sample 2 has a spike whose time is negative",
    "no time": "sample 2 has a spike whose time is negative or no number",
    "few labels": "labels is int64 [3], expected 40 whole numbers",
    "real labels": "labels is float64 [40]",
    "far label": "labels run from 0 to 20, expected 0 to 19",
    "few speakers": "extra/speaker is int64 [3]",
    "empty": "holds no samples",
    "milliseconds": "sample 0 loses all of its 150 spikes: its times run from",
    "infinite time": "sample 2 has a spike whose time is infinite",
    "negative label": "labels run from -1 to 19",
    "absurd labels": "labels is uint8 [1099511627776], expected 40 whole numbers",
    "absurd samples": "spikes/times has 1099511627776 samples but spikes/units 40",
    "many samples": "says it has 1,099,511,627,776 samples: at most 1,048,576 are read",
    "silent": "has no spikes in any of its 40 samples",
}


def spoil(path: Path, how: str) -> None:
    """Rewrite a part of a file so that it is wrong."""
    real, whole = h5py.vlen_dtype(np.float16), h5py.vlen_dtype(np.int16)
    with h5py.File(path, "a") as file:

        def put(name: str, value: object = None, **new: object) -> None:
            del file[name]
            if value is not None or new:
                file.create_dataset(name, data=value, **new)

        times, units = file["spikes/times"][2][:3], file["spikes/units"][2][:3].astype(np.int16)
        match how:
            case "no units":
                put("spikes/units")
            case "no labels":
                put("labels")
            case "a group":
                put("labels")
                file.create_group("labels")
            case "not ragged":
                put("spikes/times", np.zeros((40, 5)))
            case "whole times":
                put("spikes/times", shape=(40,), dtype=whole)
            case "fewer units":
                put("spikes/units", shape=(39,), dtype=whole)
            case "few labels":
                put("labels", np.zeros(3, int))
            case "real labels":
                put("labels", np.zeros(40))
            case "far label":
                file["labels"][5] = 20
            case "negative label":
                put("labels", np.arange(-1, 39) % 21 - 1)
            case "absurd labels":
                put("labels", shape=(1 << 40,), dtype=np.uint8, chunks=(1 << 20,))
            case "absurd samples" | "many samples":
                put("spikes/times", shape=(1 << 40,), dtype=real, chunks=(1 << 10,))
                if how == "many samples":
                    put("spikes/units", shape=(1 << 40,), dtype=whole, chunks=(1 << 10,))
            case "milliseconds":
                for n in range(40):
                    file["spikes/times"][n] = 1000 + 1000 * file["spikes/times"][n]
            case "silent":
                for n in range(40):
                    file["spikes/times"][n], file["spikes/units"][n] = np.zeros(0, np.float16), np.zeros(0, np.uint16)
            case "few speakers":
                put("extra/speaker", np.zeros(3, int))
            case "empty":
                put("spikes/times", shape=(0,), dtype=real)
                put("spikes/units", shape=(0,), dtype=whole)
                put("labels", np.zeros(0, int))
                put("extra/speaker", np.zeros(0, int))
            case _:
                put("spikes/units", shape=(40,), dtype=whole)
                bad_units = {"unequal": [1, 2, 3, 4], "far unit": [0, 700, 1], "negative unit": [-1, 0, 3]}
                bad_times = {"negative time": [-0.1, 0, 0], "no time": [0, np.nan, 0], "infinite time": [0, 0, np.inf]}
                file["spikes/times"][2] = np.array(bad_times.get(how, times), np.float16)
                file["spikes/units"][2] = np.array(bad_units.get(how, units), np.int16)
                for n in set(range(40)) - {2}:
                    file["spikes/times"][n] = np.zeros(0, np.float16)


@pytest.mark.parametrize("how", MALFORMED)
def test_malformed_file(how: str, heidelberg: Writer) -> None:
    path = heidelberg("shd_train.h5", samples=40)
    spoil(path, how)
    with pytest.raises(DataError) as caught:
        open_dataset(f"shd:{path.parent}?share=0.5")
    assert MALFORMED[how] in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


#: What lies in the folder -> part of the message.
UNREADABLE = {
    "nothing": "has no shd_train.h5, shd_train.h5.gz or shd_train.h5.zip: put it there, from https://zenkelab.org/datasets/",
    "cut h5": "shd_train.h5: not an HDF5 file, or cut short: download it again",
    "text": "shd_train.h5: not an HDF5 file",
    "cut gz": "shd_train.h5.gz: not a complete archive",
    "text as gz": "shd_train.h5.gz: not a complete archive",
    "text in gz": "shd_train.h5.gz: what is in it is not an HDF5 file: download it again",
    "cut zip": "shd_train.h5.zip: not a complete archive",
    "other zip": "shd_train.h5.zip: there is no shd_train.h5 in it",
    "text in zip": "shd_train.h5.zip: what is in it is not an HDF5 file: download it again",
    "two in zip": "shd_train.h5.zip: there are several shd_train.h5 in it: unpack it yourself",
    "a folder": "shd_train.h5 is a folder: give the folder that shd_train.h5 is in as a file",
}


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip archive of some files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("what", UNREADABLE)
def test_unreadable_file(what: str, heidelberg: Writer) -> None:
    path = heidelberg("shd_train.h5", samples=40)
    content = path.read_bytes()
    path.unlink()
    contents = {
        "nothing": {},
        "cut h5": {"shd_train.h5": content[:-100]},
        "text": {"shd_train.h5": b"not what you think\n"},
        "cut gz": {"shd_train.h5.gz": gzip.compress(content)[:-100]},
        "text as gz": {"shd_train.h5.gz": b"not what you think\n"},
        "text in gz": {"shd_train.h5.gz": gzip.compress(b"not what you think\n")},
        "cut zip": {"shd_train.h5.zip": zipped({path.name: content})[:-100]},
        "other zip": {"shd_train.h5.zip": zipped({"readme": content})},
        "text in zip": {"shd_train.h5.zip": zipped({path.name: b"not what you think\n"})},
        "two in zip": {"shd_train.h5.zip": zipped({path.name: content, "./shd_train.h5.more": bytes(1 << 20)})},
        "a folder": {},
    }[what]
    if what == "a folder":
        contents = {path.name: None}
        path.mkdir()
    for name, data in contents.items() if what != "a folder" else ():
        path.with_name(name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        open_dataset(f"shd:{path.parent}")
    assert UNREADABLE[what] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {found.name for found in path.parent.iterdir()} == set(contents), "something was left behind"


ZEROS = bytes(1 << 24)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("gz", gzip.compress(ZEROS)),
        ("zip", zipped({"shd_train.h5": ZEROS})),
        ("zip", zipped({"shd_train.h5": b"\x89HDF\r\n\x1a\n", "shd_train.h5/../shd_train.h5.more": ZEROS})),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    kind: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / f"shd_train.h5.{kind}"
    archive.write_bytes(content)
    assert len(content) < len(ZEROS) / 100

    def unpack(*_: object) -> None:
        raise AssertionError("unpacked")

    for processor in (pooch.Decompress, pooch.Unzip):
        monkeypatch.setattr(processor, "__call__", unpack)
    with pytest.raises(DataError, match=r"is not an HDF5 file|there are several shd_train.h5 in it"):
        shd(tmp_path)
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device: unpack it into a folder of your own"),
        (KeyboardInterrupt(), None),
    ],
)
def test_unpacking_that_fails_halfway_leaves_nothing(
    error: BaseException, reason: str | None, heidelberg: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = heidelberg("shd_train.h5", samples=40)
    archive = plain.with_name("shd_train.h5.gz")
    archive.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()

    def halfway(source: IO[bytes], target: IO[bytes], length: int = 0) -> None:
        target.write(source.read(1000))
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfileobj", halfway)
        with pytest.raises(DataError if reason else KeyboardInterrupt, match=reason):
            shd(plain.parent, share=0.5)
    assert list(plain.parent.iterdir()) == [archive]
    assert len(shd(plain.parent, share=0.5).train)


def holds(path: Path, how: str) -> subprocess.Popen[str]:
    """A process that does something to an HDF5 file and says so; it ends when its input does."""
    program = (
        f"import h5py, os, sys; file = h5py.File({str(path)!r}, 'r+', libver='latest'); {how}; print(1, flush=True)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"{program}; sys.stdin.read(); os._exit(0)"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("pass", "another process has it open for writing: wait until that is done"),
        (
            "file.flush(); os._exit(0)",
            "its writer has not closed it: close it there or, if that program crashed, run h5clear",
        ),
    ],
)
def test_a_file_that_someone_else_writes(how: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "shd_train.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["labels"] = np.arange(3)
    with holds(path, how) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(DataError) as caught:
            open_dataset(f"shd:{tmp_path}?share=0.5")
        other.communicate("")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read(heidelberg: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be allowed everything: the library is told to refuse."""
    folder = heidelberg("shd_train.h5", samples=4).parent

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Unable to open file\n(errno = 13)")

    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(DataError, match=r"shd_train.h5: may not be read: ask its owner, or chmod u\+r$"):
        open_dataset(f"shd:{folder}?share=0.5")
    monkeypatch.setattr(h5py, "File", lambda *_: (_ for _ in ()).throw(OSError(37, "unable to lock file, errno = 37")))
    with pytest.raises(DataError, match="its file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE"):
        open_dataset(f"shd:{folder}?share=0.5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("steps=9&dt=0.1&steps=9", "shd: duplicated option 'steps': give it once"),
        ("dt=inf", "'dt=inf' is not a number"),
        ("dt=1e999", "and a finite dt"),
        ("dt=nan", "'dt=nan' is not a number"),
        ("steps=1e3", "'steps=1e3' is not a number: give steps=NUMBER, a whole one"),
        ("steps=" + "9" * 5000, r"'steps=9{20} \.\.\. 9{26}' is not a number"),
        ("cap=99999999", "a cap of 65536"),
        ("shift=99999", "at most 4096"),
        ("", None),
        ("nonsense=1", "shd has no option 'nonsense': choose from share, speakers, seed, steps, dt"),
        ("steps=many", "'steps=many' is not a number: give steps=NUMBER"),
        ("steps", "'steps' is not a number"),
        ("steps=0", "steps=0"),
        ("shift=-1", "shift=-1"),
        ("blend=2", "blend=2"),
        ("share=1", "share=1.0"),
        ("share=0.5&seed=-1", "seed=-1"),
        ("steps=65537", "at most 65536 steps"),
        ("channels=4097", "and 4096 channels"),
        ("share=0.001", "nothing is left to test"),
        ("share=0.1&speakers=1", "not both"),
        ("speakers=1,99", r"no training sample is by speaker 99: choose from \[1, 2"),
    ],
)
def test_options_are_refused(options: str, message: str | None, heidelberg: Writer) -> None:
    folder = heidelberg("shd_train.h5", samples=40).parent
    if message is None:
        assert len(open_dataset(f"shd:{folder}?{options}").train) == 40
        return
    with pytest.raises(DataError, match=message):
        open_dataset(f"shd:{folder}?{options}")


def test_missing_folder_and_unknown_test_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is not a folder: ranvier download ssc --out .*nowhere"):
        open_dataset(f"ssc:{tmp_path}/nowhere")
    with pytest.raises(DataError, match="test='x': choose test or valid"):
        open_dataset(f"ssc:{tmp_path}?test=x")
    with pytest.raises(DataError, match="ssc has no option 'oracle': choose from test, steps"):
        open_dataset(f"ssc:{tmp_path}?oracle=valid")


@pytest.mark.parametrize(
    "work", [lambda: deque(iter(int, 1), maxlen=0), lambda: ctypes.string_at(0)], ids=["loop", "crash"]
)
def test_a_file_that_the_library_never_finishes(
    work: Callable[[], object], heidelberg: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the HDF5 library does with some damaged files, in C, where no signal reaches Python."""
    path = heidelberg("shd_test.h5")
    monkeypatch.setattr(module, "_numbers", lambda *_: work())
    monkeypatch.setattr(module, "SECONDS", 1)
    start = monotonic()
    with pytest.raises(
        DataError, match=f"{path}: reading it does not end, or kills the reader: it is damaged: download"
    ):
        read_recording(path, 20, Binning())
    assert monotonic() - start < 30

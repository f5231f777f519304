"""Heidelberg data sets: small files in the published layout, binned by hand and by the reader, and malformed ones."""

import gzip
import pickle
import zipfile
from collections.abc import Callable
from math import floor
from pathlib import Path

import h5py
import numpy as np
import pytest

from ranvier.data import Binning, DataError, open_dataset, shd, ssc
from ranvier.data.heidelberg import read_recording
from ranvier.data.packed import Packed, Tally
from ranvier.device import open_device
from ranvier.golden.presets import preset
from ranvier.recipes import RECIPES, DelayMode, initial_network, with_delays
from ranvier.training import train

Writer = Callable[..., Path]


def by_hand(times: np.ndarray, units: np.ndarray, binning: Binning) -> np.ndarray:
    """Spike counts [steps, channels], one spike after the other."""
    raster = np.zeros((binning.steps, binning.channels), int)
    for time, unit in zip(times.tolist(), units.tolist(), strict=True):
        step = floor(time / binning.dt)
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


def test_what_is_cut_is_counted() -> None:
    tally = Tally()
    bins = Binning(steps=4, dt=0.25, channels=7, cap=2).bins(
        [0.0, 0.1, 0.2, 0.99, 1.0, 7.0], np.array([9, 9, 9, 699, 0, 0]), 700, tally
    )
    np.testing.assert_array_equal(bins, [0, 0, 3 * 7 + 6])
    assert (tally.spikes, tally.late, tally.merged) == (6, 2, 1)


def test_half_precision_is_binned_in_double() -> None:
    """In float16, 0.97998046875 / 0.01 is 98; it is 97.998."""
    time = np.array([0.97998046875], np.float16)
    assert np.floor(time / np.float16(0.01)) == 98
    bins = Binning(channels=1).bins(time, np.array([0]), 700, Tally())
    np.testing.assert_array_equal(bins, [97])


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"dt": 0.0}, {"dt": float("nan")}, {"channels": 0}, {"cap": 0}, {"scored": 101}, {"scored": -1}],
)
def test_binning_refuses(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match="must be positive"):
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


def test_ssc(heidelberg: Writer) -> None:
    folder = heidelberg("ssc_train.h5", samples=70, classes=35).parent
    heidelberg("ssc_valid.h5", samples=35, classes=35, seed=1, names=False)
    heidelberg("ssc_test.h5", samples=40, classes=35, seed=2)
    assert len(ssc(folder).test) == 40
    data = open_dataset(f"ssc:{folder}?judge=valid")
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
                bad_times = {"negative time": [-0.1, 0, 0], "no time": [0, np.nan, 0]}
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
    "cut zip": "shd_train.h5.zip: not a complete archive",
    "other zip": "shd_train.h5.zip: there is no shd_train.h5 in it",
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_unreadable_file(what: str, heidelberg: Writer) -> None:
    path = heidelberg("shd_train.h5", samples=40)
    content = path.read_bytes()
    path.unlink()
    packed = path.with_name("shd_train.h5.zip")
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("readme" if what == "other zip" else path.name, content)
    zipped = packed.read_bytes()
    packed.unlink()
    contents = {
        "nothing": {},
        "cut h5": {"shd_train.h5": content[:-100]},
        "text": {"shd_train.h5": b"not what you think\n"},
        "cut gz": {"shd_train.h5.gz": gzip.compress(content)[:-100]},
        "text as gz": {"shd_train.h5.gz": b"not what you think\n"},
        "cut zip": {"shd_train.h5.zip": zipped[:-100]},
        "other zip": {"shd_train.h5.zip": zipped},
    }[what]
    for name, data in contents.items():
        path.with_name(name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        open_dataset(f"shd:{path.parent}")
    assert UNREADABLE[what] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {found.name for found in path.parent.iterdir()} == set(contents), "something was left behind"


@pytest.mark.parametrize(
    ("options", "message"),
    [
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
def test_options_are_refused(options: str, message: str, heidelberg: Writer) -> None:
    folder = heidelberg("shd_train.h5", samples=40).parent
    with pytest.raises(DataError, match=message):
        open_dataset(f"shd:{folder}?{options}")


def test_missing_folder_and_unknown_judge(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is not a folder: ranvier download ssc --out .*nowhere"):
        open_dataset(f"ssc:{tmp_path}/nowhere")
    with pytest.raises(DataError, match="judge='x': choose test or valid"):
        open_dataset(f"ssc:{tmp_path}?judge=x")

"""Augmentation: displacements and blends against hand-computed spikes, and epochs that repeat and differ."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ranvier.data import Augmentation, DataError, Dataset, open_dataset
from ranvier.data.augmentation import Augmented, blend, shift
from ranvier.data.packed import Binning, Packed
from ranvier.device import open_device
from ranvier.golden.compiled import CompiledCore
from ranvier.learners.online import train
from ranvier.parameters.presets import preset
from ranvier.parameters.record import Record
from ranvier.parameters.sample import Sample
from ranvier.recipes import RECIPES, initial_network

SCORED = np.ones(10, bool)


def spikes(sample: Sample) -> list[tuple[int, int]]:
    return list(zip(sample.times.tolist(), sample.units.tolist(), strict=True))


def sample(*pairs: tuple[int, int]) -> Sample:
    return Sample(np.array([time for time, _ in pairs]), np.array([unit for _, unit in pairs]), SCORED)


@pytest.mark.parametrize(
    ("steps", "units", "expected"),
    [
        (0, 0, [(0, 0), (4, 3), (9, 7)]),
        (0, 2, [(0, 2), (4, 5)]),
        (0, -3, [(4, 0), (9, 4)]),
        (1, 0, [(1, 0), (5, 3)]),
        (-4, 1, [(0, 4)]),
        (0, 9, []),
    ],
)
def test_shift(steps: int, units: int, expected: list[tuple[int, int]]) -> None:
    assert spikes(shift(sample((0, 0), (4, 3), (9, 7)), steps, units, 8)) == expected


def test_blend_aligns_the_centres_and_takes_half() -> None:
    """One sample is the other moved by 4 steps and 6 units, so both meet halfway and fall onto each other."""
    rng = np.random.default_rng(0)
    track = [(time, unit) for time in range(2, 5) for unit in range(4, 24)]
    first, second = sample(*track), sample(*((time + 4, unit + 6) for time, unit in track))
    middle = {(time + 2, unit + 3) for time, unit in track}
    taken = [spikes(blend(first, second, 40, 1, rng)) for _ in range(50)]
    assert all(set(found) <= middle and len(found) == len(set(found)) for found in taken)
    assert 0.7 < sum(map(len, taken)) / (50 * len(track)) < 0.8  # 1 - (1/2)**2 of the bins
    doubled = [spikes(blend(first, second, 40, 2, rng)) for _ in range(50)]
    assert 0.95 < sum(map(len, doubled)) / (50 * len(track)) < 1.05
    assert max(found.count(pair) for found in doubled for pair in found) == 2


def test_blend_moves_both_alike_where_the_way_is_a_half() -> None:
    """Centres 15.2 and 0.2 are 15 apart, so each moves by 7.5; 15.2 and 0.2 are no floats, and half of their sum neither."""
    scored = np.ones(40, bool)
    units = [[17, 17, 16, 13, 13], [0, 0, 0, 0, 1]]  # sums 76 and 1
    first, second = (Sample(np.zeros(5, int), np.array(found), scored) for found in units)
    found = {pair for seed in range(20) for pair in spikes(blend(first, second, 40, 9, np.random.default_rng(seed)))}
    assert found == {(0, unit - 8) for unit in units[0]} | {(0, unit + 8) for unit in units[1]}


def test_blend_with_silence() -> None:
    one = sample((1, 1), (2, 2))
    assert blend(one, sample(), 4, 1, np.random.default_rng(0)) is one
    assert spikes(blend(sample(), one, 4, 1, np.random.default_rng(0))) == []


def augmented(**options: float) -> Augmented:
    """12 samples of 3 classes; class c has its spikes around unit 10 c + 5."""
    rng = np.random.default_rng(1)
    binning = Binning(steps=10, channels=30)
    labels = np.arange(12) % 3
    units = [np.clip(rng.normal(10 * label + 5, 1.5, 40), 0, 29).astype(int) for label in labels]
    bins = (np.unique(rng.integers(0, 10, 40) * 30 + unit).astype(np.uint16) for unit in units)
    samples = Augmentation(**options).apply(Packed.of(bins, binning), labels)  # type: ignore[arg-type]
    assert isinstance(samples, Augmented)
    return samples


def test_shifts_are_uniform_and_bounded() -> None:
    samples, found = augmented(shift=3), []
    for seed in range(40):
        for before, after in zip(samples, samples.epoch(seed), strict=True):
            lost = len(before.units) - len(after.units)
            moved = after.units[: len(before.units) - lost]
            if not lost:
                found.append(int((moved - before.units)[0]))
                np.testing.assert_array_equal(moved - before.units, found[-1])
                np.testing.assert_array_equal(after.times, before.times)
        assert len(set(found)) > 1, "every sample of an epoch moves by itself"
    counts = np.bincount(np.array(found) + 3, minlength=7)
    assert len(counts) == 7
    assert len(found) > 200
    assert counts.min() > 10


def test_blends_stay_in_their_class() -> None:
    samples = augmented(blend=1.0)
    changed = 0
    for label, before, after in zip(samples.labels, samples, samples.epoch([0, 1]), strict=True):
        assert abs(after.units.mean() - (10 * label + 5)) < 3
        changed += spikes(before) != spikes(after)
    assert changed == 12


def test_a_class_of_one_is_never_blended() -> None:
    alone = augmented(blend=1.0)[:3]
    lonely = Augmented(alone, np.arange(3), Augmentation(blend=1.0)).epoch(5)
    assert [spikes(one) for one in lonely] == [spikes(one) for one in alone]


def test_epochs_repeat_and_differ() -> None:
    samples = augmented(shift=2, blend=0.5)
    epoch = [spikes(one) for one in samples.epoch([7, 0])]
    again = samples.epoch([7, 0])
    assert [spikes(again[n]) for n in reversed(range(12))] == epoch[::-1], "depends on the order of asking"
    assert [spikes(one) for one in samples.epoch([7, 1])] != epoch
    assert [spikes(one) for one in samples.epoch([8, 0])] != epoch
    assert [spikes(one) for one in samples[2:9].epoch([7, 0])] == epoch[2:9]


@pytest.fixture
def data(heidelberg: Callable[..., Path]) -> Dataset:
    folder = heidelberg("shd_train.h5", samples=60).parent
    return open_dataset(f"shd:{folder}?share=0.34&channels=20&steps=30&dt=0.04&shift=1&blend=0.3")


def test_epoch_of_a_data_set(data: Dataset) -> None:
    epoch = data.epoch([0, 3])
    assert epoch.test is data.test
    np.testing.assert_array_equal(epoch.train_labels, data.train_labels)
    assert sum(spikes(old) != spikes(new) for old, new in zip(data.train, epoch.train, strict=True)) > 10
    twice = data.repeated(2).epoch([0, 3])
    assert twice.inputs == 40
    for once, doubled in zip(epoch.train, twice.train, strict=True):
        np.testing.assert_array_equal(doubled.units[0::2], once.units)
        np.testing.assert_array_equal(doubled.units[1::2], once.units + 20)


def test_training_sees_every_epoch_afresh(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:

    learned: list[list[list[tuple[int, int]]]] = []
    run = CompiledCore.run

    def watched(core: CompiledCore, sample: Sample, **options: object) -> Record:
        if options.get("learn"):
            if len(learned[-1]) == len(data.train):
                learned.append([])
            learned[-1].append(spikes(sample))
        return run(core, sample, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(CompiledCore, "run", watched)
    config = preset("shd").replace(inputs=20, neurons=8)
    recipe = RECIPES["shd"].replace(epochs=2)

    learned.append([])
    with open_device("golden", config) as device:
        train(device, initial_network(config, recipe, 0), data, recipe, seed=4)
    assert [len(epoch) for epoch in learned] == [40, 40]
    for number, epoch in enumerate(learned):
        assert sorted(epoch) == sorted(spikes(one) for one in data.epoch([4, number]).train)
    assert sorted(learned[0]) != sorted(learned[1])


def test_a_shift_out_of_all_channels_is_refused():
    samples = Packed.of([np.array([0])], Binning(steps=1, channels=8, scored=1))
    Augmentation(shift=7).apply(samples, np.zeros(1, np.int64))
    with pytest.raises(DataError, match="shift=8 moves samples of 8 channels out of all of them: give fewer than 8"):
        Augmentation(shift=8).apply(samples, np.zeros(1, np.int64))

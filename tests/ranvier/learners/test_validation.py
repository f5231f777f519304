"""Validation samples: a share of every class, no recording on both sides, and the best epoch is what a training returns."""

from dataclasses import replace

import numpy as np
import pytest

from ranvier.data import Augmentation, DataError, Dataset, open_dataset, yin_yang
from ranvier.data.augmentation import Augmented
from ranvier.data.packed import Binning, Packed
from ranvier.data.samples import Repeated
from ranvier.device import open_device
from ranvier.golden.compiled import CompiledCore
from ranvier.learners import LEARNERS, Sparse
from ranvier.learners.evaluation import evaluate
from ranvier.learners.eventprop import EventProp
from ranvier.learners.eventprop_gradient import EventRule
from ranvier.learners.offline import evaluate_float, train_offline
from ranvier.learners.online import OnlineTraining, train
from ranvier.learners.validation import best, hold_out
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.recipes import RECIPES, RULES_OF, OfflineRecipe, initial_network

CONFIG = preset("yinyang").replace(neurons=20)
RECIPE = RECIPES["yinyang"].replace(epochs=3)


def labelled(labels: list[int], groups: list[int] | None = None) -> Dataset:
    """Sample n spikes on unit n, so that it can be told where it went."""
    samples = [Sample(np.zeros(1, np.int64), np.array([n]), np.ones(2, bool)) for n in range(len(labels))]
    classes = tuple(str(n) for n in range(max(labels) + 1))
    number = None if groups is None else np.array(groups)
    return Dataset(
        "some", len(labels), classes, samples, np.array(labels), samples[:1], np.array(labels[:1]), (), number
    )


def numbers(samples) -> list[int]:
    return [int(sample.units[0]) for sample in samples]


# -------------------------------------------------------------------- which samples


def test_a_share_of_every_class() -> None:
    labels = [0] * 40 + [1] * 80 + [2] * 4 + [3]
    data = labelled(labels)
    learned, held = hold_out(data, 0.1, seed=5)
    assert held
    assert np.bincount(held.test_labels, minlength=4).tolist() == [4, 8, 1, 0]
    assert sorted(numbers(learned.train) + numbers(held.test)) == list(range(125))
    for part, found in ((learned.train, learned.train_labels), (held.test, held.test_labels)):
        assert [labels[n] for n in numbers(part)] == found.tolist()
    assert numbers(learned.test) == [0]


def test_the_seed_decides() -> None:
    data = labelled([0, 1] * 50)
    first, again, other = (numbers(hold_out(data, 0.2, seed)[1].test) for seed in (3, 3, 4))
    assert first == again != other
    assert len(first) == 20


def test_none_of_the_data_for_a_share_of_0() -> None:
    data = labelled([0, 1] * 5)
    assert hold_out(data, 0.0, 0) == (data, None)
    assert hold_out(data, 0.0, 0)[0] is data


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_what_belongs_together_stays_together(share: float) -> None:
    """Recordings of one class, and recordings each in two classes, such as one and its mirror image."""
    single = labelled([n % 3 for n in range(90)], [n % 30 for n in range(90)])
    pairs = labelled([n % 3 + 3 * (n >= 45) for n in range(90)], [n % 45 for n in range(90)])
    for data in (single, pairs):
        learned, held = hold_out(data, share, seed=1)
        assert held
        assert not set(data.train_groups[numbers(learned.train)]) & set(data.train_groups[numbers(held.test)])
        counts, total = np.bincount(held.test_labels), np.bincount(data.train_labels)
        assert (abs(counts - share * total) <= 1.5).all(), counts
        np.testing.assert_array_equal(learned.train_groups, data.train_groups[numbers(learned.train)])


def test_large_groups() -> None:
    """Three speakers say everything: a tenth of them is one, and never all."""
    data = labelled([n % 5 for n in range(30)], [n // 10 for n in range(30)])
    learned, held = hold_out(data, 0.1, seed=0)
    assert held
    assert (len(learned.train), len(held.test)) == (20, 10)
    with pytest.raises(DataError, match=r"held out for validation without losing a class: .*validation share of 0"):
        hold_out(labelled([0, 1, 2], [0, 0, 0]), 0.3, 0)
    with pytest.raises(DataError, match=r"validation=1\.5"):
        hold_out(data, 1.5, 0)
    with pytest.raises(DataError, match=r"4 training samples but groups of shape \[3\]"):
        labelled([0, 0, 1, 1], [1, 2, 3])


@pytest.mark.parametrize("part", ["train", "test"])
def test_training_needs_both_parts(part: str) -> None:
    data = replace(yin_yang(train=9, test=9), **{part: [], f"{part}_labels": []})
    with pytest.raises(DataError, match=f"yinyang has no {part}(ing)? samples"):
        train(CompiledCore(CONFIG), initial_network(CONFIG, RECIPE, 0), data, RECIPE)


def test_augmentation_never_sees_what_is_held_out() -> None:
    """Sample n is five spikes on unit n; blends mix units of two samples, but only of those that are learned."""
    binning = Binning(steps=9, channels=60, scored=9)
    samples = Packed.of([np.arange(5) * 60 + n for n in range(60)], binning)
    labels = np.arange(60) % 2
    augmented = Augmented(samples, labels, Augmentation(blend=1.0))
    plain = labelled(labels.tolist())
    for train_samples in (augmented, Repeated(augmented, 60, 2), augmented[:60]):
        data = replace(plain, inputs=120, train=train_samples)
        learned, held = hold_out(data, 0.3, seed=2)
        assert held
        out = {int(sample.units[0]) for sample in held.test}
        assert all(len(set(sample.units % 60)) == 1 for sample in held.test), "held out as they were recorded"
        assert len(out) == 18
        sources = Chosen60(learned)
        assert sources.partners
        assert not sources.partners & out


class Chosen60:
    """Which samples those of an epoch were blended from, by the indices that the augmentation draws."""

    def __init__(self, data: Dataset) -> None:
        samples = data.train.source if isinstance(data.train, Repeated) else data.train
        self.partners = set()
        for index in range(len(samples)):
            other = samples._partner(index, np.random.default_rng(index))
            self.partners.add(int(samples.source[other].units[0]))


def test_recordings_of_a_file(heidelberg, tmp_path) -> None:
    import h5py

    path = heidelberg("shd_train.h5", samples=40)
    heidelberg("shd_test.h5", samples=20)
    assert open_dataset(f"shd:{tmp_path}").train_groups is None
    with h5py.File(path, "a") as file:
        file["extra/recording"] = np.arange(40) // 2
    data = open_dataset(f"shd:{tmp_path}?share=0.5")
    assert data.train_groups is not None
    assert len(data.train_groups) == len(data.train)
    assert len(set(data.train_groups.tolist())) == len(data.train) / 2
    assert 15 <= len(data.train) <= 25
    learned, held = hold_out(open_dataset(f"shd:{tmp_path}"), 0.2, 0)
    assert held
    assert len(set(learned.train_groups.tolist())) == len(learned.train) / 2
    assert learned.part(7, 3).train_groups.tolist() == learned.train_groups[:7].tolist()


def test_digest_follows_groups_and_augmentation() -> None:
    data = labelled([0, 1] * 4)
    samples = Packed.of([np.array([n]) for n in range(8)], Binning(steps=1, channels=8, scored=1))
    digests = {
        data.digest(),
        replace(data, train_groups=np.arange(8) // 2).digest(),
        replace(data, train=samples).digest(),
        replace(data, train=Augmented(samples, data.train_labels, Augmentation(shift=2))).digest(),
    }
    assert len(digests) == 4
    assert data.digest() == labelled([0, 1] * 4).digest()


# -------------------------------------------------------------------- which epoch


def test_best() -> None:
    assert best([0.5, 0.9, 0.7]) == 1
    assert best([0.5, 0.9, 0.9, 0.2]) == 2
    assert best([0.3, 0.3, 0.3]) == 2


class Ruined(CompiledCore):
    """All weights go, once so many samples are learned."""

    left = 0

    def play(self, *arguments):  # type: ignore[no-untyped-def]
        self.left -= arguments[2]
        if arguments[2] and self.left < 0:
            self._network.weight[...] = 0
        return super().play(*arguments)


def teach(device: CompiledCore, **options: float) -> tuple[OnlineTraining, float]:
    """A training, and what its device then makes of the test samples."""
    data = yin_yang(train=400, test=200)
    result = train(device, initial_network(CONFIG, RECIPE, 0), data, RECIPE, **options)
    return result, evaluate(device, data).accuracy


def test_a_ruined_network_is_not_returned() -> None:
    device = Ruined(CONFIG)
    device.left = 2 * 320
    kept, on_the_device = teach(device, validation=0.2)
    assert kept.kept < 2
    assert kept.accuracy == on_the_device == kept.epochs[kept.kept].test.accuracy > 0.6
    assert kept.epochs[-1].test.accuracy < 0.5
    with open_device("golden", CONFIG) as other:
        other.load(kept.network)
        assert evaluate(other, yin_yang(train=400, test=200)).accuracy == kept.accuracy
    assert [epoch.train.samples for epoch in kept.epochs] == [320] * 3
    assert [epoch.validation.samples for epoch in kept.epochs if epoch.validation] == [80] * 3
    number = kept.kept + 1
    assert kept.summary()["kept_epoch"] == number
    text = kept.lines()
    assert [line for line in text[3:6] if "*" in line][-1].split()[0] == str(number)
    assert text[6].startswith(f"kept the network of epoch {number}, the best on validation")
    assert any(line.startswith("accuracy fell from") and f"epoch {number} was kept" in line for line in kept.warnings)


def test_without_validation_it_is_returned_with_a_warning() -> None:
    device = Ruined(CONFIG)
    device.left = 2 * 400
    last, on_the_device = teach(device)
    assert last.kept == 2
    assert last.accuracy == on_the_device == last.epochs[-1].test.accuracy < 0.5
    assert any("a validation share keeps the best one" in line for line in last.warnings)
    assert "20 of 20 neurons never spike" in "\n".join(last.warnings)


def test_counters_go_on_with_validation() -> None:
    result, _ = teach(CompiledCore(CONFIG), validation=0.2)
    evaluations = [t for epoch in result.epochs for t in (epoch.train, epoch.validation, epoch.test) if t]
    assert len(evaluations) == 9
    assert result.counters["spikes"] == sum(one.spikes for one in evaluations) > 1000


def test_the_best_epoch_of_an_offline_learner() -> None:
    recipe = OfflineRecipe(
        epochs=4, batch=32, eta_weight=0.02, eta_delay=0.1, eta_readout=0.02, decay=8.0,
        alpha=0.95, beta=0.7, kappa=0.9, weight_mean=0.3, weight_std=0.3, readout_std=0.25,
    )  # fmt: skip
    data = yin_yang(train=300, test=100)
    start = recipe.draw(CONFIG, np.random.default_rng(0))
    result = train_offline(
        EventProp(CONFIG, EventRule(**RULES_OF["eventprop"]["yinyang"])), start, data, recipe, validation=0.2
    )
    validated = [epoch.validated for epoch in result.epochs]
    assert result.kept == best(validated) < 3, validated
    assert result.accuracy == result.epochs[result.kept].tested == evaluate_float(result.network, data).accuracy
    assert evaluate_float(result.network, hold_out(data, 0.2, 0)[1]).accuracy == max(validated)
    assert "accuracy_while_learning" in result.summary()["epochs"][0]


def test_every_learner_takes_a_share() -> None:
    """Rewiring counts the samples that are learned."""
    data = yin_yang(train=80, test=20)
    for name in ("online", "eventprop"):
        trained = LEARNERS[name].train(CONFIG, data, epochs=2, sparse=Sparse(0.5), validation=0.25)
        assert len(trained.training.validated) == 2
        if name == "online":
            assert trained.plasticity.recipe.every == 60 // 8

"""Evaluation of a held-out file: any part of a data set, unequal and missing classes, and labels that find their output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.cli import main
from ranvier.data import Binning, DataError, Dataset, braille, from_tonic, shd, ssc, yin_yang
from ranvier.data.braille import LETTERS
from ranvier.data.dataset import class_names, mapped_labels
from ranvier.device import open_device
from ranvier.learners.evaluation import evaluate
from ranvier.learners.offline import train_offline
from ranvier.learners.online import train
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.quantisation.quantise import quantise
from ranvier.recipes import RECIPES, initial_network
from ranvier.verification.verify import verify

Writer = Callable[..., Path]
Files = Callable[..., Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Writes Braille files: every recording tells its letter by the taxel that moves, so that a network can be built."""

    def write(name: str, letter: list[int], letters: tuple[str, ...]) -> Path:
        taxels = np.zeros((len(letter), 6, 27), np.float32)
        for n, label in enumerate(letter):
            taxels[n, 2:, LETTERS.index(letters[label])] = 10
        np.savez(tmp_path / name, taxels=taxels, letter=np.array(letter), letters=np.array(letters))
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def reader() -> Network:
    """A network whose output k is letter k: taxel k drives neuron k, and this output k."""
    config = CoreConfig(inputs=54, neurons=27, outputs=27, max_delay=4, delays="none", learning=False)
    network = Network.zeros(config)
    network.weight[2 * np.arange(27), np.arange(27)] = config.weight.max
    network.readout[np.arange(27), np.arange(27)] = config.weight.max // 2
    return network


def right(network: Network, data: Dataset, split: str = "test", classes: tuple[str, ...] = ()) -> tuple[int, int]:
    """Correct predictions and samples."""
    with open_device("golden", network.config) as device:
        device.load(network)
        result = evaluate(device, data, split, classes=classes)
    return result.correct, result.samples


# -------------------------------------------------------------------- Braille


def test_every_letter_has_its_output(reader: Network, files: Files) -> None:
    """What the other tests rest on: as many recordings as training needs, in both parts."""
    data = braille(files("all.npz", [n % 27 for n in range(27 * 40)], LETTERS))
    assert [right(reader, data, split) for split in ("test", "train", "all")] == [(216, 216), (864, 864), (1080, 1080)]


@pytest.mark.parametrize(
    ("letter", "letters"),
    [
        ([n % 27 for n in range(27 * 3)], LETTERS),  # few of each
        ([1, 1, 1, 26, 0, 5], LETTERS),  # unequal, and most letters missing
        ([7] * 50, LETTERS),  # one class only
        ([0, 1, 2, 2, 1], ("Z", "B", "Space")),  # only some letters are named, in another order
        ([n % 27 for n in range(54)], LETTERS[::-1]),  # all are named, in another order
    ],
)
def test_a_held_out_file(letter: list[int], letters: tuple[str, ...], reader: Network, files: Files) -> None:
    data = braille(files("held.npz", letter, letters))
    count = 8 if len(letter) == 50 else len(letter)  # 50 of one letter are enough to be split
    assert right(reader, data) == (count, count)
    assert right(reader, data, classes=LETTERS) == (count, count)
    assert right(reader, data, "all") == (len(letter), len(letter))


def test_the_order_of_letters_in_a_file_does_not_matter(reader: Network, files: Files) -> None:
    """The same recordings under letters in another order are the same data set, so that what is learned from one is right
    for the other."""
    letter, order = [n % 27 for n in range(27 * 40)], np.random.default_rng(0).permutation(27)
    straight = braille(files("straight.npz", letter, LETTERS))
    turned = braille(files("turned.npz", np.argsort(order)[letter].tolist(), tuple(LETTERS[n] for n in order)))
    assert turned.classes == straight.classes == LETTERS
    np.testing.assert_array_equal(turned.train_labels, straight.train_labels)
    for one, other in zip(turned.test, straight.test, strict=True):
        np.testing.assert_array_equal(one.units, other.units)
    path = files("own.npz", [0, 1, 1], ("B", "A"))
    with np.load(path) as file:
        np.savez(path, **({**file} | {"letters": np.array(["zwei", "eins"])}))
    own = braille(path)
    assert own.classes == ("zwei", "eins")
    with pytest.raises(ConfigError, match="needs 2 outputs but this core holds 27"):
        right(reader, own)


def test_what_cannot_be_learned_says_what_is_missing(reader: Network, files: Files) -> None:
    path = files("held.npz", [0] * 40 + [1] * 10, ("A", "B"))
    data = braille(path)
    reason = r"letter 'B' has 10 recordings, 32 \+ 8 of each are needed: .*\?train=N&test=N"
    assert (len(data.train), len(data.test)) == (0, 50)
    assert "nothing to learn from: letter 'B' has 10 recordings" in data.notes[0]
    recipe, config = RECIPES["braille"].replace(epochs=1), preset("braille").replace(inputs=54, outputs=2)
    with open_device("golden", config) as device:
        with pytest.raises(DataError, match=f"braille has no training samples: {reason}"):
            train(device, initial_network(config, recipe, 0), data, recipe)
        with pytest.raises(DataError, match="no training samples"):
            evaluate(device, data, "train")
        with pytest.raises(DataError, match="no training samples"):
            verify(device, device, dataset=data)
    with pytest.raises(DataError, match="class 1 has 10 samples: 9 \\+ 3 were asked of each class"):
        braille(path, train=9, test=3)
    fewer = braille(path, train=8, test=2)
    assert (len(fewer.train), len(fewer.test)) == (16, 4)
    assert "30 of 50 recordings are in neither part" in fewer.notes[0]
    assert [len(fewer.repeated(2).split(split).test) for split in ("test", "train", "all")] == [4, 16, 50]
    assert len(fewer.part(5, 2).split("all").test) == 7
    alone = braille(path, train=10, test=0)
    assert (len(alone.train), len(alone.test)) == (20, 0)
    with pytest.raises(DataError, match="no test samples: test=0 was asked for"):
        alone.split("test")
    for wrong in (
        {"train": 0, "test": 0},
        {"train": -1},
        {"test": 1.5},
        {"seed": -1},
        {"tail": 1 << 20},
        {"scored": "4"},
    ):
        with pytest.raises(DataError, match=r"give|at most"):
            braille(path, **wrong)  # type: ignore[arg-type]


def test_a_threshold_that_nothing_crosses(files: Files) -> None:
    with pytest.raises(
        DataError, match=r"0 spikes at threshold=11.0 .*: the values run from 0.0 to 10.0, give another"
    ):
        braille(files("b.npz", [0, 1], ("A", "B")), threshold=11.0)


# -------------------------------------------------------------------- SHD and SSC


def test_a_folder_with_one_file(heidelberg: Writer) -> None:
    """Either file is enough; what is missing is said to whoever asks for it."""
    expected = shd(heidelberg("shd_train.h5", samples=40).parent, share=0.5)
    folder = heidelberg("shd_test.h5", samples=30, seed=1).parent
    both = shd(folder)
    (folder / "shd_train.h5").rename(folder / "away")
    held = shd(folder)
    assert (len(held.train), len(held.test), held.classes) == (0, 30, expected.classes)
    network = initial_network(preset("shd").replace(neurons=8), RECIPES["shd"], 0)
    assert right(network, held) == right(network, held, "all") == right(network, both)
    with pytest.raises(
        DataError, match=r"shd has no training samples: .* has no shd_train.h5, shd_train.h5.gz or .*: put it"
    ):
        held.split("train")
    with pytest.raises(DataError, match="has no training samples"):
        held.learnable()
    with pytest.raises(DataError, match=r"has no shd_train.h5"):
        shd(folder, share=0.5)
    (folder / "shd_test.h5").unlink()
    (folder / "away").rename(folder / "shd_train.h5")
    taught = shd(folder)
    assert right(network, taught, "train") == right(network, both, "train")
    with pytest.raises(DataError, match=r"shd has no test samples: .* has no shd_test.h5"):
        taught.split("test")
    heidelberg("ssc_valid.h5", samples=35, classes=35)
    assert len(ssc(folder, test="valid").test) == 35
    with pytest.raises(DataError, match=r"has no ssc_train.h5"):
        ssc(folder)


def test_a_file_of_any_name(heidelberg: Writer) -> None:
    path = heidelberg("mine.h5", samples=30)
    data = shd(path)
    assert (len(data.train), len(data.test)) == (0, 30)
    with pytest.raises(
        DataError, match=r"mine.h5 is one file, which is tested on: give a folder that holds shd_train.h5"
    ):
        data.learnable()
    parts = shd(path, share=0.5)
    assert (len(parts.train), len(parts.test)) == (20, 10)  # 20 classes, half of them with one recording, half with two


def test_a_file_that_names_its_classes_in_another_order(heidelberg: Writer) -> None:
    import h5py

    folder = heidelberg("shd_train.h5", samples=40).parent
    path = heidelberg("shd_test.h5", samples=30, seed=1)
    straight = shd(folder)
    with h5py.File(path, "a") as file:
        names = file["extra/keys"][:]
        del file["extra/keys"]
        file["extra/keys"] = names[::-1]
    turned = shd(folder)
    np.testing.assert_array_equal(turned.test_labels, 19 - straight.test_labels)
    with h5py.File(path, "a") as file:
        file["extra/keys"][4] = b"elephant"
    with pytest.raises(
        DataError, match="shd: class 'elephant' is not one of the classes that were learned: word 0, word 1"
    ):
        shd(folder)


# -------------------------------------------------------------------- tonic, Yin-Yang


def test_tonic_with_one_part() -> None:
    events = np.zeros(4, [("t", int), ("x", int)])
    held = [(events, 3), (events, 1)]
    binning = Binning(steps=2, channels=5)
    network = initial_network(CoreConfig(inputs=5, neurons=4, outputs=10, max_delay=4), RECIPES["yinyang"], 0)
    data = from_tonic(None, held, size=(5, 1, 1), binning=binning)
    assert (len(data.train), len(data.test), len(data.classes)) == (0, 2, 4)
    assert right(network, data)[1] == right(network, data, "all")[1] == 2, (
        "fewer classes than outputs, which are numbers"
    )
    with pytest.raises(DataError, match="tonic has no training samples: give train= some"):
        data.split("train")
    assert len(from_tonic(held, None, size=(5, 1, 1), binning=binning).split("train").test) == 2


def test_parts_of_yin_yang() -> None:
    data = yin_yang(train=30, test=20)
    network = initial_network(preset("yinyang").replace(neurons=10), RECIPES["yinyang"], 0)
    parts = {split: right(network, data, split) for split in ("test", "train", "all")}
    assert parts["all"] == tuple(np.add(parts["test"], parts["train"]))
    assert [parts[split][1] for split in parts] == [20, 30, 50]
    repeated = data.repeated(2).split("all")
    assert (len(repeated.test), repeated.test[30].units.max()) == (50, 9)
    np.testing.assert_array_equal(repeated.test_labels, np.concatenate([data.train_labels, data.test_labels]))
    with pytest.raises(DataError, match="split='tset': choose one of test, train, all"):
        data.split("tset")


# -------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("labels", "have", "want", "expected"),
    [
        ([0, 1], "AB", "BA", [1, 0]),
        ([1, 1], "AB", "CB", [1, 1]),  # A does not occur
        ([0, 1], "01", "AB", [0, 1]),  # data without names
        ([0, 1], "AB", "01", [0, 1]),  # a network without names
        ([0, 2], "012", "012345", [0, 2]),
        ([0, 1], "AB", "CB", None),
        ([0, 1], "AB", "0123", None),  # which of the four?
        ([2], "012", "AB", None),
        ([0], "AA", "AB", None),
    ],
)
def test_labels_go_where_their_name_is(labels: list[int], have: str, want: str, expected: list[int] | None) -> None:
    arguments = "x", np.array(labels), tuple(have), tuple(want)
    if expected is None:
        with pytest.raises(DataError, match=r"x: class '.' is not one of the classes that were learned: "):
            mapped_labels(*arguments)
    else:
        np.testing.assert_array_equal(mapped_labels(*arguments), expected)


def test_names_of_some_classes() -> None:
    assert class_names([b"zero", "one"], 4) == ("zero", "one", "2", "3")
    assert class_names(["a", "b"], 1) == ("0",)


def test_data_sets_that_cannot_be() -> None:
    one = [Sample(np.array([0]), np.array([0]), np.ones(3, bool))]
    with pytest.raises(DataError, match=r"300 classes: a core has at most 256"):
        Dataset("x", 1, class_names((), 300), one, np.array([0]), [], np.zeros(0))
    with pytest.raises(DataError, match=r"train labels: 0\.5 is not a whole number"):
        Dataset("x", 1, ("a", "b"), one, np.array([0.5]), [], np.zeros(0))
    alike = Dataset("x", 1, ("a", "b"), one, np.array([1]), one, np.array([0]))
    with pytest.raises(DataError, match="all training samples are of class 'b': there is nothing to tell apart"):
        alike.learnable()
    assert "\n" not in str(DataError("two\nlines\x0b\u2028"))


def test_offline_learners_and_quantisation_ask_for_samples() -> None:
    from ranvier.parameters.float_network import FloatNetwork

    data = yin_yang(train=2, test=2)
    empty = Dataset("x", 5, data.classes, data.train, data.train_labels, [], np.zeros(0))
    config = preset("yinyang").replace(neurons=3)
    network = FloatNetwork.of(initial_network(config, RECIPES["yinyang"], 0))
    with pytest.raises(DataError, match="x has no test samples: give some"):
        quantise(network, dataset=empty)
    with pytest.raises(DataError, match="x has no test samples: give some"):
        train_offline(None, network, empty, RECIPES["yinyang"], 0)  # type: ignore[arg-type]


# -------------------------------------------------------------------- command line


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_eval_of_any_part(
    reader: Network, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network that says what its outputs are, in an order of its own: names find them; without, the published order."""
    monkeypatch.chdir(tmp_path)
    files("held.npz", [0, 2, 2, 1], ("Q", "C", "A"))
    reader.save("plain.npz")
    order = np.random.default_rng(0).permutation(27)
    turned = reader.replace(readout=reader.readout[:, order])
    turned.save("turned.npz", [LETTERS[n] for n in order])
    assert Network.read_classes("plain.npz") == ()
    assert Network.read_classes("turned.npz") == tuple(LETTERS[n] for n in order)
    np.testing.assert_array_equal(Network.read("turned.npz").readout, turned.readout)
    for model in ("plain.npz", "turned.npz"):
        result = answer(capsys, "eval", model, "--data", "braille:held.npz")
        assert (result["accuracy"], result["samples"], result["split"]) == (1.0, 4, "test")
        assert answer(capsys, "eval", model, "--data", "braille:held.npz", "--split", "all")["samples"] == 4
    for line, message in (
        ("eval plain.npz --data braille:held.npz --split train", "no training samples: letter 'C' has 1 recordings"),
        ("eval plain.npz --data braille:held.npz --split some", "invalid choice: 'some'"),
        ("train --data braille:held.npz", "no training samples: letter 'C' has 1 recordings"),
        ("eval plain.npz --data yinyang --split train", "yinyang needs 5 inputs but this core holds 54"),
        ("eval plain.npz --data braille:held.npz?train=9&train=9", "duplicated option 'train'"),
        ("eval plain.npz --data braille:held.npz?colour=9", "no option 'colour': choose from seed, threshold, cap"),
    ):
        assert main(line.split()) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert message in err


def test_train_says_what_its_outputs_are(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trained on three letters; the same recordings in another order are told alike, and other letters are refused."""
    monkeypatch.chdir(tmp_path)
    files("learn.npz", [n % 3 for n in range(120)], ("C", "A", "T"))
    files("held.npz", [0, 0, 0, 1, 1, 2], ("C", "A", "T"))
    files("turned.npz", [1, 1, 1, 2, 2, 0], ("T", "C", "A"))
    files("other.npz", [0, 1, 2], ("D", "O", "G"))
    Path("core.toml").write_text(preset("braille").replace(inputs=54, outputs=3, neurons=20).to_toml())
    answer(capsys, "train", "--data", "braille:learn.npz", "--config", "core.toml", "--epochs", "1", "--out", "m.npz")
    assert Network.read_classes("m.npz") == ("A", "C", "T")
    held, turned = (answer(capsys, "eval", "m.npz", "--data", f"braille:{name}.npz") for name in ("held", "turned"))
    assert held["accuracy"] == turned["accuracy"] > 0
    assert main(["eval", "m.npz", "--data", "braille:other.npz"]) == 2
    assert "class 'D' is not one of the classes that were learned: A, C, T" in capsys.readouterr().err


def test_names_go_with_a_network_wherever_it_goes(
    reader: Network, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outputs in an order of their own, in real numbers, quantised, as a graph and back: `eval` is right everywhere."""
    monkeypatch.chdir(tmp_path)
    files("held.npz", [0, 2, 2, 1], ("Q", "C", "A"))
    order = np.random.default_rng(0).permutation(27)
    names = tuple(LETTERS[n] for n in order)
    real = FloatNetwork.of(reader.replace(readout=reader.readout[:, order]))
    real.save("real.npz", names)
    result = answer(capsys, "quantise", "real.npz", "--data", "braille:held.npz", "-o", "core.npz")
    assert [result[when]["accuracy"] for when in ("float", "golden")] == [1.0, 1.0]
    ways = [("real.npz", "again.npz", ["--quantise"]), ("core.npz", "float.npz", [])]
    for source, target, options in ways:
        answer(capsys, "nir", "export", source, "--dt", "1e-3", "-o", "graph.nir")
        answer(capsys, "nir", "import", "graph.nir", "-o", target, *options)
    answer(capsys, "quantise", "float.npz", "-o", "last.npz")
    for model in ("real", "core", "again", "float", "last"):
        assert Network.read_classes(f"{model}.npz") == FloatNetwork.read_classes(f"{model}.npz") == names
    for model in ("core", "again", "last"):
        assert answer(capsys, "eval", f"{model}.npz", "--data", "braille:held.npz")["accuracy"] == 1.0


def test_training_keeps_the_class_names_of_its_start(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same recordings, their letters in another order: what was learned is still right, and stays so."""
    monkeypatch.chdir(tmp_path)
    letters = [n % 3 for n in range(120)]
    with np.load(files("other.npz", letters, ("D", "O", "G"))) as file:
        taxels, letter = file["taxels"], file["letter"]
    np.savez("turned.npz", taxels=taxels, letter=(letter + 1) % 3, letters=["drei", "eins", "zwei"])
    config = preset("braille").replace(inputs=54, outputs=3, neurons=27, recurrent=False, delays="none")
    network = Network.zeros(config)
    network.weight[2 * np.arange(27), np.arange(27)] = config.weight.max
    network.readout[[LETTERS.index(letter) for letter in "DOG"], np.arange(3)] = config.weight.max // 2
    network.save("m.npz", ["eins", "zwei", "drei"])
    first = ["train", "--data", "braille:turned.npz", "--validation", "0", "--delays", "none"]
    more = answer(capsys, *first, "--epochs", "1", "--from", "m.npz", "--out", "n.npz")
    assert more["epochs"][0]["accuracy_while_learning"] == more["accuracy"] == 1
    assert Network.read_classes("n.npz") == ("eins", "zwei", "drei")
    first[2] = "braille:other.npz"
    assert main([*first, "--from", "m.npz", "--out", "c.npz"]) == 2
    assert "class 'D' is not one of the classes that were learned: eins, zwei, drei" in capsys.readouterr().err


@pytest.mark.parametrize(
    "classes",
    [["a", "b"], [["a", "b", "c"]], [0.0, 1.0, 2.0], ["a", "b", "a"], [b"a", b"b", b"c"], list("abcd"), "abc"],
    ids=["few", "2d", "float", "twice", "bytes", "many", "0d"],
)
def test_names_that_do_not_fit_the_outputs(classes: Any, tmp_path: Path) -> None:
    network, path = Network.zeros(preset("yinyang").replace(neurons=3)), tmp_path / "m.npz"
    network.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays, classes=np.array(classes))
    if len(classes) != 3 or len(set(map(str, classes))) != 3:
        with pytest.raises(NetworkError, match=r"classes=.*: give 3 different names, one for each output"):
            network.save(path, classes)
    with pytest.raises(NetworkError, match=f"{path}: damaged: classes are .*, expected 3 different names"):
        Network.read_classes(path)


def test_names_that_cannot_be_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", classes=np.array([{}], dtype=object))
    with pytest.raises(NetworkError, match="what its outputs stand for cannot be read"):
        Network.read_classes(tmp_path / "m.npz")


def test_other_outputs_are_refused() -> None:
    data = yin_yang(train=2, test=2)
    for outputs in (2, 4):
        config = preset("yinyang").replace(neurons=3, outputs=outputs)
        with (
            open_device("golden", config) as device,
            pytest.raises(ConfigError, match=f"3 outputs but this core holds {outputs}"),
        ):
            evaluate(device, data)

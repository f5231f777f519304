"""A training that was stopped resumes bit for bit, whatever learns; foreign checkpoints are refused."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranvier.data import Augmentation, Dataset, yin_yang
from ranvier.data.packed import Binning, Packed
from ranvier.device import Device, open_device
from ranvier.files.output import OutputError
from ranvier.golden.compiled import CompiledCore
from ranvier.golden.core import GoldenCore
from ranvier.golden.float_core import FloatCore
from ranvier.learners import Learner, Sparse, Trained, learner
from ranvier.learners.checkpoint import CheckpointError
from ranvier.learners.online import OnlineTraining, train
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, initial_network
from ranvier.verification.stimulus import random_sample
from ranvier.verification.verify import Twin

CONFIG = preset("yinyang").replace(neurons=12)
RECIPE = RECIPES["yinyang"].replace(epochs=4)
EPOCHS = 4


def stopping(after: int) -> Callable[[Any], None]:
    """Ctrl-C once so many epochs are finished."""

    def report(learned: Any) -> None:
        if len(learned.epochs) == after:
            raise KeyboardInterrupt

    return report


def same(one: Any, other: Any, names: tuple[str, ...]) -> int:
    """Values that were compared, and equal."""
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    return sum(getattr(one, name).size for name in names)


def plain(summary: dict[str, Any]) -> dict[str, Any]:
    """A report without how fast it was."""
    text = json.loads(json.dumps(summary))
    for epoch in text["epochs"]:
        for found in filter(lambda value: isinstance(value, dict), epoch.values()):
            del found["samples_per_second"]
    return text


# -------------------------------------------------------------------- on a core


class Hidden(Twin):
    """Two golden models as one device whose generators cannot be read, like simulated RTL and boards."""

    def __init__(self, config: CoreConfig):
        super().__init__(CompiledCore(config), CompiledCore(config))


KINDS: dict[str, Callable[[CoreConfig], Any]] = {
    "golden": CompiledCore,
    "golden:plain": GoldenCore,
    "float64": FloatCore,
    "hidden": Hidden,
}


def taught(device: Device, data: Dataset, **options: Any) -> OnlineTraining:
    return train(device, initial_network(device.config, RECIPE, 3), data, RECIPE, 3, **options)


@pytest.mark.parametrize("validation", [0.0, 0.25])
@pytest.mark.parametrize("kind", KINDS)
def test_online_resumes_bit_for_bit(kind: str, validation: float, tmp_path: Path) -> None:
    data, make = (yin_yang(train=8, test=4) if kind == "golden:plain" else yin_yang(train=16, test=6)), KINDS[kind]
    through = taught(make(CONFIG), data, validation=validation, checkpoint=tmp_path / "through.npz")
    path = tmp_path / "stopped.npz"
    for after in (1, 3):
        stopped = taught(make(CONFIG), data, validation=validation, checkpoint=path, report=stopping(after))
        assert (stopped.interrupted, len(stopped.epochs)) == (True, after)
    used = make(CONFIG)
    used.load(initial_network(CONFIG, RECIPE, 9))
    used.run(data.train[0], target=0, learn=True)  # what a device did before is forgotten
    seen: list[int] = []
    result = taught(used, data, validation=validation, checkpoint=path, report=lambda r: seen.append(len(r.epochs)))
    assert seen == [3, 4]
    assert same(result.network, through.network, ("weight", "delay", "readout")) == 12 * 13
    assert result.network.seed == through.network.seed
    assert plain(result.summary()) == plain(through.summary())
    assert result.counters["spikes"] > 100
    assert not (result.network.weight == result.initial.weight).all()
    complete = taught(make(CONFIG), data, validation=validation, checkpoint=path)
    assert plain(complete.summary()) == plain(through.summary()), "nothing is left to do"
    if kind != "hidden":
        without = taught(make(CONFIG), data, validation=validation)
        same(without.network, through.network, ("weight", "delay", "readout"))


def test_the_generators_are_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going on with others ends elsewhere, so that the tests above can fail."""
    data = yin_yang(train=16, test=6)
    through = taught(CompiledCore(CONFIG), data)
    taught(CompiledCore(CONFIG), data, checkpoint=tmp_path / "c.npz", report=stopping(2))
    monkeypatch.setattr(CompiledCore, "_take_snapshot", lambda core, snapshot: None)
    result = taught(CompiledCore(CONFIG), data, checkpoint=tmp_path / "c.npz")
    assert (result.network.weight != through.network.weight).any()


def test_on_simulated_rtl(tmp_path: Path) -> None:
    config, rng = preset("test"), np.random.default_rng(4)
    samples = [random_sample(config, rng) for _ in range(6)]
    labels = np.arange(6) % 3
    data = Dataset("random", config.inputs, ("0", "1", "2"), samples, labels, samples[:2], labels[:2])
    results = []
    for path in ("through.npz", "stopped.npz"):
        if path == "stopped.npz":
            with open_device("sim", config) as device:
                taught(device, data, checkpoint=tmp_path / path, report=stopping(2))
        with open_device("sim", config) as device:
            results.append(taught(device, data, checkpoint=tmp_path / path))
    compared = same(results[0].network, results[1].network, ("weight", "delay", "readout"))
    assert compared == 12 * 14 + 21
    assert results[0].counters == results[1].counters
    twin = taught(Hidden(config), data, checkpoint=tmp_path / "twin.npz")
    same(results[0].network, twin.network, ("weight", "delay", "readout"))
    assert (twin.network.weight != twin.initial.weight).any()


def test_augmentation_resumes(tmp_path: Path) -> None:
    config, rng = CONFIG.replace(inputs=12), np.random.default_rng(0)
    packed = Packed.of([np.sort(rng.integers(0, 120, 30)) for _ in range(12)], Binning(steps=10, channels=12, scored=3))
    labels = np.arange(12) % 3
    changed = Augmentation(shift=2, blend=0.5).apply(packed, labels)
    data = Dataset("noise", 12, ("0", "1", "2"), changed, labels, packed, labels)
    through = taught(CompiledCore(config), data)
    taught(CompiledCore(config), data, checkpoint=tmp_path / "c", report=stopping(1))
    same(taught(CompiledCore(config), data, checkpoint=tmp_path / "c").network, through.network, ("weight", "readout"))
    with pytest.raises(CheckpointError, match="data is"):
        taught(CompiledCore(config), replace(data, train=packed), checkpoint=tmp_path / "c")


# -------------------------------------------------------------------- every learner


def learner_of(name: str) -> Learner:
    """A learner, perhaps on a device."""
    return learner(*name.split(" on "))


@pytest.mark.parametrize("sparse", [None, Sparse(0.4), Sparse(0.4, rewired=False)], ids=["dense", "rewired", "static"])
@pytest.mark.parametrize("name", ["online", "online on golden:plain", "eventprop", "bptt"])
def test_every_learner_resumes_bit_for_bit(name: str, sparse: Sparse | None, tmp_path: Path) -> None:
    if name == "bptt" and not find_spec("torch"):
        pytest.skip("PyTorch is missing: install ranvier[offline]")
    data = yin_yang(train=12 if "plain" in name else 24, test=6)
    config = preset("yinyang").replace(neurons=12)

    def made(**options: Any) -> Trained:
        return learner_of(name).train(config, data, 1, epochs=EPOCHS, sparse=sparse, validation=0.25, **options)

    through = made()
    path = tmp_path / "stopped"
    first = made(checkpoint=path, report=stopping(2))
    assert (first.interrupted, len(first.epochs)) == (True, 2)
    result = made(checkpoint=path)
    assert same(result.network, through.network, ("weight", "delay", "readout")) == 12 * 13
    assert plain(result.summary()) == plain(through.summary())
    if through.float_network:
        same(result.float_network, through.float_network, ("weight", "delay", "readout"))
    if sparse:
        np.testing.assert_array_equal(result.plasticity.sign, through.plasticity.sign)
        assert result.plasticity.formed == through.plasticity.formed
        assert (result.plasticity.formed > 0) == sparse.rewired


def test_counters_may_have_their_earlier_names(tmp_path: Path) -> None:
    """Checkpoints from before `delay_line_saturated` had its name resume bit for bit."""
    path, data = tmp_path / "c.npz", yin_yang(train=16, test=6)
    taught(CompiledCore(CONFIG), data, checkpoint=path, report=stopping(1))
    with np.load(path) as file:
        content = {key: file[key] for key in file}
    text = str(content["checkpoint"])
    assert text.count('"delay_line_saturated"') == 1
    content["checkpoint"] = np.array(text.replace("delay_line_saturated", "ring_saturated"))
    np.savez(path, **content)
    resumed, whole = taught(CompiledCore(CONFIG), data, checkpoint=path), taught(CompiledCore(CONFIG), data)
    assert len(resumed.epochs) == EPOCHS
    assert resumed.counters == whole.counters
    same(resumed.network, whole.network, ("weight", "delay", "readout"))


# -------------------------------------------------------------------- what is refused


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "c.npz"
    taught(CompiledCore(CONFIG), yin_yang(train=16, test=6), checkpoint=path, report=stopping(1))
    return path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": yin_yang(train=17, test=6)}, "data is yinyang"),
        ({"recipe": RECIPE.replace(epochs=5)}, "recipe epochs is 4 there and 5 here"),
        ({"recipe": RECIPE.replace(decay=0.5)}, "recipe decay is 0.6 there and 0.5 here"),
        ({"seed": 8}, "seed is 3 there and 8 here"),
        ({"start": 8}, "start is "),
        ({"validation": 0.1}, "validation is 0.0 there and 0.1 here"),
        ({"device": CompiledCore(CONFIG.replace(lanes=2))}, "core lanes is 4 there and 2 here"),
        ({"device": FloatCore(CONFIG)}, "state is generators there and delay, readout, weight here"),
        ({"device": Hidden(CONFIG)}, "state is generators there and a seed for every epoch here"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_training_is_refused(checkpoint: Path, changes: dict[str, Any], reason: str) -> None:
    given = {
        "device": CompiledCore(CONFIG),
        "data": yin_yang(train=16, test=6),
        "recipe": RECIPE,
        "seed": 3,
        "start": 3,
    }
    given |= {"validation": 0.0} | changes
    before = checkpoint.read_bytes()
    start = initial_network(given["device"].config, RECIPE, given["start"])
    with pytest.raises(CheckpointError, match="belongs to another training") as error:
        train(
            given["device"],
            start,
            given["data"],
            given["recipe"],
            given["seed"],
            validation=given["validation"],
            checkpoint=checkpoint,
        )
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert checkpoint.read_bytes() == before


def test_devices_with_the_same_state_take_turns(checkpoint: Path) -> None:
    data = yin_yang(train=16, test=6)
    plain_core = taught(GoldenCore(CONFIG), data, checkpoint=checkpoint)
    same(plain_core.network, taught(CompiledCore(CONFIG), data).network, ("weight", "delay", "readout"))


@pytest.mark.parametrize("name", ["checkpoint", "last_weight", "kept_seed", "last_eta_delay", "generators"])
@pytest.mark.parametrize("damage", ["missing", "text", "shape", "cut"])
def test_damaged_checkpoints_are_refused(checkpoint: Path, name: str, damage: str) -> None:
    with np.load(checkpoint) as file:
        content = {key: file[key] for key in file}
    if damage == "missing":
        del content[name]
    else:
        content[name] = {"text": np.array("{}"), "shape": np.zeros((3, 1)), "cut": np.zeros(0)}[damage]
    np.savez(checkpoint, **content)
    before = checkpoint.read_bytes()
    with pytest.raises((CheckpointError, NetworkError)) as error:
        taught(CompiledCore(CONFIG), yin_yang(train=16, test=6), checkpoint=checkpoint)
    assert str(checkpoint) in str(error.value)
    assert "\n" not in str(error.value)
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("name", ["checkpoint", "last_weight", "generators"])
def test_no_more_is_read_than_a_training_can_have_kept(checkpoint: Path, name: str) -> None:
    """A header of a few bytes can claim any size, and another array of any name too."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(checkpoint) as old:
        content = {entry: old.read(entry) for entry in old.namelist()}
    with zipfile.ZipFile(checkpoint, "w") as file:
        for entry, data in (content | {f"{name}.npy": header.getvalue()}).items():
            file.writestr(entry, data)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"c\.npz: not a checkpoint, or damaged"):
            taught(CompiledCore(CONFIG), yin_yang(train=16, test=6), checkpoint=checkpoint)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["weight_mean", "readout_square", "kept_delay"])
def test_damaged_checkpoints_of_offline_learners_are_refused(name: str, tmp_path: Path) -> None:
    eventprop, data, path = learner("eventprop"), yin_yang(train=16, test=6), tmp_path / "c.npz"
    eventprop.train(CONFIG, data, epochs=2, checkpoint=path, report=stopping(1))
    with np.load(path) as file:
        content = {key: file[key] for key in file} | {name: np.zeros(1)}
    np.savez(path, **content)
    with pytest.raises((CheckpointError, NetworkError)) as error:
        eventprop.train(CONFIG, data, epochs=2, checkpoint=path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"epochs": 3},
        {"epochs": [{"train": 7}], "kept": 0, "counters": {}},
        {"epochs": [{"train": {"neurons": "x"}, "test": {"neurons": 1}}], "kept": 0, "counters": {}},
        {"epochs": [], "kept": 0, "counters": {}},
        "deep",
    ],
    ids=str,
)
def test_values_of_wrong_types_are_refused(checkpoint: Path, values: Any) -> None:
    with np.load(checkpoint) as file:
        content = {key: file[key] for key in file}
    text = json.loads(str(content["checkpoint"])) | {"values": values}
    content["checkpoint"] = "[" * 5000 if values == "deep" else json.dumps(text)
    np.savez(checkpoint, **content)
    with pytest.raises(CheckpointError, match="not a checkpoint, or damaged"):
        taught(CompiledCore(CONFIG), yin_yang(train=16, test=6), checkpoint=checkpoint)


BAD_COUNTS = (None, -5, 0.5, float("nan"), 10**400, 10**9, True, "1")


def spoilt(path: Path, *keys: Any, value: Any) -> None:
    """Change one plain value of a checkpoint; a value of ... removes it."""
    with np.load(path) as file:
        content = {key: file[key] for key in file}
    text = json.loads(str(content["checkpoint"]))
    place = text["values"]
    for key in keys[:-1]:
        place = place[key]
    if value is ...:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    np.savez(path, **content | {"checkpoint": json.dumps(text)})


def test_values_that_nobody_counted_are_refused(tmp_path: Path) -> None:
    path, data, tried = tmp_path / "c.npz", yin_yang(train=40, test=6), 0
    taught(CompiledCore(CONFIG), data, validation=0.2, checkpoint=path, report=stopping(2))
    good = path.read_bytes()
    cases: list[tuple[tuple[Any, ...], Any]] = [
        *((("epochs", 0, "train", name), value) for name in ("samples", "correct") for value in BAD_COUNTS),
        *(
            (("epochs", 1, "test", name), value)
            for name in ("steps", "spikes", "scored")
            for value in (-1, 10**400, None)
        ),
        *((("epochs", 1, "test", name), 0) for name in ("samples", "steps", "seconds", "neurons")),
        *(
            (("epochs", 0, "validation", "seconds"), value)
            for value in (None, -1.0, float("nan"), float("inf"), 10**400)
        ),
        *((("epochs", 0, part), value) for part in ("train", "test", "validation") for value in (None, ...)),
        *((("counters", "spikes"), value) for value in (*BAD_COUNTS[:5], ...)),
        *((("kept",), value) for value in (-1, 2, 0.0, None, 10**400)),
        (("epochs",), []),
        (("epochs", 0), ...),
    ]
    for keys, value in cases:
        path.write_bytes(good)
        spoilt(path, *keys, value=value)
        with pytest.raises(CheckpointError, match="not a checkpoint, or damaged"):
            taught(CompiledCore(CONFIG), data, validation=0.2, checkpoint=path)
        tried += 1
    assert tried == len(cases) > 40


def test_values_that_no_offline_learner_had_are_refused(tmp_path: Path) -> None:
    eventprop, data, path = learner("eventprop"), yin_yang(train=40, test=6), tmp_path / "c.npz"
    eventprop.train(CONFIG, data, epochs=3, validation=0.2, checkpoint=path, report=stopping(2))
    good, bad = path.read_bytes(), (None, -5, float("nan"), 10**400, 1e9, "1", ...)
    cases: list[tuple[tuple[Any, ...], Any]] = [
        *((("epochs", 1, name), value) for name in ("trained", "tested", "rate", "validated") for value in bad),
        *((("epochs", 0, "loss"), value) for value in (None, float("nan"), 10**400, "1", ...)),
        *((("steps", "weight"), value) for value in (-1, 0, 10**400, None, ...)),
        *((("kept",), value) for value in (-1, 2, None)),
        (("epochs", 0), ...),
    ]
    for keys, value in cases:
        path.write_bytes(good)
        spoilt(path, *keys, value=value)
        if keys == ("epochs", 1, "validated") and value is ...:
            continue
        with pytest.raises(CheckpointError, match="not a checkpoint, or damaged"):
            eventprop.train(CONFIG, data, epochs=3, validation=0.2, checkpoint=path)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    data, model, text = yin_yang(train=16, test=6), tmp_path / "model.npz", tmp_path / "text"
    Network.zeros(CONFIG).save(model)
    text.write_text("precious")
    for path in (model, text):
        before = path.read_bytes()
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            taught(CompiledCore(CONFIG), data, checkpoint=path)
        assert path.read_bytes() == before
    with pytest.raises(OutputError, match="nowhere is not a folder"):
        taught(CompiledCore(CONFIG), data, checkpoint=tmp_path / "nowhere" / "c")


def test_a_full_disk_leaves_the_checkpoint_before(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, before = yin_yang(train=16, test=6), checkpoint.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device"):
        taught(CompiledCore(CONFIG), data, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before
    monkeypatch.undo()
    same(
        taught(CompiledCore(CONFIG), data, checkpoint=checkpoint).network,
        taught(CompiledCore(CONFIG), data).network,
        ("weight", "delay"),
    )


# -------------------------------------------------------------------- the command


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "ranvier", "train", "--data", "yinyang", "--hidden", "10", *options]


def test_sigterm_amid_an_epoch(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """A process that is told to end after its first epoch, and what the same command then makes of it."""
    options = ("--epochs", "4", "--checkpoint", "c", "--out", "stopped.npz")
    environment = os.environ | {"PYTHONUNBUFFERED": ""}
    with subprocess.Popen(
        command(*options), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stdout:
            if line.split()[:1] == ["1"]:
                break
        assert process.poll() is None, "the line of an epoch comes when it ends, into a pipe too"
        time.sleep(0.1)  # amid the next epoch, which takes longer
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert re.search("^interrupted after epoch [123]$", out, re.M)
    assert out.endswith("wrote stopped.npz\nrepeat the same command to continue from c\n")
    interrupted = Network.read(tmp_path / "stopped.npz")
    done = subprocess.run(command(*options), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()[3:7]] == ["1", "2", "3", "4"]
    subprocess.run(command("--epochs", "4", "--out", "through.npz"), cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "stopped.npz").read_bytes() == (tmp_path / "through.npz").read_bytes()
    assert (interrupted.weight != Network.read(tmp_path / "through.npz").weight).any()
    size = (tmp_path / "through.npz").stat().st_size
    record_property(
        "evidence", f"SIGTERM amid an epoch, then the same command: {size:,} bytes equal to one run through"
    )

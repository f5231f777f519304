"""The command line: every command once, JSON that parses, and a table of bad input that must end in one clear line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Fragment
from refusal import contents, refused

from ranvier.cli import _terminable, main
from ranvier.data import Dataset, yin_yang
from ranvier.data.published import PUBLISHED
from ranvier.data.registry import names
from ranvier.demo import demo
from ranvier.golden.compiled import CompiledCore
from ranvier.hw.flow.fpga import Resources
from ranvier.hw.flow.place import Hop, Placement
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.presets import PRESETS, preset
from ranvier.parameters.record import COUNTERS, Record
from ranvier.recipes import DELAY_MODES, RECIPES, initial_network
from ranvier.verification.selftest import SCENARIOS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Yin-Yang with 40 + 20 points, so that commands take no time."""
    data = yin_yang(train=40, test=20)
    monkeypatch.setattr("ranvier.data.open_dataset", lambda text: data)
    return data


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict:
    """The one JSON object that a command prints, and nothing else."""
    assert main([*arguments, "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    return json.loads(out)


# -------------------------------------------------------------------- what works


def test_train_offline(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--data", "yinyang", "--learner", "eventprop", "--epochs", "4", "--hidden", "10")
    result = answer(capsys, "train", *options, "--out", "core.npz", "--float", "float.npz")
    assert len(result["epochs"]) == 4
    assert result["config"]["synapse"] == "exponential"
    assert result["quantisation"]["float"]["accuracy"] == result["accuracy"] > 0.5
    tested = answer(capsys, "eval", "core.npz", "--data", "yinyang")
    assert tested["accuracy"] == result["quantisation"]["golden"]["accuracy"]
    again = answer(capsys, "quantise", "float.npz", "--widen", "--data", "yinyang", "--out", "again.npz")
    assert again["golden"]["accuracy"] == tested["accuracy"]
    for wrong, text in (
        ((*options, "--device", "sim"), "leave out --device"),
        (("--data", "yinyang", "--learner", "online", "--float", "f"), "--float"),
    ):
        assert main(["train", *wrong, "--out", "no.npz"]) == 2
        assert text in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == ["again.npz", "core.npz", "float.npz"]


def test_selftest(capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(capsys, "selftest", "--preset", "test", "--device", "golden")
    assert (result["failures"], result["rates"]) == (0, [])
    assert len(result["outcomes"]) + len(result["skipped"]) == len(SCENARIOS)
    assert main(["selftest", "--preset", "test", "--device", "golden"]) == 0
    assert capsys.readouterr().out.count("\n") == len(SCENARIOS) + 1


def test_selftest_that_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(CompiledCore, "counters", lambda core: {"spikes": id(core)})
    result = answer(capsys, "selftest", "--preset", "test", "--device", "golden", code=1)
    assert result["failures"] >= 1


@pytest.mark.parametrize("delays", DELAY_MODES)
def test_train_then_eval(delays: str, small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--data", "yinyang", "--delays", delays, "--seed", "3", "--hidden", "20", "--max-delay", "14")
    result = answer(capsys, "train", *options, "--epochs", "2", "--out", "m.npz")
    assert (result["delay_mode"], result["seed"], result["model"]) == (delays, 3, "m.npz")
    assert len(result["epochs"]) == 2
    assert (result["delays"] is None) == (delays == "none")
    if result["delays"]:
        assert (result["delays"]["mean_steps"] > 0) == (delays != "fixed")
        histogram = result["delays"]["histogram"]
        assert sum(histogram["before"]) == sum(histogram["after"]) == {"axonal": 5}.get(delays, 100)
    network = Network.read("m.npz")
    assert (network.config.neurons, network.config.max_delay) == (20, 14)
    tested = answer(capsys, "eval", "m.npz", "--data", "yinyang")
    assert tested["accuracy"] == result["accuracy"] == result["epochs"][-1]["test"]["accuracy"]
    assert tested["counters"]["spikes"] > 0
    assert tested == answer(capsys, "eval", "m.npz", "--data", "yinyang", "--device", "golden:plain") | {
        key: tested[key] for key in ("device", "samples_per_second")
    }


def test_train_and_eval_for_people(small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "yinyang", "--epochs", "1"]) == 0
    assert "wrote model.npz" in capsys.readouterr().out
    assert main(["eval", "model.npz", "--data", "yinyang"]) == 0
    assert "of 20)" in capsys.readouterr().out


def test_train_from_a_config_file(here: Path, small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "core.toml").write_text(preset("yinyang").replace(neurons=9, lanes=1, delays="axonal").to_toml())
    result = answer(capsys, "train", "--data", "yinyang", "--config", "core.toml", "--epochs", "1")
    assert (result["config"]["neurons"], result["config"]["lanes"], result["delay_mode"]) == (9, 1, "axonal")


def test_train_a_sparse_network(small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--data", "yinyang", "--connectivity", "0.2", "--copies", "2", "--epochs", "2", "--out", "m.npz")
    result = answer(capsys, "train", *options)
    assert (result["config"]["inputs"], result["config"]["dormant"], result["synapses"]) == (10, True, 120)
    assert result["formed"] > 10
    assert sum(result["delays"]["histogram"]["after"]) == np.count_nonzero(Network.read("m.npz").weight) == 120
    tested = answer(capsys, "eval", "m.npz", "--data", "yinyang", "--copies", "2")
    assert tested["accuracy"] == result["accuracy"]
    assert main(["train", *options]) == 0
    assert "120 synapses are active" in capsys.readouterr().out
    assert main(["eval", "m.npz", "--data", "yinyang"]) == 2
    assert "needs 5 inputs but this core holds 10" in capsys.readouterr().err


@pytest.mark.parametrize("learner", ["online", "eventprop"])
def test_train_from_a_saved_network(learner: str, small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    """One that was trained on the core's arithmetic or offline, by either."""
    options = ("--data", "yinyang", "--learner", learner, "--epochs", "1", "--hidden", "12")
    float_too = ("--float", "float.npz") if learner == "eventprop" else ()
    answer(capsys, "train", *options, "--out", "first.npz", *float_too)
    first = Network.read("first.npz")
    for model in ("first.npz", *float_too[1:]):
        result = answer(capsys, "train", *options[:-2], "--from", model, "--out", "second.npz")
        assert result["from"] == model
        assert result["config"]["neurons"] == 12
        assert (Network.read("second.npz").weight != first.weight).any()
        before = np.abs(Network.read("second.npz").real("weight") - first.real("weight")).mean()
        fresh = answer(capsys, "train", *options, "--seed", "5", "--out", "other.npz")
        assert fresh["from"] is None
        after = np.abs(Network.read("other.npz").real("weight") - first.real("weight")).mean()
        assert before < 0.3 * after, "it starts where the other ended"
    answer(capsys, "train", "--data", "yinyang", "--epochs", "1", "--from", "first.npz", "--delays", "fixed")
    if learner == "online":
        np.testing.assert_array_equal(Network.read("model.npz").delay, first.delay)
        again = Network.read("second.npz")
        answer(capsys, "train", *options, "--preset", "yinyang", "--from", "first.npz", "--out", "preset.npz")
        assert (Network.read("preset.npz").weight == again.weight).all()


def test_train_from_a_sparse_network(small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes on with as many connections as there are to be."""
    options = ("train", "--data", "yinyang", "--epochs", "1")
    answer(capsys, *options, "--connectivity", "0.2", "--out", "first.npz")
    result = answer(capsys, *options, "--connectivity", "0.2", "--from", "first.npz", "--out", "second.npz")
    assert result["synapses"] == np.count_nonzero(Network.read("second.npz").weight) == 60
    result = answer(capsys, *options, "--connectivity", "0.1", "--from", "second.npz", "--out", "third.npz")
    assert result["synapses"] == np.count_nonzero(Network.read("third.npz").weight) == 30


BAD_STARTS = {
    "--from missing.npz": "missing.npz: No such file",
    "--from garbage": "garbage: not a Ranvier network",
    "--from float.npz": "float.npz: not a Ranvier network: its numbers are real: quantise it first, with ranvier quantise",
    "--from c": "c: not a Ranvier network: it is the checkpoint of a training: go on with it by ranvier train --checkpoint",
    "--from c --learner eventprop": "c: not a Ranvier network: it is the checkpoint of a training",
    "--from first.npz --hidden 13": "the network to start from has neurons=12 but this training neurons=13",
    "--from first.npz --preset yinyang": "neurons=12 but this training neurons=60",
    "--from first.npz --max-delay 3": "max_delay=30 but this training max_delay=3",
    "--from first.npz --delays none": "delays=synaptic but this training delays=none",
    "--from first.npz --delays axonal --learner eventprop": "delays=synaptic but this training delays=axonal",
    "--from first.npz --copies 2": "yinyang needs 10 inputs but this core holds 5",
    "--checkpoint first.npz": "first.npz: not a checkpoint, or damaged",
    "--checkpoint garbage": "garbage: not a checkpoint, or damaged",
    "--checkpoint .": ". is a folder",
    "--checkpoint -": "- is not a plain file, as a checkpoint must be: give another name",
    "--checkpoint /dev/stdout": "/dev/stdout is not a plain file",
    "--checkpoint /dev/null": "/dev/null is not a plain file",
    "--checkpoint fifo": "fifo is not a plain file",
    "--checkpoint link": "link is not a plain file",
    "--checkpoint float.npz --float ./float.npz --learner eventprop": "two results cannot go to ./float.npz: give each",
    "--checkpoint ./no.npz": "two results cannot go to no.npz: give each a file of its own",
    "--checkpoint c --epochs 3": "c belongs to another training (recipe epochs is 2 there and 3 here)",
    "--checkpoint c --seed 1": "c belongs to another training (start is ",
    "--checkpoint c --validation 0": "validation is 0.1 there and 0.0 here",
    "--checkpoint c --delays axonal": "c belongs to another training",
    "--checkpoint c --learner eventprop": "c belongs to another training (learner is online there",
    "--validation 1": "'1' is not a share to hold out: give a share from 0 to below 1",
    "--validation -0.1": "'-0.1' is not a share to hold out",
    "--validation nan": "'nan' is not a share to hold out",
}


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network, one in real numbers, a checkpoint, and garbage."""
    folder = tmp_path_factory.mktemp("starts")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data = yin_yang(train=40, test=20)
        patch.setattr("ranvier.data.open_dataset", lambda text: data)
        options = ["train", "--data", "yinyang", "--hidden", "12", "--json"]
        assert main([*options, "--epochs", "1", "--out", "first.npz"]) == 0
        assert main([*options, "--epochs", "2", "--out", "second.npz", "--checkpoint", "c"]) == 0
        assert main([*options, "--epochs", "1", "--learner", "eventprop", "--float", "float.npz", "--out", "core"]) == 0
        (folder / "garbage").write_text("not what you think\n")
        os.mkfifo(folder / "fifo")
        (folder / "link").symlink_to("fifo")
    return folder


@pytest.mark.parametrize("line", BAD_STARTS)
def test_bad_starts(
    line: str, starts: Path, small: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(starts)
    before = contents(starts)
    hidden = [] if "--from" in line else ["--hidden", "12"]
    epochs = [] if "--epochs" in line else ["--epochs", "2"]
    options = [*hidden, *epochs, *line.split(), "--out", "no.npz"]
    assert BAD_STARTS[line] in refused(capsys, "train", "--data", "yinyang", *options)
    assert contents(starts) == before


def test_epochs_are_printed_as_they_end(
    small: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into what is no terminal too; what the columns are is said once; with --json there is nothing but the object."""
    seen: list[list[str]] = []
    run = CompiledCore.network

    def watched(core: CompiledCore) -> Network:  # read once per epoch, before it ends
        seen.append(capsys.readouterr().out.splitlines())
        return run(core)

    monkeypatch.setattr(CompiledCore, "network", watched)
    assert main(["train", "--data", "yinyang", "--epochs", "3"]) == 0
    rest = capsys.readouterr().out.splitlines()
    assert seen[0] == []
    assert [line.split()[0] for line in seen[1]] == ["learned:", "tested,", "epoch", "1"]
    assert [line.split()[0] for line in seen[2]] == ["2"]
    assert [line.split()[0] for line in rest[:2]] == ["3", "kept"]
    assert "while they were being learned" in seen[1][0]
    seen.clear()
    result = answer(capsys, "train", "--data", "yinyang", "--epochs", "3")
    assert seen == [[], [], []]
    assert [epoch["accuracy_while_learning"] for epoch in result["epochs"]] == [
        epoch["train"]["accuracy"] for epoch in result["epochs"]
    ]
    assert result["accuracy"] == result["epochs"][result["kept_epoch"] - 1]["test"]["accuracy"]


def test_a_reader_that_goes_away_costs_no_training(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

        def fileno(self) -> int:
            raise OSError("this is no file")

    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(["train", "--data", "yinyang", "--epochs", "2"]) != 0
    assert Network.read("model.npz").config.neurons == 60


def test_warnings_go_to_stderr(small: Dataset, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    frozen = RECIPES["yinyang"].replace(eta_weight=1e-7, eta_delay=1e-7, eta_readout=1e-7)
    monkeypatch.setitem(RECIPES, "yinyang", frozen)
    options = ("train", "--data", "yinyang", "--epochs", "1")
    warnings = answer(capsys, *options)["warnings"]
    assert sum("did not move" in line for line in warnings) == 3
    assert main([*options]) == 0
    out, err = capsys.readouterr()
    assert err == "".join(f"ranvier: warning: {line}\n" for line in warnings)
    assert "did not move" not in out


def test_sigterm_is_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In every command, and only while one runs."""
    before = signal.getsignal(signal.SIGTERM)

    def killed(core: CompiledCore, *_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(CompiledCore, "play", killed)
    for line in (
        "train --data yinyang",
        "verify --preset test --device golden",
        "demo --device golden",
        "selftest --preset test --device golden",
    ):
        assert main(line.split()) == 130, line
        out, err = capsys.readouterr()
        assert "interrupted" in err, line
        assert out == ""
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_saves_the_finished_epoch(
    small: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ranvier.golden.compiled import CompiledCore

    runs = 0
    play = CompiledCore.play

    def interrupted(*arguments):  # type: ignore[no-untyped-def]
        nonlocal runs
        runs += 1
        if runs == 70:  # the second epoch's tenth sample
            raise KeyboardInterrupt
        return play(*arguments)

    monkeypatch.setattr(CompiledCore, "play", interrupted)
    result = answer(capsys, "train", "--data", "yinyang", "--epochs", "3", "--out", "m.npz", code=130)
    assert result["interrupted"]
    assert len(result["epochs"]) == 1
    assert Network.read("m.npz").config.neurons == 60
    runs = 60
    assert main(["train", "--data", "yinyang", "--out", "other.npz"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not Path("other.npz").exists()


def test_verify_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--preset", "test", "--seed", "5", "--samples", "8", "--device", "golden", "--reference", "golden:plain")
    result = answer(capsys, "verify", *options)
    assert result["mismatches"] == 0
    assert result["compared"] > 1000
    assert main(["verify", *options]) == 0
    assert capsys.readouterr().out.startswith(f"0 mismatches / {result['compared']:,} values compared\n")
    assert not list(Path().iterdir())


def test_verify_with_data(small: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--preset", "yinyang", "--samples", "6", "--device", "golden", "--reference", "golden")
    assert answer(capsys, "verify", *options, "--data", "yinyang")["compared"] > 5000


def test_verify_finds_a_difference(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ranvier.golden.core import GoldenCore

    run = GoldenCore.run

    def wrong(*arguments, **named) -> Record:  # type: ignore[no-untyped-def]
        record = run(*arguments, **named)
        record.steps["potential"][0, 1] -= 5
        return record

    monkeypatch.setattr(GoldenCore, "run", wrong)
    options = ("--preset", "test", "--device", "golden:plain")
    result = answer(capsys, "verify", *options, code=1)
    first = result["first"]
    assert (first["sample"], first["step"], first["quantity"], first["unit"]) == (0, 0, "potential", [1])
    assert first["actual"] == first["expected"] - 5
    assert Path(result["waveform"]).read_text().startswith("$comment")
    assert main(["verify", *options]) == 1
    assert "1 mismatches /" in (lines := capsys.readouterr().out)
    assert f"potential[1]: golden {first['expected']}, golden:plain {first['actual']}" in lines


@pytest.mark.parametrize("name", PRESETS)
def test_info(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(capsys, "info", "--preset", name)
    assert result["config"] == preset(name).to_dict()
    assert result["formats"]["weight"] == str(preset(name).weight)
    assert result["memory_bits"] == sum(result["memories"].values()) > 0
    assert result["cycles"]
    assert main(["info", "--preset", name]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in (*result["memories"], *result["cycles"].values()))


def test_verilog(capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(capsys, "verilog", "--preset", "test", "-o", "core.v")
    assert Path("core.v").read_text().count("\n") == result["lines"] > 100
    assert result["module"] == "ranvier_core"


@pytest.mark.parametrize("interface", ["axi", "wishbone", "uart"])
def test_verilog_of_an_interface(interface: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(capsys, "verilog", "--preset", "test", "--interface", interface, "-o", "core.v")
    assert result["module"] == f"ranvier_{interface}"
    assert f"\nmodule ranvier_{interface}(" in Path("core.v").read_text()


@pytest.mark.parametrize("form", ["markdown", "svd", "systemrdl", "csv"])
def test_registers(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--preset", "test", "--format", form, "-o", "registers")
    assert answer(capsys, "registers", *options) == {"registers": "registers", "format": form}
    assert Path("registers").read_text().count("\n") > 40


def test_synth(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A core as small as can be, with the real Yosys."""
    config = CoreConfig(inputs=1, neurons=1, outputs=2, max_delay=1, lanes=1, learning=False)
    (here / "core.toml").write_text(config.to_toml())
    result = answer(capsys, "synth", "--config", "core.toml", "--family", "ecp5")
    assert result["tools"][0].startswith("Yosys ")
    assert result["config"] == config.to_dict()
    assert result["resources"]["single_port_rams"] is None
    assert min(result["resources"][name] for name in ("luts", "flip_flops", "block_rams", "multipliers")) > 0


def test_synth_places_with_every_seed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    placed = []

    def synthesise(design, family, netlist=None):  # type: ignore[no-untyped-def]
        Fragment.get(design, None)  # Amaranth complains about designs that nobody elaborates
        if netlist:
            netlist.write_text(type(design).__name__)
        return Resources(1, 2, 3, 4, 5, None)

    def place(netlist, device, *, speed, target, seed):  # type: ignore[no-untyped-def]
        placed.append((netlist.read_text(), device, speed, target, seed))
        return Placement(
            90.0 - seed, target, seed, {"DP16KD": (3, 208)}, (Hop("core.delay_line", "clk-to-q", 0.0, 0.5),)
        )

    monkeypatch.setattr("ranvier.hw.flow.synthesis.synthesise", synthesise)
    monkeypatch.setattr("ranvier.hw.flow.place.place_and_route", place)
    options = ("--preset", "test", "--place", "85k", "--speed", "7", "--target", "100", "--seeds", "3")
    result = answer(capsys, "synth", *options)
    assert placed == [("Harness", "85k", 7, 100, seed) for seed in (1, 2, 3)]
    assert [run["fmax"] for run in result["placements"]] == [89.0, 88.0, 87.0]
    assert (result["device"], result["speed"]) == ("85k", 7)
    assert main(["synth", *options]) == 0
    text = capsys.readouterr().out
    assert all(part in text for part in ("seed 2: 88.0 MHz", "critical path of seed 3", "core.delay_line", "3 of 208"))


def test_synth_without_its_tools(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    assert main(["synth", "--preset", "test"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "ranvier: Yosys is not installed: run `pip install 'ranvier[synth]'`\n")


def test_demo_beside_itself() -> None:
    """The whole demo, with the golden model in the RTL's place."""
    result = demo("new/out", device="golden", samples=60, tests=20)
    assert result.mismatches == 0
    assert result.compared > 10_000
    assert json.loads(json.dumps(result.summary()))["training"]["delays"]["mean_steps"] > 0
    assert [path.name for path in result.files if path.stat().st_size > 1000] == ["yinyang.npz", "ranvier_yinyang.v"]
    text = "\n".join(result.lines())
    assert f"0 mismatches / {result.compared:,} values compared" in text
    assert "accuracy" in text


def test_demo_stops_at_a_difference(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ranvier.golden.core import GoldenCore

    monkeypatch.setattr(GoldenCore, "counters", lambda self: dict.fromkeys(COUNTERS, -1))
    result = answer(capsys, "demo", "--device", "golden:plain", "--samples", "2", code=1)
    assert result["mismatches"] > 0
    assert "after its end" in result["first"]
    assert result["files"] == ["out/mismatch.vcd"]


@pytest.mark.parametrize(
    ("line", "text"), [("--help", "usage: ranvier"), ("train --help", "--max-delay"), ("--version", "ranvier 0.")]
)
def test_help(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 0
    assert text in capsys.readouterr().out


# -------------------------------------------------------------------- what does not

TRAIN = "train --data yinyang "
BAD = {
    "": "COMMAND",
    "fly": "invalid choice: 'fly'",
    "train": "--data",
    "train --data": "expected one argument",
    "train --data mnist": f"unknown data set 'mnist': give {names()}",
    "train --data shd:missing": "missing is not a folder: ranvier download shd --out missing",
    "train --data shd:.": "shd_train.h5: not an HDF5 file, or cut short",
    "train --data shd:.?colour=1": "shd has no option 'colour'",
    "train --data ssc:.": ". has no ssc_train.h5, ssc_train.h5.gz or ssc_train.h5.zip: put it there, from https://",
    "eval good.npz --data ssc:.?test=me": "test='me': choose test or valid",
    "download": "NAME",
    "download mnist --out x": f"choose from {str([*PUBLISHED])[1:-1]}",
    "download shd": "--out",
    "download shd --out garbage": "cannot make the folder garbage",
    "download braille --out x": "https://doi.org/10.5281/zenodo.6556273",
    "train --data braille:missing.npz": "missing.npz: No such file",
    "train --data braille:garbage": "garbage: not a file of taxel recordings",
    "train --data braille:labels.npz": "letter runs from 0 to 9 but letters names 2",
    "train --data braille:shape.npz": "taxels is float64 [10, 12]",
    TRAIN + "--preset nope": "unknown preset 'nope': choose one of test",
    TRAIN + "--preset test --config core.toml": "not allowed with",
    TRAIN + "--config missing.toml": "missing.toml",
    TRAIN + "--config garbage": "garbage",
    TRAIN + "--config wrong.toml": "wrong.toml: unknown field 'neuron'",
    TRAIN + "--preset braille --hidden 9999": "neurons=9999",
    TRAIN + "--config few.toml": "yinyang needs 5 inputs but this core holds 2",
    TRAIN + "--preset braille": "yinyang needs 5 inputs but this core holds 24",
    TRAIN + "--config infer.toml": "without learning",
    TRAIN + "--delays some": "choose from",
    TRAIN + "--device fpga": "choose one of golden",
    TRAIN + "--epochs 0": "epochs=0",
    TRAIN + "--epochs two": "--epochs",
    TRAIN + "--seed -1": "'-1' is not a whole number from 0",
    TRAIN + "--seed 4294967296": "not a whole number",
    TRAIN + "--hidden 0": "neurons=0",
    TRAIN + "--max-delay 0": "max_delay=0",
    TRAIN + "--out .": ". is a folder",
    TRAIN + "--out nowhere/m.npz": "nowhere is not a folder",
    TRAIN + "--out /proc/m.npz": "cannot write /proc/m.npz",
    TRAIN + "--connectivity 0": "'0' is not a share: give more than 0",
    TRAIN + "--connectivity nan": "'nan' is not a share",
    TRAIN + "--copies 0": "not a whole number from 1",
    TRAIN + "--copies 2000": "not a whole number from 1 to 64",
    TRAIN + "--surprise": "unrecognized arguments: --surprise",
    "eval": "MODEL",
    "eval missing.npz --data yinyang": "missing.npz: No such file",
    "eval garbage --data yinyang": "garbage: not a Ranvier network",
    "eval empty --data yinyang": "empty: not a Ranvier network",
    "eval bent.npz --data yinyang": "weight has shape [4, 60] but this core holds [5, 60]",
    "eval few.npz --data yinyang": "yinyang needs 5 inputs but this core holds 2",
    "eval many.npz --data yinyang": "yinyang needs 5 inputs but this core holds 24",
    "eval good.npz --data braille:missing.npz": "missing.npz",
    "eval good.npz --data yinyang --device fpga": "choose one of golden",
    "eval good.npz --data yinyang --device serial:///dev/ttyNONE?baud=9600": "/dev/ttyNONE at 9600 baud: no such port",
    "eval good.npz --data yinyang --device serial:///dev/ttyNONE?baud=fast": "expected serial:///dev/ttyUSB0?baud=1000000",
    "selftest --preset test --device fpga": "choose one of golden",
    "selftest --preset test --device serial:///dev/ttyNONE": "/dev/ttyNONE at 1000000 baud: no such port",
    "simulate": "--preset --config",
    "simulate --preset test --baud 0": "not a whole number from 1",
    "verify": "--preset --config",
    "verify --preset nope": "unknown preset",
    "verify --preset test --samples 0": "not a whole number from 1",
    "verify --preset test --seed x": "not a whole number",
    "verify --preset shd --data braille:missing.npz": "missing.npz",
    "verify --config few.toml --data yinyang": "yinyang needs 5 inputs",
    "verify --preset test --waveform .": "folder",
    "verilog --preset test": "-o",
    "verilog --preset test -o .": "folder",
    "verilog --preset nope -o x.v": "unknown preset",
    "verilog --preset test --face pci -o x.v": "there is no 'pci': choose one of core, axi, wishbone",
    "verilog --preset test --interface pci -o x.v": "argument --interface: there is no 'pci': choose one of core",
    "registers --preset test": "-o",
    "registers --preset test --format xml -o x": "unknown format 'xml': choose one of markdown, svd, systemrdl, csv",
    "registers --preset test -o .": "folder",
    "registers --preset nope -o x": "unknown preset",
    "info": "--preset --config",
    "info --preset nope": "unknown preset",
    "info --preset test --board toaster": "(Verilog and a script for Vivado)",
    "build --preset test --board toaster": "(Verilog and a script for Vivado)",
    "eval float.npz --data yinyang": "quantise it first, with ranvier quantise float.npz",
    "eval core.toml --data yinyang": "it is the configuration of a core",
    "eval labels.npz --data yinyang": "it holds recordings: give them as --data braille:labels.npz",
    "quantise core.v": "not a network in real numbers: it is Verilog",
    "synth": "--preset --config",
    "synth --preset nope": "unknown preset",
    "synth --preset test --family gowin": "unknown --family 'gowin': choose one of ecp5, ice40, xc7",
    "synth --preset test --place 85": "unknown --place '85': choose one of 12k",
    "synth --preset test --family xc7 --place 85k": "--place 85k is not of the family xc7: add --family ecp5",
    "synth --preset test --speed 9": "choose from",
    "synth --preset test --seeds 0": "not a whole number",
    "demo --out garbage": "cannot make the folder garbage",
    "demo --samples 0": "not a whole number",
    "demo --device fpga": "choose one of golden",
    "bench": "--suite",
    "bench --suite nope": "invalid choice: 'nope'",
    "bench --suite yinyang --data file": "--suite yinyang is generated: leave out --data",
    "bench --suite braille": "--data PATH is missing",
    "bench --suite braille --data missing.npz": "missing.npz: No such file",
    "bench --suite yinyang --seeds 0": "not a whole number",
    "bench --suite yinyang --epochs 0": "epochs=0",
    "bench --suite yinyang --learner nope": "invalid choice: 'nope'",
    "bench --suite yinyang --learner online --neurons 11": "no such row: choose from feedforward: 10, 30, 60",
    "bench --suite yinyang --learner online --out garbage": "cannot make the folder garbage",
    "bench --suite yinyang --scheduler nonsense": "no Dask scheduler at nonsense",
    "bench --suite yinyang --connectivity 2": "'2' is not a share",
    "bench --suite yinyang --structure nope": "invalid choice: 'nope'",
    "connectivity": "invalid choice: 'connectivity'",
}


@pytest.fixture(scope="module")
def belongings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good and bad files, the good one named so."""
    folder = tmp_path_factory.mktemp("bad")
    config, recipe = preset("yinyang"), RECIPES["yinyang"]
    (folder / "garbage").write_text("not what you think\n")
    (folder / "empty").write_text("")
    (folder / "shd_train.h5").write_text("not what you think\n")
    (folder / "core.toml").write_text(config.to_toml())
    (folder / "wrong.toml").write_text("neuron = 5")
    (folder / "few.toml").write_text(config.replace(inputs=2).to_toml())
    (folder / "infer.toml").write_text(config.replace(learning=False).to_toml())
    np.savez(folder / "labels.npz", taxels=np.zeros((10, 5, 2)), letter=np.arange(10), letters=["A", "B"])
    np.savez(folder / "shape.npz", taxels=np.zeros((10, 12)), letter=np.arange(10), letters=["A", "B"])
    network = initial_network(config, recipe, 0)
    network.save(folder / "good.npz")
    initial_network(config.replace(inputs=2), recipe, 0).save(folder / "few.npz")
    initial_network(config.replace(inputs=24), recipe, 0).save(folder / "many.npz")
    FloatNetwork.of(network).save(folder / "float.npz")
    (folder / "core.v").write_text("// Ranvier\nmodule ranvier_core(clk);\nendmodule\n")
    with np.load(folder / "good.npz") as file:
        np.savez(folder / "bent.npz", **{**file, "weight": file["weight"][:4]})
    return folder


@pytest.mark.parametrize("line", BAD)
def test_bad_input(
    line: str, belongings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line that says why, nothing on stdout, no file written or changed."""
    monkeypatch.chdir(belongings)
    before = contents(belongings)
    assert BAD[line] in refused(capsys, *line.split())
    assert contents(belongings) == before


def test_output_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("ranvier.data.open_dataset", lambda text: pytest.fail("loaded data for nothing"))
    assert main(["train", "--data", "yinyang", "--out", "/"]) == 2


def test_failure_in_training_leaves_the_old_model(small: Dataset, monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    (here / "m.npz").write_text("precious")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", broken)
    assert main(["train", "--data", "yinyang", "--epochs", "1", "--out", "m.npz"]) == 2
    assert (here / "m.npz").read_text() == "precious"
    assert list(here.iterdir()) == [here / "m.npz"]


def test_python_dash_m() -> None:
    """The real process: exit code, streams, and no progress bar off a terminal."""
    command = [sys.executable, "-m", "ranvier", "verify", "--preset", "test", "--samples", "4", "--device", "golden"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0 mismatches / ")
    done = subprocess.run([*command[:3], "eval", "nope.npz", "--data", "yinyang"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "ranvier: nope.npz: No such file or directory\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_twice_stops_once(number: signal.Signals) -> None:
    """What was finished is saved after the first; the second, which a terminal and a supervisor may send, loses nothing."""

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background may ignore it

    def work() -> bool:
        with _terminable():
            try:
                os.kill(os.getpid(), number)
                time.sleep(1)
                return False
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
                return True

    try:
        assert work()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)

"""Quantisation: every count of the report is made to happen, and the network that comes out runs on the core."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ranvier
from ranvier.cli import main
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import NetworkError
from ranvier.parameters.qformat import QFormat
from ranvier.quantisation.quantise import Behaviour, Quantisation, quantise, quantised
from ranvier.recipes import RECIPES

CONFIG = ranvier.preset("yinyang").replace(neurons=20)


@pytest.fixture(scope="module")
def data() -> ranvier.Dataset:
    return ranvier.yin_yang(train=300, test=1000)


@pytest.fixture(scope="module")
def network(data: ranvier.Dataset) -> FloatNetwork:
    """Learned enough to be right more often than not; a network that coarse formats cost several points (not all do)."""
    recipe = RECIPES["yinyang"].replace(epochs=3)
    with ranvier.open_device("golden", CONFIG) as device:
        return FloatNetwork.of(ranvier.train(device, ranvier.initial_network(CONFIG, recipe, 2), data, recipe).network)


def test_raw_values_survive_unchanged(network: FloatNetwork) -> None:
    again = FloatNetwork.of(quantised(network))
    for name in ("weight", "delay", "readout"):
        np.testing.assert_array_equal(getattr(again, name), getattr(network, name))
    assert (again.alpha, again.kappa) == (network.alpha, network.kappa)


def test_a_synaptic_current_needs_a_core_that_has_one(network: FloatNetwork) -> None:
    slow, exponential = network.replace(beta=0.5), CONFIG.replace(synapse="exponential")
    with pytest.raises(NetworkError, match=r'beta=0\.5: this core has no filter .*: give it synapse="exponential" or'):
        quantised(slow)
    assert quantised(slow, exponential).beta == CONFIG.decay.one // 2
    assert FloatNetwork.of(quantised(slow, exponential)).beta == 0.5
    assert quantise(slow, exponential).decays["beta"] == (0.5, 0.5)


def test_report_without_loss(network: FloatNetwork, data: ranvier.Dataset) -> None:
    result = quantise(network, dataset=data)
    assert result.warnings() == []
    assert [r.clipped for r in result.roundings.values()] == [0, 0, 0]
    assert [r.worst for r in result.roundings.values()] == [0, 0, 0]
    assert result.moved == 0
    assert result.before
    assert result.after
    assert result.before.accuracy > 0.6
    assert abs(result.before.accuracy - result.after.accuracy) < 0.02
    assert result.agreement
    assert result.agreement > 0.95
    assert 0.01 < result.after.rate < 0.5
    json.dumps(result.summary())


def test_counts() -> None:
    c = CONFIG.replace(inputs=5, neurons=4)
    network = RECIPES["yinyang"].draw(c, np.random.default_rng(0))
    network.weight[0, :] = [7.9998, 8.5, -8.0, -8.5]  # s3.12 ends at 8 - 1/4096: two of them are beyond it
    network.weight[1, 0] = 1 / 4096 + 0.4 / 4096
    network.delay[0, :] = [2.49, 2.4999, 0.0, 30.0]  # 2.4999 is 2.5 in six fraction bits and rounds the other way
    result = quantise(network)
    weight = result.roundings["weight"]
    assert (weight.form, weight.values, weight.clipped) == ("s3.12", 20, 2)
    assert 0.4 / 4096 <= weight.worst <= 0.5 / 4096
    nearest = np.rint(network.delay * 64) / 64
    assert np.sum(np.floor(network.delay + 0.5) != np.floor(nearest + 0.5)) >= 1
    assert result.moved == 0
    assert result.network.delay[0].tolist() == [159, 159, 0, 30 * 64]
    assert result.network.weight[0].tolist() == [32767, 32767, -32768, -32768]
    assert [w for w in result.warnings() if "2 of 20 values of weight do not fit s3.12" in w]


def test_coarse_formats_are_warned_about(network: FloatNetwork, data: ranvier.Dataset) -> None:
    coarse = CONFIG.replace(
        weight=QFormat(True, 0, 3), potential=QFormat(True, 1, 9), decay=QFormat(False, 0, 3), learning=False
    )
    result = quantise(network, coarse, dataset=data)
    text = " ".join(result.warnings())
    assert "values of readout do not fit s0.3" in text or "values of weight do not fit s0.3" in text
    assert "alpha is" in text
    assert "accuracy fell by" in text
    assert result.loss
    assert result.loss > 0.05


def test_silent_and_saturated_are_warned_about(network: FloatNetwork, data: ranvier.Dataset) -> None:
    dead = quantise(network.replace(weight=network.weight * 0.01), dataset=data)
    assert dead.before
    assert dead.before.silent == 20
    assert any("20 of 20 neurons never spike" in w for w in dead.warnings())
    loud = quantise(network.replace(readout=network.readout * 0 + 7.9), dataset=data)
    assert loud.after
    assert loud.after.saturated["readout_saturated"] > 100
    assert any("readout_saturated" in w and "give potential more integer bits" in w for w in loud.warnings())


def test_neurons_that_fall_silent_are_warned_about(network: FloatNetwork) -> None:
    """A warning is made of counts alone."""

    def behaviour(silent: int) -> Behaviour:
        return Behaviour("", 0.9, 0.1, silent, np.zeros(3, np.int64), {})

    result = Quantisation(quantised(network), {}, {}, 0, behaviour(1), behaviour(3))
    assert result.warnings() == ["2 neurons of 20 fell silent: their weights are lost in the format"]
    assert Quantisation(quantised(network), {}, {}, 0, behaviour(1), behaviour(2)).warnings() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neurons": 21}, r"weight has shape \[5, 20\] but this core holds \[5, 21\]"),
        ({"delays": "axonal"}, r"delay has shape"),
        ({"reset": "zero"}, "trained with reset=soft"),
        ({"threshold": 2.0}, "trained with threshold=1"),
        ({"max_delay": 2}, "the longest delay is"),
    ],
)
def test_refused(network: FloatNetwork, changes: dict[str, object], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        quantised(network, CONFIG.replace(**changes))


def test_weights_that_all_round_to_zero_are_an_error(
    network: FloatNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a step of s3.12 is 1.22e-4."""
    for name in ("weight", "readout"):
        lost = network.replace(**{name: np.full_like(getattr(network, name), 1.2e-4)})
        with pytest.raises(
            NetworkError, match=rf"all {lost.weight.size if name == 'weight' else lost.readout.size} {name}"
        ):
            quantised(lost)
        nothing = network.replace(**{name: np.zeros_like(getattr(network, name))})
        assert not getattr(quantised(nothing), name).any()  # there was nothing to lose
        lost.save(tmp_path / "lost.npz")
        assert main(["quantise", str(tmp_path / "lost.npz"), "-o", str(tmp_path / "core.npz")]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert 'weight = "s3.16"' in err
        assert not (tmp_path / "core.npz").exists()


def test_many_weights_that_round_to_zero_are_a_warning_with_a_way_out(network: FloatNetwork) -> None:
    rng = np.random.default_rng(0)
    weight = np.where(rng.random(network.weight.shape) < 0.7, 1e-4, 0.5)
    faint = network.replace(weight=weight)
    few = int((weight == 1e-4).sum())
    result = quantise(faint)
    assert result.roundings["weight"].zeroed == few
    (warning,) = (w for w in result.warnings() if "rounded to 0" in w)
    assert warning.startswith(f"{few} of {weight.size} weight values were rounded to 0, less than half a step of s3.12")
    wanted = QFormat.parse(re.search(r'weight = "(s3\.\d+)"', warning)[1])
    finer = quantise(faint, CONFIG.replace(weight=wanted, potential=QFormat(True, 5, wanted.fraction)))
    assert finer.roundings["weight"].zeroed == 0
    assert not any("rounded to 0" in w for w in finer.warnings())
    assert quantise(network.replace(weight=np.full_like(weight, 0.5))).roundings["weight"].zeroed == 0


@pytest.mark.parametrize(
    ("size", "share", "wanted"),
    [(1e-4, 0.1, "s3.14"), (1e-5, 0.1, "s3.17"), (2e-6, 0.3, "s3.19"), (1e-9, 0.1, None), (1e-300, 0.9, None)],
)
def test_advice_holds_the_small_ones_or_says_that_nothing_does(
    network: FloatNetwork, size: float, share: float, wanted: str | None
) -> None:
    """Also where the others, on which half of the levels depend, are large."""
    weight = np.full(network.weight.shape, 0.5)
    weight.ravel()[: int(np.ceil(share * weight.size))] = size
    (warning,) = (
        w for w in quantise(network.replace(weight=weight)).warnings() if "weight values were rounded to 0" in w
    )
    if wanted is None:
        assert "no format of 24 bits with 3 before the point holds them: train with larger weights" in warning
        return
    forms = dict(re.findall(r'(weight|potential) = "([su]\d+\.\d+)"', warning))
    assert forms["weight"] == wanted
    better = CONFIG.replace(**{name: QFormat.parse(form) for name, form in forms.items()})
    after = quantise(network.replace(weight=weight), better)
    assert after.roundings["weight"].zeroed == 0
    assert not any("rounded to 0" in w for w in after.warnings())
    assert "ranvier quantise --config" in warning
    assert "ranvier quantise --widen" in warning


def test_units_that_lose_all_their_weights_are_warned_about() -> None:
    """Fewer weights than are worth a warning by themselves."""
    config = ranvier.preset("yinyang").replace(inputs=60, neurons=40, recurrent=True, delays="none", learning=False)
    network = RECIPES["yinyang"].draw(config, np.random.default_rng(0))
    weight = np.full(network.weight.shape, 0.5)
    weight[:, 7], weight[3], weight[60 + 9] = 1e-5, 1e-5, 1e-5
    weight[60 + 7, 7] = 0.5  # a neuron's weight onto itself is never used
    quiet = network.replace(weight=weight, readout=np.full_like(network.readout, 0.5))
    result = quantise(quiet)
    assert result.roundings["weight"].zeroed < 0.05 * weight.size
    (warning,) = (w for w in result.warnings() if "rounded to 0" in w)
    assert warning.startswith(
        "1 neuron lost all weight values onto it and 2 inputs or neurons lost all weight values from them because all of "
        "them were rounded to 0, less than half a step of s3.12: give them more fraction bits"
    )
    assert (result.roundings["weight"].receivers, result.roundings["weight"].senders) == (1, 2)
    wanted = QFormat.parse(re.search(r'weight = "(s3\.\d+)"', warning)[1])
    finer = quantise(quiet, config.replace(weight=wanted, potential=QFormat(True, 5, wanted.fraction)))
    assert not any("rounded to 0" in w for w in finer.warnings())
    empty = weight.copy()
    empty[empty == 1e-5] = 0
    assert not any("rounded to 0" in w for w in quantise(quiet.replace(weight=empty)).warnings())  # nothing to lose
    readout = np.full_like(network.readout, 0.5)
    readout[4] = 1e-6
    deaf = quantise(quiet.replace(weight=np.full_like(weight, 0.5), readout=readout))
    assert any(w.startswith("1 neuron lost all readout values from it") for w in deaf.warnings())


@pytest.mark.parametrize("thing", [None, 3, "x", [], {}, "network.npz"])
def test_what_is_no_network_is_refused(network: FloatNetwork, thing: Any) -> None:
    for call in (quantise, quantised):
        with pytest.raises(NetworkError, match="is not a network in real numbers: give a FloatNetwork"):
            call(thing)
    if thing is not None:
        with pytest.raises(ranvier.ConfigError, match="is not a configuration: give a CoreConfig"):
            quantise(network, thing)
        with pytest.raises(ranvier.DataError, match="is not a data set"):
            quantise(network, dataset=thing)


def test_raw_integers_are_no_real_numbers(network: FloatNetwork) -> None:
    with pytest.raises(NetworkError, match="is a network for the core already: give a FloatNetwork") as caught:
        quantise(quantised(network))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 150


def test_command(network: FloatNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "float.npz", tmp_path / "core.npz"
    network.save(source)
    assert main(["quantise", str(source), "-o", str(out), "--data", "yinyang", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["golden"]["accuracy"] > 0.6
    assert main(["eval", str(out), "--data", "yinyang", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == report["golden"]["accuracy"]
    assert main(["quantise", str(out), "-o", str(out)]) == 2
    assert "holds raw integers: this network is quantised already" in capsys.readouterr().err
    assert main(["quantise", str(tmp_path / "no.npz"), "-o", str(out)]) == 2
    assert "No such file" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["core.npz", "float.npz"]

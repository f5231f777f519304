import io
import os
import tracemalloc
import zipfile
from dataclasses import fields

import numpy as np
import pytest

from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.parameters.step_size import StepSize
from ranvier.verification.stimulus import random_network

ARRAYS = ("weight", "delay", "readout", "feedback")


@pytest.fixture
def network():
    return random_network(preset("test"), np.random.default_rng(0))


def assert_same(a, b):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in ("config", "alpha", "kappa", "beta", "seed", "eta_weight", "eta_delay", "eta_readout"):
        assert getattr(a, name) == getattr(b, name)


@pytest.mark.parametrize("delays", ["none", "axonal", "synaptic"])
@pytest.mark.parametrize("feedback", ["symmetric", "random"])
def test_file_round_trip(delays, feedback, tmp_path):
    config = preset("test").replace(delays=delays, feedback=feedback, synapse="exponential")
    network = random_network(config, np.random.default_rng(0)).replace(beta=2345)
    network.save(tmp_path / "model.npz")
    assert_same(Network.read(tmp_path / "model.npz"), network)
    assert os.listdir(tmp_path) == ["model.npz"]


def test_shapes():
    def shapes(**changes):
        layout = Network.layout(CoreConfig(inputs=3, neurons=5, outputs=2, **changes))
        return {name: shape for name, (shape, _, _) in layout.items()}

    assert shapes() == {"weight": (3, 5), "delay": (3, 5), "readout": (5, 2), "feedback": (0, 0)}
    assert shapes(recurrent=True, delays="axonal")["weight"] == (8, 5)
    assert shapes(recurrent=True, delays="axonal")["delay"] == (8, 1)
    assert shapes(delays="none", feedback="random")["delay"] == (0, 0)
    assert shapes(delays="none", feedback="random")["feedback"] == (5, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda c: Network.zeros(None), "config=None is not a configuration: give a CoreConfig"),
        (lambda c: Network.zeros(c, alpha="x"), "alpha='x' is not a decay: give 0 to 1"),
        (lambda c: Network.zeros(c, alpha=2.0), "alpha=2 is not a decay"),
        (lambda c: Network.zeros(c, kappa=-1), "kappa=-1 is not a decay"),
        (lambda c: Network.zeros(c, beta=float("nan")), "beta=nan is not a decay"),
        (lambda c: Network.zeros(c).replace(weight=[[1], [1, 2]]), "weight is not an array of numbers: "),
        (lambda c: Network.zeros(c).replace(weight="x"), r"weight has shape \[\] but this core holds"),
        (lambda c: Network.zeros(c).replace(weight=np.zeros((12, 7), complex)), "weight holds complex128 but the chip"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(make, message):
    with pytest.raises(NetworkError, match=message) as caught:
        make(preset("test"))
    assert "\n" not in str(caught.value)


def test_copies_never_share(network):
    copy = network.replace()
    copy.weight[0, 0] ^= 1
    assert copy.weight[0, 0] != network.weight[0, 0]


def test_arrays_are_in_c_order(network):
    assert network.replace(weight=np.asfortranarray(network.weight)).weight.flags.c_contiguous


def test_real_units(network):
    assert network.replace(weight=np.full_like(network.weight, 2048)).real("weight")[0, 0] == 0.5
    assert network.replace(delay=np.full_like(network.delay, 96)).real("delay")[0, 0] == 1.5


def full(network, name, value):
    return np.full_like(getattr(network, name), value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: {"weight": n.weight[:-1]}, r"weight has shape \[11, 7\] but this core holds \[12, 7\]"),
        (lambda n: {"readout": n.readout.T}, r"readout has shape \[3, 7\] but this core holds \[7, 3\]"),
        (lambda n: {"delay": n.delay[:, :1]}, r"delay has shape \[12, 1\]"),
        (
            lambda n: {"weight": n.weight * 0.5},
            "weight holds float64 but the chip holds raw integers: quantise it first",
        ),
        (lambda n: {"weight": full(n, "weight", 32768)}, "weight runs from 32768 to 32768 but .* scale or clip it, or"),
        (lambda n: {"weight": full(n, "weight", -32769)}, "weight runs from -32769"),
        (lambda n: {"delay": full(n, "delay", 385)}, "delay runs from 385 to 385 but this core holds 0 to 384"),
        (lambda n: {"delay": full(n, "delay", -1)}, "delay runs from -1"),
        (lambda n: {"alpha": 4096}, "alpha=4096 does not fit the core: give a whole number from 0 to 4095"),
        (lambda n: {"kappa": -1}, "kappa=-1 does not fit"),
        (lambda n: {"alpha": 0.9}, r"alpha=0\.9 does not fit"),
        (lambda n: {"beta": 4096}, "beta=4096 does not fit"),
        (lambda n: {"beta": 1}, 'beta=1 needs synapse="exponential": set beta=0 or rebuild'),
        (lambda n: {"seed": 1 << 32}, "seed=4294967296 does not fit"),
        (lambda n: {"seed": "x"}, "seed='x' does not fit"),
        (lambda n: {"eta_weight": 0.1}, r"eta_weight=0\.1 is not a step size: give StepSize\.of"),
    ],
)
def test_refuses(network, change, message):
    with pytest.raises(NetworkError, match=f"^{message}"):
        network.replace(**change(network))


# -------------------------------------------------------------------- files


def contents(network, tmp_path):
    """The arrays of a good file."""
    network.save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as file:
        return dict(file)


def test_a_file_without_beta_has_none(network, tmp_path):
    content = contents(network, tmp_path)
    assert content.pop("beta") == 0
    text = str(content["config"])
    content["config"] = np.array(
        "".join(line for line in text.splitlines(True) if line[:7] not in ("synapse", "dormant"))
    )
    np.savez(tmp_path / "older.npz", **content)
    assert len(content["config"].item()) < len(text) - 20
    assert_same(Network.read(tmp_path / "older.npz"), network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": None}, "not a Ranvier network"),
        ({"config": None}, "not a Ranvier network"),
        ({"eta_delay": None}, "not a Ranvier network"),
        ({"weight": np.zeros((2, 2), np.int64)}, r"weight has shape \[2, 2\] but this core holds \[12, 7\]"),
        ({"weight": np.zeros((12, 7))}, "weight holds float64"),
        ({"weight": np.full((12, 7), 1 << 40)}, "weight runs from 1099511627776"),
        ({"readout": np.array(3)}, r"readout has shape \[\]"),
        ({"feedback": np.array("text")}, r"feedback has shape \[\]"),
        ({"alpha": np.array(9999)}, "alpha=9999 does not fit"),
        ({"alpha": np.array(0.5)}, r"alpha=0\.5 does not fit"),
        ({"alpha": np.array([1, 2])}, "alpha=array"),
        ({"beta": np.array(7)}, 'beta=7 needs synapse="exponential"'),
        ({"eta_weight": np.array([1, 2, 3])}, "."),
        ({"eta_weight": np.array(1)}, "."),
        ({"eta_weight": np.array([999, 0])}, "step size 999"),
        ({"config": np.array("inputs = 3")}, "field 'neurons' is missing"),
        ({"config": np.array("?")}, "not a TOML document"),
        ({"config": np.array(5)}, "not a TOML document"),
        ({"weight": np.array([[object()]], dtype=object)}, "not a Ranvier network"),
    ],
)
def test_malformed_content(network, tmp_path, change, message):
    content = contents(network, tmp_path) | change
    np.savez(tmp_path / "bad.npz", **{name: array for name, array in content.items() if array is not None})
    refuse(tmp_path / "bad.npz", message)


def refuse(path, message):
    with pytest.raises(NetworkError, match=rf"{path.name}: {message}") as caught:
        Network.read(path)
    assert "\n" not in str(caught.value)


def test_malformed_files(network, tmp_path):
    network.save(tmp_path / "good.npz")
    good = (tmp_path / "good.npz").read_bytes()
    single, other = io.BytesIO(), io.BytesIO()
    np.save(single, np.zeros(3))
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("weight", "no array")
    broken = bytearray(good)
    broken[len(good) // 2 : len(good) // 2 + 40] = b"\xaa" * 40
    for data in (
        b"",
        b"PK",
        b"text\n",
        good[:-30],
        good[: len(good) // 2],
        single.getvalue(),
        other.getvalue(),
        broken,
    ):
        (tmp_path / "bad.npz").write_bytes(data)
        refuse(tmp_path / "bad.npz", "not a Ranvier network: give a file that `ranvier train` wrote")
    refuse(tmp_path / "absent.npz", "No such file or directory")
    refuse(tmp_path, "Is a directory")


def member(shape, dtype="<i8", content=b""):
    """An array in a file that claims more than there is."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": dtype})
    return header.getvalue() + content


HOSTILE_MEMBERS = {
    "weight of 8 TB": {"weight": member((10**6, 10**6))},
    "weight of more than there is": {"weight": member((10**30,))},
    "negative": {"weight": member((-3, 7))},
    "alpha of 8 TB": {"alpha": member((10**12,))},
    "eta of 8 TB": {"eta_delay": member((10**12,))},
    "wide text": {"config": member((), "<U1000000000")},
    "texts": {"config": member((10**9,), "<U1000")},
    "cut short": {"weight": member((12, 7), content=b"123")},
    "no header": {"weight": b"\x93NUMPY\x01\x00"},
    "header nested": {"weight": b"\x93NUMPY\x01\x00\x88\x13" + b"(" * 5000},
    "header of 4 GB": {"weight": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"},
    "version": {"weight": b"\x93NUMPY\x09\x00"},
    "objects": {"weight": member((12, 7), "|O")},
    "record": {"weight": member((12, 7), [("a", "<i8")], bytes(672))},
    "times": {"seed": member((), "<m8[ns]", bytes(8))},
    "dates": {"weight": member((12, 7), "<M8[ns]", bytes(672))},
    "complex": {"weight": member((12, 7), "<c16", bytes(1344))},
    "truth": {"weight": member((12, 7), "|b1", bytes(84))},
    "not finite": {"alpha": member((), "<f8", np.float64(np.nan).tobytes())},
    "eta of three": {"eta_weight": member((3,), content=bytes(24))},
    "eta of one": {"eta_weight": member((), content=bytes(8))},
    "eta in real numbers": {"eta_weight": member((2,), "<f8", bytes(16))},
    "eta nested": {"eta_weight": member((2, 2), content=bytes(32))},
}


def rewritten(source, target, changes):
    """A copy of a file with other bytes for some of its arrays."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name.removesuffix(".npy"), old.read(name)))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (kind, what)
        for kind in (Network, FloatNetwork)
        for what, changed in HOSTILE_MEMBERS.items()
        if changed.keys() <= {field.name for field in fields(kind)}
    ],
)
def test_what_a_file_claims_is_not_believed(kind, what, network, tmp_path):
    """No memory is taken, and no value converted, for what cannot be a network."""
    (network if kind is Network else FloatNetwork.of(network)).save(tmp_path / "good.npz")
    rewritten(tmp_path / "good.npz", tmp_path / "bad.npz", HOSTILE_MEMBERS[what])
    tracemalloc.start()
    with pytest.raises(NetworkError, match=r"bad\.npz: ") as caught:
        kind.read(tmp_path / "bad.npz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert most < 20_000_000


def test_a_configuration_inside_is_read_with_the_same_care(network, tmp_path):
    network.save(tmp_path / "good.npz")
    content = dict(np.load(tmp_path / "good.npz"))
    for text in ("inputs = " + "[" * 5000, "inputs = " + "9" * 5000, "x" * 1_000_000):
        np.savez(tmp_path / "bad.npz", **content | {"config": np.array(text)})
        for kind in (Network, FloatNetwork):
            with pytest.raises(NetworkError, match=r"bad\.npz: ") as caught:
                kind.read(tmp_path / "bad.npz")
            assert len(str(caught.value)) < 400


def test_other_arrays_are_left_alone(network, tmp_path):
    network.save(tmp_path / "good.npz")
    rewritten(tmp_path / "good.npz", tmp_path / "more.npz", {})
    with zipfile.ZipFile(tmp_path / "more.npz", "a") as archive:
        archive.writestr("note.npy", member((10**12,)))
    assert Network.read(tmp_path / "more.npz").config == network.config


ADVICE = {
    "nir": (b"\x89HDF\r\n\x1a\n", "it is HDF5: if it is a NIR graph, ranvier nir import"),
    "toml": (preset("test").to_toml().encode(), "it is the configuration of a core"),
    "verilog": (b"/* Generated by Amaranth Yosys */\nmodule x(a);\nendmodule\n", "it is Verilog"),
    "json": (b'{"runs": []}', "it is JSON"),
    "waveform": (b"$timescale 1 us $end\n$scope module golden $end", "it is a waveform"),
}


@pytest.mark.parametrize("what", ADVICE)
def test_another_file_is_called_what_it_is(what, tmp_path):
    content, text = ADVICE[what]
    (tmp_path / "other").write_bytes(content)
    for kind, name in ((Network, "a Ranvier network"), (FloatNetwork, "a network in real numbers")):
        with pytest.raises(NetworkError, match=f"other: not {name}: {text}"):
            kind.read(tmp_path / "other")


def test_another_archive_is_called_what_it_is(network, tmp_path):
    path = tmp_path / "other.npz"
    FloatNetwork.of(network).save(path)
    with pytest.raises(
        NetworkError, match=r"its numbers are real: quantise it first, with ranvier quantise .*other.npz"
    ):
        Network.read(path)
    np.savez(path, taxels=np.zeros((2, 3, 4)), letter=[0, 1], letters=["A", "B"])
    with pytest.raises(NetworkError, match="it holds recordings: give them as --data braille:"):
        Network.read(path)
    np.savez(path, checkpoint="{}", weight=np.zeros(3))
    with pytest.raises(NetworkError, match="it is the checkpoint of a training"):
        Network.read(path)


def test_any_single_damaged_byte_is_one_line_or_harmless(network, tmp_path):
    network.save(tmp_path / "good.npz")
    good = (tmp_path / "good.npz").read_bytes()
    messages = []
    for position in np.random.default_rng(0).integers(0, len(good), 200):
        damaged = bytearray(good)
        damaged[position] ^= 0x55
        (tmp_path / "bad.npz").write_bytes(damaged)
        try:
            Network.read(tmp_path / "bad.npz")
        except NetworkError as error:
            messages.append(str(error))
    print(len(messages), "of 200 refused")
    assert len(messages) > 100
    assert not any("\n" in message for message in messages)


def test_save_is_atomic(network, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    network.save(path)
    before = path.read_bytes()

    def interrupted(stream, **arrays):
        stream.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.replace(eta_weight=StepSize(1, 1)).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]

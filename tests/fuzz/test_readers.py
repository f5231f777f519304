"""Readers of files: whatever is in them, they give a value that is right or one line of their own error."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hostile import JSON, VALUES, bounded, damaged, one_line
from hypothesis import given
from hypothesis import strategies as st

from ranvier.bench.store import Store
from ranvier.files.output import OutputError
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.presets import preset
from ranvier.verification.stimulus import random_network

CONFIG = preset("test")
NETWORK = random_network(CONFIG, np.random.default_rng(0))
FIELDS = CONFIG.to_dict()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that every input of this module replaces."""
    return tmp_path_factory.mktemp("fuzz") / "input"


# -------------------------------------------------------------------- configurations

TOML = st.one_of(
    damaged(CONFIG.to_toml().encode()),
    st.tuples(st.sampled_from(sorted(FIELDS)), VALUES.map(json.dumps)).map(
        lambda pair: (CONFIG.replace().to_toml() + f"\n{pair[0]} = {pair[1]}\n").encode()
    ),
    st.tuples(st.sampled_from(sorted(FIELDS)), VALUES.map(json.dumps)).map(
        lambda pair: "".join(
            f"{name} = {pair[1] if name == pair[0] else json.dumps(value)}\n" for name, value in FIELDS.items()
        ).encode()
    ),
    st.integers(1000, 20_000).map(lambda depth: b"inputs = " + b"[" * depth),
    st.integers(1000, 2000).map(lambda depth: b"inputs" + b".a" * depth + b" = 1"),
    st.integers(4000, 20_000).map(lambda digits: b"neurons = " + b"7" * digits),
)


@bounded(200)
@given(content=TOML)
def test_a_configuration_file(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    try:
        config = CoreConfig.read(path)
    except ConfigError as error:
        one_line(error)
    else:
        assert CoreConfig.from_toml(config.to_toml()) == config


@bounded(200)
@given(changes=st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5), VALUES, min_size=1, max_size=3))
def test_a_configuration_in_python(changes: dict) -> None:
    try:
        config = CoreConfig.from_dict(FIELDS | changes)
    except ConfigError as error:
        one_line(error)
    else:
        assert CoreConfig.from_dict(config.to_dict()) == config


# -------------------------------------------------------------------- networks


def saved(network: Network | FloatNetwork, folder: Path) -> dict[str, np.ndarray]:
    """Arrays of its file."""
    network.save(folder / "good.npz")
    with np.load(folder / "good.npz") as file:
        return dict(file)


DTYPES = st.sampled_from(("<i8", "<u8", "<i1", "<f8", "<f2", "<c16", "|b1", "<U3", "<M8[s]", "<m8[s]", "|V3", "|S2"))
SHAPES = st.sampled_from(((), (0,), (1,), (2,), (3,), (12, 7), (7, 12), (7, 3), (12, 7, 1), (0, 0), (1, 1)))
ARRAYS = st.builds(
    lambda dtype, shape, fill: np.full(shape, fill, "|u1").astype(dtype), DTYPES, SHAPES, st.integers(0, 3)
)
TEXTS = st.one_of(VALUES.map(str), TOML.map(lambda text: text.decode("utf-8", "replace"))).map(np.array)
NAMES = st.sampled_from(
    ("config", "weight", "delay", "readout", "feedback", "alpha", "kappa", "beta", "eta_delay", "seed", "x")
)
CHANGES = st.dictionaries(NAMES, st.none() | ARRAYS | TEXTS, min_size=1, max_size=3)


@bounded(120)
@given(changes=CHANGES, real=st.booleans())
def test_a_network_of_other_arrays(changes: dict, real: bool, path: Path) -> None:
    kind = FloatNetwork if real else Network
    content = saved(FloatNetwork.of(NETWORK) if real else NETWORK, path.parent) | changes
    stream = io.BytesIO()
    np.savez(stream, **{name: value for name, value in content.items() if value is not None})
    path.write_bytes(stream.getvalue())
    read(kind, path)


@bounded(120)
@given(data=st.data(), real=st.booleans())
def test_a_damaged_network(data: st.DataObject, real: bool, path: Path) -> None:
    kind = FloatNetwork if real else Network
    (FloatNetwork.of(NETWORK) if real else NETWORK).save(path.with_name("good.npz"))
    path.write_bytes(data.draw(damaged(path.with_name("good.npz").read_bytes())))
    read(kind, path)


def read(kind: type, path: Path) -> None:
    """Read a network and write it again, or be refused in a line."""
    try:
        network = kind.read(path)
    except NetworkError as error:
        one_line(error)
    else:
        network.save(path)
        assert kind.read(path).config == network.config


# -------------------------------------------------------------------- finished runs of the bench


@pytest.mark.skipif(not hasattr(Store, "finished"), reason="rows are not checked as they are read")
@bounded(200)
@given(text=JSON | st.builds(lambda row, files: json.dumps({"row": row, "files": files}), VALUES, VALUES))
def test_a_finished_run(text: str, path: Path) -> None:
    """What a task says about its own row is tested with the tables; here it takes any."""
    store = Store(path.parent / "bench")
    store._path("key").write_bytes(text.encode("utf-8", "surrogatepass"))
    task = SimpleNamespace(leaves=(), problem=lambda row, material: None)
    try:
        found = store.finished("key", task, None)  # type: ignore[arg-type]
    except OutputError as error:
        one_line(error)
    else:
        assert found is None or isinstance(found, dict)

"""Readers of data sets under Hypothesis: whatever comes, a data set or one line that says what is wrong with it."""

import gzip
import io
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hostile import SEED, TIMES, bounded, damaged, one_line
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ranvier.data import DataError, Dataset, open_dataset

#: Inputs of a target.
EXAMPLES = 40


def attempt(text: str) -> str:
    """Open a data set: "read" if it is one, "refused" if there is one line."""
    try:
        data = open_dataset(text)
    except DataError as error:
        one_line(error)
        return "refused"
    assert isinstance(data, Dataset)
    assert len(data.train) + len(data.test)
    for part in (data.train, data.test):
        if len(part):
            assert part[len(part) - 1].steps >= 1
    return "read"


# -------------------------------------------------------------------- files


def digits(changes: dict[str, Any], samples: int = 8) -> bytes:
    """A file in the layout of the Heidelberg data sets; what `changes` names is missing or something else."""
    stream, rng = io.BytesIO(), np.random.default_rng(0)
    with h5py.File(stream, "w") as file:
        times, units = (
            file.create_dataset(name, (samples,), h5py.vlen_dtype(kind))
            for name, kind in (("spikes/times", np.float16), ("spikes/units", np.uint16))
        )
        for n in range(samples):
            times[n], units[n] = np.sort(rng.uniform(0, 1, 20)).astype(np.float16), rng.integers(0, 700, 20)
        file["labels"] = np.arange(samples, dtype=np.uint16) % 4
        file["extra/speaker"] = np.arange(samples, dtype=np.uint16) % 3
        file["extra/keys"] = [f"word {n}".encode() for n in range(20)]
        for name, value in changes.items():
            del file[name]
            if value is not None:
                file[name] = stored(value)
    return stream.getvalue()


def stored(value: np.ndarray) -> np.ndarray:
    """What HDF5 can hold of an array."""
    kind = value.dtype.kind
    return np.char.encode(value, "utf8") if kind == "U" else value.view("i8") if kind == "M" else value


def spikes(lists: tuple[np.ndarray, np.ndarray]) -> bytes:
    """A file all of whose samples have these times and units."""
    stream = io.BytesIO(DIGITS)
    with h5py.File(stream, "a") as file:
        for name, array in zip(("spikes/times", "spikes/units"), lists, strict=True):
            del file[name]
            found = file.create_dataset(name, (8,), h5py.vlen_dtype(array.dtype))
            for n in range(8):
                found[n] = array
    return stream.getvalue()


def letters(changes: dict[str, Any]) -> bytes:
    """A file of Braille recordings; what `changes` names is missing or something else."""
    stream, rng = io.BytesIO(), np.random.default_rng(0)
    content = {"taxels": rng.integers(0, 60, (12, 9, 2)).astype(np.float32), "letter": np.arange(12) % 3}
    content |= {"letters": np.array(["A", "B", "C"])} | changes
    np.savez_compressed(stream, **{name: value for name, value in content.items() if value is not None})
    return stream.getvalue()


def zipped(content: bytes) -> bytes:
    """The digits as they are published."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shd_train.h5", content)
    return stream.getvalue()


DIGITS, LETTERS = digits({}), letters({})


KINDS = [np.float16, np.float32, np.float64, np.uint8, np.int64, np.complex64, "U2", "S2", bool, "M8[s]"]
ARRAYS = arrays.arrays(st.sampled_from(KINDS), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
INSTANTS = st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
    lambda kind: st.one_of(
        arrays.arrays(kind, 20), arrays.arrays(kind, 20, elements=st.sampled_from([0, 0.25, 0.5, 1]))
    )
)
UNITS = arrays.arrays(st.sampled_from([np.int16, np.uint16, np.int64]), 20).map(
    lambda units: np.where(units % 9, units % 700, units)
)


def changes(*names: str) -> st.SearchStrategy[dict[str, np.ndarray | None]]:
    """Up to two parts of a file that are missing or some array."""
    return st.dictionaries(st.sampled_from(names), st.one_of(st.none(), ARRAYS), min_size=1, max_size=2)


# -------------------------------------------------------------------- names and options

NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str), st.integers(0, 300).map(str), st.floats().map(str), st.text(max_size=5)
)
KEYS = ["steps", "dt", "channels", "cap", "scored", "shift", "blend", "share", "speakers", "seed"]
KEYS += ["threshold", "tail", "train", "test"]
SENSIBLE = [("steps", "50"), ("dt", "0.02"), ("channels", "20"), ("cap", "3"), ("shift", "2"), ("seed", "5")]
PAIRS = st.one_of(st.sampled_from(SENSIBLE), st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), NUMBERS))
OPTIONS = st.lists(PAIRS, max_size=3).map(lambda pairs: "&".join(f"{key}={value}" for key, value in pairs))
PLACES = st.sampled_from(["shd:{}", "ssc:{}", "braille:{}/b.npz"])
NAMES = st.one_of(st.text(max_size=30), st.builds("{}:{}".format, st.sampled_from(["shd", "braille"]), st.text()))

#: Target -> what comes, the file that it becomes, and the name of that file in a folder of its own.
FILES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], bytes], str]] = {
    "damaged HDF5": (damaged(DIGITS), bytes, "shd_train.h5"),
    "damaged gz": (damaged(gzip.compress(DIGITS, mtime=0)), bytes, "shd_train.h5.gz"),
    "damaged zip": (damaged(zipped(DIGITS)), bytes, "shd_train.h5.zip"),
    "strange HDF5": (
        changes("spikes/times", "spikes/units", "labels", "extra/speaker", "extra/keys"), digits, "shd_train.h5",
    ),
    "strange spikes": (st.tuples(INSTANTS, UNITS), spikes, "shd_train.h5"),
    "damaged npz": (damaged(LETTERS), bytes, "b.npz"),
    "strange npz": (changes("taxels", "letter", "letters"), letters, "b.npz"),
}  # fmt: skip


def run(strategy: st.SearchStrategy[Any], outcome: Callable[[Any], str]) -> Counter[str]:
    """How often each outcome came of the examples of a strategy."""
    found: Counter[str] = Counter()

    @bounded(EXAMPLES)
    @given(strategy)
    def target(content: Any) -> None:
        found[outcome(content)] += 1

    target()
    return found


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, record_property: Callable[[str, object], None]) -> None:
    strategy, made, file = FILES[name]

    def outcome(content: Any) -> str:
        with tempfile.TemporaryDirectory() as place:
            Path(place, file).write_bytes(made(content))
            return attempt(f"braille:{place}/{file}" if file == "b.npz" else f"shd:{place}?share=0.5")

    found = run(strategy, outcome)
    assert found.total() >= EXAMPLES * TIMES
    assert found["refused"], "nothing was ever wrong"
    assert found["read"] or name not in ("strange HDF5", "strange spikes"), "nothing was ever right"
    record_property("evidence", f"{name}, seed {SEED}: {found['read']} read, {found['refused']} refused in one line")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files of every kind."""
    path = tmp_path_factory.mktemp("good")
    for name in ("shd_train", "shd_test", "ssc_train", "ssc_test"):
        (path / f"{name}.h5").write_bytes(DIGITS)
    (path / "b.npz").write_bytes(LETTERS)
    return path


def test_options(folder: Path, record_property: Callable[[str, object], None]) -> None:
    found = run(st.tuples(PLACES, OPTIONS), lambda drawn: attempt(f"{drawn[0].format(folder)}?{drawn[1]}"))
    assert found["read"]
    assert found["refused"]
    record_property("evidence", f"options, seed {SEED}: {found['read']} read, {found['refused']} refused in one line")


def test_names() -> None:
    assert run(NAMES, attempt)["refused"] >= EXAMPLES * TIMES / 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shd:{}?steps=1&steps=1", "refused"),
        ("shd:{}?steps=65536&channels=4096&cap=65536", "read"),
        ("braille:{}/b.npz?cap=999999999999&threshold=1e-300", "refused"),
        ("braille:{}/b.npz?tail=999999999", "refused"),
        ("braille:{}/b.npz?train=1&test=1&train=1", "refused"),
        ("shd:{}?dt=1e-320", "refused"),
        ("shd:{}\n\u2028?", "refused"),
        ("shd:{}/" + 300 * "x", "refused"),
        ("braille:{}/" + 300 * "x", "refused"),
    ],
)
def test_once_by_hand(text: str, expected: str, folder: Path) -> None:
    assert attempt(text.format(folder)) == expected

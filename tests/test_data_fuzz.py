"""Readers of data sets under Hypothesis: whatever comes, a data set or one line that says what is wrong with it.

Each target is bounded and seeded; ``RANVIER_FUZZ_SEED`` takes another seed and ``RANVIER_FUZZ_EXAMPLES`` more examples.
"""

import gzip
import io
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ranvier.data import DataError, Dataset, open_dataset

SEED = int(os.environ.get("RANVIER_FUZZ_SEED", "0"))
EXAMPLES = int(os.environ.get("RANVIER_FUZZ_EXAMPLES", "50"))
print(f"fuzzing with seed {SEED}")

#: What became of the examples of each target.
OUTCOMES: Counter[tuple[str, str]] = Counter()


def fuzz(target: Callable[..., None]) -> Callable[..., None]:
    """Bounded and seeded, and nothing kept between runs."""
    health = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.large_base_example]
    bounds = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=health)
    return seed(SEED)(bounds(target))


def attempt(target: str, text: str) -> None:
    """Open a data set: it is one, or there is one line."""
    try:
        data = open_dataset(text)
    except DataError as error:
        OUTCOMES[target, "refused"] += 1
        message = str(error)
        assert message.strip()
        assert len(message.splitlines()) == 1, message
        assert len(message) < len(text) + 600, message
    else:
        OUTCOMES[target, "read"] += 1
        assert isinstance(data, Dataset)
        assert len(data.train) + len(data.test)
        for part in (data.train, data.test):
            if len(part):
                assert part[len(part) - 1].steps >= 1


def digits(samples: int = 8) -> bytes:
    """A file in the layout of the Heidelberg data sets."""
    stream, rng = io.BytesIO(), np.random.default_rng(0)
    with h5py.File(stream, "w") as file:
        for name, kind in (("times", np.float16), ("units", np.uint16)):
            found = file.create_dataset(f"spikes/{name}", (samples,), h5py.vlen_dtype(kind))
            for n in range(samples):
                found[n] = np.sort(rng.uniform(0, 1, 20)).astype(kind) if name == "times" else rng.integers(0, 700, 20)
        file["labels"] = np.arange(samples, dtype=np.uint16) % 4
        file["extra/speaker"] = np.arange(samples, dtype=np.uint16) % 3
        file["extra/keys"] = [f"word {n}".encode() for n in range(20)]
    return stream.getvalue()


def letters(**changes: Any) -> bytes:
    """A file of Braille recordings."""
    stream, rng = io.BytesIO(), np.random.default_rng(0)
    content = {"taxels": rng.integers(0, 60, (12, 9, 2)).astype(np.float32), "letter": np.arange(12) % 3}
    content |= {"letters": np.array(["A", "B", "C"])} | changes
    np.savez_compressed(stream, **{name: value for name, value in content.items() if value is not None})
    return stream.getvalue()


DIGITS, LETTERS = digits(), letters()


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file that was cut, or of which some bytes were changed, left out or doubled."""
    spoiled = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(spoiled) - 1))
        length = draw(st.integers(1, 16))
        match draw(st.sampled_from(("change", "change", "change", "cut", "drop", "double"))):
            case "change":
                spoiled[start : start + length] = draw(st.binary(min_size=length, max_size=length))
            case "cut":
                del spoiled[max(start, 1) :]
            case "drop":
                del spoiled[start : start + length]
            case "double":
                spoiled[start:start] = spoiled[start : start + length]
        if not spoiled:
            spoiled = bytearray(b"\0")
    return bytes(spoiled)


ARRAYS = arrays.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.uint8, np.int64, np.complex64, "U2", "S2", bool, "M8[s]"]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str), st.integers(0, 300).map(str), st.floats().map(str), st.text(max_size=5)
)
KEYS = ["steps", "dt", "channels", "cap", "scored", "shift", "blend", "share", "speakers", "seed", "judge"]
KEYS += ["threshold", "tail", "train", "test"]
SENSIBLE = [("steps", "50"), ("dt", "0.02"), ("channels", "20"), ("cap", "3"), ("shift", "2"), ("seed", "5")]
PAIRS = st.one_of(st.sampled_from(SENSIBLE), st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), NUMBERS))
OPTIONS = st.lists(PAIRS, max_size=3).map(lambda pairs: "&".join(f"{key}={value}" for key, value in pairs))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files of every kind."""
    path = tmp_path_factory.mktemp("good")
    for name in ("shd_train", "shd_test", "ssc_train", "ssc_test"):
        (path / f"{name}.h5").write_bytes(DIGITS)
    (path / "b.npz").write_bytes(LETTERS)
    return path


@fuzz
@given(name=st.sampled_from(["shd:{}", "ssc:{}", "braille:{}/b.npz"]), options=OPTIONS)
@example(name="shd:{}", options="steps=1&steps=1")
@example(name="shd:{}", options="steps=65536&channels=4096&cap=65536")
@example(name="braille:{}/b.npz", options="cap=999999999999&threshold=1e-300")
@example(name="braille:{}/b.npz", options="tail=999999999")
def test_options(name: str, options: str, folder: Path) -> None:
    attempt("options", f"{name.format(folder)}?{options}")


@fuzz
@given(text=st.one_of(st.text(max_size=30), st.builds("{}:{}".format, st.sampled_from(["shd", "braille"]), st.text())))
def test_names(text: str) -> None:
    attempt("names", text)


def read_digits(target: str, content: bytes, name: str = "shd_train.h5") -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place, name).write_bytes(content)
        attempt(target, f"shd:{place}?share=0.5")


@fuzz
@given(content=damaged(DIGITS))
def test_damaged_hdf5(content: bytes) -> None:
    read_digits("damaged HDF5", content)


@fuzz
@given(content=st.sampled_from(["gz", "zip"]).flatmap(lambda kind: st.tuples(st.just(kind), damaged(packed(kind)))))
def test_damaged_archive(content: tuple[str, bytes]) -> None:
    read_digits("damaged archive", content[1], f"shd_train.h5.{content[0]}")


def packed(kind: str) -> bytes:
    """The digits as they are published."""
    if kind == "gz":
        return gzip.compress(DIGITS, mtime=0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shd_train.h5", DIGITS)
    return stream.getvalue()


def stored(value: np.ndarray) -> np.ndarray:
    """What HDF5 can hold of an array."""
    return (
        np.char.encode(value, "utf8")
        if value.dtype.kind == "U"
        else value.view("i8")
        if value.dtype.kind == "M"
        else value
    )


@fuzz
@given(
    changes=st.dictionaries(
        st.sampled_from(["spikes/times", "spikes/units", "labels", "extra/speaker", "extra/keys"]),
        st.one_of(st.none(), ARRAYS),
        min_size=1,
        max_size=2,
    )
)
def test_strange_hdf5(changes: dict[str, np.ndarray | None]) -> None:
    """A part of the file is missing, or is something else."""
    stream = io.BytesIO(DIGITS)
    with h5py.File(stream, "a") as file:
        for name, value in changes.items():
            del file[name]
            if value is not None:
                file[name] = stored(value)
    read_digits("strange HDF5", stream.getvalue())


@fuzz
@given(
    values=st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda kind: st.one_of(
            arrays.arrays(kind, 20), arrays.arrays(kind, 20, elements=st.sampled_from([0, 0.25, 0.5, 1]))
        )
    ),
    units=arrays.arrays(st.sampled_from([np.int16, np.uint16, np.int64]), 20),
)
def test_strange_spikes(values: np.ndarray, units: np.ndarray) -> None:
    """Any times and units in a file that is otherwise right."""
    stream = io.BytesIO(DIGITS)
    with h5py.File(stream, "a") as file:
        for name, array in (("spikes/times", values), ("spikes/units", np.where(units % 9, units % 700, units))):
            del file[name]
            found = file.create_dataset(name, (8,), h5py.vlen_dtype(array.dtype))
            for n in range(8):
                found[n] = array
    read_digits("strange spikes", stream.getvalue())


def read_letters(target: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place, "b.npz").write_bytes(content)
        attempt(target, f"braille:{place}/b.npz")


@fuzz
@given(content=damaged(LETTERS))
def test_damaged_letters(content: bytes) -> None:
    read_letters("damaged npz", content)


@fuzz
@given(
    changes=st.dictionaries(st.sampled_from(["taxels", "letter", "letters"]), st.one_of(st.none(), ARRAYS), min_size=1)
)
def test_strange_letters(changes: dict[str, np.ndarray | None]) -> None:
    read_letters("strange npz", letters(**changes))


def test_the_targets_were_reached(record_property: Callable[[str, object], None]) -> None:
    """Last: nothing above is worth anything if all examples of a target end alike at the first check."""
    targets = {target for target, _ in OUTCOMES}
    assert len(targets) == 8
    assert OUTCOMES["options", "read"] > 5
    assert OUTCOMES["damaged HDF5", "read"] + OUTCOMES["strange HDF5", "read"] > 5
    assert OUTCOMES["strange spikes", "read"] > 5
    assert all(OUTCOMES[target, "refused"] > 5 for target in targets)
    lines = [
        f"{target}: {OUTCOMES[target, 'read']} read, {OUTCOMES[target, 'refused']} refused"
        for target in sorted(targets)
    ]
    record_property("evidence", f"fuzzed readers, seed {SEED}: {'; '.join(lines)}")

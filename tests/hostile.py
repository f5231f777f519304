"""What fuzz targets share: bounds, a seed that is printed, and values that nobody would give."""

import json
import os
from collections.abc import Callable

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st

#: ``RANVIER_FUZZ_SEED`` chooses other inputs; the same seed gives the same ones.
SEED = int(os.environ.get("RANVIER_FUZZ_SEED", "1"))
#: ``RANVIER_FUZZ_TIMES`` gives so many times as many inputs.
TIMES = int(os.environ.get("RANVIER_FUZZ_TIMES", "1"))


def bounded(examples: int) -> Callable:
    """Decorates a target: so many inputs, of a seed that is printed with a failure."""

    def decorate(target: Callable) -> Callable:
        print(f"RANVIER_FUZZ_SEED={SEED}")
        limits = settings(
            max_examples=examples * TIMES,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        return seed(SEED)(limits(target))

    return decorate


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """`content` with some bytes changed, or cut short, or something else altogether."""
    changes = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=8)

    def changed(places: list[tuple[int, int]]) -> bytes:
        copy = bytearray(content)
        for place, value in places:
            copy[place] = value
        return bytes(copy)

    return st.one_of(
        changes.map(changed), st.integers(0, len(content)).map(lambda n: content[:n]), st.binary(max_size=300)
    )


#: Plain values of any type, size and depth.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.just(10**400)
    | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

#: Text of JSON that a careful reader refuses in one line.
JSON = st.one_of(
    VALUES.map(json.dumps),
    st.just("[" * 5000),
    st.just("[" * 5000 + "]" * 5000),
    st.just('{"row": ' + "9" * 5000 + "}"),
    st.text(max_size=30),
)

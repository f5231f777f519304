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


def one_line(error: Exception) -> str:
    """What an error says: one line, not too long to be read."""
    text = str(error)
    assert len(text.splitlines()) == 1, text
    assert text.strip()
    assert len(text) < 1500, text
    return text


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` of which some bytes were changed, left out, doubled or cut off, or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    spoiled = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, max(len(spoiled) - 1, 0))), draw(st.integers(1, 16))
        match draw(st.sampled_from(("change", "change", "change", "cut", "drop", "double"))):
            case "change":
                spoiled[start : start + length] = draw(st.binary(min_size=length, max_size=length))
            case "cut":
                del spoiled[start:]
            case "drop":
                del spoiled[start : start + length]
            case "double":
                spoiled[start:start] = spoiled[start : start + length]
    return bytes(spoiled)


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

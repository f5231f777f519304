"""Work is tried in a copy of the process: what ends, fails, crashes, loops or takes all memory there does no harm here."""

import ctypes
import time

import numpy as np
import pytest

from ranvier.files.probe import probe

DAMAGED = "reading it does not end, or kills the reader: it is damaged"


def loops() -> None:
    while True:
        pass


def crashes() -> None:
    ctypes.string_at(0)


def fails() -> None:
    raise ValueError("two\nlines")


def grows() -> None:
    np.ones(1 << 28)


@pytest.mark.parametrize(
    ("work", "said"),
    [(lambda: 1, None), (fails, "two lines"), (crashes, DAMAGED), (loops, DAMAGED), (grows, "Unable to allocate")],
)
def test_what_comes_of_it(work: object, said: str | None) -> None:
    start = time.monotonic()
    came = probe(work, seconds=1, megabytes=500)
    assert came == said or (said and came and came.startswith(said))
    assert time.monotonic() - start < 20


def test_nothing_of_it_is_kept() -> None:
    seen: list[int] = []
    assert probe(lambda: seen.append(1), seconds=1, megabytes=500) is None
    assert seen == []

"""Lags are the least that there are, found in a time that grows with the ways."""

import time
from itertools import pairwise

import numpy as np
import pytest

from ranvier.nir.lags import Unending, lags


def slowly(names: list[str], ways: list[tuple[str, str, int]], heard: set[str]) -> dict[str, int] | None:
    """All ways again and again."""
    late = dict.fromkeys(names, 0)
    for _ in range(len(names) + 2):
        before = dict(late)
        for source, target, least in ways:
            late[target] = max(late[target], late[source] + least)
        late |= dict.fromkeys(heard, max((late[name] for name in heard), default=0))
        if late == before:
            return late
    return None


def test_the_same_as_by_trying_everything() -> None:
    rng, names, found = np.random.default_rng(0), list("abcdefg"), {True: 0, False: 0}
    for _ in range(1500):
        pairs = [tuple(rng.choice(names, 2, replace=False).tolist()) for _ in range(rng.integers(1, 14))]
        ways = [(source, target, int(rng.integers(-2, 2))) for source, target in pairs]
        heard = set(rng.choice(names, rng.integers(1, 3)).tolist())
        expected = slowly(names, ways, heard)
        found[expected is None] += 1
        if expected is None:
            with pytest.raises(Unending) as caught:
                lags(names, ways, heard)
            assert set(caught.value.loop) <= set(names)
            assert caught.value.loop
        else:
            assert lags(names, ways, heard) == expected
    assert min(found.values()) > 200


@pytest.mark.parametrize("back", [None, -5000, 1])
def test_long_chains_cost_little_in_any_order(back: int | None) -> None:
    names = [f"n{k}" for k in range(4000)]
    ways = [(*pair, 1) for pair in pairwise(names)][::-1]
    ways += [] if back is None else [(names[-1], names[0], back)]
    start = time.process_time()
    if back == 1:
        with pytest.raises(Unending):
            lags(names[::-1], ways, names[-1:])
    else:
        assert list(lags(names[::-1], ways, names[-1:]).values()) == list(range(4000))[::-1]
    with pytest.raises(Unending) as caught:
        lags(names, ways, names)
    assert caught.value.together or back == 1
    assert time.process_time() - start < 1

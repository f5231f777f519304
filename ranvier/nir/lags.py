"""Steps by which each population must be late so that every synapse takes at least the step that the core needs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ranvier.errors import RanvierError

__all__ = ["Unending", "lags"]

#: Stands for all nodes of `heard` together, in place of a name.
TOGETHER = None

Name = str | None


class Unending(RanvierError):
    """Nodes that would have to be later than themselves: `loop` names them, `together` if only `heard` joins them."""

    def __init__(self, loop: list[str], together: bool):
        super().__init__(loop)
        self.loop, self.together = loop, together


def lags(names: Sequence[str], ways: Iterable[tuple[str, str, int]], heard: Iterable[str]) -> dict[str, int]:
    """The least ``lag >= 0`` with ``lag[target] >= lag[source] + least`` for every way, and the same for all of `heard`.

    These are longest paths. All ways are visited until nothing changes, those of a node after those that lead to it: twice
    without loops, and once more for every relevant way back. A node that is later because of itself is found as a loop of
    the ways that determined the lags.

    Parameters
    ----------
    names : sequence of str
        Every node.
    ways : iterable of (source, target, least)
        Steps by which the target is later than the source, at least; negative if it may be earlier.
    heard : iterable of str
        Nodes that must be equally late.

    Raises
    ------
    Unending
        If no lags satisfy this.
    """
    after: dict[Name, dict[Name, int]] = defaultdict(dict)
    for before, behind, least in ways:
        after[before][behind] = max(least, after[before].get(behind, least))
    for name in heard:
        after[name][TOGETHER] = after[TOGETHER][name] = 0
    late: dict[Name, int] = dict.fromkeys((*names, TOGETHER), 0)
    because: dict[Name, Name] = {}
    order, changed = _order(list(late), after), True
    while changed:
        changed = False
        for source in order:
            for target, least in after[source].items():
                if late[target] < late[source] + least:
                    late[target], because[target], changed = late[source] + least, source, True
        if loop := _loop(because):
            raise Unending([name for name in loop if name is not TOGETHER], TOGETHER in loop)
    return {name: late[name] for name in names}


def _order(names: list[Name], after: dict[Name, dict[Name, int]]) -> list[Name]:
    """Each node before those behind it, except for ways back of loops: reverse postorder of a depth-first search."""
    left: list[Name] = []
    seen: set[Name] = set()
    for first in names:
        if first in seen:
            continue
        seen.add(first)
        walk = [(first, iter(after[first]))]
        while walk:
            name, further = walk[-1]
            unseen = next((other for other in further if other not in seen), name)
            if unseen == name:
                left.append(name)
                walk.pop()
            else:
                seen.add(unseen)
                walk.append((unseen, iter(after[unseen])))
    return left[::-1]


def _loop(because: dict[Name, Name]) -> list[Name]:
    """A loop in what leads from each node to one other, in the order of the ways; empty if there is none."""
    done: set[Name] = set()
    for first in because:
        walked: dict[Name, None] = {}
        name = first
        while name in because and name not in done and name not in walked:
            walked[name] = None
            name = because[name]
        if name in walked:
            names = list(walked)
            return names[names.index(name) :][::-1]
        done |= walked.keys()
    return []

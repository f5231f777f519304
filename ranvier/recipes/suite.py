"""The networks that the bench trains on a data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ranvier.recipes.schedule import VARIANTS

__all__ = ["WIRINGS", "Suite", "Wiring"]

Wiring = Literal["feedforward", "recurrent"]
WIRINGS: tuple[Wiring, ...] = ("feedforward", "recurrent")


@dataclass(frozen=True)
class Suite:
    """Sizes of one data set.

    Parameters
    ----------
    feedforward, recurrent : tuple of int
        Hidden neurons of the networks of either wiring.
    shown : tuple of (wiring, neurons)
        Networks whose curves, delays and rasters the report draws, and size of the row with learned delays that start at 0.
    """

    feedforward: tuple[int, ...]
    recurrent: tuple[int, ...]
    shown: tuple[Wiring, int]

    def networks(self) -> Iterator[tuple[Wiring, int, str]]:
        """Wiring, neurons and kind of delays of every row."""
        for wiring in WIRINGS:
            for neurons in getattr(self, wiring):
                for delays, (_, from_zero) in VARIANTS.items():
                    if not from_zero or (wiring, neurons) == self.shown:
                        yield wiring, neurons, delays

    def sizes(self) -> str:
        """The sizes, for messages."""
        sizes = {wiring: ", ".join(map(str, getattr(self, wiring))) for wiring in WIRINGS}
        return "; ".join(f"{wiring}: {text} neurons" for wiring, text in sizes.items() if text)

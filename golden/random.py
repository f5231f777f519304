"""Random bits behind stochastic rounding: one xorshift32 generator per lane (Marsaglia 2003, shifts 13, 17, 5)."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LaneGenerators", "seeds"]

_GOLDEN_RATIO = 0x9E3779B9


def seeds(seed: int, lanes: int) -> NDArray[np.uint32]:
    """Initial state of every lane: the seed xor a multiple of 2**32 / phi; a zero, where xorshift would stay, becomes 1."""
    states = np.uint32(seed) ^ (np.arange(1, lanes + 1, dtype=np.uint64) * _GOLDEN_RATIO).astype(np.uint32)
    return np.where(states == 0, np.uint32(1), states)


class LaneGenerators:
    """`lanes` generators that step together, once for each word of synapses that the update unit handles."""

    def __init__(self, seed: int, lanes: int):
        self.state = seeds(seed, lanes)

    def draw(self, words: int) -> NDArray[np.int64]:
        """The next `words` draws of all lanes, [words, lanes], 32 bits each."""
        draws = np.empty((words, len(self.state)), np.int64)
        for word in range(words):
            self.state ^= self.state << np.uint32(13)
            self.state ^= self.state >> np.uint32(17)
            self.state ^= self.state << np.uint32(5)
            draws[word] = self.state
        return draws

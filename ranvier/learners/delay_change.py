"""How far training moved the delays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.parameters.network import Network

__all__ = ["DelayChange"]


@dataclass(frozen=True)
class DelayChange:
    """How far training moved the delays.

    Parameters
    ----------
    mean : float
        Mean of ``|D - D_initial|`` in steps.
    edges : float array [bins + 1]
        Bin edges in steps.
    before, after : int array [bins]
        Delays per bin.
    """

    mean: float
    edges: NDArray[np.float64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @classmethod
    def between(cls, before: Network, after: Network, bins: int = 10) -> "DelayChange | None":
        """From two networks of one configuration; None if their core has no delays.

        Delays of dormant synapses do not count, and only a synapse that is active in both networks has moved its delay.
        """
        c = before.config
        if c.delays == "none":
            return None
        old, new = before.real("delay"), after.real("delay")
        was, active = (
            net.weight != 0 if c.dormant and c.delays == "synaptic" else np.ones(old.shape, bool)
            for net in (before, after)
        )
        moved = np.abs(new - old)[was & active]
        edges = np.linspace(0, c.max_delay, bins + 1)
        return cls(
            float(moved.mean()) if len(moved) else 0.0,
            edges,
            np.histogram(old[was], edges)[0],
            np.histogram(new[active], edges)[0],
        )

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "mean_steps": self.mean,
            "histogram": {
                "edges": self.edges.tolist(),
                "before": self.before.tolist(),
                "after": self.after.tolist(),
            },
        }

    def lines(self, width: int = 30) -> list[str]:
        """The two histograms as lines of text, bars up to `width` characters long."""
        most = max(self.before.max(), self.after.max())
        lines = [f"{'delay in steps':>15}  {'before':<{width + 5}}  after"]
        for n, (old, new) in enumerate(zip(self.before, self.after, strict=True)):
            bars = [f"{'█' * round(width * count / most)} {count}" for count in (old, new)]
            lines.append(f"{self.edges[n]:6.1f} - {self.edges[n + 1]:6.1f}  {bars[0]:<{width + 5}}  {bars[1]}")
        return lines

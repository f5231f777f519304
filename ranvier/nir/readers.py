"""Who can load an exported graph and then spikes as it says: what importers did when they were run (docs/nir.md)."""

from collections.abc import Iterator
from typing import Any

__all__ = ["readers"]

#: Seconds per step that snnTorch's importer takes for granted.
SNNTORCH_DT = 1e-4


def readers(graph: Any, *, dt: float, integration: str, reset: str, recurrent: bool) -> dict[str, str]:
    """Simulators that read NIR, each with what keeps it from spiking as the graph does, or nothing.

    Parameters
    ----------
    graph : nir.NIRGraph
        As `ranvier.nir.exporter` writes it.
    dt : float
        Seconds per step.
    integration, reset : str
        What the graph's constants and neurons mean.
    recurrent : bool
        Whether neurons hear each other.
    """
    kinds = {type(node).__name__ for node in graph.nodes.values()}
    common = list(_common(kinds, integration, reset))
    snntorch = [f"takes a step of {SNNTORCH_DT:g} s for granted: export with --dt {SNNTORCH_DT:g}"] * (
        dt != SNNTORCH_DT
    )
    snntorch += ["its recurrent neurons lose what arrives after a spike"] * recurrent
    reasons = {"norse": common, "spikingjelly": common, "snntorch": common + snntorch}
    reasons["rockpool"] = ["its neurons have another reset, integration and current of a spike"]
    reasons["sinabs"] = ["it does not load Linear nodes"]
    return {name: "; ".join(each) for name, each in reasons.items()}


def _common(kinds: set[str], integration: str, reset: str) -> Iterator[str]:
    """What Norse, SpikingJelly and snnTorch have in common."""
    if "Delay" in kinds:
        yield "it does not load Delay nodes"
    if "LI" in kinds:
        yield "it does not load LI nodes: export with --readout linear"
    if integration != "euler":
        yield "it integrates with euler: export with --integration euler"
    if reset != "zero":
        yield "it resets to zero"

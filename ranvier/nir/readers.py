"""Which simulators load an exported graph and reproduce its spikes: results with actual importers (docs/nir.md)."""

from collections.abc import Iterator
from typing import Any

__all__ = ["readers"]

#: Seconds per step that snnTorch's importer assumes.
SNNTORCH_DT = 1e-4


def readers(graph: Any, *, dt: float, integration: str, reset: str, recurrent: bool) -> dict[str, str]:
    """Simulators that read NIR, each with what prevents it from reproducing the graph's spikes, or nothing.

    Parameters
    ----------
    graph : nir.NIRGraph
        As `ranvier.nir.exporter` writes it.
    dt : float
        Seconds per step.
    integration, reset : str
        Integration and reset that the graph assumes.
    recurrent : bool
        Whether neurons are connected to each other.
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
    """Conventions common to Norse, SpikingJelly and snnTorch."""
    if "Delay" in kinds:
        yield "it does not load Delay nodes"
    if "LI" in kinds:
        yield "it does not load LI nodes: export with --readout linear"
    if integration != "euler":
        yield "it integrates with euler: export with --integration euler"
    if reset != "zero":
        yield "it resets to zero"

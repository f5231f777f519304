"""Export of a network as a NIR graph that other simulators run, and that is imported as the same network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ranvier.errors import shown
from ranvier.extras import extra
from ranvier.nir.dialects import Integration
from ranvier.nir.graph import NirError, chosen, seconds
from ranvier.nir.importer import INTEGRATIONS, METADATA
from ranvier.nir.readers import readers
from ranvier.parameters.float_network import FloatNetwork, whole_steps
from ranvier.parameters.network import Network
from ranvier.parameters.qformat import Real
from ranvier.parameters.scalars import is_flag

__all__ = ["Exported", "Readout", "export_graph"]

Readout = Literal["li", "linear"]


@dataclass(frozen=True)
class Exported:
    """Result of an export.

    Parameters
    ----------
    graph : nir.NIRGraph
        From ``input`` through ``neurons`` to ``output``.
    values : dict
        Nodes, edges, options as plain values; `readers`: simulators, and what prevents each from reproducing the spikes.
    notes : list of str
        In words, every difference from the network.
    """

    graph: Any
    values: dict[str, Any]
    notes: list[str]

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {**self.values, "notes": self.notes}

    def lines(self) -> list[str]:
        """Lines for people."""
        return [
            f"{self.values['nodes']} nodes, {self.values['edges']} edges; dt {self.values['dt']:g} s, "
            f"integration {self.values['integration']}",
            *(
                f"{name} {'spikes as it says' if not why else 'does not: ' + why}"
                for name, why in self.values["readers"].items()
            ),
            *(f"note: {note}" for note in self.notes),
        ]


def export_graph(
    network: FloatNetwork | Network,
    *,
    dt: float,
    integration: Integration = "euler",
    fractions: bool = False,
    readout: Readout = "li",
    classes: Sequence[str] = (),
) -> Exported:
    """Turn a network into a graph, the inverse of `ranvier.nir.importer.import_graph`.

    Neurons become one LIF, or CubaLIF if their current decays, the readout a Linear and a LI (no LI if kappa is 0). A step
    of integration multiplies its input by ``1 - decay``; weights onto LIF and LI are divided by that, so that r is 1, since
    some readers ignore r. Those of CubaLIF require ``r = 1 / (1 - alpha)`` and ``w_in = 1 / (1 - beta)``. The core
    delivers a spike of step t on step ``t + 1 + D``, so D becomes a delay of ``(D + 1) dt``: one Delay node per unit
    before the weights if axonal, one branch of Delay and Linear for every delay that occurs if synaptic. Without delays
    there is no Delay node: the graph's spikes then come a step earlier than the core's.

    Parameters
    ----------
    network : FloatNetwork or Network
        What to export. Synapses of weight 0 and neurons' synapses onto themselves are left out, and so are their delays.
    dt : float
        Seconds per step.
    integration : {"euler", "exp"}
        How a simulator will convert time constants to decays.
    fractions : bool
        Keep fractions of delays, which the forward pass rounds away; a synaptic network then gets a branch for each of them.
    readout : {"li", "linear"}
        Linear leaves out the LI, which few simulators load: the reader of the graph then integrates its output.
    classes : sequence of str, optional
        What the outputs stand for, kept in the metadata.

    Raises
    ------
    NirError
        If this is not a network, dt is not positive, a decay of 0 has no time constant, or an option is unknown.
    """
    for name, value, choices in (("integration", integration, INTEGRATIONS), ("readout", readout, get_args(Readout))):
        chosen(name, value, choices)
    if not is_flag(fractions):
        raise NirError(f"fractions={shown(fractions)} is neither True nor False")
    if not isinstance(network, FloatNetwork | Network):
        raise NirError(f"{shown(network)} is not a network: give a Network or a FloatNetwork")
    net = network if isinstance(network, FloatNetwork) else FloatNetwork.of(network)
    return _Export(net, seconds(dt), integration, bool(fractions), readout, tuple(classes)).run()


@dataclass
class _Export:
    network: FloatNetwork
    dt: float
    integration: Integration
    fractions: bool
    readout: Readout
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        self.nir = extra("nir", "nir")
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def run(self) -> Exported:
        net, c, nir = self.network, self.network.config, self.nir
        self.nodes["input"] = nir.Input(input_type=np.array([c.inputs]))
        self.nodes["neurons"] = self._neurons()
        self._project("input", slice(0, c.inputs))
        if c.recurrent:
            self._project("neurons", slice(c.inputs, None))
        integrates = bool(net.kappa) and self.readout == "li"
        weight = net.readout.T / (1 - net.kappa) if integrates else net.readout.T.copy()
        self._chain("neurons", "readout_weight", nir.Linear(weight=weight))
        last = "readout_weight"
        if integrates:
            one, zero = np.ones(c.outputs), np.zeros(c.outputs)
            self._chain(last, "readout", nir.LI(tau=self._tau("kappa", c.outputs), r=one, v_leak=zero))
            last = "readout"
        self._chain(last, "output", nir.Output(output_type=np.array([c.outputs])))
        said: dict[str, Any] = {"config": c.to_toml(), "dt": self.dt, "integration": self.integration, "lag": net.lag}
        if net.kappa and not integrates:
            said["kappa"] = net.kappa
        if self.classes:
            said["classes"] = json.dumps(self.classes)
        metadata = {METADATA[name]: value for name, value in said.items()}
        graph = nir.NIRGraph(self.nodes, self.edges, metadata=metadata, type_check=False)
        self._remark()
        sizes = {"nodes": len(self.nodes), "edges": len(self.edges)}
        who = readers(graph, dt=self.dt, integration=self.integration, reset=c.reset, recurrent=c.recurrent)
        values = {"dt": self.dt, "integration": self.integration, "readout": self.readout, "readers": who, **sizes}
        return Exported(graph, values, self.notes)

    def _chain(self, before: str, name: str, node: Any) -> None:
        self.nodes[name] = node
        self.edges.append((before, name))

    def _tau(self, symbol: str, size: int) -> Real:
        decay = getattr(self.network, symbol)
        if self.integration == INTEGRATIONS[0]:
            return np.full(size, self.dt / (1 - decay))
        if not decay:
            raise NirError(f"{symbol}=0 is the decay of no time constant under integration exp: take integration euler")
        return np.full(size, -self.dt / np.log(decay))

    def _neurons(self) -> Any:
        net, size = self.network, self.network.config.neurons
        zero, theta = np.zeros(size), np.full(size, net.config.threshold)
        gain, tau = np.full(size, 1 / (1 - net.alpha)), self._tau("alpha", size)
        if not net.beta:
            return self.nir.LIF(tau=tau, r=np.ones(size), v_leak=zero, v_threshold=theta, v_reset=zero)
        return self.nir.CubaLIF(
            tau_syn=self._tau("beta", size),
            tau_mem=tau,
            r=gain,
            v_leak=zero,
            v_threshold=theta,
            v_reset=zero,
            w_in=np.full(size, 1 / (1 - net.beta)),
        )

    def _project(self, source: str, rows: slice) -> None:
        """Synapses from one source to the neurons."""
        nir, c = self.nir, self.network.config
        weight, delay = self.network.weight[rows].copy(), self._delay()[rows]
        if not self.network.beta:
            weight /= 1 - self.network.alpha
        if source == "neurons":
            np.fill_diagonal(weight, 0)
        branches: dict[str, tuple[Real | None, Real]]
        if c.delays == "none":
            branches = {f"{source}_weight": (None, weight)}
        elif c.delays == "axonal":
            branches = {f"{source}_weight": (delay[:, 0], weight)}
        else:
            used = np.unique(delay[weight != 0]) if weight.any() else np.zeros(1)
            branches = {
                f"{source}_weight_{n}": (np.full(len(weight), d), np.where(delay == d, weight, 0))
                for n, d in enumerate(used)
            }
        for name, (steps, part) in branches.items():
            before = source
            if steps is not None:
                before = name.replace("weight", "delay")
                self._chain(source, before, nir.Delay(delay=(steps + 1) * self.dt))
            self._chain(before, name, nir.Linear(weight=part.T.copy()))
            self.edges.append((name, "neurons"))

    def _delay(self) -> Real:
        """Delays in steps [rows, neurons] or [rows, 1]."""
        if not self.network.delay.size or self.fractions:
            return self.network.delay
        return whole_steps(self.network.delay).astype(np.float64)

    def _remark(self) -> None:
        net, c = self.network, self.network.config
        if c.delays == "none":
            self.notes.append("without delays the spikes of the graph come one step earlier than those of the core")
        elif worst := float(np.abs(self._delay() - net.delay).max()):
            self.notes.append(
                f"delays were rounded to steps, by up to {worst:.3f}, as the core does when it runs; --fractions keeps them"
            )
        if net.kappa and self.readout == "linear":
            self.notes.append(
                f"the readout is not integrated in the graph: what reads it computes y[t] = {net.kappa:g} y[t-1] + output"
            )
        if c.reset != "zero":
            self.notes.append(
                "NIR has no reset that subtracts the threshold: only the metadata says so, other simulators must be told"
            )
        if net.lag:
            self.notes.append(f"the network answers {net.lag} steps late: extend samples by as many silent steps")

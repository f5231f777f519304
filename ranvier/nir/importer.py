"""Import of a NIR graph as a network for the core: time becomes steps, constants become weights, changes are reported."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import shown
from ranvier.nir.dialects import (
    DIALECTS,
    SAME_STEP,
    SPIKES,
    Dialect,
    Integration,
    Spike,
    chosen_step,
    rockpool_steps,
)
from ranvier.nir.graph import LEAKY, REFUSED, SPIKING, Circuit, NirError, Projection, chosen, numbers, seconds
from ranvier.nir.lags import Unending, lags
from ranvier.nir.sums import reach_exactly
from ranvier.parameters.config import CHOICES, LIMITS, WIDEST, ConfigError, CoreConfig, Delays, Reset, spelled
from ranvier.parameters.float_network import FloatNetwork, whole_steps
from ranvier.parameters.network import MOST_LAG
from ranvier.parameters.scalars import is_flag, is_whole

__all__ = ["INTEGRATIONS", "METADATA", "Imported", "import_graph"]

Real = NDArray[np.float64]
Index = NDArray[np.int64]

INTEGRATIONS: tuple[Integration, ...] = get_args(Integration)

#: What `ranvier.nir.exporter` writes into the metadata of a graph: the configuration, and how its constants were made.
METADATA = {
    "config": "ranvier_config",
    "dt": "ranvier_dt",
    "integration": "ranvier_integration",
    "lag": "ranvier_lag",
    "kappa": "ranvier_kappa",
    "classes": "ranvier_classes",
}

#: Larger weights, in thresholds, mean that a unit was mistaken for another; if all weights are below the smaller value, no
#: format of a core holds any of them.
LARGEST, LEAST = 1e30, 2.0**-WIDEST

#: Interpretations that differ this much are reported: by a factor of a spike's effect, or at a decay this small.
FAR, SMALL = 2.0, 0.05

#: Decays, and factors of weights, that differ by less are equal up to the rounding of their file.
SAME_DECAY, SAME_FACTOR = 1e-6, 1e-12

#: Error of a gain that cancels ``1 - decay`` in single precision; how far a given step may differ from that encoded in r.
SAME_GAIN, NEAR_STEP = 1e-3, 1e-3

#: LSBs of a format by which a weight may be off after a gain was folded into it and removed again.
SAME_WEIGHT = 1e-6

#: Delays in steps are kept on this grid if they are that near to it: the finest that a core can have.
GRID, NEAR = 1 << LIMITS["delay_fraction"][1], 1e-6

APPROXIMATE = "or take the nearest thing that the core has, with --approximate"


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Parameters
    ----------
    network : FloatNetwork
        For the core; its neurons are the populations of the graph, one after the other.
    values : dict
        Everything that was chosen, folded, rounded or clipped, as plain values.
    notes : list of str
        In words, every difference from the graph.
    classes : tuple of str
        Names of the outputs; empty if the graph does not contain them.
    """

    network: FloatNetwork
    values: dict[str, Any]
    notes: list[str]
    classes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {**self.values, "notes": self.notes}

    def lines(self) -> list[str]:
        """Lines for people."""
        v, c = self.values, self.network.config
        shape = f"{c.inputs} inputs, {c.neurons} {'recurrent ' if c.recurrent else ''}neurons, {c.outputs} outputs"
        delays = "no delays" if c.delays == "none" else f"{c.delays} delays up to {c.max_delay} steps"
        low, high = v["weight_factor"]
        return [
            f"{shape}, {delays}, reset {c.reset}",
            f"dt {v['dt']:g} s, integration {v['integration']}: "
            + ", ".join(f"{name} {getattr(self.network, name):.6f}" for name in ("alpha", "beta", "kappa")),
            *(f"{name}: neurons {first} to {last}" for name, (first, last) in v["populations"].items()),
            f"{v['synapses']} synapses, weights times {low:.6g}" + (f" to {high:.6g}" if high != low else ""),
            *(
                [f"samples are extended by {v['lag']} steps automatically: the network responds that much later"]
                if v["lag"]
                else []
            ),
            *(f"note: {note}" for note in self.notes),
        ]


def import_graph(
    graph: Any,
    *,
    dt: float | None = None,
    integration: Integration | None = None,
    reset: Reset | None = None,
    spike: Spike | None = None,
    dialect: str | None = None,
    max_delay: int | None = None,
    approximate: bool = False,
) -> Imported:
    """Turn a graph into a network in real numbers.

    Without a dialect a node has the equation of its docstring in ``nir``, discretised as follows, with S the sum of
    weights of a step's spikes, and ``a(tau) = 1 - dt / tau`` (euler, as snnTorch and others write it) or
    ``exp(-dt / tau)`` (exp). A dialect is what one simulator computes: `ranvier.nir.dialects`::

        I[t] = a(tau_syn) I[t-1] + (1 - a(tau_syn)) w_in S[t]            I[t] = S[t] without tau_syn
        v[t] = v_leak + a(tau) (v[t-1] - v_leak) + (1 - a(tau)) r I[t]   z[t] = v[t] above v_threshold, then v[t] = v_reset

    All factors of S are folded into the weights, so that the core's threshold is the configuration's. A delay follows its
    equation, ``y(t) = x(t - delay)``; the core's synapse takes a step, so a delay of n steps becomes D = n - 1. If a path
    from the input has no delay, D = n instead, and every spike of the population comes one step later than in the graph. A
    population's loop onto itself takes at least one step, as in every simulator that computes step by step.

    Parameters
    ----------
    graph : nir.NIRGraph
        What to import. It is not changed.
    dt : float, optional
        Seconds per step; a graph written by this project contains it, and a dialect has a default.
    integration : {"euler", "exp"}, optional
        How time constants are converted to decays; default euler, or that of dialect or graph.
    reset : {"zero", "soft", "soft now"}, optional
        What a spike does to the membrane potential. NIR only has a reset to v_reset, so soft ones (which subtract the
        threshold) must be given; default zero, or that of dialect or graph.
    spike : {"step", "jump"}, optional
        Effect of a spike on the first variable that it reaches, a current or else a membrane: a current of 1 that lasts one
        step, or a jump by the weight. Default step, or that of the dialect.
    dialect : {"snntorch", "norse", "rockpool", "sinabs", "spikingjelly"}, optional
        Simulator that wrote the graph. Sets all of the above that are not given. A graph written by this project contains
        these settings and is refused with a dialect.
    max_delay : int, optional
        Largest delay in steps, 1 to 1022; longer ones are clipped. The default is large enough for all of them.
    approximate : bool
        Replace what the core does not support by the nearest equivalent: time constants that differ by their mean, the two
        poles of a CubaLI by one, synapses of neurons onto themselves by nothing.

    Raises
    ------
    NirError
        If the core cannot do what the graph does, or it is no graph.
    ConfigError, NetworkError
        If no core is that large, or its formats do not hold the values.
    """
    if dialect is not None:
        chosen("dialect", dialect, DIALECTS)
    if not is_flag(approximate):
        raise NirError(f"approximate={shown(approximate)} is neither True nor False")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # what that makes is refused by name
        return _Import(Circuit(graph), dt, integration, reset, spike, dialect, max_delay, approximate).run()


class _Synapses(NamedTuple):
    """All synapses onto neurons [synapses]: row of the presynaptic unit, neuron, weight, delay in steps of the core."""

    row: Index
    neuron: Index
    weight: Real
    delay: Real

    def part(self, chosen: Any) -> "_Synapses":
        return _Synapses(*(values[chosen] for values in self))

    @property
    def arrival(self) -> Index:
        return whole_steps(self.delay)


@dataclass
class _Import:
    circuit: Circuit
    dt: Any
    integration: Any
    reset: Any
    spike: Any
    dialect: str | None
    max_delay: int | None
    approximate: bool
    values: dict[str, Any] = field(init=False, default_factory=dict)
    notes: list[str] = field(init=False, default_factory=list)

    def run(self) -> Imported:
        self._settings()
        self._split()
        self.kappa, readout = self._readout()
        self.alpha, self.beta, factor = self._neurons()
        synapses = self._synapses(factor)
        synapses, copies = self._rows(self._clip(self._no_loops(synapses)))
        network = self._network(synapses, copies, readout)
        self._readings(network)
        self.values |= {name: getattr(network, name) for name in ("alpha", "beta", "kappa")}
        return Imported(network, self.values, self.notes, self._classes(network.config.outputs))

    def _note(self, line: str, **values: Any) -> None:
        self.values |= values
        self.notes.append(line)

    def _settings(self) -> None:
        """Options, or what the graph contains, or what its dialect assumes, or defaults."""
        said = self._said()
        if self.dialect and (self.base or said["dt"] is not None):
            raise NirError(
                f"this program wrote the graph and left in it how it is read, which is not as {self.dialect} reads: "
                "leave out --from"
            )
        self.habits = habits = DIALECTS[self.dialect] if self.dialect else Dialect()
        self.dt_asked = self.dt is not None
        self.guessed = not (self.base or self.dialect)  # whether there is anything to tell about readings
        self.dt = self._step(said["dt"], habits)
        for name, choices in (("integration", INTEGRATIONS), ("reset", CHOICES["reset"]), ("spike", (None, *SPIKES))):
            value = spelled(name, getattr(self, name)) if name == "reset" else getattr(self, name)
            if value is None:
                value = said.get(name) if said.get(name) is not None else getattr(habits, name, None)
            if not (value is None and None in choices):
                chosen(name, value, (c for c in choices if c))
            asked = getattr(self, name) is not None
            setattr(self, name, value)
            if name == "integration":
                self.integration_asked = asked
            if name == "reset" and self.guessed and not asked:
                self._note(
                    "a spike resets the membrane potential to v_reset, as NIR has it; many exporters (snnTorch by default) "
                    "mean to subtract the threshold: name the simulator that wrote it with --from, or give --reset soft or "
                    "soft-now"
                )
            if name == "reset" and self.guessed and asked and value == "soft":
                self._note(
                    "a spike subtracts the threshold after the leak, as in snnTorch by default; Rockpool, sinabs and "
                    "snnTorch with reset_delay=False subtract it before the leak: that is --reset soft-now"
                )
        self.synapse, self.membrane = self.spike or habits.synapse, habits.membrane
        self.fires_at = habits.at or bool(self.base)
        self.values |= {"dt": self.dt, "integration": self.integration, "reset": self.reset}
        self.values |= {"dialect": self.dialect, "spike": self.synapse}
        for name in ("dt", "integration", "reset", "spike"):
            if (meant := said.get(name)) is not None and (value := getattr(self, name)) not in (meant, None):
                self._note(
                    f"the graph contains {name}={shown(meant, str)} but {name}={shown(value, str)} was given: the "
                    "network is not the one that was exported"
                )
        if not (self.max_delay is None or (is_whole(self.max_delay) and 1 <= self.max_delay <= LIMITS["max_delay"][1])):
            raise NirError(
                f"max_delay={shown(self.max_delay)} is out of range: give a whole number from 1 to "
                f"{LIMITS['max_delay'][1]} steps"
            )
        self.notes += habits.remarks

    def _said(self) -> dict[str, Any]:
        """Settings in a graph written by this project; nothing for others."""
        metadata = getattr(self.circuit.graph, "metadata", None)
        metadata = metadata if isinstance(metadata, dict) else {}
        said = {name: _plain(metadata.get(key)) for name, key in METADATA.items()}
        self.base = None
        if said["config"] is not None:
            try:
                self.base = CoreConfig.from_toml(str(said["config"]))
            except (ConfigError, RecursionError, ValueError) as error:
                cause = " ".join(str(error).split())[:300]
                raise NirError(f"metadata {METADATA['config']} of the graph: {cause}") from None
        self.lag = said["lag"] if self.base else None
        if not (self.lag is None or (is_whole(self.lag) and 0 <= self.lag <= MOST_LAG)):
            raise NirError(
                f"metadata {METADATA['lag']}={shown(self.lag)} of the graph is not a number of steps: remove it"
            )
        self.said_classes = said["classes"] if self.base else None
        self.said_kappa = said["kappa"] if self.base else None
        if not (self.said_kappa is None or (isinstance(self.said_kappa, float) and 0 <= self.said_kappa < 1)):
            raise NirError(
                f"metadata {METADATA['kappa']}={shown(self.said_kappa)} of the graph is not a decay: remove it"
            )
        self.said = said | {"reset": self.base.reset if self.base else None, "spike": "step" if self.base else None}
        return self.said

    def _classes(self, outputs: int) -> tuple[str, ...]:
        """Names of the outputs in a graph written by this project."""
        if self.said_classes is None:
            return ()
        with suppress(ValueError, TypeError, RecursionError):
            names = json.loads(self.said_classes)
            if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) == outputs:
                return tuple(names)
        raise NirError(
            f"metadata {METADATA['classes']} of the graph is not a list of {outputs} different names: remove it"
        )

    def _step(self, said: Any, habits: Dialect) -> float:
        """Seconds per step."""
        dt = said if self.dt is None else seconds(self.dt)
        meant = self._rockpool_step() if self.dialect == "rockpool" else None
        if dt is None and self.dialect:
            dt = meant or (self._norse_step(habits.dt) if self.dialect == "norse" else habits.dt)
            self.notes.append(f"dt is {dt:g} s, as {self.dialect} has it; --dt gives another")
        if dt is None:
            raise NirError(
                "the graph does not contain the length of a step: give --dt SECONDS, or the simulator that wrote it with "
                "--from (snnTorch assumes 1e-4)"
            )
        if meant and abs(float(dt) / meant - 1) > NEAR_STEP:
            raise NirError(
                f"dt={dt:g} s is not the step that the graph was written for: r = tau exp(-dt/tau) / dt says {meant:g} s: "
                "leave out --dt"
            )
        return seconds(dt)

    def _constants(self, kinds: Sequence[str] = SPIKING) -> Iterator[tuple[str, Real]]:
        """Membrane time constants of the populations, or also of nodes of other kinds."""
        for name in self.circuit.sizes:
            if (kind := self.circuit.kinds[name]) in kinds:
                yield name, self.circuit.parameter(name, "tau_mem" if kind.startswith("Cuba") else "tau")

    def _rockpool_step(self) -> float | None:
        """The step encoded in r, the same for all; none where time constants are wrong, which is reported later."""
        found: dict[str, float] = {}
        for name, tau in self._constants(SPIKING + LEAKY):
            if not ((tau > 0) & (tau < np.inf)).all():
                return None
            r = self.circuit.parameter(name, "r")
            steps = rockpool_steps(tau, r)
            step = float(np.median(steps))
            if (r == 1).all() and self.dt_asked:
                self.notes.append(f"{name}: r=1 is not a gain of Rockpool and encodes no step: the given dt is used")
                continue
            one = bool((np.abs(steps / step - 1) < SAME_STEP).all())  # NaN is none
            if not one or (r == 1).all() or (chosen_step(steps) is None and chosen_step(tau / r, 3) is not None):
                raise NirError(
                    f"{name}: r={_widest(r):g} is not a gain of Rockpool, which is tau exp(-dt/tau) / dt for one dt: "
                    "which simulator wrote the graph? (to read its neurons directly: --dt SECONDS --integration exp "
                    "--reset soft-now)"
                )
            found[name] = chosen_step(steps) or step
        if not found:
            return None
        low, high = (pick(found, key=found.__getitem__) for pick in (min, max))
        if found[high] / found[low] - 1 > SAME_STEP:
            raise NirError(
                f"{low}: r encodes a step of {found[low]:g} s, that of {high} one of {found[high]:g} s: the core has one "
                "dt, give all modules of Rockpool the same"
            )
        return found[low]

    def _norse_step(self, default: Any) -> Any:
        """Undo Norse's exporter, which multiplies time constants by its dt."""
        longest = max((float(tau.max()) for _, tau in self._constants()), default=np.inf)
        if longest >= default:
            return default
        self.notes.append(
            f"time constants up to {longest:g} s are shorter than a step: Norse's to_nir writes them times its dt of "
            f"{default:g} s, so that they are read in steps of {default * default:g} s"
        )
        return default * default

    def _split(self) -> None:
        """Find the projections onto neurons and onto the readout, and where each population begins."""
        c = self.circuit
        to_output = [p for p in c.projections if p.target == c.output]
        sources = {p.source for p in to_output}
        leaky = [name for name in c.sizes if c.kinds[name] in LEAKY]
        for name in leaky:
            if sources != {name}:
                raise NirError(
                    f"{name} is a node of kind {c.kinds[name]} but not the only one before {c.output}: the core has one "
                    "readout, which integrates the spikes of its neurons"
                )
        if any(p.source in leaky and p.target != c.output for p in c.projections):
            raise NirError(
                f"{leaky[0]} sends what it integrates to neurons but those of the core receive only spikes: remove it"
            )
        if leaky and not all(_is_identity(p, c.sizes[p.source]) for p in to_output):
            raise NirError(f"{leaky[0]} is weighed or delayed before {c.output}: do that before {leaky[0]}")
        self.readout = leaky[0] if leaky else c.output
        self.to_readout = [p for p in c.projections if p.target == self.readout]
        self.to_neurons = [p for p in c.projections if c.kinds[p.target] in SPIKING]
        if not self.to_readout:
            raise NirError(f"{c.output} receives nothing from {c.input}: connect it")
        if any(p.source == c.input for p in self.to_readout):
            raise NirError(
                f"{self.readout} receives {c.input} without a neuron in between: the core's readout receives neurons only"
            )
        self.first, end = {}, 0
        for name in c.populations():
            self.first[name], end = end, end + c.sizes[name]
        self.neurons = end
        self.values["populations"] = {n: [first, first + c.sizes[n] - 1] for n, first in self.first.items()}
        if len(self.first) > 1:
            self._note(
                f"{' and '.join(self.first)} became one recurrent population of {end} neurons, which holds {end}^2 synapses"
            )

    # ---------------------------------------------------------------- constants

    def _decay(self, name: str, parameter: str) -> Real:
        return self._decay_of(name, parameter, self.circuit.parameter(name, parameter))

    def _decay_of(self, name: str, parameter: str, tau: Real) -> Real:
        if np.isinf(tau).any():
            kind = "I" if self.circuit.kinds[name] in LEAKY else "IF"
            raise NirError(f"{name}: {parameter}=inf s does not leak, it is a node of kind {kind}: {REFUSED[kind]}")
        if not (tau > 0).all():
            raise NirError(f"{name}: {parameter}={tau.min():g} s is not a time constant: give a positive one")
        with np.errstate(over="ignore"):
            decay = 1 - self.dt / tau if self.integration == "euler" else np.exp(-self.dt / tau)
        if decay.min() < -SAME_DECAY:
            raise NirError(
                f"{name}: {parameter}={tau.min():g} s is shorter than dt={self.dt:g} s: take a smaller dt, "
                f"at most {tau.min():g} s, or integration exp (or are its units not seconds?)"
            )
        if decay.max() >= 1:
            raise NirError(
                f"{name}: {parameter}={tau.max():g} s does not leak within a step of {self.dt:g} s: take a larger dt, "
                f"or a time constant of at most {self.dt * 1e15:g} s"
            )
        return np.maximum(decay, 0)

    def _one(self, symbol: str, what: str, decays: Real) -> float:
        """The single decay of the core."""
        mean, worst = float(decays.mean()), float(np.ptp(decays))
        if worst <= SAME_DECAY:
            return mean
        if not self.approximate:
            raise NirError(
                f"{what}: decays per step run from {decays.min():.6f} to {decays.max():.6f} but the core has one {symbol}: "
                f"give all the same time constant, {APPROXIMATE}"
            )
        worst = float(np.abs(decays - mean).max())
        self._note(f"{symbol} is the mean of what {what} ask for, off by up to {worst:.6f}", **{f"{symbol}_off": worst})
        return mean

    def _neurons(self) -> tuple[float, float, Real]:
        """alpha, beta, and the factors of the weights onto each neuron [neurons]."""
        c, theta = self.circuit, self.base.threshold if self.base else 1.0
        alphas, betas, gains = [], [], []
        for name in self.first:
            cuba = c.kinds[name] == "CubaLIF"
            alphas.append(self._decay(name, "tau_mem" if cuba else "tau"))
            betas.append(self._decay(name, "tau_syn") if cuba else np.zeros(c.sizes[name]))
            gain = self._gain(name, "w_in", betas[-1]) if cuba else np.ones(c.sizes[name])
            if self._integrates_r(cuba):
                gain = gain * self._gain(name, "r", alphas[-1])
            gains.append(gain * (theta / self._threshold(name)))
        names = " and ".join(self.first)
        alpha = self._one("alpha", names, np.concatenate(alphas))
        beta = self._one("beta", names, np.concatenate(betas))
        factor = np.concatenate(gains) * self._worth(alpha, beta)
        for name, first in self.first.items():
            if not np.abs(largest := _widest(factor[first : first + c.sizes[name]])) < LARGEST:
                raise NirError(
                    f"{name}: r, w_in and v_threshold make weights of up to {abs(largest):g} thresholds: "
                    f"{self._extreme(name)}"
                )
        factor[np.abs(factor - 1) < SAME_FACTOR] = 1
        self.values["weight_factor"] = [float(factor.min()), float(factor.max())]
        return alpha, beta, factor

    def _gain(self, name: str, parameter: str, decay: Real) -> Real:
        """A parameter that multiplies all input of a node, with a report of unusual values."""
        values = self.circuit.parameter(name, parameter)
        if not np.isfinite(values).all():
            raise NirError(f"{name}: {parameter}={_widest(values):g}: give finite values")
        if not values.any():
            raise NirError(f"{name}: {parameter}=0 makes every weight onto it 0: give it a gain")
        if silent := int((values == 0).sum()):
            self._note(f"{name}: {parameter}=0 makes every weight onto {silent} of its {values.size} units 0")
        habits, gains = {"undone": (1 - decay) * values, "one": values}, self.habits.gains
        if parameter == "w_in" and self.membrane == "one":  # r alone is no gain
            gains = ("one",)
        if gains and not any(np.allclose(habits[gain], 1, SAME_GAIN, 0) for gain in gains):
            odd = values[np.argmax(np.abs(habits[gains[0]] - 1))]
            should = " or ".join({"undone": "tau / dt", "one": "1"}[gain] for gain in gains)
            rise = (habits["one"] if parameter == "w_in" and self.synapse != "step" else habits["undone"]).max()
            text = (
                f"{name}: {parameter}={odd:g} is not what {self.dialect} writes, {should}: weights are multiplied by "
                f"{rise:.3g}"
            )
            tau = self.dt / (1 - decay)
            if "undone" in gains and (other := chosen_step(tau / values)):
                text += (
                    f"; {parameter} implies a step of {other:g} s, not {self.dt:g} s: give --dt {other:g} if that is "
                    "intended"
                )
            self._note(text, odd_gains=True)
        return values

    def _extreme(self, name: str) -> str:
        """The parameter of a node, or of its sources, that makes its weights this large or small."""
        c, found = self.circuit, {}
        before = [name]
        for after in before:  # grows while it is walked
            fields = ("weight", "scale") if after != name else ("r", "w_in", "v_threshold")
            for parameter in fields:
                if getattr(c.nodes[after], parameter, None) is not None:
                    values = numbers(getattr(c.nodes[after], parameter), f"{after}: {parameter}")
                    largest = float(np.abs(values).max(initial=0))
                    found[f"{after}: {parameter}={largest:g}"] = abs(np.log(max(largest, 1e-320)))
            heard = [b for b, a in c.edges if a == after and c.kinds[b] not in SPIKING and b not in before]
            before += heard
        return f"look at {max(found, key=found.__getitem__, default='what leads to it')}"

    def _check_weights(self, name: str, weights: Iterable[Real], source: str = "what is before it") -> None:
        """Refuse weights onto a node, in thresholds, that no core could hold."""
        every = np.concatenate([np.zeros(0), *(np.abs(each) for each in weights)])
        largest = float(every.max(initial=0))
        if not (every < LARGEST).all():
            raise NirError(f"{name} is reached by weights of up to {largest:g} thresholds: {self._extreme(name)}")
        if not self.base and largest < LEAST:
            said = f"of {largest:g} thresholds at most, which no core holds" if largest else "of 0 only"
            raise NirError(f"{name} is reached by weights {said}, from {source}: {self._extreme(name)}")

    def _integrates_r(self, cuba: bool) -> bool:
        """Whether r scales what the membrane of a CubaLIF, or of a LIF, integrates."""
        return self.membrane == "r" if cuba or self.spike is None else self.spike == "step"

    def _worth(self, alpha: float, beta: float) -> Real:
        """What one spike of weight 1 adds to v, for r and w_in of 1 [neurons]."""
        current = {"step": 1 - beta, "jump": 1.0, "leaked": beta}[self.synapse]
        each = []
        for name in self.first:
            cuba = self.circuit.kinds[name] == "CubaLIF"
            membrane = 1 - alpha if self._integrates_r(cuba) else 1.0
            each.append(np.full(self.circuit.sizes[name], membrane * (current if cuba else 1.0)))
        return np.concatenate(each)

    def _threshold(self, name: str) -> Real:
        """Threshold of a population above its rest [neurons]."""
        rest, level, to = (self.circuit.parameter(name, p) for p in ("v_leak", "v_threshold", "v_reset"))
        for parameter, values in (("v_leak", rest), ("v_threshold", level), ("v_reset", to)):
            if not np.isfinite(values).all():
                raise NirError(f"{name}: {parameter}={_widest(values):g}: give finite values")
        if self.reset != "zero" and (rest.any() or to.any()):
            raise NirError(
                f"{name}: v_leak={_widest(rest):g} and v_reset={_widest(to):g} mean nothing when a spike subtracts the "
                "threshold: set both to 0, or take --reset zero"
            )
        if not np.allclose(rest, to):
            raise NirError(
                f"{name}: v_reset={_widest(to):g} is not v_leak={_widest(rest):g} but the core resets to its rest: "
                "make them equal"
            )
        if (level <= rest).any():
            raise NirError(
                f"{name}: v_threshold={level.min():g} is not above v_leak={_widest(rest):g}: the neuron would never rest"
            )
        if rest.any():
            self._note(
                f"{name} is measured from its v_leak of {_widest(rest):g} and starts there, not at 0", shifted=True
            )
        return level - rest

    def _readout(self) -> tuple[float, Real]:
        """kappa, and the factors of the weights onto each output [outputs]."""
        name, kind = self.readout, self.circuit.kinds[self.readout]
        size = self.circuit.sizes[name]
        if kind == "Output" and self.said_kappa is not None:
            kappa = self._kappa(self.said_kappa)
            return kappa, np.full(size, (1 - kappa) / (1 - self.said_kappa))  # as with a LI, whose r is 1
        if kind == "Output":
            self._note(f"{name} is not integrated: kappa is 0, the readout of a step is what its spikes weigh")
            return 0.0, np.ones(size)
        rest = self.circuit.parameter(name, "v_leak")
        if rest.any():
            raise NirError(f"{name}: v_leak={_widest(rest):g} but the core's readout rests at 0: set it to 0")
        decays = self._decay(name, "tau" if kind == "LI" else "tau_mem")
        gain = self._gain(name, "r", decays)
        if kind == "CubaLI":
            fast = self._decay(name, "tau_syn")
            gain = gain * self._gain(name, "w_in", fast)
            decays = self._one_pole(name, decays, fast)
        kappa = self._one("kappa", name, decays)
        # Rockpool's r is no gain, and what arrives leaks on its own step.
        factor = np.full(size, kappa) if self.dialect == "rockpool" else gain * (1 - kappa)
        factor[np.abs(factor - 1) < SAME_FACTOR] = 1
        self.values["readout_factor"] = [float(factor.min()), float(factor.max())]
        return kappa, factor

    def _kappa(self, said: float) -> float:
        """The decay of a readout that an exported graph omits, for this step and integration."""
        dt, integration = self.said["dt"], self.said["integration"]
        if (dt, integration) == (self.dt, self.integration) or not said or dt is None:
            return said
        dt, integration = seconds(dt), chosen("integration", integration, INTEGRATIONS)
        tau = dt / (1 - said) if integration == "euler" else -dt / np.log(said)
        return float(self._decay_of(self.readout, "the time constant that the graph gives it", np.array([tau]))[0])

    def _one_pole(self, name: str, slow: Real, fast: Real) -> Real:
        """One decay for two in a row: the same area and the same mean delay ``a / (1 - a)``."""
        if fast.max() <= SAME_DECAY:
            return slow
        if not self.approximate:
            raise NirError(
                f"{name} filters its current with tau_syn but the core's readout does not: use a LI, {APPROXIMATE}"
            )
        delay = slow / (1 - slow) + fast / (1 - fast)
        self._note(
            f"{name}: one decay instead of two, with the same mean delay of {delay.max():.2f} steps",
            readout_delay_steps=float(delay.max()),
        )
        return delay / (1 + delay)

    def _readings(self, network: FloatNetwork) -> None:
        """Report the interpretation where simulators do not agree on it."""
        c = self.circuit
        cuba = any(c.kinds[name] == "CubaLIF" for name in self.first)
        gain = self.values["weight_factor"]
        if self.guessed and self.spike is None and not 1 / FAR <= min(gain) <= max(gain) <= FAR:
            other = 1 / (1 - self.beta) if cuba else 1 / (1 - self.alpha)
            self._note(
                f"a spike is read as a current of 1 that lasts one step, so that weights are multiplied by {gain[0]:.3g}: "
                f"where it makes the {'current' if cuba else 'potential'} jump by the weight "
                f"({'as in Norse and Rockpool' if cuba else 'as in Rockpool'}), they are worth {other:.3g} times as much: "
                "name the simulator that wrote it with --from, or give --spike jump",
                spike_gain=max(gain, key=lambda factor: abs(np.log(abs(factor) or 1e-300))),
            )
        small = {"alpha": self.alpha} | ({"beta": self.beta} if cuba else {})
        small |= {} if c.kinds[self.readout] == "Output" else {"kappa": self.kappa}
        for name, decay in small.items():
            if self.habits.gains == ("one",) and decay < SMALL and not self.dt_asked:  # nothing else in it says dt
                self._note(
                    f"{name} is {decay:.3g}: time constants are that short in steps of {self.dt:g} s, which {self.dialect} "
                    "counts in: are they in another unit? Give --dt"
                )
            if self.guessed and decay < SMALL and not self.integration_asked:
                other = {"euler": np.exp(decay - 1), "exp": 1 + np.log(max(decay, 1e-300))}[self.integration]
                self._note(
                    f"{name} is {decay:.3g}, read with integration {self.integration}: time constants near a step are "
                    f"interpreted differently elsewhere ({other:.3g} with integration exp): give --integration or --from"
                )
        if not self.fires_at and (exact := reach_exactly(network.weight, network.config.threshold)):
            self._note(
                f"weights onto {exact} neurons can add up to the threshold exactly: the core fires at it, "
                f"{'as Rockpool, sinabs and SpikingJelly do, NIR, snnTorch and Norse' if self.guessed else self.dialect} "
                "only above it: if that matters, lower these weights slightly",
                exactly_at_threshold=exact,
            )

    # ---------------------------------------------------------------- time

    def _steps(self, projection: Projection) -> Real:
        """Delays in steps, on the grid if they are meant to be."""
        steps = projection.delay / self.dt
        grid = np.rint(steps * GRID) / GRID
        return np.where(np.abs(steps - grid) < NEAR, grid, steps)

    def _lags(self) -> dict[str, int]:
        """Steps by which each population spikes later than in the graph: the smallest for which every synapse takes a step.

        A synapse from q to p with a delay of n steps takes ``n + lag_p - lag_q`` on the core. Lags cancel in a loop of one
        population onto itself, which takes a step in every simulator that computes step by step. All inputs of the readout
        must have the same lag.
        """
        ways = (
            (p.source, p.target, 1 - int(whole_steps(self._steps(p).min())))
            for p in self.to_neurons
            if p.source != p.target and p.pre.size
        )
        try:
            return lags((self.circuit.input, *self.first), ways, {p.source for p in self.to_readout})
        except Unending as error:
            loop, together = error.loop, error.together
        names = _listed(name for name in self.first if name in loop)
        if together:
            raise NirError(
                f"{self.readout} receives {names} on the step of their spikes but on the core one is later than the other: "
                f"connect only the last one to it, or delay the synapses between {names}"
            )
        raise NirError(f"the loop through {names} is shorter than a step for each of its synapses: delay one of them")

    def _synapses(self, factor: Real) -> _Synapses:
        """Synapses of all populations in one list; input units first, then neurons, as yet in one row each."""
        c, lags, parts = self.circuit, self._lags(), []
        for p in self.to_neurons:
            delay = self._steps(p) + lags[p.target] - lags[p.source] - 1
            row = p.pre + (c.sizes[c.input] + self.first[p.source] if p.source in self.first else 0)
            neuron = p.post + self.first[p.target]
            parts.append(_Synapses(row, neuron, p.weight * factor[neuron], delay))
        reaching: dict[str, list[Real]] = {name: [] for name in self.first}
        for part, p in zip(parts, self.to_neurons, strict=True):
            reaching[p.target].append(part.weight)
        for name, weights in reaching.items():
            self._check_weights(name, weights)
        live = [(p.target, s.weight) for s, p in zip(parts, self.to_neurons, strict=True) if p.source == c.input]
        self._check_weights(live[0][0], [weight for _, weight in live], c.input)
        synapses = _Synapses(*(np.concatenate(values) for values in zip(*parts, strict=True)))
        hurried = synapses.arrival < 0  # in loops only, see `_lags`
        off = np.where(hurried, 0, np.abs(synapses.delay - synapses.arrival))
        worst = float(off.max(initial=0))
        self.values["lags"] = {name: lags[name] for name in self.first}
        if self.lag is None:
            self.lag = 0 if self.base else max(lags[p.source] for p in self.to_readout)
        self.values["lag"] = self.lag
        self.values |= {"rounded": int((off > 0).sum()), "worst_rounding_steps": worst}
        if any(lags.values()) and self.lag:
            late = ", ".join(f"{name} by {lag}" for name, lag in lags.items() if lag)
            self.notes.append(
                f"a synapse of the core takes a step: spikes come later than in the graph, {late} (steps)"
            )
        if hurried.any():
            self._note(
                f"{hurried.sum()} recurrent synapses have less than half a step of delay: they take one step, as in any "
                "simulator that goes step by step",
                instant_loops=int(hurried.sum()),
            )
        if worst:
            self._note(
                f"{self.values['rounded']} of {len(off)} delays are not whole steps: their spikes arrive up to "
                f"{worst:.3f} steps ({worst * self.dt:.3g} s) early or late"
            )
        return synapses._replace(delay=np.maximum(synapses.delay, 0))

    def _clip(self, synapses: _Synapses) -> _Synapses:
        longest, most = (
            synapses.delay.max(initial=0),
            LIMITS["max_delay"][1] if self.max_delay is None else self.max_delay,
        )
        if longest <= most:
            return synapses
        clipped = int((synapses.delay > most).sum())
        if self.max_delay is None:
            raise NirError(
                f"the longest delay is {longest:.0f} steps but a core holds {most}: take a larger dt, or clip it with "
                f"--max-delay {most}"
            )
        self._note(
            f"{clipped} delays were clipped to {most} steps, by up to {longest - most:g}",
            clipped=clipped,
            worst_clip_steps=float(longest - most),
        )
        return synapses._replace(delay=np.minimum(synapses.delay, most))

    # ---------------------------------------------------------------- rows

    def _no_loops(self, synapses: _Synapses) -> _Synapses:
        """Remove synapses of a neuron onto itself, which the core does not support."""
        itself = synapses.row - self.circuit.sizes[self.circuit.input] == synapses.neuron
        if not itself.any():
            return synapses
        weight, name = float(np.abs(synapses.weight[itself]).max()), self._population(synapses.neuron[itself][0])
        if not self.approximate:
            raise NirError(
                f"{name}: {itself.sum()} neurons project onto themselves with up to {weight:.3g} thresholds but the core's "
                f"never do: set the diagonal of the recurrent weights to 0, {APPROXIMATE}"
            )
        self._note(
            f"{itself.sum()} synapses of neurons onto themselves were dropped, of up to {weight:.3g} thresholds",
            dropped=int(itself.sum()),
        )
        return synapses.part(~itself)

    def _population(self, neuron: int) -> str:
        return max((name for name, first in self.first.items() if first <= neuron), key=self.first.__getitem__)

    def _rows(self, synapses: _Synapses) -> tuple[_Synapses, int]:
        """One synapse per row and neuron: equal arrivals are added, others of an input go to further rows of it."""
        inputs = self.circuit.sizes[self.circuit.input]
        order = np.lexsort((synapses.arrival, synapses.neuron, synapses.row))
        s = synapses.part(order)
        pair = s.row * self.neurons + s.neuron
        begins = np.append(True, (np.diff(pair) != 0) | (np.diff(s.arrival) != 0))[: len(pair)]
        s = s.part(begins)._replace(weight=np.add.reduceat(s.weight, np.flatnonzero(begins)) if len(pair) else s.weight)
        pair = pair[begins]
        rank = np.arange(len(pair)) - np.searchsorted(pair, pair)
        if (several := (rank > 0) & (s.row >= inputs)).any():
            name = self._population(s.row[several][0] - inputs)
            raise NirError(
                f"{name} projects with several delays onto one neuron but a neuron of the core has one row: "
                "leave one delay for each pair"
            )
        copies = int(rank.max(initial=0)) + 1
        self.values["copies"] = copies
        if copies > 1:
            self._note(
                f"an input reaches one neuron with up to {copies} delays: every input has {copies} rows, and data has to "
                f"reach all of them: Dataset.repeated({copies})"
            )
        further = np.where(s.row < inputs, rank * inputs, (copies - 1) * inputs)
        return s._replace(row=s.row + further), copies

    def _network(self, s: _Synapses, copies: int, factor: Real) -> FloatNetwork:
        c = self.circuit
        outputs = max(c.sizes[self.readout], LIMITS["outputs"][0])
        if outputs > c.sizes[self.readout]:
            self._note(f"{self.readout} has one value: a silent output was added, a core has at least {outputs}")
        readout = np.zeros((self.neurons, outputs))
        self._check_weights(self.readout, [p.weight * factor[p.post] for p in self.to_readout])
        for p in self.to_readout:
            if self._steps(p).max(initial=0) >= 0.5:
                raise NirError(
                    f"{self.readout} receives {p.source} after {p.delay.max():g} s but the core's readout has no delays: "
                    "remove them"
                )
            np.add.at(readout, (p.pre + self.first[p.source], p.post), p.weight * factor[p.post])
        recurrent = any(p.source in self.first for p in self.to_neurons)
        inputs = c.sizes[c.input] * copies
        if inputs > LIMITS["inputs"][1]:
            raise NirError(
                f"{c.sizes[c.input]} inputs with {copies} delays each take {inputs} rows but a core holds 1 to "
                f"{LIMITS['inputs'][1]}: leave fewer delays between one pair"
            )
        weight, delay = np.zeros((2, inputs + self.neurons * recurrent, self.neurons))
        weight[s.row, s.neuron], delay[s.row, s.neuron] = s.weight, s.delay
        if self.base:
            weight, readout = (_on_grid(values, self.base.weight.one) for values in (weight, readout))
        self.values["synapses"] = len(s.weight)
        config = self._config(inputs, outputs, recurrent, self._kind(s, delay), int(np.ceil(delay.max())))
        shaped = {"none": np.zeros((0, 0)), "axonal": delay.max(axis=1, keepdims=True), "synaptic": delay}
        return FloatNetwork(
            config, weight, shaped[config.delays], readout, self.alpha, self.kappa, self.beta, int(self.values["lag"])
        )

    def _kind(self, s: _Synapses, delay: Real) -> Delays:
        """The simplest kind of delays that holds them all, but not simpler than that of the exported network."""
        kinds: tuple[Delays, ...] = ("none", "axonal", "synaptic")
        least: Delays = "axonal" if (delay.max(axis=1)[s.row] == s.delay).all() else "synaptic"
        least = least if s.arrival.any() else "none"
        return max(least, self.base.delays if self.base else "none", key=kinds.index)

    def _config(self, inputs: int, outputs: int, recurrent: bool, delays: Delays, longest: int) -> CoreConfig:
        shape: dict[str, Any] = {"inputs": inputs, "neurons": self.neurons, "outputs": outputs, "recurrent": recurrent}
        shape |= {"delays": delays, "reset": self.reset}
        if self.max_delay is not None:
            shape["max_delay"] = self.max_delay
        elif delays != "none" and not (self.base and longest <= self.base.max_delay):
            shape["max_delay"] = 2 ** max(2, (longest + 1).bit_length()) - 2  # fills the delay lines
        if self.beta:
            shape["synapse"] = "exponential"
        if self.base:
            return self.base.replace(**shape)
        return CoreConfig(**shape, prediction="readout" if self.readout == self.circuit.output else "softmax")


def _on_grid(values: Real, one: int) -> Real:
    """Multiples of ``1 / one`` with the error of multiplying and dividing by a gain removed, if they are multiples."""
    grid = np.rint(values * one) / one
    same = np.abs(values - grid).max(initial=0) * one < SAME_WEIGHT and ((grid == 0) == (values == 0)).all()
    return grid if same else values


def _plain(value: Any) -> Any:
    """Content of metadata, unwrapped from file types; for anything but text and numbers, its type."""
    if isinstance(value, np.ndarray | np.generic) and np.asarray(value).size == 1:
        value = np.asarray(value).item()
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__


def _is_identity(projection: Projection, size: int) -> bool:
    """Whether the target receives the source unchanged."""
    p = projection
    return p.pre.size == size and bool((p.pre == p.post).all() and (p.weight == 1).all() and not p.delay.any())


def _listed(names: Iterable[str], most: int = 8) -> str:
    """Names in a sentence, shortened to the first ones if there are many."""
    every = list(names)
    return " and ".join(every[:most]) + (f" and {len(every) - most} others" if len(every) > most else "")


def _widest(values: Iterable[float]) -> float:
    """The value furthest from 0."""
    return max(values, key=abs)

"""Conversion of a network in real numbers to raw integers for the core, with a report of the effect."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import DataError, Dataset
from ranvier.device import Device, open_device
from ranvier.errors import shown
from ranvier.parameters.config import WIDEST, ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork, whole_steps
from ranvier.parameters.network import Network, NetworkError
from ranvier.parameters.qformat import QFormat
from ranvier.quantisation.widen import LOST, finer, lasting, zeroed

__all__ = ["Behaviour", "Quantisation", "Rounding", "quantise", "quantised"]

#: A loss of more accuracy than this, or one of these shares, causes a warning.
LOSS, CLIPPED, SILENT, ZEROED = 0.015, 0.001, 0.05, LOST


def quantised(network: FloatNetwork, config: CoreConfig | None = None, *, seed: int = 1) -> Network:
    """Every parameter as the nearest raw integer, saturated; step sizes 0, so that nothing learns until they are set.

    A delay that the nearest raw integer would move to another step is rounded to the neighbour that keeps its step.

    Parameters
    ----------
    network : FloatNetwork
        Trained offline.
    config : CoreConfig, optional
        Core with other number formats but the same shape, instead of the network's own.
    seed : int
        Of the core's stochastic rounding.

    Raises
    ------
    NetworkError
        If the core has another shape, a smaller largest delay than the network uses, or no filter for its synaptic current;
        if weights or readout weights are lost, every one of them rounded to 0; if this is not a network in real numbers.
    ConfigError
        If `config` is not a configuration.
    """
    if not isinstance(network, FloatNetwork):
        what = "a network for the core already" if isinstance(network, Network) else "not a network in real numbers"
        raise NetworkError(f"{shown(network)} is {what}: give a FloatNetwork")
    if not isinstance(config, CoreConfig | None):
        raise ConfigError(f"config={shown(config)} is not a configuration: give a CoreConfig")
    c = network.config if config is None else config
    layout = Network.layout(c)
    for name in ("weight", "delay", "readout"):
        if getattr(network, name).shape != layout[name][0]:
            raise NetworkError(
                f"{name} has shape {list(getattr(network, name).shape)} but this core holds {list(layout[name][0])}: "
                "quantise for a core of the same inputs, neurons, outputs, recurrence and kind of delays"
            )
    for name in ("threshold", "reset"):
        if getattr(c, name) != getattr(network.config, name):
            raise NetworkError(
                f"the network was trained with {name}={getattr(network.config, name)} but this core has "
                f"{name}={getattr(c, name)}: change {name} of the core"
            )
    if network.delay.size and network.delay.max() > c.max_delay:
        raise NetworkError(
            f"the longest delay is {network.delay.max():g} steps but this core holds {c.max_delay}: raise max_delay"
        )
    if network.beta and not c.exponential:
        raise NetworkError(
            f"beta={network.beta:g}: this core has no filter for the synaptic current: "
            'give it synapse="exponential" or train with beta=0'
        )
    for name in ("weight", "readout"):
        values = _used(network, name)
        if values.any() and not c.weight.quantise(values).any():
            raise NetworkError(
                f"all {np.count_nonzero(values)} {name} values would be rounded to 0, the largest is "
                f"{np.abs(values).max():.3g} and {c.weight} counts in {1 / c.weight.one:.3g}: "
                f"{_more_bits(c.weight, c.potential, values)}"
            )
    feedback = network.readout if c.feedback == "random" else np.zeros((0, 0))
    return Network(
        c,
        weight=c.weight.quantise(network.weight),
        delay=_delays(c, network.delay),
        readout=c.weight.quantise(network.readout),
        feedback=c.weight.quantise(feedback),
        alpha=int(c.decay.quantise(network.alpha)),
        kappa=int(c.decay.quantise(network.kappa)),
        beta=int(c.decay.quantise(network.beta)),
        seed=seed,
        lag=network.lag,
    )


def _more_bits(weight: QFormat, potential: QFormat, values: NDArray[np.float64]) -> str:
    """Advice: formats that hold small weights, or that no format does."""
    wanted = finer(weight, values)
    if wanted == weight or zeroed(wanted, values) > ZEROED or not lasting(wanted, values).all():
        return (
            f"no format of {WIDEST} bits with {weight.integer} before the point holds them: train with larger weights, or "
            "leave these synapses out"
        )
    fraction = max(potential.fraction, wanted.fraction)
    state = QFormat(True, min(potential.integer, WIDEST - 1 - fraction), fraction)
    return (
        f'give them more fraction bits: weight = "{wanted}" and potential = "{state}" in the configuration for '
        "ranvier quantise --config, or let ranvier quantise --widen find them"
    )


def _delays(config: CoreConfig, delay: NDArray[np.float64]) -> NDArray[np.int64]:
    """Raw delays that keep their step: if the nearest raw value would not, its neighbour."""
    form = config.delay
    raw = form.quantise(delay)
    raw += np.sign(whole_steps(delay) - whole_steps(form.to_float(raw)))
    return np.minimum(raw, config.delay_limit)


@dataclass(frozen=True)
class Rounding:
    """How one array was rounded.

    Parameters
    ----------
    form : str
        Number format.
    values, clipped : int
        Parameters, and those beyond the format by more than half a step of it.
    worst : float
        Largest change of a parameter within the format, in real units; at most half a step, of delays one step.
    zeroed, kept : int
        Of the parameters that were not 0: those that are 0 now, and the others.
    senders, receivers : int
        Rows and columns of a matrix that were not all 0 and are all 0 now.
    advice : str
        Formats that would hold the small ones.
    """

    form: str
    values: int
    clipped: int
    worst: float
    zeroed: int
    kept: int
    senders: int
    receivers: int
    advice: str

    @classmethod
    def of(
        cls, form: QFormat, before: NDArray[np.float64], after: NDArray[np.float64], potential: QFormat
    ) -> "Rounding":
        step = 0.5 / form.one
        inside = (before >= form.to_float(form.min) - step) & (before <= form.to_float(form.max) + step)
        worst = float(np.abs(after - before)[inside].max()) if inside.any() else 0.0
        lost = int(((before != 0) & (after == 0)).sum())
        kept = int(np.count_nonzero(before)) - lost
        senders, receivers = (int((before.any(axis=axis) & ~after.any(axis=axis)).sum()) for axis in (1, 0))
        advice = _more_bits(form, potential, before) if lost else ""
        return cls(str(form), before.size, int((~inside).sum()), worst, lost, kept, senders, receivers, advice)


@dataclass(frozen=True)
class Behaviour:
    """Behaviour of a network on the test samples.

    Parameters
    ----------
    arithmetic : str
        "float" or "golden".
    accuracy : float
        Share of correct predictions.
    rate : float
        Spikes per neuron and step.
    silent : int
        Neurons that never spike.
    predictions : int array [samples]
        Class predicted for every sample.
    saturated : dict
        Saturation counters over all samples; empty in float, which does not saturate.
    """

    arithmetic: str
    accuracy: float
    rate: float
    silent: int
    predictions: NDArray[np.int64]
    saturated: dict[str, int]

    @classmethod
    def of(cls, arithmetic: str, device: Device, dataset: Dataset) -> "Behaviour":
        """Run all test samples."""
        spikes, steps = np.zeros(device.config.neurons), 0
        predictions = np.empty(len(dataset.test), np.int64)
        for n, sample in enumerate(dataset.test):
            record = device.run(sample, record=["spikes"])
            predictions[n] = record.prediction
            spikes += record.steps["spikes"].sum(axis=0)
            steps += len(record.steps["spikes"])  # the lag of the network included
        saturated = {name: count for name, count in device.counters().items() if name.endswith("saturated") and count}
        accuracy = float((predictions == dataset.test_labels).mean())
        rate = float(spikes.mean() / steps)
        return cls(arithmetic, accuracy, rate, int((spikes == 0).sum()), predictions, saturated)

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {name: value for name, value in asdict(self).items() if name != "predictions"}


@dataclass(frozen=True)
class Quantisation:
    """Outcome of `quantise`.

    Parameters
    ----------
    network : Network
        For the core.
    roundings : dict
        `Rounding` of weight, readout and (unless there are none) delay.
    decays : dict
        Name -> (real decay, decay of the core).
    moved : int
        Synapses (units, if axonal) whose spikes arrive on another step than before.
    before, after : Behaviour or None
        In float and on the core's arithmetic; None without data.
    """

    network: Network
    roundings: dict[str, Rounding]
    decays: dict[str, tuple[float, float]]
    moved: int
    before: Behaviour | None = None
    after: Behaviour | None = None

    @property
    def loss(self) -> float | None:
        """Accuracy lost; None without data."""
        return self.before.accuracy - self.after.accuracy if self.before and self.after else None

    @property
    def agreement(self) -> float | None:
        """Share of samples with the same prediction before and after; None without data."""
        if not (self.before and self.after):
            return None
        return float((self.before.predictions == self.after.predictions).mean())

    def warnings(self) -> list[str]:
        """Warnings, each with its cause and a way out."""
        return [*self._parameter_warnings(), *self._behaviour_warnings()]

    def _parameter_warnings(self) -> Iterator[str]:
        for name, rounding in self.roundings.items():
            if rounding.clipped > CLIPPED * rounding.values:
                yield (
                    f"{rounding.clipped} of {rounding.values} values of {name} do not fit {rounding.form} and were clipped: "
                    "give the format more integer bits, or train with smaller values"
                )
            if name != "delay" and rounding.zeroed > ZEROED * (rounding.zeroed + rounding.kept):
                every = rounding.zeroed + rounding.kept
                yield (
                    f"{rounding.zeroed} of {every} {name} values were rounded to 0, less than half a step of "
                    f"{rounding.form}: {rounding.advice}"
                )
            elif name != "delay" and (emptied := self._emptied(name, rounding)):
                yield (
                    f"{emptied} because all of them were rounded to 0, less than half a step of {rounding.form}: "
                    f"{rounding.advice}"
                )
        for name, (real, held) in self.decays.items():
            if held == 0 < real or (real and abs(_time_constant(held) / _time_constant(real) - 1) > 0.01):
                yield (
                    f"{name} is {held:.5f} on the core instead of {real:.5f}: its time constant is "
                    f"{_time_constant(held):.3g} steps instead of {_time_constant(real):.3g}: give decay more fraction bits"
                )

    def _emptied(self, name: str, rounding: Rounding) -> str:
        """Units that have lost all weights."""
        before, after = ("input", "neuron") if name == "weight" else ("neuron", "output")
        if name == "weight" and self.network.config.recurrent:
            before = "input or neuron"
        lost = [(rounding.receivers, after, "onto"), (rounding.senders, before, "from")]
        return " and ".join(
            f"{count} {unit.replace(' or', 's or') + 's' if count > 1 else unit} lost all {name} values {way} "
            f"{'them' if count > 1 else 'it'}"
            for count, unit, way in lost
            if count
        )

    def _behaviour_warnings(self) -> Iterator[str]:
        before, after = self.before, self.after
        if not (before and after):
            return
        if before.accuracy - after.accuracy > LOSS:
            yield (
                f"accuracy fell by {100 * (before.accuracy - after.accuracy):.1f} points: look at clipped values and "
                "saturated quantities first, then give the weights more fraction bits"
            )
        neurons = self.network.config.neurons
        if after.silent - before.silent > SILENT * neurons:
            yield f"{after.silent - before.silent} neurons of {neurons} fell silent: their weights are lost in the format"
        if after.silent > neurons / 2:
            yield f"{after.silent} of {neurons} neurons never spike: the network is larger than it needs to be, or dying"
        for name, count in after.saturated.items():
            form = {"trace_saturated": "trace", "signal_saturated": "signal"}.get(name, "potential")
            yield f"{name} {count:,} times: give {form} more integer bits, or train with smaller weights"

    def summary(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "roundings": {name: asdict(rounding) for name, rounding in self.roundings.items()},
            "decays": {name: {"real": real, "core": held} for name, (real, held) in self.decays.items()},
            "arrivals_moved": self.moved,
            "float": self.before.summary() if self.before else None,
            "golden": self.after.summary() if self.after else None,
            "loss": self.loss,
            "agreement": self.agreement,
            "warnings": self.warnings(),
        }

    def lines(self) -> list[str]:
        """Lines for people."""
        lines = [f"{'':<8} {'format':<7} {'values':>8} {'clipped':>8} {'largest rounding':>17}"]
        for name, r in self.roundings.items():
            lines.append(f"{name:<8} {r.form:<7} {r.values:>8} {r.clipped / max(1, r.values):>8.2%} {r.worst:>17.6f}")
        lines += [f"{name:<8} {held:.6f} for {real:.6f}" for name, (real, held) in self.decays.items()]
        if "delay" in self.roundings:
            lines.append(f"{self.moved} of {self.roundings['delay'].values} delays now end on another step")
        if self.before and self.after:
            lines += ["", f"{'':<8} {'accuracy':>9} {'spikes/neuron/step':>19} {'silent neurons':>15}"]
            for b in (self.before, self.after):
                lines.append(f"{b.arithmetic:<8} {b.accuracy:>9.2%} {b.rate:>19.4f} {b.silent:>15}")
            lines.append(f"{self.agreement:.2%} of the predictions are the same")
        return lines + [f"warning: {text}" for text in self.warnings()]


def _used(network: FloatNetwork | Network, name: str) -> NDArray[np.float64]:
    """An array in real numbers, with the unused weights of neurons onto themselves set to 0."""
    values = getattr(network, name) if isinstance(network, FloatNetwork) else network.real(name)
    if name == "weight":
        values = values.copy()
        np.fill_diagonal(values[network.config.inputs :], 0)
    return values


def _time_constant(decay: float) -> float:
    """Steps in which a leak falls to 1/e."""
    return -1 / np.log(decay) if decay else 0.0


def quantise(
    network: FloatNetwork,
    config: CoreConfig | None = None,
    *,
    dataset: Dataset | None = None,
    classes: Sequence[str] = (),
) -> Quantisation:
    """Quantise a network and report the changes; with data also those of its behaviour.

    Parameters
    ----------
    network, config
        As of `quantised`.
    dataset : Dataset, optional
        Whose test samples are run before (float64) and after (golden model).
    classes : sequence of str, optional
        What the outputs stand for, as `ranvier.evaluate` takes it.

    Raises
    ------
    NetworkError
        As of `quantised`.
    ConfigError
        As of `quantised`; if the core has other inputs or outputs than the data.
    DataError
        If `dataset` is none, has no test samples, or a class is none of `classes`.
    """
    if not isinstance(dataset, Dataset | None):
        raise DataError(f"dataset={shown(dataset)} is not a data set: give the result of open_dataset")
    result = quantised(network, config)
    c = result.config
    forms = {"weight": c.weight, "readout": c.weight} | ({"delay": c.delay} if c.delays != "none" else {})
    roundings = {
        name: Rounding.of(form, _used(network, name), _used(result, name), c.potential) for name, form in forms.items()
    }
    names = ("alpha", "kappa", "beta") if network.beta else ("alpha", "kappa")
    decays = {name: (getattr(network, name), getattr(result, name) / c.decay.one) for name in names}
    moved = int((whole_steps(network.delay) != whole_steps(result.real("delay"))).sum())
    if dataset is None:
        return Quantisation(result, roundings, decays, moved)
    dataset = dataset.evaluated(c, "test", classes)
    from ranvier.golden.float_core import FloatCore

    reference = FloatCore(network.config)
    reference.load_real(network)
    before = Behaviour.of("float", reference, dataset)
    with open_device("golden", c) as device:
        device.load(result)
        return Quantisation(result, roundings, decays, moved, before, Behaviour.of("golden", device, dataset))

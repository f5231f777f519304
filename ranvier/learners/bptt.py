"""Backpropagation through time with learnable delays: the offline baseline, in PyTorch (`ranvier[offline]`).

A delay moves spikes by whole steps, which has no gradient. So while it learns, a synapse spreads each spike over the steps
around its delay, as a Gaussian whose width shrinks during the training until the delay is a whole number of steps again:
Hammouamri, Khalfaoui-Hassani, Masquelier, "Learning delays in spiking neural networks using dilated convolutions with
learnable spacings" (ICLR 2024, arXiv 2306.17670). Spikes get their gradient from a surrogate derivative: Neftci, Mostafa,
Zenke, "Surrogate gradient learning in spiking neural networks" (2019, arXiv 1901.09948).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ranvier.errors import shown
from ranvier.extras import extra
from ranvier.learners.offline import Gradient
from ranvier.parameters.config import ConfigError, CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.sample import Sample
from ranvier.recipes import OfflineRecipe

torch = extra("torch", "offline")

__all__ = ["Bptt", "Play", "gradient_rule", "spread"]

Tensor = Any  # torch is optional, and so are its types

Surrogate = Literal["triangle", "sigmoid"]
Loss = Literal["steps", "mean"]

#: Standard deviation in steps at which a Gaussian has nearly all of its weight on one step; then the delay is rounded.
SHARP = 0.2

#: Lengths of Fourier transforms are rounded up to a multiple of it: products of small primes are fast.
EVEN = 16


@contextmanager
def one_thread() -> Iterator[None]:
    """These networks are too small to be shared among threads; the caller's setting comes back."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def spread(delay: Tensor, reach: int, sigma: float) -> Tensor:
    """Share of a spike that arrives after each delay: a Gaussian around `delay`, normalised.

    Parameters
    ----------
    delay : tensor [...]
        In steps.
    reach : int
        Largest delay.
    sigma : float
        Standard deviation in steps; below `SHARP` everything arrives after ``floor(delay + 1/2)``.

    Returns
    -------
    tensor [..., reach + 1]
    """
    taps = torch.arange(reach + 1, dtype=delay.dtype)
    if sigma < SHARP:
        return (taps == torch.floor(delay + 0.5)[..., None]).to(delay.dtype)
    return torch.softmax(-(((taps - delay[..., None]) / sigma) ** 2) / 2, dim=-1)


class Spike(torch.autograd.Function):  # type: ignore[name-defined]
    """Spikes of neurons that are so far above their threshold; backwards the surrogate derivative psi of `Bptt`."""

    @staticmethod
    def forward(ctx: Any, above: Tensor, rule: "Bptt", threshold: float) -> Tensor:
        ctx.save_for_backward(above)
        ctx.options = rule, threshold
        return rule.fire(above, threshold)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        rule, threshold = ctx.options
        return slope * rule.psi(ctx.saved_tensors[0], threshold), None, None


class Feedforward(torch.autograd.Function):  # type: ignore[name-defined]
    """Spikes [steps, samples, neurons] from currents of neurons that do not hear each other.

    Backwards, with psi and ``b[t] = dv[t+1] / dv[t]`` for all steps at once, a step costs one operation::

        lam[t] = dE/dv[t] = psi[t] dE/dz[t] + b[t] lam[t+1]
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, rule: "Bptt", network: FloatNetwork) -> Tensor:
        c = network.config
        potential, spikes = torch.empty_like(current), torch.empty_like(current)
        v = z = torch.zeros_like(current[0])
        for t, arriving in enumerate(current):
            v = potential[t] = advance(network, v, z, arriving)
            z = spikes[t] = rule.fire(v - c.threshold, c.threshold)
        ctx.save_for_backward(potential, spikes)
        ctx.options = rule, network
        return spikes

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        (potential, spikes), (rule, network) = ctx.saved_tensors, ctx.options
        c, alpha = network.config, network.alpha
        psi = rule.psi(potential - c.threshold, c.threshold)
        match c.reset:
            case "soft":
                kept = alpha - c.threshold * psi
            case "soft now":
                kept = alpha * (1 - c.threshold * psi)
            case "zero":
                kept = alpha * (1 - spikes - potential * psi)
        decayed = torch.mul(psi, slope)
        for t in range(len(decayed) - 2, -1, -1):
            decayed[t].addcmul_(kept[t], decayed[t + 1])
        return decayed, None, None


def advance(network: FloatNetwork, potential: Tensor, spikes: Tensor, current: Tensor) -> Tensor:
    """v of a step, before reset, from v and z of the step before."""
    if network.config.reset == "soft":
        return torch.add(current, potential, alpha=network.alpha).sub(spikes, alpha=network.config.threshold)
    if network.config.reset == "soft now":
        return torch.add(current, potential.sub(spikes, alpha=network.config.threshold), alpha=network.alpha)
    return torch.add(current, potential * (1 - spikes), alpha=network.alpha)


class Batch(NamedTuple):
    """Samples side by side, prolonged by the lag of their network; shorter ones end in silence that is not scored."""

    counts: Tensor  # input spikes [steps, samples, inputs]
    scored: Tensor  # 1 on scored steps [steps, samples]

    @classmethod
    def of(cls, network: FloatNetwork, samples: Sequence[Sample], dtype: Any) -> "Batch":
        samples, inputs = network.prolonged(samples), network.config.inputs
        steps = max(sample.steps for sample in samples)
        counts, scored = np.zeros((steps, len(samples), inputs)), np.zeros((steps, len(samples)))
        number = np.repeat(np.arange(len(samples)), [len(sample.times) for sample in samples])
        times, units = (np.concatenate([getattr(sample, name) for sample in samples]) for name in ("times", "units"))
        np.add.at(counts, (times, number, units), 1)
        for n, sample in enumerate(samples):
            scored[: sample.steps, n] = sample.scored
        return cls(torch.tensor(counts, dtype=dtype), torch.tensor(scored, dtype=dtype))


class Play(NamedTuple):
    """What a network did with a batch."""

    spikes: Tensor  # z [steps, samples, neurons]
    readout: Tensor  # y [steps, samples, outputs]


class Wires:
    """The synapses of a network as tensors that gradients flow to.

    Parameters
    ----------
    network : FloatNetwork
        Weights, delays and Wout.
    sigma : float
        Of `spread`.
    dtype : torch.dtype
        Arithmetic.
    """

    def __init__(self, network: FloatNetwork, sigma: float, dtype: Any):
        self.config = c = network.config
        self.weight, self.readout, self.delay = (
            torch.tensor(array, dtype=dtype, requires_grad=True)
            for array in (
                network.weight,
                network.readout,
                network.delay if network.delay.size else np.zeros((c.rows, 1)),
            )
        )
        self.kernel = spread(self.delay, c.reach, sigma)  # [rows, neurons or 1, taps]

    def feedforward(self, counts: Tensor) -> Tensor:
        """Current of input spikes [steps, samples, inputs] on the steps that they arrive on [steps, samples, neurons].

        A convolution over time, for all synapses at once, as a product of Fourier transforms.
        """
        inputs, steps = self.config.inputs, len(counts)
        length = -(-(steps + self.config.reach) // EVEN) * EVEN
        synapses = torch.fft.rfft(self.weight[:inputs, :, None] * self.kernel[:inputs], length)
        spikes = torch.fft.rfft(counts, length, dim=0)
        current = torch.fft.irfft(torch.einsum("fbi,ijf->fbj", spikes, synapses), length, dim=0)
        return torch.nn.functional.pad(current[: steps - 1], (0, 0, 0, 0, 1, 0))  # a synapse costs one step

    def recurrent(self) -> "DelayLine":
        """An empty delay line of what neurons send each other."""
        inputs = self.config.inputs
        weight = self.weight[inputs:] * (1 - torch.eye(self.config.neurons, dtype=self.weight.dtype))
        return DelayLine(weight, self.kernel[inputs:])


class DelayLine:
    """Delay line between neurons: slot d is read d + 1 steps from now.

    Axonal delays are applied to spikes, before the weights, which costs a factor of `neurons` less.

    Parameters
    ----------
    weight : tensor [neurons, neurons]
        From, to.
    kernel : tensor [neurons, neurons or 1, taps]
        Of `spread`.
    """

    def __init__(self, weight: Tensor, kernel: Tensor):
        neurons, self.taps = len(weight), kernel.shape[2]
        self.synaptic = kernel.shape[1] > 1
        self.weight = weight
        self.kernel = (
            (weight[:, :, None] * kernel).transpose(1, 2).reshape(neurons, -1) if self.synaptic else kernel[:, 0].T
        )
        self.slots: Tensor = torch.zeros(1, self.taps, neurons, dtype=weight.dtype)

    def step(self, spikes: Tensor) -> Tensor:
        """Send spikes [samples, neurons] of this step; current [samples, neurons] of the next."""
        sent = (
            (spikes @ self.kernel).view(len(spikes), self.taps, -1) if self.synaptic else spikes[:, None] * self.kernel
        )
        self.slots = self.slots + sent
        due = self.slots[:, 0]
        self.slots = torch.nn.functional.pad(self.slots[:, 1:], (0, 0, 0, 1))
        return due if self.synaptic else due @ self.weight


def filtered(values: Tensor, factor: float) -> Tensor:
    """Leaky sum ``a[t] = factor a[t-1] + values[t]`` over the first axis, as one product."""
    if not factor:
        return values
    age = torch.arange(len(values))[:, None] - torch.arange(len(values))
    decay = torch.where(age >= 0, float(factor) ** age.clamp(min=0).to(values.dtype), 0)
    return (decay @ values.flatten(1)).view_as(values)


@dataclass(frozen=True, kw_only=True)
class Bptt:
    """Gradient of a loss through all steps of the forward model of `FloatNetwork`: a rule of `ranvier.learners.offline`.

    Parameters
    ----------
    sigma : float
        Standard deviation in steps of the Gaussian that spreads a spike, at first. 0 rounds the delays from the start; then
        they have no gradient, which suits networks whose delays are fixed.
    spreading : float
        Share of the training in which it shrinks, by the same factor from step to step, to `SHARP`. From then on the
        delays are the rounded ones and only W and Wout learn.
    surrogate : {"triangle", "sigmoid"}
        ``max(0, 1 - |v - theta| / width)`` as on the core, or the fast sigmoid's ``1 / (1 + |v - theta| / width) ** 2``.
    width : float
        In thresholds.
    loss : {"steps", "mean"}
        Cross entropy of ``softmax(y[t])`` summed over the scored steps, as on the core, or of its mean over them.
    quiet, busy : float
        Range of how often a neuron should fire per sample, on average over the batch.
    regularisation : float
        Weight in the loss of the squared distance from that range, summed over neurons.
    double : bool
        Compute in float64 rather than float32.

    Raises
    ------
    ConfigError
        If an option is out of range.
    """

    sigma: float = 2.5
    spreading: float = 0.9
    surrogate: Surrogate = "triangle"
    width: float = 1.0
    loss: Loss = "steps"
    quiet: float = 0.0
    busy: float = float("inf")
    regularisation: float = 0.0
    double: bool = False

    def __post_init__(self) -> None:
        for name, choices in (("surrogate", get_args(Surrogate)), ("loss", get_args(Loss))):
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name}={shown(getattr(self, name))} is unknown: choose one of {', '.join(choices)}")
        for name in ("sigma", "quiet", "busy", "regularisation"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}={getattr(self, name)} is out of range: give at least 0")
        if not self.width > 0:
            raise ConfigError(f"width={self.width} is out of range: give more than 0")
        if not 0 < self.spreading <= 1:
            raise ConfigError(f"spreading={self.spreading} is out of range: give more than 0, at most 1")

    def replace(self, **changes: Any) -> "Bptt":
        """A validated copy with some options changed."""
        return replace(self, **changes)

    def sigma_at(self, done: float) -> float:
        """Standard deviation in steps when the share `done` of the training lies behind; 0 once it is below `SHARP`."""
        if done >= self.spreading or self.sigma < SHARP:
            return 0.0
        return float(self.sigma * (SHARP / self.sigma) ** (done / self.spreading))

    def fire(self, above: Tensor, threshold: float) -> Tensor:
        """Spikes of neurons that are so far above their threshold."""
        return (above >= 0).to(above.dtype)

    def psi(self, above: Tensor, threshold: float) -> Tensor:
        """Surrogate derivative of `fire`."""
        near = above.abs() / (self.width * threshold)
        return (1 - near).clamp_(min=0) if self.surrogate == "triangle" else (1 + near).pow_(-2)

    def play(self, network: FloatNetwork, samples: Sequence[Sample], sigma: float = 0.0) -> Play:
        """Run samples side by side without learning; shorter ones go on in silence to the length of the longest."""
        with one_thread(), torch.no_grad():
            wires = Wires(network, sigma, self._dtype)
            return self._play(network, wires, Batch.of(network, samples, self._dtype).counts)

    def gradient(
        self, network: FloatNetwork, samples: Sequence[Sample], labels: NDArray[np.int64], done: float
    ) -> Gradient:
        """Gradient of a mini-batch of samples, with delays spread as is due after the share `done` of the training."""
        with one_thread():
            batch = Batch.of(network, samples, self._dtype)
            wires = Wires(network, self.sigma_at(done), self._dtype)
            play = self._play(network, wires, batch.counts)
            loss = self._loss(play, batch.scored, torch.as_tensor(labels)) + self._restraint(play.spikes)
            found = torch.autograd.grad(loss, [wires.weight, wires.delay, wires.readout], allow_unused=True)
            weight, delay, readout = (
                np.zeros(value.shape) if slope is None else slope.numpy().astype(np.float64)
                for value, slope in zip((wires.weight, wires.delay, wires.readout), found, strict=True)
            )
            return Gradient(
                weight,
                delay if network.delay.size else network.delay.copy(),
                readout,
                float(loss.detach()),
                correct(network.config, play.readout.detach(), batch.scored, labels),
                int(play.spikes.detach().sum()),
            )

    @property
    def _dtype(self) -> Any:
        return torch.float64 if self.double else torch.float32

    def _play(self, network: FloatNetwork, wires: Wires, counts: Tensor) -> Play:
        currents = wires.feedforward(counts)
        if network.config.recurrent:
            spikes = self._recurrent(network, wires.recurrent(), currents)
        else:
            spikes = Feedforward.apply(filtered(currents, network.beta), self, network)
        return Play(spikes, filtered(spikes @ wires.readout, network.kappa))

    def _recurrent(self, network: FloatNetwork, line: DelayLine, currents: Tensor) -> Tensor:
        threshold = network.config.threshold
        potential = spikes = current = echo = torch.zeros_like(currents[0])
        raster = []
        for arriving in currents.unbind():
            current = torch.add(arriving + echo, current, alpha=network.beta)
            potential = advance(network, potential, spikes, current)
            spikes = Spike.apply(potential - threshold, self, threshold)
            echo = line.step(spikes)
            raster.append(spikes)
        return torch.stack(raster)

    def _loss(self, play: Play, scored: Tensor, labels: Tensor) -> Tensor:
        """Mean over the batch."""
        logs = torch.log_softmax(play.readout, -1)[:, torch.arange(len(labels)), labels]  # [steps, samples]
        if self.loss == "steps":
            return -(logs * scored).sum(0).mean()
        return -torch.logsumexp(logs + torch.log(scored / scored.sum(0)), 0).mean()

    def _restraint(self, spikes: Tensor) -> Tensor:
        rate = spikes.sum(0).mean(0)
        return self.regularisation * (torch.relu(self.quiet - rate) ** 2 + torch.relu(rate - self.busy) ** 2).sum()


def correct(config: CoreConfig, readout: Tensor, scored: Tensor, labels: NDArray[np.int64]) -> int:
    """Samples predicted as the core does, from y [steps, samples, outputs]."""
    values = torch.softmax(readout, -1) if config.prediction == "softmax" else readout
    return int(((values * scored[..., None]).sum(0).argmax(1).numpy() == labels).sum())


def gradient_rule(config: CoreConfig, recipe: OfflineRecipe, options: Mapping[str, Any]) -> Bptt:
    """The rule of a learner, `options` being fields of `Bptt`. Spikes are spread only where delays learn."""
    learns = config.delays != "none" and recipe.eta_delay
    return Bptt(**options if learns else {"sigma": 0.0})

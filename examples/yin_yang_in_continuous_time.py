"""Yin-Yang learned in continuous time: coordinates are spike times without a grid, and gradients are exact.

    python examples/yin_yang_in_continuous_time.py --loss first_spike

A network of `ranvier.learners.eventprop_continuous`, whose equations are in docs/learners.md. It prints the test accuracy
after every epoch.
"""

import argparse
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ranvier.data.yinyang import BIAS, CLASSES, points
from ranvier.learners import eventprop_continuous as exact
from ranvier.learners.eventprop_continuous import Events, ExactNetwork, SampleLoss, Shaping
from ranvier.learners.offline import Adam

Real = NDArray[np.float64]

INPUTS, OUTPUTS = BIAS + 1, len(CLASSES)


@dataclass(frozen=True, kw_only=True)
class ContinuousRecipe:
    """Initial network and schedule of a training; times in units of `tau_syn`.

    Parameters
    ----------
    loss : {"readout", "first_spike"}
        Readout of the hidden neurons that is integrated, or three output neurons whose first spike decides.
    hidden : int
        Hidden neurons.
    span, end : float
        Time from coordinate 0 to coordinate 1, and length of a sample.
    tau_mem, tau_out, tau_0, tau_1, strength : float
        Time constants and strength of `ranvier.learners.eventprop_continuous`.
    weight_mean, weight_std, deep_mean, deep_std : float
        Normal distributions of the initial weights onto hidden neurons, and onto outputs.
    delay_span : float
        Initial delays are uniform from 0 to this; they never leave 0 to `end`.
    eta_weight, eta_delay, eta_readout, decay : float
        Step sizes of Adam, and their factor from one epoch to the next.
    epochs, batch : int
        Passes over the training points, and points per optimiser step.
    shaping : Shaping
        Band of spike counts.
    """

    loss: Literal["readout", "first_spike"]
    hidden: int = 30
    span: float = 3.0
    end: float = 8.0
    tau_mem: float = 2.0
    tau_out: float = 4.0
    tau_0: float = 0.2
    tau_1: float = 4.0
    strength: float = 0.01
    weight_mean: float
    weight_std: float
    deep_mean: float
    deep_std: float
    delay_span: float = 2.0
    eta_weight: float = 0.01
    eta_delay: float = 0.01
    eta_readout: float = 0.01
    decay: float = 0.75
    epochs: int = 10
    batch: int = 32
    shaping: Shaping = field(default=Shaping(least_slope=0.3, least=0.2, most=3.0, pull=0.01, rescue=0.1))

    def draw(self, rng: np.random.Generator) -> ExactNetwork:
        """A random network: inputs, hidden neurons, and for the first-spike loss three more neurons."""
        neurons = self.hidden + OUTPUTS * (self.loss == "first_spike")
        exists = np.zeros((INPUTS + neurons, neurons), bool)
        exists[:INPUTS, : self.hidden] = True
        exists[INPUTS : INPUTS + self.hidden, self.hidden :] = True
        weight = self.weight_mean + self.weight_std * rng.standard_normal(exists.shape)
        weight[INPUTS:] = self.deep_mean + self.deep_std * rng.standard_normal((neurons, neurons))
        readout = self.deep_mean + self.deep_std * rng.standard_normal((neurons, OUTPUTS))
        delay = rng.uniform(0, self.delay_span, exists.shape)
        return ExactNetwork(weight * exists, delay, exists, readout, self.tau_mem, 1.0, self.tau_out)

    def run(self, network: ExactNetwork, place: Real, target: int) -> tuple[Events, SampleLoss]:
        """Events of a point, and its loss."""
        times = self.span * np.array([*place, *(1 - place), 0.0])
        events = exact.run(network, times, np.arange(INPUTS), self.end)
        if self.loss == "readout":
            return events, exact.readout_integral(network, events, target, self.span)
        return events, exact.first_spike(network, events, target, self.tau_0, self.tau_1, self.strength)


@dataclass(frozen=True)
class ContinuousTraining:
    """Networks before and after, and the accuracy on the test points after every epoch."""

    initial: ExactNetwork
    network: ExactNetwork
    accuracies: list[float]


def train(
    recipe: ContinuousRecipe,
    seed: int = 0,
    samples: int = 5000,
    tests: int = 1000,
    *,
    data_seed: int = 42,
    progress: bool = False,
) -> ContinuousTraining:
    """Learn the points of `data_seed` (42: as published, the test points take ``data_seed - 2``) with Adam.

    Parameters
    ----------
    recipe : ContinuousRecipe
        Initial network and schedule of the training.
    seed : int
        Seed of the initial network and of the order of the points.
    samples, tests : int
        Points to learn and to test on.
    progress : bool
        Show a progress bar if stderr is a terminal.
    """
    rng = np.random.default_rng(seed)
    (learn, learn_labels), (held, held_labels) = points(samples, data_seed), points(tests, data_seed - 2)
    initial = recipe.draw(rng)
    network = initial._replace(weight=initial.weight.copy(), delay=initial.delay.copy(), readout=initial.readout.copy())
    etas = {"weight": recipe.eta_weight, "delay": recipe.eta_delay, "readout": recipe.eta_readout}
    adam = {name: Adam(getattr(network, name).shape) for name in etas}
    accuracies = []
    for epoch in tqdm(range(recipe.epochs), unit=" epochs", leave=False, disable=None if progress else True):
        order = rng.permutation(samples)
        for first in range(0, samples, recipe.batch):
            chosen = order[first : first + recipe.batch]
            step = _mean_gradient(recipe, network, learn[chosen], learn_labels[chosen])
            for name, eta in etas.items():
                getattr(network, name)[...] += adam[name].change(step[name], eta * recipe.decay**epoch)
            np.clip(network.delay, 0, recipe.end, out=network.delay)
        scores = [recipe.run(network, place, 0)[1].score.argmax() for place in held]
        accuracies.append(float(np.mean(scores == held_labels)))
    return ContinuousTraining(initial, network, accuracies)


def _mean_gradient(
    recipe: ContinuousRecipe, network: ExactNetwork, places: Real, labels: NDArray[np.int64]
) -> dict[str, Real]:
    total = {name: np.zeros(getattr(network, name).shape) for name in ("weight", "delay", "readout")}
    mean_count = np.zeros(network.weight.shape[1])
    for place, label in zip(places, labels.tolist(), strict=True):
        events, loss = recipe.run(network, place, label)
        step = exact.gradient(network, events, loss, recipe.shaping)
        mean_count += step.counts / len(places)
        for name, part in (("weight", step.weight), ("delay", step.delay), ("readout", loss.readout)):
            total[name] += part / len(places)
    total["weight"] += exact.rescued(network, mean_count, recipe.shaping)
    return total


#: Recipe by name of the loss.
CONTINUOUS_RECIPES = {
    "readout": ContinuousRecipe(
        loss="readout", weight_mean=1.0, weight_std=0.5, deep_mean=0.0, deep_std=0.3, epochs=8, decay=0.7
    ),
    "first_spike": ContinuousRecipe(
        loss="first_spike",
        weight_mean=1.0,
        weight_std=0.5,
        deep_mean=1.0,
        deep_std=0.3,
        shaping=Shaping(least_slope=0.3, least=0.9, most=3.0, pull=0.01, rescue=0.02),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", choices=CONTINUOUS_RECIPES, default="readout")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=5000, help="points to learn (default 5000)")
    parser.add_argument("--tests", type=int, default=1000, help="points to test on (default 1000)")
    given = parser.parse_args()
    recipe = CONTINUOUS_RECIPES[given.loss]
    if given.epochs is not None:
        recipe = replace(recipe, epochs=given.epochs)
    result = train(recipe, given.seed, given.samples, given.tests, progress=True)
    for epoch, accuracy in enumerate(result.accuracies, 1):
        print(f"epoch {epoch}: {accuracy:.1%}")


if __name__ == "__main__":
    main()

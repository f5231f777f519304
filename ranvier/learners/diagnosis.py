"""What a training suffered from, in words: one line for each cause, with a way out."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ranvier.data.dataset import Dataset
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.float_network import FloatNetwork
from ranvier.parameters.network import Network
from ranvier.parameters.sample import Sample

__all__ = ["accuracy_warnings", "firing_warnings", "moving_warnings", "opportunities", "saturation_warnings"]

#: Share of the occasions on which a quantity saturated. Healthy trainings stay below a thousandth; from one in a hundred on,
#: every sample has wrong sums in it.
SATURATED = 0.01
#: Share of the learning products that were not 0 and became 0. Rounding is right on average, but where most of them
#: vanish, what is learned is mostly noise.
UNDERFLOW = 0.9
#: Share of the hidden neurons that never spike. A few are nothing unusual; they cost memory and time for nothing.
SILENT = 0.05
#: Share of the parameters that are to the bit where they started. Where a gradient leaves nine of ten alone, it is not the
#: gradient's choice: rounding freezes them, or no error arrives.
STILL = 0.9
#: Share of the accuracy beyond chance that is left, below which it has collapsed rather than fluctuated.
COLLAPSED = 0.5
#: Standard deviations by which the accuracy has to exceed that of guessing the most frequent class.
GUESSED = 2.0
#: Input units that are named one by one.
NAMED = 5

#: Array of a network -> what to call its values.
PARAMETERS = {"weight": "weights", "delay": "delays", "readout": "readout weights"}

#: Counter -> what to do about it; those of `opportunities` without one are none of our business here.
WAYS_OUT = {
    "delay_line_saturated": "give potential more integer bits, or start with smaller weights",
    "potential_saturated": "give potential more integer bits, or start with smaller weights",
    "readout_saturated": "train with a smaller step size of the readout, or give potential more integer bits",
    "trace_saturated": "give trace more integer bits",
    "signal_saturated": "give signal and step formats more integer bits, or train with smaller step sizes",
    "weight_saturated": "train with smaller step sizes, or give weight more integer bits",
    "signal_underflow": "train with larger step sizes, or give signal and step formats more fraction bits",
}


def opportunities(c: CoreConfig, counters: Mapping[str, int], steps: int, learned: int, scored: int) -> dict[str, int]:
    """How often each quantity could have saturated: what the shares in the warnings are shares of.

    Delays are missing on purpose: `delay_saturated` counts those that an update would have moved beyond 0 or Dmax, where
    they stay by design.

    Parameters
    ----------
    c : CoreConfig
        Of the core.
    counters : mapping
        Its counters.
    steps, learned, scored : int
        Steps that were run, those of samples that were learned, and the scored ones among these.
    """
    narrowed = {"none": 0, "axonal": c.rows, "synaptic": c.rows * c.neurons}[
        c.delays
    ]  # W etaD m, if every row is awake
    products = scored * (c.outputs + 4 * c.neurons + narrowed)  # eta err; L, m, eta m of W and of D
    return {
        "delay_line_saturated": counters.get("deliveries", 0) * c.neurons,  # a delivery adds to every neuron's line
        "potential_saturated": steps * c.neurons * (1 + c.exponential),  # and the synaptic current, if there is one
        "readout_saturated": counters.get("spikes", 0) * c.outputs,  # a spike adds to every readout
        "trace_saturated": learned * (c.rows + c.neurons),
        "signal_saturated": products,
        "weight_saturated": scored * c.neurons * (c.rows + c.outputs),  # if every row is awake
        "signal_underflow": products,
    }


def saturation_warnings(counters: Mapping[str, int], possible: Mapping[str, int]) -> Iterator[str]:
    """Counters above their share of what was `possible`, see `opportunities`."""
    for name, way_out in WAYS_OUT.items():
        count, most = counters.get(name, 0), possible[name]
        if count > (UNDERFLOW if name == "signal_underflow" else SATURATED) * most:
            share = min(1.0, count / most) if most else 1.0
            yield f"{name} {count:,} times, {share:.1%} of what is possible: {way_out}"


def firing_warnings(train: Sequence[Sample], inputs: int, silent: int | None, neurons: int) -> Iterator[str]:
    """Neurons that never spike on samples that are not learned (None: not counted); inputs that never do in `train`."""
    if silent is not None and silent > SILENT * neurons:
        yield (
            f"{silent} of {neurons} neurons never spike: start with larger weights, or train with smaller step sizes or "
            "fewer neurons"
        )
    if unused := np.flatnonzero(~used_inputs(train, inputs)).tolist():
        names = ", ".join(map(str, unused[:NAMED])) + (", ..." if len(unused) > NAMED else "")
        yield f"{len(unused)} of {inputs} inputs never spike in the training samples ({names}): look at the data"


def used_inputs(samples: Sequence[Sample], inputs: int) -> NDArray[np.bool_]:
    """Whether each input unit spikes in any sample [inputs]."""
    used = np.zeros(inputs, np.bool_)
    for sample in samples:
        used[sample.units] = True
    return used


def moving_warnings(
    initial: Network | FloatNetwork,
    network: Network | FloatNetwork,
    etas: Mapping[str, float],
    train: Sequence[Sample],
    sparse: bool,
) -> Iterator[str]:
    """Parameters that are where they started although a step size (`etas`, by array) is not 0.

    What cannot move does not count: rows of inputs that never spike, a neuron's synapse onto itself and, in a `sparse`
    network, synapses that are dormant before or after.
    """
    c = network.config
    free = np.ones(network.weight.shape, np.bool_)
    free[: c.inputs] = used_inputs(train, c.inputs)[:, None]
    if c.recurrent:
        np.fill_diagonal(free[c.inputs :], False)
    active = free & (initial.weight != 0) & (network.weight != 0) if sparse else free
    masks = {"weight": active, "delay": active if c.delays == "synaptic" else free.any(axis=1, keepdims=True)}
    for name, what in PARAMETERS.items():
        before, after = (getattr(net, name) for net in (initial, network))
        if not etas.get(name) or not after.size:
            continue
        same = (before == after)[masks.get(name, np.ones(after.shape, np.bool_))]
        if same.size and same.mean() >= STILL:
            yield (
                f"{same.mean():.1%} of the {what} did not move although their step size is {etas[name]:g}: train with a "
                "larger one, or look whether neurons spike near their threshold"
            )


def accuracy_warnings(
    curve: Sequence[float], kept: int, accuracy: float, test: Dataset, held: Dataset | None
) -> Iterator[str]:
    """An accuracy that collapsed on the way, or is no better than guessing.

    Parameters
    ----------
    curve : sequence of float
        Accuracy after every epoch, on the held-out samples or, without them, on the test samples.
    kept : int
        Index of the epoch whose network is returned.
    accuracy : float
        Test accuracy of that network.
    test : Dataset
        Whose test samples that are.
    held : Dataset or None
        Whose test samples are the held-out ones.
    """
    chance, guessed = _guessing((held or test).test_labels)
    top = max(range(len(curve)), key=lambda n: curve[n])
    if curve[top] > guessed and curve[-1] < chance + COLLAPSED * (curve[top] - chance):
        found = f"accuracy fell from {curve[top]:.1%} in epoch {top + 1} to {curve[-1]:.1%} in epoch {len(curve)}"
        end = (
            f"the network of epoch {kept + 1} was kept"
            if held
            else "this is the network of the last epoch; a validation share keeps the best one"
        )
        yield f"{found}: {end}: train with smaller step sizes, or fewer epochs"
    chance, guessed = _guessing(test.test_labels)
    if accuracy <= guessed:
        yield (
            f"a test accuracy of {accuracy:.1%} is no better than guessing ({chance:.1%}): train longer, or with other "
            "step sizes"
        )


def _guessing(labels: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy of naming the most frequent class, and the largest that is not told apart from it."""
    chance = float(np.bincount(labels).max() / len(labels))
    return chance, chance + GUESSED * sqrt(chance * (1 - chance) / len(labels))

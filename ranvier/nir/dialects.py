"""What the simulators mean by the same NIR graph: time step, integration, what one spike does, reset.

NIR writes differential equations. What a simulator computes step by step is not in the file, and no two do the same. With
S[t] the weights of a step's spikes added up, ``a`` and ``b`` the decays of membrane and current, each node is read as ::

    CubaLIF    I[t] = b I[t-1] + g S[t]        v[t] = a v[t-1] + h I[t]
    LIF, LI    v[t] = a v[t-1] + h S[t]

========== ========= ============== =========== ====================== ==================== ==========================
dialect    dt        a of tau       reset       g, by `synapse`        h, by `membrane`     written by, and read in
========== ========= ============== =========== ====================== ==================== ==========================
(none)     given     1 - dt/tau     zero        step: (1 - b) w_in     r: (1 - a) r         the equations of ``nir``
snntorch   1e-4      1 - dt/tau     soft        step                   r                    ``snntorch.export_nir``
norse      1e-3      1 - dt/tau     zero        jump: w_in             r                    ``norse.torch.to_nir``
rockpool   from r    exp(-dt/tau)   soft now    leaked: b w_in         1 (LI: a)            ``rockpool.nn.modules.to_nir``
sinabs     1 s       exp(-dt/tau)   soft now    step                   r                    ``sinabs.nir.to_nir``
spiking-   1e-4      1 - dt/tau     zero        step                   r                    ``spikingjelly ... to_nir``
jelly
========== ========= ============== =========== ====================== ==================== ==========================

snnTorch and SpikingJelly write r = 1 / (1 - a) and w_in = 1 / (1 - b), so that a spike adds its weight; SpikingJelly's
``decay_input`` is r = 1. Norse writes r = w_in = 1 and adds a spike to the current at once. Rockpool writes
``r = tau exp(-dt/tau) / dt``, which says dt and is no gain: its membrane adds the whole current, and its current decays on
the step on which a spike arrives. sinabs counts time in steps.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ranvier.parameters.config import Reset

__all__ = [
    "DIALECTS",
    "SAME_STEP",
    "SPIKES",
    "Dialect",
    "Gain",
    "Integration",
    "Membrane",
    "Spike",
    "Synapse",
    "chosen_step",
    "rockpool_steps",
]

Integration = Literal["euler", "exp"]
Spike = Literal["step", "jump"]
Synapse = Literal["step", "jump", "leaked"]
Membrane = Literal["r", "one"]
Gain = Literal["undone", "one"]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a simulator reads the graphs that it writes; see the head of this file.

    Parameters
    ----------
    dt : float, optional
        Seconds per step that its exporter takes for granted.
    integration : {"euler", "exp"}
        How time constants become decays.
    reset : {"zero", "soft", "soft now"}
        What a spike does to the membrane potential.
    synapse : {"step", "jump", "leaked"}
        What a spike does to the current of a CubaLIF: a current of 1 that lasts a step, a jump by the weight, or a jump
        that decays on its own step.
    membrane : {"r", "one"}
        Whether r scales what the membrane integrates.
    gains : tuple of {"undone", "one"}
        What its files hold for r and w_in: gains that undo ``1 - decay``, or 1; nothing if they are no gains.
    at : bool
        Fires at the threshold, as the core does, not only above it.
    remarks : tuple of str
        What its files do not tell, and what the core cannot do as it does.
    """

    dt: float | None = None
    integration: Integration = "euler"
    reset: Reset = "zero"
    synapse: Synapse = "step"
    membrane: Membrane = "r"
    gains: tuple[Gain, ...] = ()
    at: bool = False
    remarks: tuple[str, ...] = ()


MANY = "{} lets a neuron spike several times in a step that takes it to several thresholds, the core once"

#: By the name that ``--from`` takes.
DIALECTS: dict[str, Dialect] = {
    "snntorch": Dialect(
        dt=1e-4,
        reset="soft",
        gains=("undone",),
        remarks=(
            "snnTorch's files do not say how neurons reset: soft is its default; where it was reset_delay=False or "
            'reset_mechanism="zero", give --reset soft-now or --reset zero',
        ),
    ),
    "norse": Dialect(dt=1e-3, synapse="jump", gains=("one",)),
    "rockpool": Dialect(
        dt=1e-3,
        integration="exp",
        reset="soft now",
        synapse="leaked",
        membrane="one",
        at=True,
        remarks=(MANY.format("Rockpool"),),
    ),
    "sinabs": Dialect(
        dt=1.0,
        integration="exp",
        reset="soft now",
        gains=("one",),
        at=True,
        remarks=(
            "sinabs' files do not say whether norm_input was on, its default: where it was off, give --spike jump",
            MANY.format("sinabs"),
        ),
    ),
    "spikingjelly": Dialect(dt=1e-4, gains=("undone", "one"), at=True),
}

SPIKES: tuple[Spike, ...] = get_args(Spike)


#: What single precision and its arithmetic make of a step, at most; steps of neurons that differ by more are two.
SAME_STEP = 1e-5
#: A step of at most so many digits, or one of so many to a second, was chosen by somebody.
DIGITS, RATES = 4, 10_000


def rockpool_steps(tau: NDArray[np.float64], r: NDArray[np.float64]) -> NDArray[np.float64]:
    """dt of Rockpool's ``r = tau exp(-dt/tau) / dt`` for every neuron; NaN where no dt gives such a gain."""
    good = (tau > 0) & (r > 0) & np.isfinite(tau) & np.isfinite(r)
    tau, r = np.where(good, tau, 1.0), np.where(good, r, 1.0)
    x = r + 1.0  # tau / dt; Newton's method for log x - 1/x = log r, which is concave and rises
    for _ in range(40):
        x = np.maximum(x - (np.log(x) - 1 / x - np.log(r)) / (1 / x + 1 / x**2), x / 10)
    return np.where(good & (np.abs(x * np.exp(-1 / x) / r - 1) < SAME_STEP), tau / x, np.nan)


def chosen_step(steps: NDArray[np.float64], digits: int = DIGITS) -> float | None:
    """The step that somebody chose, if all of these are it but for their rounding: of few digits, or a whole rate."""
    middle = float(np.median(steps))
    if not 0 < middle < np.inf:
        return None
    rounded = [float(f"{middle:.{places}e}") for places in range(digits)]
    rounded += [1 / rate for rate in [round(1 / middle)] if 1 <= rate <= RATES]
    return next((dt for dt in rounded if (np.abs(steps / dt - 1) < SAME_STEP / 5).all()), None)

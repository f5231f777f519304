"""What is written into a core to load a network, and where its state is read, whatever the way there."""

from numpy.typing import NDArray

from ranvier.hw.registers import Register, Space
from ranvier.parameters.network import Network
from ranvier.parameters.record import Traced
from ranvier.parameters.step_size import StepSize

__all__ = ["ARRAYS", "TRACES", "arrays", "settings", "step_sizes"]

#: Array of a network -> where it lies in the core.
ARRAYS = {
    "weight": Space.WEIGHT,
    "delay": Space.DELAY,
    "readout": Space.READOUT,
    "feedback": Space.FEEDBACK,
}

#: Quantity that a record holds step by step -> where the core shows it; one that does not learn lacks some, which are zero.
TRACES: dict[Traced, Space] = {
    "spikes": Space.SPIKED,
    "potential": Space.POTENTIAL,
    "readout": Space.READOUT_VALUE,
    "surrogate": Space.SURROGATE,
    "readout_trace": Space.READOUT_TRACE,
    "trace": Space.TRACE,
}


def arrays(network: Network) -> dict[Space, NDArray]:
    """The arrays that this network has, [rows, columns] of each space."""
    return {space: getattr(network, name) for name, space in ARRAYS.items() if getattr(network, name).size}


def step_sizes(weight: StepSize, delay: StepSize, readout: StepSize) -> dict[Register, int]:
    """Registers that hold the step sizes."""
    etas = {Register.ETA_WEIGHT: weight, Register.ETA_DELAY: delay, Register.ETA_READOUT: readout}
    return {register: register.pack(mantissa=eta.mantissa, shift=eta.shift) for register, eta in etas.items()}


def settings(network: Network) -> dict[Register, int]:
    """Registers of a network, in the order in which they are to be written."""
    return {
        Register.ALPHA: network.alpha,
        Register.BETA: network.beta,
        Register.KAPPA: network.kappa,
        **step_sizes(network.eta_weight, network.eta_delay, network.eta_readout),
        Register.SEED: network.seed,
    }

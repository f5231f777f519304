"""Where a core holds a network and its state, and the register words that belong to a network."""

from numpy.typing import NDArray

from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.network import Network
from ranvier.parameters.record import Traced
from ranvier.parameters.step_size import StepSize

__all__ = ["ARRAYS", "TRACES", "arrays", "settings", "step_sizes"]

#: Array of a network -> window that holds it.
ARRAYS = {
    "weight": AddressSpace.WEIGHT,
    "delay": AddressSpace.DELAY,
    "readout": AddressSpace.READOUT,
    "feedback": AddressSpace.FEEDBACK,
}

#: Recorded quantity -> window that shows it; a core without learning has no window for some, which are zero.
TRACES: dict[Traced, AddressSpace] = {
    "spikes": AddressSpace.SPIKED,
    "potential": AddressSpace.POTENTIAL,
    "readout": AddressSpace.READOUT_VALUE,
    "surrogate": AddressSpace.SURROGATE,
    "readout_trace": AddressSpace.READOUT_TRACE,
    "trace": AddressSpace.TRACE,
}


def arrays(network: Network) -> dict[AddressSpace, NDArray]:
    """The arrays that this network has, [rows, columns], by space."""
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

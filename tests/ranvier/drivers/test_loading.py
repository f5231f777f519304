import numpy as np

from ranvier.drivers.loading import ARRAYS, arrays, settings
from ranvier.hw.registers import AddressSpace, Register
from ranvier.parameters.config import CoreConfig
from ranvier.parameters.network import Network
from ranvier.parameters.step_size import StepSize

CONFIG = CoreConfig(inputs=2, neurons=3, outputs=2, delays="none")


def test_every_array_of_a_network_has_a_window():
    full = CONFIG.replace(delays="synaptic", feedback="random")
    assert set(ARRAYS) == set(Network.layout(full))
    for space, values in arrays(Network.zeros(full)).items():
        assert values.shape == space.extent(full)
        assert space.has_rows


def test_arrays_that_a_core_lacks_are_not_written():
    assert list(arrays(Network.zeros(CONFIG))) == [AddressSpace.WEIGHT, AddressSpace.READOUT]


def test_settings_are_what_the_registers_hold():
    network = Network.zeros(CONFIG.replace(synapse="exponential")).replace(
        alpha=3, beta=4, kappa=5, eta_delay=StepSize(7, 9), seed=0xFFFFFFFF
    )
    assert settings(network) == {
        Register.ALPHA: 3,
        Register.BETA: 4,
        Register.KAPPA: 5,
        Register.ETA_WEIGHT: 0,
        Register.ETA_DELAY: 7 | 9 << 8,
        Register.ETA_READOUT: 0,
        Register.SEED: 0xFFFFFFFF,
    }
    assert np.all([0 <= word < 1 << 32 for word in settings(network).values()])

"""How much the baud rates of a serial port and of the core behind it may differ."""

from dataclasses import dataclass

import numpy as np

from ranvier.drivers.link import LinkError
from ranvier.drivers.remote import RemoteCore
from ranvier.drivers.serial_link import SerialLink
from ranvier.parameters.network import Network
from ranvier.verification.scenario import ScenarioError, compare_networks
from ranvier.verification.stimulus import random_network

__all__ = ["RATES", "Rate", "sweep"]

#: Baud rates of a sweep, relative to the one that the core was built for.
RATES = (0.92, 0.95, 0.97, 1.0, 1.03, 1.05, 1.08)


@dataclass(frozen=True)
class Rate:
    """Whether a core could be loaded and read back at a baud rate, and if not, why."""

    baud: int
    failure: str | None = None


def sweep(device: RemoteCore, link: SerialLink) -> list[Rate]:
    """Load a network and read it back at rates around that of the link: how much the two ends may differ.

    A core has one rate. What is swept is that of the port, as it was asked for; an adapter may round it.
    """
    rates, nominal, network = [], link.baud, random_network(device.config, np.random.default_rng(0))
    for relative in RATES:
        baud, failure = round(nominal * relative), None
        try:
            link.tune(baud)
            device.load(network)
            compare_networks("the network", device.network(), network)
        except (ScenarioError, LinkError) as error:
            failure = str(error)
        rates.append(Rate(baud, failure))
    link.tune(nominal)
    device.load(Network.zeros(device.config))
    return rates

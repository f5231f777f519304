"""Measurements of devices: bit-exact agreement over an epoch, speed, and clock cycles of trained networks."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import ClassVar

import numpy as np

import ranvier.golden
import ranvier.hw
import ranvier.parameters
import ranvier.sim
from ranvier.bench.schema import AGREEMENT, problem
from ranvier.bench.suite import OBSERVED, ExperimentResult, Material, Values, formula_cycles
from ranvier.data import Dataset
from ranvier.device import open_device
from ranvier.learners.online import train
from ranvier.parameters.network import Network
from ranvier.parameters.presets import preset
from ranvier.parameters.sample import Sample
from ranvier.recipes import RECIPES, initial_network, with_delays
from ranvier.verification.verify import Mismatch, Twin

__all__ = ["LABELS", "PAIRS", "Agreement", "simulated_cycles", "speed"]

#: Devices whose speed is measured, with a number of samples that takes seconds.
SPEED_SAMPLES = {"golden:plain": 3, "golden": 300, "float64": 100, "sim": 50}

#: Device -> its label in the tables.
LABELS = {"golden:plain": "golden, plain", "golden": "golden, compiled", "float64": "float", "sim": "simulated RTL"}

#: Pairs of devices that must agree to the bit over an epoch.
PAIRS = (("golden:plain", "golden"), ("golden", "sim"))


@dataclass(frozen=True)
class Agreement:
    """One epoch learned and one test run on two devices at once, every result compared.

    Parameters
    ----------
    reference, device : str
        Devices to compare.
    """

    reference: str
    device: str
    leaves: ClassVar[tuple[str, ...]] = ()

    def problem(self, values: Values, material: Material) -> str | None:
        """Problem with stored values, or None."""
        found = problem(values, AGREEMENT)
        same = (values.get("reference"), values.get("device")) == (self.reference, self.device)
        return found or (None if same else f"it is of {values['reference']} and {values['device']}")

    def key(self, material: Material) -> str:
        """Digest of all inputs: data, recipe, and every source file of golden model, hardware and simulator."""
        name = material.dataset.name
        digest = hashlib.sha256(json.dumps(asdict(self)).encode())
        digest.update(f"{material.digest} {preset(name).to_toml()} {RECIPES[name]}".encode())
        for module in (ranvier.parameters, ranvier.golden, ranvier.hw, ranvier.sim):
            sources = (path for kind in ("*.py", "*.cpp", "*.h") for path in Path(module.__path__[0]).rglob(kind))
            for path in sorted(sources):
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def result(self, material: Material) -> ExperimentResult:
        """Run it; spikes, scores and counters are compared on every sample, steps and parameters on every 50th."""
        dataset = material.dataset
        config, recipe = with_delays(preset(dataset.name), RECIPES[dataset.name].replace(epochs=1), "synaptic")
        with Twin(open_device(self.reference, config), open_device(self.device, config), every=50) as twin:
            first = None
            try:
                train(twin, initial_network(config, recipe, 0), dataset, recipe)
            except Mismatch as mismatch:
                first = str(mismatch)
        return ExperimentResult(
            asdict(self)
            | {"samples": twin.samples, "compared": twin.compared, "mismatches": twin.mismatches, "first": first}
        )


def simulated_cycles(path: str | Path, dataset: Dataset) -> float:
    """Clock cycles per sample of a saved network, measured on the simulated RTL with the samples of the formulas."""
    network = Network.read(path)
    with open_device("sim", network.config) as device:
        device.load(network)
        cycles = [device.run(sample).cycles or 0 for sample in dataset.test[:OBSERVED]]
    return float(np.mean(cycles))


def speed(dataset: Dataset, devices: Sequence[str]) -> list[Values]:
    """One row per device: its speed of learning in CPU time, on the preset of the data set and from the same network.

    CPU time depends little on the load of the machine.
    """
    config, recipe = preset(dataset.name), RECIPES[dataset.name]
    network = initial_network(config, recipe, 0)
    rows: list[Values] = []
    for name in devices:
        samples = list(zip(dataset.train, dataset.train_labels.tolist(), strict=True))[: SPEED_SAMPLES[name]]
        with open_device(name, config) as device:
            device.load(network)
            device.run(dataset.train[0], target=0, learn=True)  # compiles
            device.load(network)
            start = process_time()
            counts = [device.run(sample, target=label, learn=True).cycles for sample, label in samples]
            seconds = process_time() - start
        cycles = [count for count in counts if count is not None]
        rows.append(
            {
                "data": dataset.name,
                "device": name,
                "samples_per_second": len(samples) / seconds,
                "cycles_per_sample": float(np.mean(cycles)) if cycles else None,
                "of_formula": _of_formula(network, samples, cycles) if cycles else None,
                "cycles_per_second": sum(cycles) / seconds if cycles else None,
            }
        )
    plain = next((row["samples_per_second"] for row in rows if row["device"] == "golden:plain"), None)
    return [row | {"against_plain": row["samples_per_second"] / plain if plain else None} for row in rows]


def _of_formula(network: Network, samples: Sequence[tuple[Sample, int]], measured: Sequence[int]) -> float:
    """Measured clock cycles of the first samples as a share of what `ranvier.hw.budget` allows for their work."""
    return sum(measured[:OBSERVED]) / formula_cycles(network, samples[:OBSERVED], learn=True)

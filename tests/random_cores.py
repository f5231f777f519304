"""Random cores that every comparison may draw from: any options, any number formats."""

import numpy as np

from ranvier.golden.config import CHOICES, ConfigError, CoreConfig
from ranvier.golden.qformat import QFormat

__all__ = ["random_config"]


def random_config(rng: np.random.Generator) -> CoreConfig:
    """A small valid core with any options and, every other time, any number formats."""

    def form(signed: bool, integer: tuple[int, int], fraction: tuple[int, int]) -> QFormat:
        return QFormat(signed, int(rng.integers(*integer)), int(rng.integers(*fraction)))

    while True:
        formats = {
            "weight": form(True, (0, 4), (3, 15)),
            "potential": form(True, (1, 7), (4, 16)),
            "decay": form(False, (0, 1), (3, 16)),
            "trace": form(False, (1, 6), (8, 12)),
            "surrogate": form(False, (0, 1), (1, 11)),
            "error": form(True, (1, 3), (0, 15)),
            "signal": form(True, (0, 8), (4, 16)),
            **{f"step_{name}": form(True, (0, 4), (4, 20)) for name in ("weight", "delay", "readout")},
        }
        try:
            return CoreConfig(
                inputs=int(rng.integers(1, 7)),
                neurons=int(rng.integers(1, 20)),
                outputs=int(rng.integers(2, 8)),
                recurrent=bool(rng.integers(2)),
                max_delay=int(rng.choice([1, 2, 5, 6, 14])),
                delays=str(rng.choice(["none", "axonal", "synaptic", "synaptic"])),
                lanes=int(rng.choice([1, 2, 4, 8, 16])),
                learning=bool(rng.random() < 0.9),
                feedback=str(rng.choice(CHOICES["feedback"])),
                reset=str(rng.choice(CHOICES["reset"])),
                synapse=str(rng.choice(CHOICES["synapse"])),
                dormant=bool(rng.integers(2)),
                prediction=str(rng.choice(CHOICES["prediction"])),
                threshold=float(rng.choice([0.5, 1.0, 2.0])),
                surrogate_width=float(rng.choice([0.5, 1.0, 2.0])),
                kernel_radius=int(rng.integers(1, 4)),
                kernel_sigma=float(rng.choice([0.5, 1.0, 2.0])),
                delay_fraction=int(rng.integers(1, 13)),
                **(formats if rng.integers(2) else {}),
            )
        except ConfigError:
            continue

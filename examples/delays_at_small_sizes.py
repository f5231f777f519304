"""Do learned delays beat fixed random ones in small networks? The sweep behind docs/delays_at_small_sizes.md.

    python examples/delays_at_small_sizes.py braille_taxels.npz --out out/small.jsonl

Backpropagation through time on the Braille letters, over sizes, initial delays and epochs. Learned and fixed start from the
same network of the same seed and see the same samples in the same order. Runs that are already in the file are not repeated.
"""

import argparse
import itertools
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from ranvier import Dataset, braille, preset
from ranvier.learners.bptt import Bptt
from ranvier.learners.offline import train_offline
from ranvier.recipes import recipe_of

#: 97.5 % quantile of Student's distribution by number of seeds.
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
#: Gradient rule, and step sizes of W and Wout and of D, each tuned on 6 of the 32 training recordings of each letter.
KINDS: dict[str, tuple[Bptt, float, float]] = {
    "learned": (Bptt(sigma=2.5, spreading=0.9), 0.01, 0.5),
    "fixed": (Bptt(sigma=0.0), 0.02, 0.0),
}


def run(data: Dataset, kind: str, neurons: int, span: float, epochs: int, seed: int) -> dict[str, float]:
    """Train one network and evaluate it on the test set."""
    rule, eta, eta_delay = KINDS[kind]
    recipe = recipe_of("bptt", "braille").replace(
        epochs=epochs, delay_span=span, eta_weight=eta, eta_readout=eta, eta_delay=eta_delay
    )
    start = recipe.draw(preset("braille").replace(neurons=neurons), np.random.default_rng(seed))
    result = train_offline(rule, start, data, recipe, seed, progress=True)
    moved = float(abs(result.network.delay - start.delay).mean())
    return {"accuracy": result.accuracy, "trained": result.epochs[-1].trained, "moved": moved}


def interval(values: list[float]) -> str:
    """Mean in percent with its 95 % confidence interval."""
    if len(values) not in STUDENT:
        return f"{100 * mean(values):+.1f}"
    return f"{100 * mean(values):+.1f} ± {100 * STUDENT[len(values)] * stdev(values) / len(values) ** 0.5:.1f}"


def spread(values: list[float]) -> str:
    """Mean and standard deviation in percent."""
    return f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f} %" if len(values) > 1 else f"{100 * values[0]:.1f} %"


def table(runs: list[dict[str, Any]]) -> str:
    """Markdown: one line for each cell in which both kinds have a seed in common."""
    lines = [
        "| neurons | epochs | initial delays | fixed | learned | learned - fixed, points | moved, steps | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by = {tuple(one[name] for name in ("neurons", "epochs", "span", "kind", "seed")): one for one in runs}
    for cell in sorted({key[:3] for key in by}):
        seeds = [s for s in sorted({key[4] for key in by}) if all((*cell, kind, s) in by for kind in KINDS)]
        if not seeds:
            continue
        learned, fixed = ([by[*cell, kind, s]["accuracy"] for s in seeds] for kind in ("learned", "fixed"))
        gain = interval([a - b for a, b in zip(learned, fixed, strict=True)])
        moved = mean(by[*cell, "learned", s]["moved"] for s in seeds)
        neurons, epochs, span = cell
        lines.append(
            f"| {neurons} | {epochs} | {f'0 to {span:.0%} of 62' if span else 'none'} | {spread(fixed)} | "
            f"{spread(learned)} | {gain} | {moved:.1f} | {len(seeds)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="file of the Braille recordings")
    parser.add_argument("--out", type=Path, required=True, help="one line of JSON for each run")
    parser.add_argument("--neurons", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--spans", type=float, nargs="+", default=[0.0, 0.25, 1.0])
    parser.add_argument("--epochs", type=int, nargs="+", default=[20])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    given = parser.parse_args()
    data = braille(given.data)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for seed, neurons, epochs, span, kind in itertools.product(
        given.seeds, given.neurons, given.epochs, given.spans, KINDS
    ):
        cell = {"kind": kind, "neurons": neurons, "span": span, "epochs": epochs, "seed": seed}
        runs = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
        if not any(cell.items() <= one.items() for one in runs):
            with given.out.open("a") as file:
                file.write(json.dumps(cell | run(data, **cell)) + "\n")
    print(table([json.loads(line) for line in given.out.read_text().splitlines()]))


if __name__ == "__main__":
    main()

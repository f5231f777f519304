"""Results as rows of plain values, and rows as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from ranvier.bench.devices import LABELS
from ranvier.bench.statistics import Difference, Spread
from ranvier.bench.suite import Row, Run
from ranvier.learners import LEARNERS

__all__ = ["DELAYS", "Table", "accuracy_rows", "difference_rows", "markdown", "tables"]

#: Kind of delays -> what to call it.
DELAYS = {
    "none": "none, weights only",
    "fixed": "random, fixed",
    "axonal": "learned, axonal",
    "synaptic": "learned, synaptic",
    "zero": "learned, synaptic, all 0 at first",
}

#: What learned delays are compared with.
CONTROLS = ("fixed", "none")

#: Quantities of which a row of results holds the mean.
MEANS = ("spikes_per_sample", "cycles_per_sample", "firing_rate", "cpu_seconds", "silent")

#: What may be missing from a run.
OPTIONAL = ("learning_cycles_per_sample", "delays_moved")

Table = tuple[str, list[str], list[list[str]]]


def accuracy_rows(finished: Sequence[tuple[Run, Row]]) -> list[Row]:
    """One row per learner, wiring, size and kind of delays, over the seeds there are."""
    groups: dict[tuple[str, str, int, str], list[tuple[Run, Row]]] = {}
    for run, row in finished:
        groups.setdefault(run.place(), []).append((run, row))
    return [_accuracy(key, group) for key, group in groups.items()]


def _accuracy(key: tuple[str, str, int, str], group: list[tuple[Run, Row]]) -> Row:
    results = [row for _, row in group]
    result: Row = dict(zip(("learner", "wiring", "neurons", "delays"), key, strict=True))
    result["seeds"] = [run.seed for run, _ in group]
    for name in ("golden_accuracy", "float_accuracy", "loss"):
        values = [row[name] for row in results]
        spread = None if None in values else Spread.of(values)
        result[name] = spread and {"mean": spread.mean, "std": spread.std, "each": values}
    for name in MEANS:
        result[name] = Spread.of([row[name] for row in results]).mean
    for name in OPTIONAL:
        values = [row[name] for row in results]
        result[name] = None if None in values else Spread.of(values).mean
    return result | {name: results[0][name] for name in ("parameters", "memory_bits")}


def difference_rows(finished: Sequence[tuple[Run, Row]]) -> list[Row]:
    """Learned synaptic delays minus each control, seed by seed, for every learner, wiring, size and arithmetic."""
    results = {(run.learner, run.wiring, run.neurons, run.delays, run.seed): row for run, row in finished}
    sizes = dict.fromkeys((run.learner, run.wiring, run.neurons) for run, _ in finished)
    rows: list[Row] = []
    for learner, wiring, neurons in sizes:
        for control in CONTROLS:
            for arithmetic in ("golden", "float"):
                pairs = [
                    (row[f"{arithmetic}_accuracy"], results[*key[:3], control, key[4]][f"{arithmetic}_accuracy"])
                    for key, row in results.items()
                    if key[:4] == (learner, wiring, neurons, "synaptic") and (*key[:3], control, key[4]) in results
                ]
                if pairs and not any(None in pair for pair in pairs):
                    ones, others = zip(*pairs, strict=True)
                    found = Difference.between(ones, others)
                    rows.append(
                        {
                            "learner": learner,
                            "wiring": wiring,
                            "neurons": neurons,
                            "control": control,
                            "arithmetic": arithmetic,
                            "mean": found.mean,
                            "half_width": found.half_width,
                            "pairs": found.count,
                            "clear": found.clear,
                        }
                    )
    return rows


def tables(
    accuracy: list[Row], differences: list[Row], agreement: list[Row], speed: list[Row], simulated: bool
) -> list[Table]:
    """Title, column names and cells of every table that has rows."""
    made = [
        _accuracy_table(accuracy, simulated),
        _cost_table(accuracy, simulated),
        _difference_table(differences),
        _agreement_table(agreement),
        _speed_table(speed),
    ]
    return [table for table in made if table[2]]


def _name(row: Row) -> list[str]:
    return [LEARNERS[row["learner"]].label, row["wiring"], str(row["neurons"])]


def _percent(spread: dict[str, Any] | None) -> str:
    if spread is None:
        return "–"
    deviation = f" ± {100 * spread['std']:.1f}" if len(spread["each"]) > 1 else ""
    return f"{100 * spread['mean']:.1f}{deviation}"


def _accuracy_table(rows: list[Row], simulated: bool) -> Table:
    columns = ["learner", "wiring", "neurons", "delays", "golden, %", "float, %", "lost by quantisation, points"]
    columns += ["parameters", "memory, kbit", "spikes / sample", "cycles / sample, formula"]
    columns += ["cycles / sample, simulated RTL"] * simulated
    cells = [
        [
            *_name(row),
            DELAYS[row["delays"]],
            _percent(row["golden_accuracy"]),
            _percent(row["float_accuracy"]),
            _percent(row["loss"]),
            f"{row['parameters']:,}",
            f"{row['memory_bits'] / 1000:,.1f}",
            f"{row['spikes_per_sample']:,.1f}",
            f"{row['cycles_per_sample']:,.0f}",
            *([_number(row.get("simulated_cycles_per_sample"), ",.0f")] * simulated),
        ]
        for row in rows
    ]
    return "Test accuracy, mean ± standard deviation over the seeds", columns, cells


def _cost_table(rows: list[Row], simulated: bool) -> Table:
    columns = ["learner", "wiring", "neurons", "delays", "each seed, golden, %", "D moved, steps"]
    columns += [
        "spikes / neuron / step, golden",
        "silent neurons, golden",
        "cycles / learned sample, formula",
        "CPU s / training",
    ]
    cells = [
        [
            *_name(row),
            DELAYS[row["delays"]],
            ", ".join(f"{100 * value:.1f}" for value in row["golden_accuracy"]["each"]),
            _number(row["delays_moved"], ".2f"),
            f"{row['firing_rate']:.3f}",
            f"{row['silent']:.1f}",
            _number(row["learning_cycles_per_sample"], ",.0f"),
            f"{row['cpu_seconds']:,.1f}",
        ]
        for row in rows
    ]
    return "Every seed, and what training did", columns, cells


def _difference_table(rows: list[Row]) -> Table:
    columns = ["learner", "wiring", "neurons", "arithmetic", "learned, synaptic minus", "difference, points"]
    columns += ["95 % interval", "excludes 0"]
    cells = []
    for row in rows:
        mean, half = 100 * row["mean"], row["half_width"]
        interval = "–" if half is None else f"{mean - 100 * half:+.1f} to {mean + 100 * half:+.1f}"
        clear = {None: "–", True: "yes", False: "no"}[row["clear"]]
        cells.append([*_name(row), row["arithmetic"], DELAYS[row["control"]], f"{mean:+.1f}", interval, clear])
    return "What learning the delays is worth: paired over the seeds, Student's t", columns, cells


def _agreement_table(rows: list[Row]) -> Table:
    columns = ["devices, one epoch and test", "samples", "mismatches / values compared"]
    cells = [
        [
            f"{LABELS[row['reference']]} = {LABELS[row['device']]}",
            f"{row['samples']:,}",
            f"{row['mismatches']} / {row['compared']:,}",
        ]
        for row in rows
    ]
    return "Agreement of the devices, learning", columns, cells


def _speed_table(rows: list[Row]) -> Table:
    columns = ["device", "learned / CPU s", "against plain", "cycles / sample", "of formulas", "clocks / CPU s"]
    forms = {"samples_per_second": ",.1f", "against_plain": ",.1f", "cycles_per_sample": ",.0f"}
    forms |= {"of_formula": ".0%", "cycles_per_second": ",.0f"}
    cells = [[LABELS[row["device"]], *(_number(row[name], form) for name, form in forms.items())] for row in rows]
    return "Speed of learning, one process", columns, cells


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def markdown(table: Table) -> str:
    """A table with its title."""
    title, columns, cells = table

    def line(parts: Iterable[str]) -> str:
        return f"| {' | '.join(parts)} |"

    return "\n".join([f"## {title}", "", line(columns), line("---" for _ in columns), *(line(row) for row in cells)])

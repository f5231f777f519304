"""Results as rows of plain values, and rows as tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from ranvier.bench.devices import LABELS
from ranvier.bench.statistics import PairedInterval, Spread
from ranvier.bench.suite import STRUCTURES, Run, Setting, Values
from ranvier.learners import LEARNERS
from ranvier.plot.table import Table

__all__ = ["DELAYS", "accuracy_rows", "difference_rows", "size_of", "size_text", "tables"]

#: Kind of delays -> label.
DELAYS = {
    "none": "none, weights only",
    "fixed": "random, fixed",
    "axonal": "learned, axonal",
    "synaptic": "learned, synaptic",
    "zero": "learned, synaptic, all 0 at first",
}

#: Controls of learned delays.
CONTROLS = ("fixed", "none")

#: Quantities of which a row of results holds the mean.
MEANS = ("spikes_per_sample", "cycles_per_sample", "firing_rate", "cpu_seconds", "silent")

#: Values that may be missing from a run.
OPTIONAL = ("learning_cycles_per_sample", "delays_moved", "formed")

Size = tuple[str, str, int]


def accuracy_rows(finished: Sequence[tuple[Run, Values]]) -> list[Values]:
    """One row per `Setting`, over the seeds there are."""
    groups: dict[Setting, list[tuple[Run, Values]]] = {}
    for run, row in finished:
        groups.setdefault(run.setting(), []).append((run, row))
    return [_accuracy(key, group) for key, group in groups.items()]


def _accuracy(setting: Setting, group: list[tuple[Run, Values]]) -> Values:
    results = [row for _, row in group]
    result: Values = setting._asdict() | {"seeds": [run.seed for run, _ in group]}
    for name in ("golden_accuracy", "float_accuracy", "loss"):
        values = [row[name] for row in results]
        spread = None if None in values else Spread.of(values)
        result[name] = spread and {"mean": spread.mean, "std": spread.std, "each": values}
    for name in MEANS:
        result[name] = Spread.of([row[name] for row in results]).mean
    for name in OPTIONAL:
        values = [row[name] for row in results]
        result[name] = None if None in values else Spread.of(values).mean
    return result | {name: results[0][name] for name in ("parameters", "synapses", "memory_bits")}


def difference_rows(finished: Sequence[tuple[Run, Values]]) -> list[Values]:
    """Learned synaptic delays minus each control, and rewired connections minus static ones, seed by seed."""
    results = {(run.setting(), run.seed): row for run, row in finished}
    seeds = sorted({run.seed for run, _ in finished})
    rows: list[Values] = []
    for setting in dict.fromkeys(run.setting() for run, _ in finished):
        for control, other in _controls(setting):
            for arithmetic in ("golden", "float"):
                both = [
                    (results[setting, n], results[other, n])
                    for n in seeds
                    if {(setting, n), (other, n)} <= results.keys()
                ]
                pairs = [tuple(row[f"{arithmetic}_accuracy"] for row in pair) for pair in both]
                if pairs and not any(None in pair for pair in pairs):
                    found = PairedInterval.of(*zip(*pairs, strict=True))
                    values = {
                        "mean": found.mean,
                        "half_width": found.half_width,
                        "pairs": found.count,
                        "clear": found.clear,
                    }
                    rows.append(setting._asdict() | {"control": control, "arithmetic": arithmetic} | values)
    return rows


def _controls(setting: Setting) -> Iterator[tuple[str, Setting]]:
    """Controls of a row: other kinds of delays, or static connections."""
    if setting.delays == "synaptic":
        for delays in CONTROLS:
            yield delays, setting._replace(delays=delays)
    if setting.structure == "rewired":
        yield "static", setting._replace(structure="static")


def tables(
    accuracy: list[Values], differences: list[Values], agreement: list[Values], speed: list[Values], simulated: bool
) -> list[Table]:
    """Title, column names and cells of every table that has rows."""
    made = [
        _accuracy_table(accuracy, simulated),
        *_connectivity_tables(accuracy),
        _cost_table(accuracy, simulated),
        _difference_table(differences),
        _agreement_table(agreement),
        _speed_table(speed),
    ]
    return [table for table in made if table[2]]


def _setting_columns(rows: Sequence[Values]) -> list[str]:
    """Names of the columns that `_name` fills."""
    return ["learner", "wiring", "neurons", *["connectivity"] * _any_sparse(rows), "delays"]


def _name(row: Values, rows: Sequence[Values]) -> list[str]:
    """Cells that identify a row, with its connectivity if any of `rows` is sparse."""
    sparse = [f"{row['connectivity']:.0%}" + f", {row['structure']}" * (row["connectivity"] < 1)] * _any_sparse(rows)
    return [LEARNERS[row["learner"]].label, row["wiring"], str(row["neurons"]), *sparse, DELAYS[row["delays"]]]


def size_of(row: Values) -> Size:
    """Learner, wiring and neurons of a row."""
    return row["learner"], row["wiring"], row["neurons"]


def size_text(size: Size) -> str:
    """Text of a `size_of`."""
    learner, wiring, neurons = size
    return f"{LEARNERS[learner].label}, {neurons} {wiring} neurons"


def _any_sparse(rows: Sequence[Values]) -> bool:
    return any(row["connectivity"] < 1 for row in rows)


def _percent(spread: dict[str, Any] | None) -> str:
    if spread is None:
        return "–"
    deviation = f" ± {100 * spread['std']:.1f}" if len(spread["each"]) > 1 else ""
    return f"{100 * spread['mean']:.1f}{deviation}"


def _accuracy_table(rows: list[Values], simulated: bool) -> Table:
    columns = [*_setting_columns(rows), "golden, %", "float, %", "lost by quantisation, points"]
    columns += ["parameters", "memory, kbit", "spikes / sample", "cycles / sample, formula"]
    columns += ["cycles / sample, simulated RTL"] * simulated
    cells = [
        [
            *_name(row, rows),
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


def _cost_table(rows: list[Values], simulated: bool) -> Table:
    columns = [*_setting_columns(rows), "each seed, golden, %", "D moved, steps"]
    columns += [
        "spikes / neuron / step, golden",
        "silent neurons, golden",
        "cycles / learned sample, formula",
        "CPU s / training",
    ]
    cells = [
        [
            *_name(row, rows),
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


def _difference_table(rows: list[Values]) -> Table:
    columns = [*_setting_columns(rows), "minus", "arithmetic", "difference, points", "95 % interval", "excludes 0"]
    cells = []
    for row in rows:
        mean, half = 100 * row["mean"], row["half_width"]
        interval = "–" if half is None else f"{mean - 100 * half:+.1f} to {mean + 100 * half:+.1f}"
        clear = {None: "–", True: "yes", False: "no"}[row["clear"]]
        cells.append(
            [
                *_name(row, rows),
                DELAYS.get(row["control"], row["control"]),
                row["arithmetic"],
                f"{mean:+.1f}",
                interval,
                clear,
            ]
        )
    return "Gain from learning the delays and from rewiring: paired over the seeds, Student's t", columns, cells


def _connectivity_tables(rows: list[Values]) -> list[Table]:
    """For every learner and size of which there are sparse networks: connectivity down, delays and structure across."""
    made = []
    for size in dict.fromkeys(size_of(row) for row in rows):
        mine = [row for row in rows if size_of(row) == size]
        if not _any_sparse(mine):
            continue
        cells = {(row["connectivity"], row["delays"], row["structure"]): row for row in mine}
        across = [(delays, structure) for delays in DELAYS for structure in STRUCTURES]
        across = [column for column in across if any(key[1:] == column for key in cells)]
        table = []
        for level in sorted({row["connectivity"] for row in mine}, reverse=True):
            found = [cells.get((level, *column)) for column in across]
            some = next(row for row in found if row)
            accuracy = [_percent(row and row["golden_accuracy"]) for row in found]
            formed = cells.get((level, "synaptic", "rewired"), {}).get("formed")
            table.append([f"{level:.0%}", f"{some['synapses']:,}", *accuracy, _number(formed, ",.0f")])
        columns = ["connectivity", "synapses", *(f"{DELAYS[delays]}; {structure}" for delays, structure in across)]
        columns.append("formed anew, delays learned")
        made.append((f"Golden test accuracy (%) against connectivity: {size_text(size)}", columns, table))
    return made


def _agreement_table(rows: list[Values]) -> Table:
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


def _speed_table(rows: list[Values]) -> Table:
    columns = ["device", "learned / CPU s", "against plain", "cycles / sample", "of formulas", "cycles / CPU s"]
    forms = {"samples_per_second": ",.1f", "against_plain": ",.1f", "cycles_per_sample": ",.0f"}
    forms |= {"of_formula": ".0%", "cycles_per_second": ",.0f"}
    cells = [[LABELS[row["device"]], *(_number(row[name], form) for name, form in forms.items())] for row in rows]
    return "Speed of learning, one process", columns, cells


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)

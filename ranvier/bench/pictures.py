"""The figures of the report, from its rows."""

from collections.abc import Sequence

import numpy as np

from ranvier.bench.suite import Run, Values
from ranvier.bench.tables import DELAYS, size_of, size_text
from ranvier.learners import LEARNERS
from ranvier.plot.charts import SMALL, Histogram, Panel, Series, curves, error_bars, histograms

__all__ = ["accuracy_plot", "connectivity_plot", "curve_plot", "delay_plot"]

#: Kind of delays -> colour (Okabe and Ito 2008: told apart by colour-blind people) and marker.
STYLES = {
    "none": ("#000000", "o"),
    "fixed": ("#E69F00", "s"),
    "axonal": ("#56B4E9", "^"),
    "synaptic": ("#0072B2", "D"),
    "zero": ("#D55E00", "v"),
}

ACCURACY = "golden test accuracy (%)"


def accuracy_plot(rows: Sequence[Values]) -> str:
    """Golden accuracy against parameters: one panel per learner, mean and deviation, hollow if recurrent."""
    counts = [row["parameters"] for row in rows]
    ticks, limits = _round_numbers(min(counts), max(counts)), (min(counts) / 1.4, max(counts) * 1.4)
    panels = []
    for learner in dict.fromkeys(row["learner"] for row in rows):
        mine = [row for row in rows if row["learner"] == learner]
        series = [
            _series(
                [row for row in mine if (row["delays"], row["wiring"]) == (delays, wiring)],
                "parameters",
                1,
                delays,
                DELAYS[delays] + " (recurrent)" * (wiring == "recurrent"),
                wiring == "recurrent",
            )
            for delays, wiring in dict.fromkeys((row["delays"], row["wiring"]) for row in mine)
        ]
        panels.append(Panel(LEARNERS[learner].label, series, ticks))
    return error_bars(panels, "parameters (count)", ACCURACY, form=",.0f", limits=limits)


def connectivity_plot(rows: Sequence[Values]) -> str:
    """Golden accuracy against connectivity: one panel per learner and size, solid if rewired and dotted if static."""
    panels = []
    for size in dict.fromkeys(size_of(row) for row in rows if row["connectivity"] < 1):
        mine = [row for row in rows if size_of(row) == size]
        series = [
            _series(
                [
                    row
                    for row in mine
                    if row["delays"] == delays and (row["structure"] == structure or row["connectivity"] == 1)
                ],
                "connectivity",
                100,
                delays,
                f"{DELAYS[delays]} ({structure})",
                structure == "static",
            )
            for delays, structure in dict.fromkeys(
                (row["delays"], row["structure"]) for row in mine if row["connectivity"] < 1
            )
        ]
        levels = sorted({row["connectivity"] for row in mine})
        panels.append(Panel(size_text(size), series, [100 * level for level in levels]))
    return error_bars(panels, "active synapses (% of the possible)", ACCURACY, form="g", title_size=SMALL)


def _series(rows: Sequence[Values], x: str, factor: int, delays: str, label: str, hollow: bool) -> Series:
    """Golden accuracy in percent against a quantity times a factor."""
    points = sorted(
        (factor * row[x], 100 * row["golden_accuracy"]["mean"], 100 * row["golden_accuracy"]["std"]) for row in rows
    )
    where, mean, deviation = zip(*points, strict=True)
    return Series(label, where, mean, deviation, *STYLES[delays], hollow)


def _round_numbers(least: float, most: float) -> list[int]:
    """For a logarithmic axis: 1, 2, 5 times a power of ten."""
    numbers = [d * 10**n for n in range(8) for d in (1, 2, 5)]
    return [n for n in numbers if least / 1.5 <= n <= most * 1.5]


def curve_plot(finished: Sequence[tuple[Run, Values]]) -> str:
    """Test accuracy against epochs: one panel per learner, mean and deviation over the seeds."""
    panels = []
    for learner in dict.fromkeys(run.learner for run, _ in finished):
        mine = [(run, values) for run, values in finished if run.learner == learner]
        series = []
        for delays in dict.fromkeys(run.delays for run, _ in mine):
            each = 100 * np.array([values["curve"] for run, values in mine if run.delays == delays])
            mean, deviation = each.mean(axis=0), each.std(axis=0, ddof=int(len(each) > 1))
            series.append(Series(DELAYS[delays], np.arange(1, len(mean) + 1), mean, deviation, *STYLES[delays]))
        panels.append(Panel(f"{LEARNERS[learner].label} ({mine[0][1]['curve_arithmetic']})", series))
    return curves(panels, "epochs (count)", "test accuracy (%)")


def delay_plot(finished: Sequence[tuple[Run, Values]]) -> str:
    """Histograms of the delays before and after, all seeds together: learners across, kinds of delays down."""
    learners = dict.fromkeys(run.learner for run, _ in finished)
    kinds = dict.fromkeys(run.delays for run, _ in finished)
    rows = [[_histogram(finished, learner, delays) for learner in learners] for delays in kinds]
    return histograms(rows, "delay (steps)", "delays (%)")


def _histogram(finished: Sequence[tuple[Run, Values]], learner: str, delays: str) -> Histogram | str:
    """The histogram of one panel, or its title if there is none."""
    title = f"{LEARNERS[learner].label}: {DELAYS[delays]}"
    found = [values["histogram"] for run, values in finished if (run.learner, run.delays) == (learner, delays)]
    if not found:
        return title
    before, after = (np.sum([each[name] for each in found], axis=0) for name in ("before", "after"))
    return Histogram(title, np.array(found[0]["edges"]), before, after)

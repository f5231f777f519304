"""The pictures of the report, each as the text of an SVG image."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranvier.bench.suite import Run, Values
from ranvier.bench.tables import DELAYS, size_of, size_text
from ranvier.learners import LEARNERS

__all__ = ["Raster", "accuracy_plot", "connectivity_plot", "curve_plot", "delay_plot", "raster_plot"]

#: Kind of delays -> colour (Okabe and Ito 2008: told apart by colour-blind people) and marker.
STYLES = {
    "none": ("#000000", "o"),
    "fixed": ("#E69F00", "s"),
    "axonal": ("#56B4E9", "^"),
    "synaptic": ("#0072B2", "D"),
    "zero": ("#D55E00", "v"),
}
BEFORE, AFTER = "#999999", "#0072B2"

SETTINGS: dict[str, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "path",  # the same on every machine, installed fonts or not
    "svg.hashsalt": "ranvier",
}

#: Inches of one panel.
WIDTH, HEIGHT = 4.3, 3.4
#: Panels in a row.
ACROSS = 3
#: Inches of one entry of a legend.
ENTRY = 3.1


@dataclass(frozen=True)
class Raster:
    """Spikes of one test sample on a trained network.

    Parameters
    ----------
    title : str
        Which network.
    inputs, hidden : int array [spikes, 2]
        Step and unit of every spike.
    sizes : tuple of int
        Input units, hidden neurons, steps.
    """

    title: str
    inputs: NDArray[np.int64]
    hidden: NDArray[np.int64]
    sizes: tuple[int, int, int]


def _panels(count: int, rows: int = 1, height: float = HEIGHT, **options: Any) -> tuple[Any, NDArray[Any]]:
    """A figure and its axes [rows, count]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH * max(count, 1.5), height * rows))
    return figure, figure.subplots(rows, count, squeeze=False, **options)


def _grid(count: int, **options: Any) -> tuple[Any, list[Any]]:
    """A figure and `count` axes in rows of `ACROSS`."""
    across = min(count, ACROSS)
    figure, axes = _panels(across, -(-count // across), **options)
    for spare in axes.flat[count:]:
        spare.axis("off")
    return figure, list(axes.flat[:count])


def _drawn(draw: Callable[[], Any]) -> str:
    """The SVG element of the figure that `draw` makes."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        text = io.StringIO()
        draw().savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    """One legend under all panels."""
    found = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    columns = max(1, int(figure.get_figwidth() / ENTRY))
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns)


def accuracy_plot(rows: Sequence[Values]) -> str:
    """Golden accuracy against parameters: one panel per learner, mean and deviation, hollow if recurrent."""

    def draw() -> Any:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        learners = list(dict.fromkeys(row["learner"] for row in rows))
        figure, axes = _grid(len(learners), sharex=True, sharey=True)
        for panel, learner in zip(axes, learners, strict=True):
            mine = [row for row in rows if row["learner"] == learner]
            for delays, wiring in dict.fromkeys((row["delays"], row["wiring"]) for row in mine):
                points = sorted(
                    (row["parameters"], 100 * row["golden_accuracy"]["mean"], 100 * row["golden_accuracy"]["std"])
                    for row in mine
                    if (row["delays"], row["wiring"]) == (delays, wiring)
                )
                x, mean, deviation = zip(*points, strict=True)
                colour, marker = STYLES[delays]
                hollow = {"markerfacecolor": "white", "linestyle": ":"} if wiring == "recurrent" else {}
                label = DELAYS[delays] + (" (recurrent)" if hollow else "")
                panel.errorbar(x, mean, deviation, color=colour, marker=marker, capsize=3, label=label, **hollow)
            panel.set(title=LEARNERS[learner].label, xscale="log", xlabel="parameters (count)")
            panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            panel.xaxis.set_minor_formatter(NullFormatter())
            _ticks(panel, [row["parameters"] for row in rows])
        for panel in axes[::ACROSS]:
            panel.set_ylabel("golden test accuracy (%)")
        _legend(figure, axes)
        return figure

    return _drawn(draw)


def connectivity_plot(rows: Sequence[Values]) -> str:
    """Golden accuracy against connectivity: one panel per learner and size, solid if rewired and dotted if static."""

    def draw() -> Any:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        sizes = list(dict.fromkeys(size_of(row) for row in rows if row["connectivity"] < 1))
        figure, axes = _grid(len(sizes), sharey=True)
        for panel, size in zip(axes, sizes, strict=True):
            mine = [row for row in rows if size_of(row) == size]
            levels = sorted({row["connectivity"] for row in mine})
            for delays, structure in dict.fromkeys(
                (row["delays"], row["structure"]) for row in mine if row["connectivity"] < 1
            ):
                points = sorted(
                    (
                        100 * row["connectivity"],
                        100 * row["golden_accuracy"]["mean"],
                        100 * row["golden_accuracy"]["std"],
                    )
                    for row in mine
                    if row["delays"] == delays and (row["structure"] == structure or row["connectivity"] == 1)
                )
                x, mean, deviation = zip(*points, strict=True)
                colour, marker = STYLES[delays]
                static = {"markerfacecolor": "white", "linestyle": ":"} if structure == "static" else {}
                label = f"{DELAYS[delays]} ({structure})"
                panel.errorbar(x, mean, deviation, color=colour, marker=marker, capsize=3, label=label, **static)
            panel.set(xscale="log", xlabel="active synapses (% of the possible)")
            panel.set_title(size_text(size), fontsize=10)
            panel.set_xticks([100 * level for level in levels])
            panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            panel.xaxis.set_minor_formatter(NullFormatter())
        for panel in axes[::ACROSS]:
            panel.set_ylabel("golden test accuracy (%)")
        _legend(figure, axes)
        return figure

    return _drawn(draw)


def _ticks(panel: Any, values: Sequence[int]) -> None:
    """Round numbers across a logarithmic axis: 1, 2, 5 times a power of ten."""
    least, most = min(values), max(values)
    numbers = [d * 10**n for n in range(8) for d in (1, 2, 5)]
    panel.set_xticks([n for n in numbers if least / 1.5 <= n <= most * 1.5])
    panel.set_xlim(least / 1.4, most * 1.4)


def curve_plot(finished: Sequence[tuple[Run, Values]]) -> str:
    """Test accuracy against epochs: one panel per learner, mean and deviation over the seeds."""

    def draw() -> Any:
        from matplotlib.ticker import MaxNLocator

        learners = list(dict.fromkeys(run.learner for run, _ in finished))
        figure, axes = _grid(len(learners), sharey=True)
        for panel, learner in zip(axes, learners, strict=True):
            mine = [(run, row) for run, row in finished if run.learner == learner]
            for delays in dict.fromkeys(run.delays for run, _ in mine):
                curves = 100 * np.array([row["curve"] for run, row in mine if run.delays == delays])
                epochs = np.arange(1, curves.shape[1] + 1)
                mean, deviation = curves.mean(axis=0), curves.std(axis=0, ddof=int(len(curves) > 1))
                colour, marker = STYLES[delays]
                panel.plot(
                    epochs, mean, color=colour, marker=marker, markevery=max(1, len(epochs) // 8), label=DELAYS[delays]
                )
                panel.fill_between(epochs, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
            arithmetic = mine[0][1]["curve_arithmetic"]
            panel.set(title=f"{LEARNERS[learner].label} ({arithmetic})", xlabel="epochs (count)")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        for panel in axes[::ACROSS]:
            panel.set_ylabel("test accuracy (%)")
        _legend(figure, axes)
        return figure

    return _drawn(draw)


def delay_plot(finished: Sequence[tuple[Run, Values]]) -> str:
    """Histograms of the delays before and after, all seeds together: learners across, kinds of delays down."""

    def draw() -> Any:
        learners = list(dict.fromkeys(run.learner for run, _ in finished))
        kinds = list(dict.fromkeys(run.delays for run, _ in finished))
        figure, axes = _panels(len(learners), len(kinds), height=2.6)
        for down, delays in enumerate(kinds):
            for across, learner in enumerate(learners):
                panel = axes[down, across]
                found = [row["histogram"] for run, row in finished if (run.learner, run.delays) == (learner, delays)]
                panel.set_title(f"{LEARNERS[learner].label}: {DELAYS[delays]}", fontsize=10)
                if not found:
                    panel.axis("off")
                    continue
                edges = np.array(found[0]["edges"])
                for name, options in (
                    ("before", {"color": BEFORE, "fill": True, "alpha": 0.5}),
                    ("after", {"color": AFTER}),
                ):
                    counts = np.sum([histogram[name] for histogram in found], axis=0)
                    panel.stairs(100 * counts / counts.sum(), edges, label=name, linewidth=2, **options)
                panel.set(xlabel="delay (steps)", ylabel="delays (%)")
        _legend(figure, [axes.flat[0]])
        return figure

    return _drawn(draw)


def raster_plot(rasters: Sequence[Raster]) -> str:
    """Spikes of the inputs above those of the hidden neurons, one column per network."""

    def draw() -> Any:
        from matplotlib.ticker import MaxNLocator

        figure, axes = _panels(len(rasters), 2, height=2.6, sharex=True)
        for column, raster in zip(axes.T, rasters, strict=True):
            inputs, hidden, steps = raster.sizes
            for panel, spikes, units, what in zip(
                column,
                (raster.inputs, raster.hidden),
                (inputs, hidden),
                ("input (unit)", "hidden (neuron)"),
                strict=True,
            ):
                panel.scatter(*spikes.T, marker="|", s=max(8, 900 / units), linewidths=1.2, color="#000000")
                panel.set(ylim=(-0.7, units - 0.3), xlim=(-1, steps), ylabel=what)
                panel.grid(False)
                panel.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            column[0].set_title(raster.title, fontsize=10)
            column[1].set_xlabel("time (steps)")
        return figure

    return _drawn(draw)

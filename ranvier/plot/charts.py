"""Charts, each as the text of an SVG image that is the same on every machine."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranvier.extras import extra

__all__ = ["SMALL", "Histogram", "Panel", "Raster", "Series", "curves", "error_bars", "histograms", "rasters"]

BEFORE, AFTER = "#999999", "#0072B2"

#: Points of the title of a panel, and of a long one.
LARGE, SMALL = 12, 10

SETTINGS: dict[str, Any] = {
    "font.size": 11,
    "axes.titlesize": LARGE,
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
class Series:
    """Points that a line connects.

    Parameters
    ----------
    label : str
        In the legend, where one entry stands for all series of that label.
    x, mean, deviation : float array [points]
        Positions, means and standard deviations.
    colour, marker : str
        As in Matplotlib.
    hollow : bool
        Dotted, with hollow markers.
    """

    label: str
    x: ArrayLike
    mean: ArrayLike
    deviation: ArrayLike
    colour: str
    marker: str
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """Series in one coordinate system.

    Parameters
    ----------
    title : str
        Above it.
    series : sequence of Series
        Its series.
    ticks : sequence of float
        Numbers on the x axis of `error_bars`.
    """

    title: str
    series: Sequence[Series]
    ticks: Sequence[float] = ()


@dataclass(frozen=True)
class Histogram:
    """A distribution before and after.

    Parameters
    ----------
    title : str
        Above it.
    edges : float array [bins + 1]
        Of the bins.
    before, after : float array [bins]
        Counts.
    """

    title: str
    edges: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


@dataclass(frozen=True)
class Raster:
    """Spikes of one sample.

    Parameters
    ----------
    title : str
        The network, and further information.
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
    """The SVG element of the figure that `draw` makes; `ExtraError` if Matplotlib is missing."""
    matplotlib = extra("matplotlib", "bench")
    with matplotlib.rc_context(SETTINGS):
        text = io.StringIO()
        draw().savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    """One legend under all panels."""
    found = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    columns = max(1, int(figure.get_figwidth() / ENTRY))
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns)


def error_bars(
    panels: Sequence[Panel],
    xlabel: str,
    ylabel: str,
    *,
    form: str,
    limits: tuple[float, float] | None = None,
    title_size: int = LARGE,
) -> str:
    """Means with their deviations over a logarithmic x axis.

    Parameters
    ----------
    panels : sequence of Panel
        Side by side, with one y axis.
    xlabel, ylabel : str
        Quantities and units.
    form : str
        Format of the numbers on the x axis.
    limits : (float, float), optional
        Of the x axis, which is then the same in all panels.
    title_size : int, optional
        Points of the titles.
    """

    def draw() -> Any:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        figure, axes = _grid(len(panels), sharex=limits is not None, sharey=True)
        for axis, panel in zip(axes, panels, strict=True):
            for line in panel.series:
                hollow = {"markerfacecolor": "white", "linestyle": ":"} if line.hollow else {}
                style = {"color": line.colour, "marker": line.marker, "label": line.label} | hollow
                axis.errorbar(line.x, line.mean, line.deviation, capsize=3, **style)
            axis.set(xscale="log", xlabel=xlabel)
            axis.set_title(panel.title, fontsize=title_size)
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format(value, form)))
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_xticks(panel.ticks)
            if limits:
                axis.set_xlim(*limits)
        for axis in axes[::ACROSS]:
            axis.set_ylabel(ylabel)
        _legend(figure, axes)
        return figure

    return _drawn(draw)


def curves(panels: Sequence[Panel], xlabel: str, ylabel: str) -> str:
    """Means over whole numbers, their deviations as bands; parameters are those of `error_bars`."""

    def draw() -> Any:
        from matplotlib.ticker import MaxNLocator

        figure, axes = _grid(len(panels), sharey=True)
        for axis, panel in zip(axes, panels, strict=True):
            for line in panel.series:
                x, mean, deviation = (np.asarray(values) for values in (line.x, line.mean, line.deviation))
                style = {"color": line.colour, "marker": line.marker, "label": line.label}
                axis.plot(x, mean, markevery=max(1, len(x) // 8), **style)
                axis.fill_between(x, mean - deviation, mean + deviation, color=line.colour, alpha=0.15, linewidth=0)
            axis.set(title=panel.title, xlabel=xlabel)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axis in axes[::ACROSS]:
            axis.set_ylabel(ylabel)
        _legend(figure, axes)
        return figure

    return _drawn(draw)


def histograms(rows: Sequence[Sequence[Histogram | str]], xlabel: str, ylabel: str) -> str:
    """Shares in percent before and after, rows of panels; a missing one is replaced by its title."""

    def draw() -> Any:
        figure, axes = _panels(len(rows[0]), len(rows), height=2.6)
        for axis, found in zip(axes.flat, (found for row in rows for found in row), strict=True):
            if isinstance(found, str):
                axis.set_title(found, fontsize=SMALL)
                axis.axis("off")
                continue
            axis.set_title(found.title, fontsize=SMALL)
            for name, counts, options in (
                ("before", found.before, {"color": BEFORE, "fill": True, "alpha": 0.5}),
                ("after", found.after, {"color": AFTER}),
            ):
                axis.stairs(100 * counts / counts.sum(), found.edges, label=name, linewidth=2, **options)
            axis.set(xlabel=xlabel, ylabel=ylabel)
        _legend(figure, [axes.flat[0]])
        return figure

    return _drawn(draw)


def rasters(found: Sequence[Raster]) -> str:
    """Spikes of the inputs above those of the hidden neurons, one column per network."""

    def draw() -> Any:
        from matplotlib.ticker import MaxNLocator

        figure, axes = _panels(len(found), 2, height=2.6, sharex=True)
        for column, raster in zip(axes.T, found, strict=True):
            inputs, hidden, steps = raster.sizes
            for axis, spikes, units, what in zip(
                column,
                (raster.inputs, raster.hidden),
                (inputs, hidden),
                ("input (unit)", "hidden (neuron)"),
                strict=True,
            ):
                axis.scatter(*spikes.T, marker="|", s=max(8, 900 / units), linewidths=1.2, color="#000000")
                axis.set(ylim=(-0.7, units - 0.3), xlim=(-1, steps), ylabel=what)
                axis.grid(False)
                axis.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            column[0].set_title(raster.title, fontsize=SMALL)
            column[1].set_xlabel("time (steps)")
        return figure

    return _drawn(draw)

"""Charts of plain arrays: they show what they are given, in the units they are given, and always the same."""

import re
import sys

import numpy as np
import pytest

from ranvier.extras import ExtraError
from ranvier.plot import charts
from ranvier.plot.charts import Histogram, Panel, Raster, Series, curves, error_bars, histograms, rasters

LINE = Series("voltage", [1, 10, 100], [2.0, 3.0, 5.0], [0.5, 0.0, 1.0], "#123456", "o")
HOLLOW = Series("current", [1, 10], [4.0, 4.5], [0.0, 0.0], "#654321", "s", hollow=True)
COUNTS = Histogram("left", np.array([0, 1, 2]), np.array([3, 1]), np.array([1, 3]))
SPIKES = np.array([[0, 0], [2, 1], [2, 0]])
PANELS = [Panel("first", [LINE, HOLLOW], [1, 10, 100]), Panel("second", [LINE], [1, 100])]

CHARTS = {
    "error bars": lambda: error_bars(PANELS, "load (kg)", "speed (m/s)", form=",.0f"),
    "curves": lambda: curves(PANELS, "load (kg)", "speed (m/s)"),
    "histograms": lambda: histograms([[COUNTS, "nothing here"]], "load (kg)", "speed (m/s)"),
    "rasters": lambda: rasters([Raster("one", SPIKES, SPIKES, (2, 2, 3))] * 2),
}
#: Chart -> what can be read in it, and how often.
WORDS = {
    "error bars": {"first": 1, "second": 1, "voltage": 1, "current": 1, "load (kg)": 2, "speed (m/s)": 1},
    "curves": {"first": 1, "second": 1, "voltage": 1, "current": 1, "load (kg)": 2, "speed (m/s)": 1},
    "histograms": {"left": 1, "nothing here": 1, "before": 1, "after": 1, "load (kg)": 1, "speed (m/s)": 1},
    "rasters": {"one": 2, "input (unit)": 2, "hidden (neuron)": 2, "time (steps)": 2},
}


@pytest.fixture
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are words and not outlines."""
    monkeypatch.setitem(charts.SETTINGS, "svg.fonttype", "none")


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize("name", CHARTS)
def test_words(name, readable):
    shown = words(CHARTS[name]())
    assert {word: shown.count(word) for word in WORDS[name]} == WORDS[name]


@pytest.mark.parametrize("name", CHARTS)
def test_same_picture_every_time(name):
    first = CHARTS[name]()
    assert first == CHARTS[name]()
    assert first.startswith("<svg")
    assert "<text" not in first, "a font of the machine"


def test_numbers_of_the_x_axis(readable):
    shown = words(error_bars(PANELS[:1], "load (kg)", "speed (m/s)", form=".1f"))
    assert [word for word in shown if word in ("1.0", "10.0", "100.0")] == ["1.0", "10.0", "100.0"]


def marks(svg: str, colour: str) -> int:
    """Markers that are drawn with a line of a colour."""
    return len(re.findall(rf"<use [^>]*style=\"[^\"]*stroke: {colour}", svg))


def test_every_point_is_drawn():
    """A marker and two caps for each, and once more in the legend."""
    svg = error_bars(PANELS[:1], "load (kg)", "speed (m/s)", form="g")
    assert (marks(svg, "#123456"), marks(svg, "#654321")) == (3 * (3 + 1), 3 * (2 + 1))
    assert marks(rasters([Raster("one", SPIKES, SPIKES[:1], (2, 2, 3))]), "#000000") >= 4


def test_without_matplotlib_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExtraError, match=r"install ranvier\[bench\]"):
        CHARTS["curves"]()

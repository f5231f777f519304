"""A page holds its parts in order, and what is text stays text."""

from ranvier.plot.page import page
from ranvier.plot.table import markdown

TABLE = ("Rates <1>", ["name", "rate"], [["a & b", "1.5"], ["c", "–"]])


def test_page():
    html = page("A <title>", [("data", "x < y")], ["a note"], [("Chart", "about", "<svg id='c'/>")], [TABLE], "legend")
    parts = [
        "<title>A &lt;title&gt;</title>", "<dt>data</dt><dd>x &lt; y</dd>", '<p class="note">a note</p>',
        "<h2>Rates &lt;1&gt;</h2>", '<td class="text">a &amp; b</td><td class="number">1.5</td>', "<p>legend</p>",
        "<h2>Chart</h2>", 'aria-label="Chart"',
    ]  # fmt: skip
    places = [html.index(part) for part in parts]
    assert places == sorted(places)


def test_markdown():
    assert markdown(TABLE) == "## Rates <1>\n\n| name | rate |\n| --- | --- |\n| a & b | 1.5 |\n| c | – |"

"""A report as one self-contained HTML page: no script, no font, no external image."""

from collections.abc import Sequence
from html import escape
from string import Template

from ranvier.plot.table import Table

__all__ = ["page"]

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { margin: 2rem auto; max-width: 82rem; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
p { max-width: 60rem; }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1.2rem; }
dt { color: #555; }
dd { margin: 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th { text-align: left; vertical-align: bottom; border-bottom: 2px solid #555; max-width: 9rem; }
th.number { text-align: right; }
th, td { padding: .25rem .8rem .25rem 0; }
td { border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
td.number { text-align: right; }
td.long { white-space: normal; min-width: 16rem; }
figure { margin: .5rem 0 0; }
figure svg { max-width: 100%; height: auto; }
figcaption { color: #444; max-width: 60rem; }
.note { background: #fff4dc; border-left: 4px solid #E69F00; padding: .3rem .8rem; margin: .4rem 0; max-width: 60rem; }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")

#: A column with a cell longer than this is wrapped.
LONG = 36


def page(
    title: str,
    summary: Sequence[tuple[str, str]],
    notes: Sequence[str],
    figures: Sequence[tuple[str, str, str]],
    tables: Sequence[Table],
    legend: str,
) -> str:
    """The page.

    Parameters
    ----------
    title : str
        Of the page.
    summary : sequence of (str, str)
        Settings and environment.
    notes : sequence of str
        Remarks on the results.
    figures : sequence of (str, str, str)
        Title, caption, SVG.
    tables : sequence of Table
        Title, columns, cells.
    legend : str
        Meaning of the numbers.
    """
    parts = ["<dl>", *(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in summary), "</dl>"]
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes]
    made = [_table(table) for table in tables]
    parts += [*made[:1], f"<p>{escape(legend)}</p>"]
    parts += [_figure(*figure) for figure in figures]
    parts += made[1:]
    return PAGE.substitute(title=escape(title), body="\n".join(parts))


def _figure(title: str, caption: str, svg: str) -> str:
    described = svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    return f"<h2>{escape(title)}</h2>\n<figure><figcaption>{escape(caption)}</figcaption>{described}</figure>"


def _table(table: Table) -> str:
    title, columns, cells = table
    kinds = [_kind([row[n] for row in cells]) for n in range(len(columns))]
    head, *rows = (
        "".join(f'<{tag} class="{kind}">{escape(text)}</{tag}>' for kind, text in zip(kinds, row, strict=True))
        for tag, row in (("th", columns), *(("td", row) for row in cells))
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    text = f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    return f'<h2>{escape(title)}</h2>\n<div class="table">{text}</div>'


def _kind(cells: Sequence[str]) -> str:
    """Alignment of a column: numbers to the right, long texts in several lines."""
    if max(map(len, cells)) > LONG:
        return "long"
    return "number" if all(text[:1] in "0123456789+-–" for text in cells) else "text"

"""Tables of text."""

from collections.abc import Iterable

__all__ = ["Table", "markdown"]

#: Title, names of the columns, cells of every row.
Table = tuple[str, list[str], list[list[str]]]


def markdown(table: Table) -> str:
    """A table with its title."""
    title, columns, cells = table

    def line(parts: Iterable[str]) -> str:
        return f"| {' | '.join(parts)} |"

    return "\n".join([f"## {title}", "", line(columns), line("---" for _ in columns), *(line(row) for row in cells)])

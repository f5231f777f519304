"""Commands and code that the documents show with what they print, done again.

In a page, a block ``console`` holds commands, each after ``$ ``, and what they print; a block ``python`` with a
block ``text`` after it holds code and what it prints. The comment before a block says what it costs: ``<!-- slow
-->`` up to minutes, done by ``make prove``; ``<!-- measured -->`` more, done by ``make measure`` only; without
one, seconds, done by ``make test``. The blocks of a page run one after the other in one empty folder.

    python tests/tools/transcripts.py [--slow] [--measured] PAGE...      # write into the pages what comes out today
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["CLASSES", "Broken", "count", "renewed"]

#: What a block costs, by the comment before it.
CLASSES = ("quick", "slow", "measured")

BLOCK = re.compile(
    r"^(?:<!-- (?P<kind>\w+) -->\n)?"
    r"(?:```console\n(?P<console>.*?)^```$|```python\n(?P<python>[^`]*?)^```\n+```text\n(?P<text>.*?)^```$)",
    re.M | re.S,
)


class Broken(Exception):
    """A command or code of a page that fails; the message holds what it said."""


def count(page: str) -> dict[str, int]:
    """How many blocks of each class a page has."""
    kinds = [match["kind"] or "quick" for match in BLOCK.finditer(page)]
    return {kind: kinds.count(kind) for kind in CLASSES}


def renewed(page: str, folder: Path, classes: Collection[str]) -> str:
    """A page with what its blocks of some classes print when they are run in `folder`; `Broken` if one fails."""
    *_, page = page, *renewals(page, folder, classes)
    return page


def renewals(page: str, folder: Path, classes: Collection[str]) -> Iterator[str]:
    """`renewed` page as it is after each block."""
    at = 0
    while match := BLOCK.search(page, at):
        block = _renewed(match, folder) if (match["kind"] or "quick") in classes else match[0]
        page = page[: match.start()] + block + page[match.end() :]
        at = match.start() + len(block)
        yield page


def _renewed(match: re.Match[str], folder: Path) -> str:
    if match["console"] is not None:
        commands = re.findall(r"^\$ (.*)\n", match["console"], re.M)
        part, printed = "console", "".join(f"$ {command}\n{_run(command, folder)}" for command in commands)
    else:
        part, printed = "text", _run([sys.executable, "-c", match["python"]], folder)
    start, end = (at - match.start() for at in match.span(part))
    return match[0][:start] + printed + match[0][end:]


def _run(command: str | list[str], folder: Path) -> str:
    """What a shell command or program prints, errors included."""
    arguments = ["bash", "-o", "pipefail", "-c", command] if isinstance(command, str) else command
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        arguments,
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Broken(f"{command}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description="Write into pages what their commands and code print today.")
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--slow", action="store_true", help="blocks that take minutes too")
    parser.add_argument("--measured", action="store_true", help="blocks that take longer too")
    options = parser.parse_args()
    classes = {"quick"} | {name for name in CLASSES[1:] if getattr(options, name)}
    for page in options.pages:
        with TemporaryDirectory() as folder:
            try:
                for text in renewals(page.read_text(), Path(folder), classes):
                    page.write_text(text)
            except Broken as failure:
                sys.exit(f"{page}: {failure}")


if __name__ == "__main__":
    main()

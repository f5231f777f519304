"""The documents tell what is so: links lead somewhere, commands parse, and what they are shown to print they print today."""

import pkgutil
import re
import shlex
import tokenize
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
import transcripts

from ranvier.cli import parser
from ranvier.hw import registers
from ranvier.hw.flow.board import BOARDS, OpenBoard
from ranvier.hw.flow.fpga import FPGAS
from ranvier.parameters.presets import preset
from ranvier.recipes import RECIPES, initial_network

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "firmware/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
#: Pages with transcripts, and how many of each class they have.
SHOWN = {page: counts for page in PAGES if any((counts := transcripts.count(page.read_text())).values())}
#: What stands for a choice in a command.
EXAMPLES = {"PATH": "file", "NAME": "test", "FILE": "file"}


def commands(page: Path) -> list[str]:
    """Every `ranvier` command in the code blocks of a page, without its comment."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("ranvier ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        target, _, _ = link.partition("#")
        assert target.startswith("https://") or not target or (page.parent / target).exists(), link


# -------------------------------------------------------------------- names of files, modules and what is in them


def prose(path: Path) -> str:
    """A page without its code blocks, which may name what is yet to be written; docstrings and comments of Python; the whole
    text of anything else."""
    text = path.read_text()
    if path.suffix == ".md":
        return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    if path.suffix != ".py":
        return text
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    return "\n".join(t.string for t in tokens if t.type == tokenize.COMMENT or t.string.startswith(('"""', 'r"""')))


def exists(name: str) -> bool:
    """Whether a dotted name of the package is a module, or something in one, or a file is called so."""
    if name in FILES:
        return True
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


#: Sources, and the pages; the changelog tells of what is gone.
SOURCES = [
    *(ROOT / name for name in ("Makefile", "pyproject.toml", ".ci/run")),
    *(
        path
        for folder in ("ranvier", "golden", "hw", "sim", "firmware", "tests", "examples", "fusesoc")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".c", ".h", ".cpp", ".core"}
    ),
]
READ = [*PAGES, *SOURCES]
#: Names of all files.
FILES = {path.name for path in READ}
FOLDERS = "ranvier|golden|hw|sim|firmware|tests|docs|examples|fusesoc|results"


def words(path: Path) -> set[str]:
    """Names in the code of a file, and words in its strings that are no docstrings."""
    if path.suffix != ".py":
        return set(re.findall(r"\w+", path.read_text()))
    found = {path.stem}
    for token in tokenize.generate_tokens(StringIO(path.read_text()).readline):
        if token.type != tokenize.COMMENT and not token.string.startswith(('"""', 'r"""')):
            found.update(re.findall(r"\w+", token.string))
    return found


def missing(text: str, folder: Path = ROOT) -> list[str]:
    """Paths and dotted names in a text that lead nowhere; ``NAME``, and ``toy``, stand for what is yet to be written."""
    paths = re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w/.*-]*[\w/*]", text)
    names = re.findall(r"(?<![\w/.@-])ranvier(?:\.\w+)+", text)
    lost = [
        path
        for path in paths
        if not re.search(r"NAME|\btoy\b", path) and not any([*ROOT.glob(path), *folder.glob(path)])
    ]
    return lost + [name for name in names if not exists(name)]


def test_what_is_named_exists():
    named = {path.relative_to(ROOT).as_posix(): missing(prose(path), path.parent) for path in READ}
    assert len(named) > 400
    assert {path: lost for path, lost in named.items() if lost} == {}


def test_names_in_backquotes_are_in_the_code():
    """In docstrings and comments, and classes and their members where contributors are told what to edit."""
    code = set().union(*(words(path) for path in SOURCES))
    named = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in READ
        for name in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", prose(path))
        if path.suffix == ".py" or (path.name == "CONTRIBUTING.md" and name[0].isupper())
    ]
    assert len(named) > 1000
    assert [place for place in named if not set(place[1].split(".")) <= code] == []


def test_what_is_named_and_gone_is_seen():
    there = "`hw/core.py`, `ranvier.hw.core.Core`, hw/bus/, `tests/hw/test_*.py`, `golden/NAME.py`, `ranvier_mmio.h`"
    assert missing(there) == []
    assert missing(f"{there} `hw/gone.py` and ranvier.hw.core.Gone, `ranvier.gone`") == [
        "hw/gone.py",
        "ranvier.hw.core.Gone",
        "ranvier.gone",
    ]


def test_commands_parse():
    found = [line for page in PAGES for line in commands(page)]
    assert len(found) > 12
    for line in found:
        given = [EXAMPLES.get(part, part) for part in shlex.split(line)[1:]]
        parser().parse_args(given)


# -------------------------------------------------------------------- transcripts


def shown_and_printed(page: Path, folder: Path, classes: set[str]) -> tuple[list[str], list[str]]:
    """Lines of a page, and the same with what its transcripts of some classes print today."""
    text = page.read_text()
    return text.splitlines(), transcripts.renewed(text, folder, classes).splitlines()


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_what_is_shown_is_what_is_printed(page, tmp_path):
    """`make docs` writes what comes out today."""
    shown, printed = shown_and_printed(page, tmp_path, {"quick"})
    assert shown == printed


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in SHOWN if SHOWN[page]["slow"]], ids=lambda page: page.name)
def test_what_takes_minutes_is_what_is_printed(page, tmp_path):
    """`make docs` writes what comes out today."""
    shown, printed = shown_and_printed(page, tmp_path, {"quick", "slow"})
    assert shown == printed


def test_there_are_transcripts_of_each_class():
    counts = {name: sum(count[name] for count in SHOWN.values()) for name in transcripts.CLASSES}
    assert counts["quick"] >= 3
    assert counts["slow"] >= 3
    assert counts["measured"] >= 5


PAGE = """
```console
$ echo one; echo two >&2
one
2
$ cat made
```

```python
print(1 + 1)
open("made", "w").write("here\\n")
```

```text
3
```

<!-- slow -->
```console
$ cat made
there
```
"""


def test_a_transcript_that_is_not_so_is_seen(tmp_path):
    (tmp_path / "made").write_text("first\n")
    quick = transcripts.renewed(PAGE, tmp_path, {"quick"})
    assert quick == PAGE.replace("one\n2\n$ cat made\n", "one\ntwo\n$ cat made\nfirst\n").replace("3", "2")
    assert transcripts.renewed(quick, tmp_path, {"slow"}) == quick.replace("there", "here")
    with pytest.raises(transcripts.Broken, match="No such file"):
        transcripts.renewed(PAGE.replace("cat made", "cat nothing"), tmp_path, {"quick"})


# -------------------------------------------------------------------- figures that cost minutes or days


MEASURED = ROOT / "docs" / "measured.md"
RESULTS = sorted((ROOT / "results").glob("*.md"))
#: Nothing that was measured: clocks of boards in MHz, oscillators included, and what FPGAs have.
CLOCKS = {f"{board.clock / 1e6:g}" for board in BOARDS.values() if isinstance(board, OpenBoard)} | {"12", "25"}
SIZES = {f"{count:,}" for fpga in FPGAS.values() for count in asdict(fpga.available).values() if count}


def quoted(text: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, text))


def test_speeds_and_sizes_are_quoted_from_what_was_measured():
    """Where the command and the versions of its tools are; `make measure` writes that page anew."""
    measured, seen = MEASURED.read_text(), 0
    numbers = quoted(measured, r"\d[\d,.]*\d|\d")
    for page in PAGES:
        text = page.read_text()
        speeds = quoted(text, r"(\d[\d.]*) MHz") - CLOCKS
        sizes = quoted(text, r"(\d[\d,]*) (?:LUT|logic cell|cells|flip-flop|block RAM|multiplier)") - SIZES
        assert (speeds | sizes) <= numbers, f"{page.name} quotes {sorted((speeds | sizes) - numbers)}"
        seen += len(speeds | sizes) if page != MEASURED else 0
    assert seen >= 2
    blocks = re.findall(r"^```console\n(.*?)^```", measured, re.M | re.S)
    printed = [block for block in blocks if re.search(r"^[^$]", block, re.M)]
    assert printed
    assert all(re.search(r"by Yosys \d", block) for block in printed), "a block without its tools"


@pytest.mark.prove
def test_everything_is_measured():
    """`make measure` does it."""
    for run in re.findall(r"^(\$ ranvier .*\n.*)", MEASURED.read_text(), re.M):
        assert run.splitlines()[1][0] not in "$`", f"nothing below {run}"


def test_accuracies_are_quoted_from_reports():
    """`results/` are the reports as the bench wrote them, with data, seeds and versions."""
    reports = "".join(page.read_text() for page in RESULTS)
    there, seen = quoted(reports, r"\d+\.\d ± \d+\.\d"), 0
    for page in (
        ROOT / "README.md",
        *(ROOT / "docs" / f"{name}.md" for name in ("results", "connectivity", "learners")),
    ):
        here = quoted(page.read_text(), r"\d+\.\d ± \d+\.\d")
        assert here <= there, f"{page.name} quotes {sorted(here - there)}"
        seen += len(here)
    assert seen > 100


def test_every_component_has_the_files_that_the_table_names():
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = re.search(r"^\| component \|.*?\n\n", text, re.M | re.S)[0].splitlines()[2:]
    rows = [line[2:-2].split(" | ") for line in table if line]
    components = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    both = {path.stem for path in (ROOT / "golden").glob("[!_]*.py")} & {
        path.stem for path in (ROOT / "hw").glob("[!_]*.py")
    }
    assert both <= set(components), "units of one name in hw and golden belong in the table"
    assert len(components) >= 15
    for name in components:
        assert (ROOT / "hw" / f"{name}.py").exists(), name
        assert (ROOT / "tests" / "hw" / f"test_{name}.py").exists(), name
    for row in rows:
        files = re.findall(r"`(\w+)`", row[-1])
        assert files, row
        assert all((ROOT / "golden" / f"{name}.py").exists() for name in files), row
        shared = [name for name in re.findall(r"`(\w+)`", row[0]) if (ROOT / "golden" / f"{name}.py").exists()]
        assert set(shared) <= set(files), f"{row}: golden has files of the same name"


def test_raster_of_the_guide(tmp_path, monkeypatch, capsys):
    """On the golden model and an untrained network, for speed."""
    config = preset("yinyang")
    (tmp_path / "out").mkdir()
    initial_network(config, RECIPES["yinyang"], 0).save(tmp_path / "out" / "yinyang.npz")
    code = re.search(r"^## 2\..*?^```python\n(.*?)^```", (ROOT / "docs" / "guide.md").read_text(), re.M | re.S)[1]
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace('"sim"', '"golden"'), "guide.md", "exec"), {})
    *raster, last = capsys.readouterr().out.splitlines()
    assert len(raster) == 6
    assert {len(line) for line in raster} == {33}
    assert any("|" in line for line in raster)
    assert re.fullmatch(r"class \d is \d after \d+ spikes and None clock cycles", last)


def test_the_register_of_the_recipe_can_be_written() -> None:
    """The example of "Add a register", with the names of the file that it is for."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    example = next(line for line in text.splitlines() if line.strip().startswith("REFUSALS = "))
    owner, access, *others = eval(example.partition(" = ")[2], vars(registers))
    assert (owner, access) == (registers.Owner.PERIPHERAL, registers.AccessRight.RO)
    assert others == ["Accesses refused since reset; wraps.", registers.Field("value", 0, 32, "count")]

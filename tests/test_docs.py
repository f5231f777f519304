"""What the documents say can be done can be done: links lead somewhere, commands parse, the raster of the guide is drawn."""

import re
import shlex
from pathlib import Path

import pytest

from ranvier.cli import _parser
from ranvier.golden.presets import preset
from ranvier.recipes import RECIPES, initial_network

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
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


def test_commands_parse():
    found = [line for page in PAGES for line in commands(page)]
    assert len(found) > 12
    for line in found:
        given = [EXAMPLES.get(part, part) for part in shlex.split(line)[1:]]
        _parser().parse_args(given)


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
    assert re.fullmatch(r"class \d is \d after \d+ spikes and None clocks", last)

"""FuseSoC makes the core's Verilog and has Verilator lint it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ranvier.hw.flow.verilog import NAME, write_verilog
from ranvier.parameters.presets import preset
from ranvier.sim import verilator

ROOT = Path(__file__).parents[2]
CORE = "ranvier-snn:ranvier:core"


@pytest.fixture
def fusesoc(tmp_path):
    """Runs FuseSoC on a copy of the core files; all it says, and its exit code."""
    cores = tmp_path / "cores"
    shutil.copytree(ROOT / "fusesoc", cores)

    def run(*arguments):
        tool = Path(sys.executable).with_name("fusesoc")
        command = [str(tool), "--cores-root", str(cores), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=verilator.environment(), capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    run.cores, run.folder = cores, tmp_path
    return run


def linted(folder):
    """The Verilog files that Verilator was given."""
    (script,) = folder.rglob("*.vc")
    return [script.parent / line for line in script.read_text().splitlines() if line.endswith(".v")]


@pytest.mark.parametrize(("target", "face"), [("lint", "core"), ("lint_axi", "axi"), ("lint_wishbone", "wishbone")])
def test_lint(fusesoc, target, face):
    code, said = fusesoc("run", "--target", target, CORE)
    assert code == 0, said
    (verilog,) = linted(fusesoc.folder)
    assert verilog.read_text() == write_verilog(preset("braille"), face)
    modules = re.search(r"Verilator: Built from .* in (\d+) modules", said)
    assert int(modules[1]) > 20


def test_lint_is_able_to_fail(fusesoc):
    file = fusesoc.cores / "ranvier.core"
    file.write_text(file.read_text().replace("preset: braille", "preset: test"))
    (fusesoc.cores / "lint.vlt").write_text("`verilator_config\n")
    code, said = fusesoc("run", "--target", "lint", CORE)
    assert code != 0
    assert "%Warning-PROCASSINIT" in said
    assert f"{NAME}.v" in said


def test_a_core_of_ones_own(fusesoc):
    """Another core file asks the generator for a core from a TOML file beside it."""
    config = preset("test").replace(neurons=11)
    (fusesoc.cores / "mine.toml").write_text(config.to_toml())
    (fusesoc.cores / "mine.core").write_text(
        "CAPI=2:\nname: ::mine:1\nfilesets: {generator: {depend: ['ranvier-snn:ranvier:generator']}}\n"
        "generate: {core: {generator: ranvier, parameters: {config: mine.toml}}}\n"
        f"targets: {{lint: {{filesets: [generator], generate: [core], toplevel: {NAME}, flow: lint, "
        "flow_options: {tool: verilator, verilator_options: [-Wno-lint]}}}\n"
    )
    code, said = fusesoc("run", "--target", "lint", "mine")
    assert code == 0, said
    (verilog,) = linted(fusesoc.folder)
    assert verilog.read_text() == write_verilog(config)


def test_generator_passes_on_what_is_wrong(fusesoc):
    file = fusesoc.cores / "ranvier.core"
    file.write_text(file.read_text().replace("preset: braille", "preset: nope"))
    code, said = fusesoc("run", "--target", "lint", CORE)
    assert code != 0
    assert "unknown preset 'nope'" in said


def test_versions_are_those_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cores = list((ROOT / "fusesoc").glob("*.core"))
    assert len(cores) == 2
    assert all(f":{version}\n" in core.read_text() for core in cores)

"""The generated Verilog in other people's tools: Verilator's lint, and Yosys for ECP5, whose block RAMs are counted."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ranvier.golden.config import CoreConfig
from ranvier.golden.presets import preset
from ranvier.hw.verilog import FACES, NAME, module_name, write_verilog
from ranvier.sim import verilator

#: Waives style that Amaranth's Verilog back end has and that is not an error.
WAIVERS = Path(__file__).parents[1] / "fusesoc" / "lint.vlt"

#: Maps memories as the synthesis of a family of Yosys does, and prints which kind each became.
MAP = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in (
    f"read_verilog {sys.argv[1]}", f"hierarchy -check -top {sys.argv[2]}", "proc", "flatten", "check -assert",
    "opt -full", "wreduce", "memory -nomap", "opt_clean",
    "memory_libmap " + " ".join(f"-lib +/{library}.txt" for library in sys.argv[4:]),
    f"tee -o {sys.argv[3]} stat",
):
    ys.run_pass(command, design)
"""


#: Synthesises for an iCE40UP5K, to the end or as far as memories, and counts cells.
SYNTHESISE_ICE40 = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
until = "-run begin:map_ffram" if sys.argv[4] else ""
for command in (
    f"read_verilog {sys.argv[1]}", f"synth_ice40 -device u -dsp -spram -top {sys.argv[2]} {until}",
    f"tee -o {sys.argv[3]} stat",
):
    ys.run_pass(command, design)
"""


@pytest.fixture(scope="module")
def verilog(tmp_path_factory) -> Path:
    """The Verilog of the `braille` preset."""
    path = tmp_path_factory.mktemp("verilog") / f"{NAME}.v"
    path.write_text(write_verilog(preset("braille")))
    return path


def test_verilator_lints_it(verilog):
    verilator.run([str(verilator.root() / "bin" / "verilator_bin"), "--lint-only", "-Wall", str(WAIVERS), str(verilog)])


@pytest.mark.parametrize("face", [face for face in FACES if face != "core"])
def test_faces_pass_lint_and_elaborate(face, tmp_path):
    source = tmp_path / f"{module_name(face)}.v"
    source.write_text(write_verilog(preset("test"), face))
    verilator.run([str(verilator.root() / "bin" / "verilator_bin"), "--lint-only", "-Wall", str(WAIVERS), str(source)])
    _, kind, _ = mapped(source, tmp_path, "lattice/lutrams_trellis", "lattice/brams_16kd")
    queues = [name for name in kind if name.endswith(("queue.fifo.storage", "results.queue.storage"))]
    assert len(queues) == 2, kind


def test_it_is_self_contained_and_documents_its_ports(verilog):
    text = verilog.read_text()
    modules = set(re.findall(r"^module (\S+?) ?\(", text, re.M))
    instances = set(re.findall(r"^  (\S+)  ?\S+ +\($", text, re.M))
    header = text[: text.index("/* Generated")]
    assert len(instances) > 15
    assert instances <= modules, instances - modules
    assert all(f"{stream}_*" in header for stream in ("events", "outputs", "request", "response"))


def mapped(source: Path, folder: Path, *libraries: str) -> tuple[str, dict[str, str], dict[str, int]]:
    """What Yosys says when it maps memories, memory -> kind of cell, and cell -> how many."""
    script, stat = folder / "map.py", folder / "stat.txt"
    script.write_text(MAP)
    command = [sys.executable, str(script), str(source), source.stem, str(stat), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    kind = dict(re.findall(r"mapping memory \w+\.(\S+) via \$__(\w+)_", done.stdout))
    plain = {re.sub(r"\$\d+", "", name).removesuffix(".memory"): cell for name, cell in kind.items()}
    counts = {cell: int(n) for n, cell in re.findall(r"^\s+(\d+)\s+\$__(\w+)_$", stat.read_text(), re.M)}
    return done.stdout, plain, counts


def test_memories_infer_block_ram_on_ecp5(verilog, tmp_path):
    said, kind, counts = mapped(verilog, tmp_path, "lattice/lutrams_trellis", "lattice/brams_16kd")
    blocks = {name for name, cell in kind.items() if "16KD" in cell}
    expected = {"core.synapses.weights", "core.synapses.delays", "core.readout_weights", "core.scoring.softmax.table"}
    expected |= {f"core.ring.bank_{lane}" for lane in range(4)} | {f"core.trace_line.copy_{lane}" for lane in range(4)}
    assert expected <= blocks, expected - blocks

    used = sum(n for cell, n in counts.items() if "16KD" in cell)
    print(f"\n{used} block RAMs, {counts}")
    # 64-bit weights 384 deep: 2 wide blocks; 48-bit delays: 2; Wout 64 bits x 448: 2; 4 ring banks of 1024 x 18; 4 trace
    # copies of 1536 x 25: 3 wide blocks each; the table: 1. Nothing may take more than twice that.
    assert 20 <= used <= 46
    flip_flop_memories = [line for line in said.splitlines() if "using FF mapping" in line and "proc_rom" not in line]
    assert not flip_flop_memories, flip_flop_memories


@pytest.fixture(scope="module")
def ice40(tmp_path_factory):
    """What Yosys makes of a core for an iCE40UP5K: cell -> how many. Either all, or with `only` memories just those."""

    def synthesised(config: CoreConfig, only: str = "") -> dict[str, int]:
        folder = tmp_path_factory.mktemp("ice40")
        source, script, stat = folder / f"{NAME}.v", folder / "synthesise.py", folder / "stat.txt"
        source.write_text(write_verilog(config))
        script.write_text(SYNTHESISE_ICE40)
        done = subprocess.run(
            [sys.executable, str(script), str(source), NAME, str(stat), only],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return Counter({cell: int(n) for n, cell in re.findall(r"^\s+(\d+)\s+(SB_\w+)$", stat.read_text(), re.M)})

    return synthesised


@pytest.mark.parametrize("delays", ["axonal", "synaptic"])
def test_single_ported_memories_infer_spram_on_ice40(delays, ice40):
    config = preset("test").replace(memory="single", lanes=1, feedback="random", delays=delays)
    assert ice40(config, only="memories")["SB_SPRAM256KA"] == (4 if delays == "synaptic" else 3)


def test_the_ice40_preset_leaves_room_on_an_up5k(ice40):
    cells = ice40(preset("ice40"))
    flip_flops = sum(n for cell, n in cells.items() if cell.startswith("SB_DFF"))
    print(f"\n{cells['SB_LUT4']} LUT4, {flip_flops} flip-flops, {cells}")
    assert cells["SB_SPRAM256KA"] == 3
    assert 15 < cells["SB_RAM40_4K"] <= 30 - 4  # queues and a UART take some
    assert 0 < cells["SB_MAC16"] <= 8
    assert 1000 < cells["SB_LUT4"] < flip_flops + cells["SB_LUT4"] < 5280 - 600  # even if none share a cell

